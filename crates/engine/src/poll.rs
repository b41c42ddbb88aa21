//! Reading what is new, or was missed, from a vendor: page by page, each with its cursor in one commit.
//!
//! A failure keeps the cursor and is tried again, later each time. What was read before, an overlap, is passed over by
//! its dedupe key.

use std::{sync::Arc, time::Duration};

use connector::{Call, Connection, Delivery, Failure, FailureKind, Found, From, Identity, Page};
use jiff::Timestamp;

use crate::{
    deployment::{Deployment, Pinned},
    intake, made,
    service::Shared,
    sources::{Defined, SourceKind, after},
    store::{Intake, Reading, Source, StoreError, Taken},
};

/// The waits after failures; the last one repeats.
const WAITS: [u64; 6] = [60, 120, 300, 900, 1800, 3600];

/// How many pages are read at once before others get their turn; the rest follows at once.
const PAGES: usize = 200;

/// How long one page may take: a call that never ends would silence its recipe.
const LONGEST: Duration = Duration::from_mins(10);

/// Reads what is new.
pub(crate) async fn read(
    shared: &Shared,
    defined: &Defined,
    mut source: Source,
) -> Result<(), StoreError> {
    let name = source.recipe.clone();
    for _ in 0..PAGES {
        let since = source.last_at.unwrap_or_else(|| shared.clock.now());
        let from = From { cursor: source.cursor.clone(), since };
        let read = if shared.is_full(0).await {
            Err(Failure::transient("no_room", "unfinished jobs take all the room of the history"))
        } else {
            page(shared, defined, from).await
        };
        let now = shared.clock.now();
        let page = match read {
            Ok(page) => page,
            Err(failure) => {
                tracing::warn!(recipe = name, %failure, "the source of a recipe could not be read; it is tried again");
                return shared.store.put_source(failed(source, &failure, now)).await;
            }
        };
        let deployment = shared.deployment();
        let readings = readings(shared, &deployment, defined, page.found, now);
        source = Source {
            cursor: Some(page.cursor),
            next_at: Some(if page.more { now } else { next(defined, now) }),
            last_at: Some(now),
            failures: 0,
            error: None,
            ..source
        };
        take_in(shared, Some(source.clone()), readings).await?;
        if !page.more {
            break;
        }
    }
    Ok(())
}

/// Reads one page.
pub(crate) async fn page(shared: &Shared, defined: &Defined, from: From) -> Result<Page, Failure> {
    let connection: Connection = shared.deployment().connection(defined.connection.as_deref())?;
    let call = Call::new(Identity::default(), shared.clock.clone());
    tokio::select! {
        page = defined.trigger.read(connection, call, &defined.with, from) => page,
        () = shared.clock.sleep(LONGEST) => Err(Failure::transient(
            "timeout",
            format!("no answer within {} minutes", LONGEST.as_secs() / 60),
        )),
    }
}

/// Returns what is to be stored of what was found.
pub(crate) fn readings(
    shared: &Shared,
    deployment: &Arc<Deployment>,
    defined: &Defined,
    found: Vec<Found>,
    now: Timestamp,
) -> Vec<Reading> {
    let pinned = shared.pins.of(deployment, &defined.recipe);
    found.into_iter().map(|found| reading(&pinned, deployment, defined.kind, found, now)).collect()
}

/// Returns what is to be stored of one thing.
pub(crate) fn reading(
    pinned: &Arc<Pinned>,
    deployment: &Deployment,
    kind: SourceKind,
    found: Found,
    now: Timestamp,
) -> Reading {
    let delivery = Delivery {
        headers: Vec::new(),
        query: String::new(),
        body: found.body.into(),
        received_at: now,
    };
    let intake = Intake {
        recipe: pinned.recipe.name.clone(),
        received_at: now,
        headers: Vec::new(),
        query: String::new(),
        verdict: kind.verdict().into(),
        answered: 200,
        jobs: made::jobs_of(pinned, deployment, &delivery, None),
        body: delivery.body,
    };
    Reading { intake, same_as: found.same_as.map(|same| (same.subject, same.since)) }
}

/// Stores what is new, moves the cursor, and has the new jobs driven.
pub(crate) async fn take_in(
    shared: &Shared,
    source: Option<Source>,
    readings: Vec<Reading>,
) -> Result<Vec<Vec<Taken>>, StoreError> {
    let jobs = readings.iter().flat_map(|reading| &reading.intake.jobs);
    let orders: Vec<String> = jobs.filter_map(|job| job.order_key.clone()).collect();
    for order in &orders {
        shared.dispatch().expect(order);
    }
    let taken = shared.store.take_in(source, readings.clone()).await;
    for (reading, taken) in readings.into_iter().zip(taken.as_deref().unwrap_or_default()) {
        for (job, taken) in reading.intake.jobs.into_iter().zip(taken) {
            if let Taken::New(id) = taken {
                intake::announce(shared, &reading.intake.recipe, *id, job);
            }
        }
    }
    for order in &orders {
        shared.dispatch().arrived(order);
    }
    shared.changed.notify_one();
    taken
}

fn failed(source: Source, failure: &Failure, now: Timestamp) -> Source {
    let place = (source.failures as usize).min(WAITS.len() - 1);
    let asked = match failure.kind {
        FailureKind::Transient { after } => after.unwrap_or_default(),
        FailureKind::Permanent | FailureKind::Unknown => Duration::ZERO,
    };
    let hint = failure.hint.as_ref().map(|hint| format!(". {hint}")).unwrap_or_default();
    Source {
        next_at: Some(after(now, Duration::from_secs(WAITS[place]).max(asked))),
        failures: source.failures.saturating_add(1),
        error: Some(format!("{}{hint}", failure.message)),
        ..source
    }
}

/// Returns when to look again: the interval, up to a tenth sooner, so that many recipes do not ask at once.
fn next(defined: &Defined, now: Timestamp) -> Timestamp {
    let seed = defined.identity.bytes().fold(now.as_second().unsigned_abs(), |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let thousandths = u32::try_from(seed % 100).unwrap_or_default();
    after(now, defined.every.saturating_sub(defined.every * thousandths / 1000))
}
