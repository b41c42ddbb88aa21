//! Moments of the clock: which are due, what becomes of those that were missed, and the one commit that fires them.

use std::time::Duration;

use connector::{Found, Missed, Timetable};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    deployment::Deployment,
    poll,
    service::Shared,
    sources::{Defined, after, zone},
    store::{Source, StoreError},
};

/// A moment that is later than this was missed.
const LATE: Duration = Duration::from_mins(1);

/// At most so many missed moments fire, the latest.
const MOST: usize = 1000;

/// Fires what is due.
pub(crate) async fn fire(
    shared: &Shared,
    defined: &Defined,
    source: Source,
) -> Result<(), StoreError> {
    let (now, deployment) = (shared.clock.now(), shared.deployment());
    let begin = cursor(&source);
    let due = due(|after| next(defined, &deployment, after), begin.unwrap_or(now), now);
    let missed = defined
        .trigger
        .timetable()
        .map_or_else(Missed::default, |timetable| timetable.missed(&defined.with));
    let fired = chosen(&due, missed, now);
    if fired.len() < due.len() {
        let (recipe, left_out) = (&source.recipe, due.len() - fired.len());
        tracing::warn!(
            recipe,
            left_out,
            "moments of a timetable were missed; see `missed` of its trigger"
        );
    }
    let found = fired
        .iter()
        .map(|moment| Found { body: Timetable::body(*moment), same_as: None })
        .collect();
    let readings = poll::readings(shared, &deployment, defined, found, now);
    let last = due.last().copied().or(begin).unwrap_or(now);
    let source = Source {
        cursor: Some(Value::String(last.to_string())),
        next_at: next(defined, &deployment, last.max(now)),
        last_at: if fired.is_empty() { source.last_at } else { Some(now) },
        failures: 0,
        error: None,
        ..source
    };
    poll::take_in(shared, Some(source), readings).await?;
    Ok(())
}

/// Returns the moment up to which a timetable has fired.
pub(crate) fn cursor(source: &Source) -> Option<Timestamp> {
    source.cursor.as_ref().and_then(Value::as_str).and_then(|text| text.parse().ok())
}

/// Returns the first moment after another.
pub(crate) fn next(
    defined: &Defined,
    deployment: &Deployment,
    after: Timestamp,
) -> Option<Timestamp> {
    let next = defined.trigger.timetable()?.next(&defined.with, after, &zone(deployment));
    next.unwrap_or_else(|failure| {
        tracing::error!(recipe = defined.recipe.name, %failure, "a timetable cannot be read");
        None
    })
}

/// Returns the moments after `begin` up to `now`, at most the latest [`MOST`].
fn due(
    next: impl Fn(Timestamp) -> Option<Timestamp>,
    begin: Timestamp,
    now: Timestamp,
) -> Vec<Timestamp> {
    let mut due = std::collections::VecDeque::new();
    let mut at = begin;
    while let Some(moment) = next(at).filter(|moment| *moment <= now) {
        if due.len() == MOST {
            due.pop_front();
        }
        due.push_back(moment);
        at = moment;
    }
    due.into()
}

fn chosen(due: &[Timestamp], missed: Missed, now: Timestamp) -> Vec<Timestamp> {
    match missed {
        Missed::All => due.to_vec(),
        Missed::Once => due.last().copied().into_iter().collect(),
        Missed::Skip => due.iter().copied().filter(|moment| after(*moment, LATE) >= now).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hourly(after: Timestamp) -> Option<Timestamp> {
        Timestamp::from_second(after.as_second().div_euclid(3600) * 3600 + 3600).ok()
    }

    #[test]
    fn what_was_missed_fires_once_each_or_not_at_all() {
        let (begin, now) = (at("2026-11-23T00:00:00Z"), at("2026-11-23T03:30:00Z"));
        let due = due(hourly, begin, now);
        assert_eq!(due.len(), 3);
        assert_eq!(chosen(&due, Missed::Once, now), [at("2026-11-23T03:00:00Z")]);
        assert_eq!(chosen(&due, Missed::All, now), due);
        assert_eq!(chosen(&due, Missed::Skip, now), []);
        let on_time = at("2026-11-23T03:00:20Z");
        assert_eq!(chosen(&due, Missed::Skip, on_time), [at("2026-11-23T03:00:00Z")]);
    }

    #[test]
    fn a_year_of_missed_hours_is_a_thousand_at_most() {
        let (begin, now) = (at("2025-11-23T00:00:00Z"), at("2026-11-23T03:30:00Z"));
        let due = due(hourly, begin, now);
        assert_eq!((due.len(), due.last().copied()), (MOST, Some(at("2026-11-23T03:00:00Z"))));
    }
}
