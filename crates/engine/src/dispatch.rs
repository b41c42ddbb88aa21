//! Which job may go on now: slots, order keys, exclusive keys and timers. All in memory, rebuilt at every start.
//!
//! A job is in exactly one [`Place`]. Whoever changes something asks [`Dispatch::take_ready`] which jobs may be driven.

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::{journal::JobId, store::JobRow};

/// Where an unfinished job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// It may go on once its recipe is on and has a slot and the job is the first of its order key.
    Ready,
    /// It is being driven.
    Driven,
    /// It waits for a moment, or until one of some jobs is over: whichever comes first.
    Waiting(Waiting),
    /// It waits for a person.
    Attention,
}

/// What a job waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// A moment.
    pub(crate) until: Option<Timestamp>,
    /// Other jobs.
    pub(crate) behind: BTreeSet<JobId>,
}

/// Why a drive ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parked {
    /// The job is over.
    Over,
    /// It goes on by itself.
    Waiting(Waiting),
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
    /// It is driven and has given its slot back while it waits for the disk.
    slotless: bool,
}

#[derive(Debug)]
struct Lane {
    on: bool,
    slots: u32,
    driven: u32,
    /// Jobs that may go on: those that had begun before new ones, the oldest first.
    ready: BTreeSet<(bool, JobId)>,
    /// Jobs that are driven and want their slot back, before any other: the disk has what they waited for.
    back: VecDeque<(JobId, oneshot::Sender<()>)>,
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
    /// Jobs that are driven and waited for another that is over now.
    freed: Vec<JobId>,
    /// How many deliveries with a job of an order key are on their way to the disk: until they are there, nobody knows
    /// who is first.
    coming: HashMap<String, usize>,
    /// Who wants to hear when a job is over or needs a person.
    listeners: HashMap<JobId, Vec<oneshot::Sender<()>>>,
    deaf: bool,
}

impl Dispatch {
    /// Says whether a recipe is on and how many of its jobs may be driven at the same time; returns whether it was
    /// switched, after which [`reorder`](Self::reorder) is to follow.
    pub(crate) fn set_lane(&mut self, recipe: &str, on: bool, slots: u32) -> bool {
        let lane = self.lane(recipe);
        lane.slots = slots;
        std::mem::replace(&mut lane.on, on) != on
    }

    /// Looks again at who waits for whom where recipes share order keys: jobs that never began keep nobody of another
    /// recipe waiting while their own is off.
    pub(crate) fn reorder(&mut self) {
        let mut again = Vec::new();
        for queue in self.orders.values().filter(|queue| queue.len() > 1) {
            for id in queue {
                let Some(job) = self.jobs.get(id) else { continue };
                let looked_at = match &job.place {
                    Place::Ready => !job.begun,
                    Place::Waiting(waiting) => {
                        waiting.behind.iter().any(|other| self.holds_nothing(*other, &job.recipe))
                    }
                    Place::Driven | Place::Attention => false,
                };
                if looked_at {
                    again.push(*id);
                }
            }
        }
        for id in again {
            self.put(id, Place::Ready);
        }
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
        let job = Job { recipe: recipe.into(), order, place: Place::Ready, begun, slotless: false };
        self.jobs.insert(id, job);
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

    /// Gives a driven job's slot back while it waits for the disk.
    pub(crate) fn free_slot(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if !std::mem::replace(&mut job.slotless, true) {
            let recipe = job.recipe.clone();
            self.free(&recipe);
        }
    }

    /// Gives a driven job a slot again: at once, or when what is returned says so.
    pub(crate) fn take_slot(&mut self, id: JobId) -> Option<oneshot::Receiver<()>> {
        let job = self.jobs.get_mut(&id).filter(|job| job.slotless)?;
        let recipe = job.recipe.clone();
        let lane = self.lane(&recipe);
        if lane.driven >= lane.slots {
            let (free, heard) = oneshot::channel();
            lane.back.push_back((id, free));
            return Some(heard);
        }
        lane.driven += 1;
        self.set_slot(id);
        None
    }

    /// Takes a slot of a lane back, or passes it on to who wants one again.
    fn free(&mut self, recipe: &str) {
        loop {
            let lane = self.lane(recipe);
            let Some((id, free)) = lane.back.pop_front() else {
                lane.driven = lane.driven.saturating_sub(1);
                return;
            };
            // Its drive may have ended in the meantime.
            if free.send(()).is_ok() {
                self.set_slot(id);
                return;
            }
        }
    }

    fn set_slot(&mut self, id: JobId) {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.slotless = false;
        }
    }

    /// Puts a driven job where its drive ended.
    pub(crate) fn park(&mut self, id: JobId, parked: Parked) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.begun = true;
        let (recipe, order) = (job.recipe.clone(), job.order.clone());
        if !std::mem::take(&mut job.slotless) {
            self.free(&recipe);
        }
        if matches!(parked, Parked::Over | Parked::Attention | Parked::BodyOver) {
            for listener in self.listeners.remove(&id).unwrap_or_default() {
                if listener.send(()).is_err() {
                    tracing::debug!(job = id.0, "who waited for a job was answered already");
                }
            }
        }
        match parked {
            Parked::Over => {
                self.jobs.remove(&id);
                self.release(id, order);
            }
            // Who is waited for may have ended in the meantime.
            Parked::Waiting(waiting)
                if waiting.behind.iter().any(|holder| !self.jobs.contains_key(holder)) =>
            {
                self.put(id, Place::Ready);
            }
            Parked::Waiting(waiting) => self.put(id, Place::Waiting(waiting)),
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

    /// Claims an exclusive key for a job until it is over; otherwise says who holds it, and the job hears when that one
    /// is over.
    pub(crate) fn hold(&mut self, key: String, id: JobId) -> Result<(), JobId> {
        let holder = *self.holds.entry(key).or_insert(id);
        if holder == id {
            return Ok(());
        }
        self.watch(holder, id);
        Err(holder)
    }

    /// Has a job that is driven hear when another is over; `false` when that one is over already.
    pub(crate) fn watch(&mut self, holder: JobId, id: JobId) -> bool {
        let there = self.jobs.contains_key(&holder);
        if there {
            self.behind.entry(holder).or_default().insert(id);
        }
        there
    }

    /// Returns what tells when a job is over or needs a person; `None` when that is so already. Everything about it is
    /// on disk then.
    pub(crate) fn listen(&mut self, id: JobId) -> Option<oneshot::Receiver<()>> {
        if self.deaf || self.jobs.get(&id).is_none_or(|job| job.place == Place::Attention) {
            return None;
        }
        let (listener, heard) = oneshot::channel();
        self.listeners.entry(id).or_default().push(listener);
        Some(heard)
    }

    /// Tells everybody who listens that nothing more will be heard.
    pub(crate) fn stop_listening(&mut self) {
        self.deaf = true;
        self.listeners.clear();
    }

    /// Takes the jobs that are driven and need not wait for another any more.
    pub(crate) fn take_freed(&mut self) -> Vec<JobId> {
        std::mem::take(&mut self.freed)
    }

    /// Says that a job of this order key is on its way to the disk: whoever comes after it must not go before it.
    pub(crate) fn expect(&mut self, order: &str) {
        *self.coming.entry(order.into()).or_default() += 1;
    }

    /// Says that it is there, and added, or will not come.
    pub(crate) fn arrived(&mut self, order: &str) {
        let Some(coming) = self.coming.get_mut(order) else { return };
        *coming -= 1;
        if *coming > 0 {
            return;
        }
        self.coming.remove(order);
        for id in self.orders.get(order).cloned().unwrap_or_default() {
            if self.jobs.get(&id).is_some_and(|job| job.place == Place::Ready) {
                self.put(id, Place::Ready);
            }
        }
    }

    /// Returns the job that this one waits for, if it waits for one.
    pub(crate) fn blocked_by(&self, id: JobId) -> Option<JobId> {
        match &self.jobs.get(&id)?.place {
            Place::Waiting(waiting) => waiting.behind.first().copied(),
            _ => None,
        }
    }

    /// Corrects when a waiting job goes on: its journal does not know what was put off when the service began.
    pub(crate) fn say_when(&self, row: &mut JobRow) {
        if let (Some(wake_at), Some(job)) = (&mut row.standing.wake_at, self.jobs.get(&row.id))
            && let Place::Waiting(Waiting { until: Some(until), .. }) = &job.place
        {
            *wake_at = *until;
        }
    }

    /// Returns whether an unfinished job with the same order key comes before this one.
    pub(crate) fn is_behind(&self, id: JobId) -> bool {
        self.before(id).is_some()
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
            match self.jobs.get(&waiting).map(|job| &job.place) {
                Some(Place::Driven) => self.freed.push(waiting),
                Some(_) => self.put(waiting, Place::Ready),
                None => {}
            }
        }
    }

    /// Returns the job right before this one in its order key, if there is one. Waiting for the one right before (not
    /// for the first) wakes one job at a time when many share a key.
    fn before(&self, id: JobId) -> Option<JobId> {
        let job = self.jobs.get(&id)?;
        let queue = self.orders.get(job.order.as_ref()?)?;
        let at = queue.binary_search(&id).ok()?;
        (0..at)
            .rev()
            .filter_map(|before| queue.get(before).copied())
            .find(|before| !self.holds_nothing(*before, &job.recipe))
    }

    /// Returns whether a job keeps jobs of this recipe from nothing: it never began, and its own recipe is off.
    fn holds_nothing(&self, id: JobId, recipe: &str) -> bool {
        self.jobs.get(&id).is_some_and(|job| {
            !job.begun
                && job.place != Place::Driven
                && job.recipe != recipe
                && self.lanes.get(&job.recipe).is_none_or(|lane| !lane.on)
        })
    }

    fn put(&mut self, id: JobId, place: Place) {
        self.unput(id);
        let place = match (place, self.before(id)) {
            (Place::Ready, Some(before)) => {
                Place::Waiting(Waiting { until: None, behind: [before].into() })
            }
            (place, _) => place,
        };
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.place = place.clone();
        let (recipe, begun) = (job.recipe.clone(), job.begun);
        let coming = job.order.as_ref().is_some_and(|order| self.coming.contains_key(order));
        match place {
            // Somebody who comes before it may be on the way; `arrived` puts it again.
            Place::Ready if coming && !begun => {}
            Place::Ready => {
                self.lane(&recipe).ready.insert((!begun, id));
            }
            Place::Waiting(Waiting { until, behind }) => {
                self.timers.extend(until.map(|at| (at, id)));
                for other in behind {
                    self.behind.entry(other).or_default().insert(id);
                }
            }
            Place::Driven | Place::Attention => {}
        }
    }

    fn unput(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else { return };
        let (recipe, place) = (job.recipe.clone(), job.place.clone());
        match place {
            Place::Ready => {
                let lane = self.lane(&recipe);
                lane.ready.remove(&(false, id));
                lane.ready.remove(&(true, id));
            }
            Place::Waiting(Waiting { until, behind }) => {
                if let Some(at) = until {
                    self.timers.remove(&(at, id));
                }
                for other in behind {
                    if let Some(waiting) = self.behind.get_mut(&other) {
                        waiting.remove(&id);
                    }
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
            back: VecDeque::new(),
        })
    }
}

#[cfg(test)]
mod tests;
