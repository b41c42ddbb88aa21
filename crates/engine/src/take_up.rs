//! Where unfinished jobs are when the engine opens. Waits that ended while nothing ran do not all end at once: after a
//! night, hundreds of jobs would ask the same vendor in the same second.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use crate::{
    dispatch::{Place, Waiting},
    journal::Status,
    retry,
    service::Shared,
    store::{JobRow, StoreError},
};

/// So many go on at once: as many as a recipe works on at the same time anyway.
const FEW: usize = 16;
/// How much longer the time over which they are spread is for each one more, and how long it is at most.
const EACH: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_secs(10);

/// Gives every unfinished job its place, in order of acceptance.
pub(crate) async fn unfinished(shared: &Shared) -> Result<(), StoreError> {
    let unfinished = shared.store.unfinished().await?;
    let sleeping = unfinished.iter().filter(|row| row.standing.wake_at.is_some());
    let callers = shared.store.callers(sleeping.map(|row| row.id).collect()).await?;
    let now = shared.clock.now();
    let waits = |row: &JobRow| match (row.standing.status, row.standing.wake_at) {
        (Status::Waiting, Some(at)) if !callers.contains(&row.id) => Some(at),
        _ => None,
    };
    let overdue = unfinished.iter().filter(|row| waits(row).is_some_and(|at| at <= now)).count();
    let mut dispatch = shared.dispatch();
    for row in unfinished {
        let place = match waits(&row) {
            Some(at) if at <= now && overdue > FEW => until(put_off(now, row.id.0, overdue)),
            Some(at) => until(at),
            // It never began: a person must look at its event first.
            None if row.standing.status == Status::NeedsAttention && row.entries == 0 => {
                Place::Attention
            }
            // It may wait for something beside the person: its drive finds out.
            None => Place::Ready,
        };
        let begun = row.standing.started_at.is_some();
        dispatch.add(row.id, &row.recipe, row.order_key.clone(), begun, place);
    }
    Ok(())
}

fn until(at: Timestamp) -> Place {
    Place::Waiting(Waiting { until: Some(at), behind: BTreeSet::new() })
}

/// Returns when one of so many overdue jobs goes on: after the same share of the time with each start.
fn put_off(now: Timestamp, job: i64, overdue: usize) -> Timestamp {
    let more = u32::try_from(overdue.saturating_sub(FEW)).unwrap_or(u32::MAX);
    let window = EACH.saturating_mul(more).min(LONGEST);
    retry::later(now, window * retry::per_mille(job.cast_unsigned()) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_grows_with_their_number_up_to_ten_seconds_and_is_used_evenly() {
        let now = Timestamp::UNIX_EPOCH;
        for (overdue, window) in [(17, 25), (116, 2_500), (416, 10_000), (100_000, 10_000)] {
            let mut quarters = [0; 4];
            for job in 1..=400 {
                let after = put_off(now, job, overdue).as_millisecond();
                assert!((0..window).contains(&after), "{after} of {window}");
                let quarter = usize::try_from(after * 4 / window).unwrap_or(usize::MAX);
                quarters[quarter] += 1;
            }
            if window >= 1000 {
                assert!(quarters.iter().all(|jobs| (70..=130).contains(jobs)), "{quarters:?}");
            }
        }
    }
}
