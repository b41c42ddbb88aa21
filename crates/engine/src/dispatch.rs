//! Which job may go on now: slots, order keys, exclusive keys and timers. All in memory, rebuilt at every start.
//!
//! A job is in exactly one [`Place`]. Whoever changes something asks [`Dispatch::take_ready`] which jobs may be driven.

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;

use crate::journal::JobId;

/// Where an unfinished job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It may go on once its recipe is on and has a slot and the job is the first of its order key.
    Ready,
    /// It is being driven.
    Driven,
    /// It waits for a moment.
    Until(Timestamp),
    /// It waits until another job is over.
    Behind(JobId),
    /// It waits for a person.
    Attention,
}

/// Why a drive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parked {
    /// The job is over.
    Over,
    /// It goes on at that moment.
    Until(Timestamp),
    /// It goes on when that job is over.
    Behind(JobId),
    /// It waits for a person.
    Attention,
    /// Only its `finally` waits for a person: its steps are over, so it holds nothing any more.
    BodyOver,
    /// Its recipe is off, or the service stops: it goes on when that changes.
    Paused,
}

#[derive(Debug)]
struct Job {
    recipe: String,
    order: Option<String>,
    place: Place,
    begun: bool,
}

#[derive(Debug)]
struct Lane {
    on: bool,
    slots: u32,
    driven: u32,
    /// Jobs that may go on: those that had begun before new ones, the oldest first.
    ready: BTreeSet<(bool, JobId)>,
}

/// The unfinished jobs.
#[derive(Debug, Default)]
pub(crate) struct Dispatch {
    jobs: HashMap<JobId, Job>,
    lanes: HashMap<String, Lane>,
    /// Jobs by order key, in order of acceptance; the first holds the key.
    orders: HashMap<String, VecDeque<JobId>>,
    /// Exclusive keys and who holds them.
    holds: HashMap<String, JobId>,
    timers: BTreeSet<(Timestamp, JobId)>,
    /// Who waits for whom.
    behind: HashMap<JobId, BTreeSet<JobId>>,
}

impl Dispatch {
    /// Says whether a recipe is on and how many of its jobs may be driven at the same time.
    pub(crate) fn set_lane(&mut self, recipe: &str, on: bool, slots: u32) {
        let lane = self.lane(recipe);
        lane.on = on;
        lane.slots = slots;
    }

    /// Adds a job. Jobs must be added in order of acceptance.
    pub(crate) fn add(
        &mut self,
        id: JobId,
        recipe: &str,
        order: Option<String>,
        begun: bool,
        place: Place,
    ) {
        if self.jobs.contains_key(&id) {
            return;
        }
        if let Some(order) = &order {
            let queue = self.orders.entry(order.clone()).or_default();
            // A reopened job comes back to its place.
            let at = queue.iter().position(|other| *other > id).unwrap_or(queue.len());
            queue.insert(at, id);
        }
        self.jobs.insert(id, Job { recipe: recipe.into(), order, place: Place::Ready, begun });
        self.put(id, place);
    }

    /// Takes the jobs that may be driven now; each gets a slot until [`park`](Self::park).
    pub(crate) fn take_ready(&mut self) -> Vec<JobId> {
        let mut taken = Vec::new();
        for lane in self.lanes.values_mut().filter(|lane| lane.on) {
            while lane.driven < lane.slots
                && let Some((_, id)) = lane.ready.pop_first()
            {
                lane.driven += 1;
                taken.push(id);
            }
        }
        for id in &taken {
            self.set_place(*id, Place::Driven);
        }
        taken
    }

    /// Takes one job for a person's command, whether its recipe is on or not; `false` when it is being driven.
    pub(crate) fn take(&mut self, id: JobId) -> bool {
        let Some(job) = self.jobs.get(&id) else { return false };
        if job.place == Place::Driven {
            return false;
        }
        self.unput(id);
        let recipe = self.jobs[&id].recipe.clone();
        self.lane(&recipe).driven += 1;
        self.set_place(id, Place::Driven);
        true
    }

    /// Puts a driven job where its drive ended.
    pub(crate) fn park(&mut self, id: JobId, parked: Parked) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.begun = true;
        let (recipe, order) = (job.recipe.clone(), job.order.clone());
        let lane = self.lane(&recipe);
        lane.driven = lane.driven.saturating_sub(1);
        match parked {
            Parked::Over => {
                self.jobs.remove(&id);
                self.release(id, order);
            }
            Parked::Until(at) => self.put(id, Place::Until(at)),
            // The holder may have ended in the meantime.
            Parked::Behind(holder) if !self.jobs.contains_key(&holder) => {
                self.put(id, Place::Ready);
            }
            Parked::Behind(holder) => self.put(id, Place::Behind(holder)),
            Parked::Attention => self.put(id, Place::Attention),
            Parked::BodyOver => {
                self.put(id, Place::Attention);
                self.release(id, order);
            }
            Parked::Paused => self.put(id, Place::Ready),
        }
    }

    /// Makes the jobs ready whose moment has come; returns the next moment.
    pub(crate) fn wake(&mut self, now: Timestamp) -> Option<Timestamp> {
        while let Some((at, id)) = self.timers.first().copied() {
            if at > now {
                return Some(at);
            }
            self.timers.remove(&(at, id));
            self.put(id, Place::Ready);
        }
        None
    }

    /// Claims an exclusive key for a job until it is over; otherwise says who holds it.
    pub(crate) fn hold(&mut self, key: String, id: JobId) -> Result<(), JobId> {
        match self.holds.entry(key) {
            std::collections::hash_map::Entry::Occupied(held) if *held.get() != id => {
                Err(*held.get())
            }
            entry => {
                entry.or_insert(id);
                Ok(())
            }
        }
    }

    /// Returns the job that this one waits for, if it waits for one.
    pub(crate) fn blocked_by(&self, id: JobId) -> Option<JobId> {
        match self.jobs.get(&id)?.place {
            Place::Behind(holder) => Some(holder),
            _ => None,
        }
    }

    /// Frees what a job holds whose steps are over although it still needs a person.
    pub(crate) fn let_go(&mut self, id: JobId) {
        let order = self.jobs.get(&id).and_then(|job| job.order.clone());
        self.release(id, order);
    }

    /// Returns every job that waits for another, with that other one, in order of acceptance.
    pub(crate) fn blocked(&self) -> Vec<(JobId, JobId)> {
        let waiting = |(holder, waiting): (&JobId, &BTreeSet<JobId>)| {
            waiting.iter().map(|id| (*id, *holder)).collect::<Vec<_>>()
        };
        let mut blocked: Vec<_> = self.behind.iter().flat_map(waiting).collect();
        blocked.sort();
        blocked
    }

    /// Returns the unfinished jobs that have begun.
    pub(crate) fn begun(&self) -> Vec<JobId> {
        let mut begun: Vec<_> =
            self.jobs.iter().filter(|(_, job)| job.begun).map(|(id, _)| *id).collect();
        begun.sort();
        begun
    }

    /// Frees what a job holds and wakes who waits for it.
    fn release(&mut self, id: JobId, order: Option<String>) {
        if let Some(order) = order
            && let Some(queue) = self.orders.get_mut(&order)
        {
            queue.retain(|other| *other != id);
            if queue.is_empty() {
                self.orders.remove(&order);
            }
        }
        self.holds.retain(|_, holder| *holder != id);
        for waiting in self.behind.remove(&id).unwrap_or_default() {
            self.put(waiting, Place::Ready);
        }
    }

    /// Returns the job right before this one in its order key, if there is one. Waiting for the one right before (not
    /// for the first) wakes one job at a time when many share a key.
    fn before(&self, id: JobId) -> Option<JobId> {
        let queue = self.orders.get(self.jobs.get(&id)?.order.as_ref()?)?;
        let at = queue.binary_search(&id).ok()?;
        at.checked_sub(1).and_then(|before| queue.get(before).copied())
    }

    fn put(&mut self, id: JobId, place: Place) {
        self.unput(id);
        let place = match (place, self.before(id)) {
            (Place::Ready, Some(before)) => Place::Behind(before),
            (place, _) => place,
        };
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.place = place;
        let (recipe, begun) = (job.recipe.clone(), job.begun);
        match place {
            Place::Ready => {
                self.lane(&recipe).ready.insert((!begun, id));
            }
            Place::Until(at) => {
                self.timers.insert((at, id));
            }
            Place::Behind(other) => {
                self.behind.entry(other).or_default().insert(id);
            }
            Place::Driven | Place::Attention => {}
        }
    }

    fn unput(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else { return };
        let (recipe, place) = (job.recipe.clone(), job.place);
        match place {
            Place::Ready => {
                let lane = self.lane(&recipe);
                lane.ready.remove(&(false, id));
                lane.ready.remove(&(true, id));
            }
            Place::Until(at) => {
                self.timers.remove(&(at, id));
            }
            Place::Behind(other) => {
                if let Some(waiting) = self.behind.get_mut(&other) {
                    waiting.remove(&id);
                }
            }
            Place::Driven | Place::Attention => {}
        }
    }

    fn set_place(&mut self, id: JobId, place: Place) {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.place = place;
        }
    }

    fn lane(&mut self, recipe: &str) -> &mut Lane {
        self.lanes.entry(recipe.into()).or_insert_with(|| Lane {
            on: false,
            slots: 16,
            driven: 0,
            ready: BTreeSet::new(),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn ids(numbers: &[i64]) -> Vec<JobId> {
        numbers.iter().map(|number| JobId(*number)).collect()
    }

    fn dispatch(on: bool, slots: u32) -> Dispatch {
        let mut dispatch = Dispatch::default();
        dispatch.set_lane("hire", on, slots);
        dispatch
    }

    fn add(dispatch: &mut Dispatch, id: i64, order: Option<&str>) {
        dispatch.add(JobId(id), "hire", order.map(str::to_string), false, Place::Ready);
    }

    #[test]
    fn no_more_jobs_are_driven_than_there_are_slots() {
        let mut dispatch = dispatch(true, 2);
        for id in 1..=3 {
            add(&mut dispatch, id, None);
        }
        assert_eq!(dispatch.take_ready(), ids(&[1, 2]));
        assert_eq!(dispatch.take_ready(), ids(&[]));
        dispatch.park(JobId(1), Parked::Over);
        assert_eq!(dispatch.take_ready(), ids(&[3]));
    }

    #[test]
    fn a_waiting_job_frees_its_slot_and_goes_before_new_ones_when_its_moment_comes() {
        let mut dispatch = dispatch(true, 1);
        let (before, moment) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        add(&mut dispatch, 1, None);
        assert_eq!(dispatch.take_ready(), ids(&[1]));
        dispatch.park(JobId(1), Parked::Until(moment));
        for id in 2..=3 {
            add(&mut dispatch, id, None);
        }
        assert_eq!(dispatch.wake(before), Some(moment));
        assert_eq!(dispatch.take_ready(), ids(&[2]));
        assert_eq!(dispatch.wake(moment), None);
        dispatch.park(JobId(2), Parked::Over);
        assert_eq!(dispatch.take_ready(), ids(&[1]));
    }

    #[test]
    fn jobs_of_one_order_key_go_one_after_the_other_others_side_by_side() {
        let mut dispatch = dispatch(true, 9);
        for (id, order) in [(1, "ada"), (2, "ada"), (3, "ada"), (4, "bob")] {
            add(&mut dispatch, id, Some(order));
        }
        assert_eq!(dispatch.take_ready(), ids(&[1, 4]));
        assert_eq!(dispatch.blocked_by(JobId(2)), Some(JobId(1)));
        dispatch.park(JobId(1), Parked::Attention);
        assert_eq!(dispatch.take_ready(), ids(&[]), "a job that needs attention keeps its key");
        assert!(dispatch.take(JobId(1)));
        dispatch.park(JobId(1), Parked::Over);
        assert_eq!(dispatch.take_ready(), ids(&[2]));
        dispatch.park(JobId(2), Parked::Over);
        assert_eq!(dispatch.take_ready(), ids(&[3]));
    }

    #[test]
    fn a_reopened_job_comes_back_to_its_place_in_the_order() {
        let mut dispatch = dispatch(true, 9);
        add(&mut dispatch, 2, Some("ada"));
        dispatch.add(JobId(1), "hire", Some("ada".into()), true, Place::Attention);
        assert_eq!(dispatch.take_ready(), ids(&[2]), "it was ready before the other came back");
        add(&mut dispatch, 3, Some("ada"));
        dispatch.park(JobId(2), Parked::Until(Timestamp::UNIX_EPOCH));
        dispatch.wake(Timestamp::UNIX_EPOCH);
        assert_eq!(dispatch.blocked_by(JobId(2)), Some(JobId(1)));
    }

    #[test]
    fn what_is_held_exclusively_is_free_when_its_job_is_over() {
        let mut dispatch = dispatch(true, 9);
        for id in 1..=2 {
            add(&mut dispatch, id, None);
        }
        assert_eq!(dispatch.take_ready(), ids(&[1, 2]));
        assert_eq!(dispatch.hold("ada".into(), JobId(1)), Ok(()));
        assert_eq!(dispatch.hold("ada".into(), JobId(1)), Ok(()), "again by the same job");
        assert_eq!(dispatch.hold("ada".into(), JobId(2)), Err(JobId(1)));
        dispatch.park(JobId(2), Parked::Behind(JobId(1)));
        assert_eq!(dispatch.take_ready(), ids(&[]));
        dispatch.park(JobId(1), Parked::Over);
        assert_eq!(dispatch.take_ready(), ids(&[2]));
        assert_eq!(dispatch.hold("ada".into(), JobId(2)), Ok(()));
    }

    #[test]
    fn a_job_whose_finally_failed_holds_nothing() {
        let mut dispatch = dispatch(true, 9);
        for id in 1..=2 {
            add(&mut dispatch, id, Some("ada"));
        }
        assert_eq!(dispatch.take_ready(), ids(&[1]));
        assert_eq!(dispatch.hold("ada".into(), JobId(1)), Ok(()));
        dispatch.park(JobId(1), Parked::BodyOver);
        assert_eq!(dispatch.take_ready(), ids(&[2]));
        assert_eq!(dispatch.hold("ada".into(), JobId(2)), Ok(()));
        assert!(dispatch.take(JobId(1)), "a person can have its `finally` repeated all the same");
    }

    #[test]
    fn waiting_behind_a_job_that_is_over_already_is_no_waiting() {
        let mut dispatch = dispatch(true, 9);
        for id in 1..=2 {
            add(&mut dispatch, id, None);
        }
        dispatch.take_ready();
        dispatch.park(JobId(1), Parked::Over);
        dispatch.park(JobId(2), Parked::Behind(JobId(1)));
        assert_eq!(dispatch.take_ready(), ids(&[2]));
    }

    #[test]
    fn jobs_of_a_recipe_that_is_off_wait_and_a_person_can_take_one() {
        let mut dispatch = dispatch(false, 9);
        for id in 1..=2 {
            add(&mut dispatch, id, None);
        }
        assert_eq!(dispatch.take_ready(), ids(&[]));
        assert!(dispatch.take(JobId(2)));
        assert!(!dispatch.take(JobId(2)), "it is being driven already");
        dispatch.park(JobId(2), Parked::Paused);
        dispatch.set_lane("hire", true, 9);
        assert_eq!(dispatch.take_ready(), ids(&[2, 1]), "what had begun goes first");
    }
}
