//! Jobs going on, waiting and letting others go, without driving any.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

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

fn until(moment: Timestamp) -> Parked {
    Parked::Waiting(Waiting { until: Some(moment), behind: BTreeSet::new() })
}

fn behind(numbers: &[i64]) -> Parked {
    Parked::Waiting(Waiting { until: None, behind: ids(numbers).into_iter().collect() })
}

#[test]
fn a_job_goes_on_at_its_moment_or_when_another_is_over_whichever_is_first() {
    let moment = Timestamp::from_second(60).unwrap();
    for over_first in [true, false] {
        let mut dispatch = dispatch(true, 9);
        for id in 1..=3 {
            add(&mut dispatch, id, None);
        }
        dispatch.take_ready();
        let behind = ids(&[1, 2]).into_iter().collect();
        dispatch.park(JobId(3), Parked::Waiting(Waiting { until: Some(moment), behind }));
        if over_first {
            dispatch.park(JobId(2), Parked::Over);
        } else {
            dispatch.wake(moment);
        }
        assert_eq!(dispatch.take_ready(), ids(&[3]));
        // What it did not wait for any more does not wake it again.
        dispatch.park(JobId(1), Parked::Over);
        assert_eq!(dispatch.wake(moment), None);
        assert_eq!((dispatch.take_ready(), dispatch.take_freed()), (ids(&[]), ids(&[])));
    }
}

#[test]
fn a_job_that_is_driven_hears_when_who_it_waits_for_is_over() {
    let mut dispatch = dispatch(true, 9);
    for id in 1..=2 {
        add(&mut dispatch, id, None);
    }
    dispatch.take_ready();
    assert_eq!(dispatch.hold("ada".into(), JobId(1)), Ok(()));
    assert_eq!(dispatch.hold("ada".into(), JobId(2)), Err(JobId(1)));
    dispatch.park(JobId(1), Parked::Over);
    assert_eq!(dispatch.take_freed(), ids(&[2]));
    assert!(!dispatch.watch(JobId(1), JobId(2)), "it is over already");
}

#[test]
fn two_that_come_at_the_same_instant_go_in_the_order_of_their_numbers() {
    let mut dispatch = dispatch(true, 9);
    dispatch.expect("ada");
    dispatch.expect("ada");
    // The second is heard of first.
    add(&mut dispatch, 2, Some("ada"));
    dispatch.arrived("ada");
    assert_eq!(dispatch.take_ready(), ids(&[]));
    add(&mut dispatch, 1, Some("ada"));
    dispatch.arrived("ada");
    assert_eq!(dispatch.take_ready(), ids(&[1]));
    assert_eq!(dispatch.blocked_by(JobId(2)), Some(JobId(1)));
    dispatch.park(JobId(1), Parked::Over);
    assert_eq!(dispatch.take_ready(), ids(&[2]));
    // One that never comes keeps nobody.
    dispatch.expect("bob");
    add(&mut dispatch, 3, Some("bob"));
    dispatch.arrived("bob");
    assert_eq!(dispatch.take_ready(), ids(&[3]));
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
    dispatch.park(JobId(1), until(moment));
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
    dispatch.park(JobId(2), until(Timestamp::UNIX_EPOCH));
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
    dispatch.park(JobId(2), behind(&[1]));
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
    dispatch.park(JobId(2), behind(&[1]));
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
