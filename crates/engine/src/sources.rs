//! Events that nobody sends: which recipe's source is due, and when the next one will be.
//!
//! A recipe has at most one source: its timetable, its poll, or, for a webhook that may have been missed, its catch-up.
//! Where a source stands is on disk; a restart goes on from there. One that is stopped is not looked at.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use connector::{Trigger, TriggerKind};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use recipe::Recipe;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    deployment::{Deployment, hash},
    poll, schedule,
    service::{Engine, Known, Shared},
    store::{Source, StoreError},
};

/// How long to wait when the store does not answer.
const AGAIN: Duration = Duration::from_secs(5);

const DAY: Duration = Duration::from_hours(24);

/// How many of a timetable's moments are told.
const TOLD: usize = 3;

/// How a recipe's source stands, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceStatus {
    /// What it is.
    pub kind: SourceKind,
    /// When it was last looked at with success.
    pub last_at: Option<Timestamp>,
    /// When it will be looked at; of a timetable the next moments.
    pub next_at: Vec<Timestamp>,
    /// How often it failed since it last succeeded.
    pub failures: u32,
    /// Why it failed last.
    pub error: Option<String>,
}

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// The vendor is asked for what is new.
    Poll,
    /// The clock.
    Schedule,
    /// The vendor is asked for what its webhooks missed.
    CatchUp,
}

impl SourceKind {
    /// Returns the word under which what comes of it stands among the deliveries.
    pub(crate) fn verdict(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Schedule => "schedule",
            Self::CatchUp => "catch_up",
        }
    }
}

/// What the sources share in memory.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Wakes the watch: a recipe was switched or changed, or a source has been read.
    pub(crate) changed: Notify,
    pub(crate) stop: CancellationToken,
    /// Sources that are being read now.
    busy: Mutex<HashSet<String>>,
    /// Recipes whose catch-up has begun since the service, or the recipe, was started.
    caught_up: Mutex<HashSet<String>>,
}

impl Sources {
    /// Has a recipe that is switched on catch up at once.
    pub(crate) fn begin(&self, recipe: &str) {
        self.caught_up.lock().expect("no panic while the lock is held").remove(recipe);
    }

    /// Returns whether this is the first catch-up since the start, and remembers it.
    fn first_time(&self, recipe: &str) -> bool {
        let mut caught_up = self.caught_up.lock().expect("no panic while the lock is held");
        caught_up.insert(recipe.to_owned())
    }

    /// Returns a hold on a source, unless somebody has it.
    pub(crate) fn hold(self: &Arc<Self>, recipe: &str) -> Option<Hold> {
        let mut busy = self.busy.lock().expect("no panic while the lock is held");
        busy.insert(recipe.to_owned())
            .then(|| Hold { sources: self.clone(), recipe: recipe.to_owned() })
    }
}

/// Keeps others from reading the same source.
pub(crate) struct Hold {
    sources: Arc<Sources>,
    recipe: String,
}

impl Hold {
    /// Lets go, and has the watch look for what is next.
    pub(crate) fn done(self) {
        let sources = self.sources.clone();
        drop(self);
        sources.changed.notify_one();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.sources.busy.lock().expect("no panic while the lock is held").remove(&self.recipe);
    }
}

/// A source as a recipe defines it.
#[derive(Clone)]
pub(crate) struct Defined {
    pub(crate) kind: SourceKind,
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) trigger: Trigger,
    pub(crate) with: Value,
    pub(crate) connection: Option<String>,
    /// Between two looks; not of a timetable.
    pub(crate) every: Duration,
    /// Equal as long as a cursor means the same.
    pub(crate) identity: String,
}

impl Engine {
    /// Makes the source of a recipe ready that is switched on: a timetable goes on from now, because somebody wanted
    /// it off until now; what reads from a vendor goes on from where it was.
    pub(crate) async fn begin_source(
        &self,
        recipe: &str,
        current: Option<&Arc<Recipe>>,
    ) -> Result<(), StoreError> {
        self.shared.sources.begin(recipe);
        let deployment = self.shared.deployment();
        let source = current.and_then(|current| defined(&deployment, current));
        if let Some(source) = source.filter(|source| source.kind == SourceKind::Schedule) {
            begun(&self.shared, &deployment, &source, None).await?;
        }
        Ok(())
    }
}

impl Shared {
    /// Returns the recipes that are on, with the version that new jobs take.
    fn at_work(&self) -> Vec<(String, Arc<Recipe>)> {
        let recipes = self.recipes.read().expect("no panic while the lock is held");
        let on = recipes.iter().filter(|(_, known)| known.on);
        on.filter_map(|(name, known)| Some((name.clone(), known.current.clone()?))).collect()
    }
}

/// Looks at the sources until the service stops.
pub(crate) async fn watch(shared: Arc<Shared>) {
    while !shared.stopping() {
        let next = match look(&shared).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "the sources of events could not be looked at");
                Some(after(shared.clock.now(), AGAIN))
            }
        };
        tokio::select! {
            () = shared.clock.sleep_until(next.unwrap_or(Timestamp::MAX)) => {}
            () = shared.sources.changed.notified() => {}
            () = shared.sources.stop.cancelled() => return,
        }
    }
}

/// Begins what is due, and returns when something will be.
async fn look(shared: &Arc<Shared>) -> Result<Option<Timestamp>, StoreError> {
    let deployment = shared.deployment();
    let stored = shared.store.sources().await?;
    let mut earliest: Option<Timestamp> = None;
    for (name, recipe) in shared.at_work() {
        let Some(defined) = defined(&deployment, &recipe) else { continue };
        let Some(hold) = shared.sources.hold(&name) else { continue };
        let now = shared.clock.now();
        let source = stored.iter().find(|source| source.recipe == name);
        let source = match source.filter(|source| source.identity == defined.identity) {
            Some(source) if is_ahead(&defined, source, now) => {
                tracing::warn!(
                    recipe = name,
                    "the clock was set back by more than a day: its source begins anew"
                );
                put_right(shared, &deployment, &defined, source.clone()).await?
            }
            Some(source) => source.clone(),
            None => begun(shared, &deployment, &defined, source).await?,
        };
        let at_once = defined.kind == SourceKind::CatchUp && shared.sources.first_time(&name);
        if at_once || source.next_at.is_some_and(|next| next <= now) {
            let shared = shared.clone();
            shared.clone().tasks.spawn(async move {
                let read = async {
                    match defined.kind {
                        SourceKind::Schedule => schedule::fire(&shared, &defined, source).await,
                        _ => poll::read(&shared, &defined, source).await,
                    }
                };
                tokio::select! {
                    read = read => if let Err(error) = read {
                        tracing::error!(recipe = name, %error, "what a source gave could not be stored; it is read again");
                        tokio::select! {
                            () = shared.clock.sleep(AGAIN) => {}
                            () = shared.sources.stop.cancelled() => {}
                        }
                    },
                    () = shared.sources.stop.cancelled() => {}
                }
                hold.done();
            });
        } else {
            earliest = [earliest, source.next_at].into_iter().flatten().min();
        }
    }
    Ok(earliest)
}

/// Returns whether a source stands at a moment that the clock cannot have been at: it was wrong by more than a day then,
/// and has been set right. By less, nothing is done twice, and the clock catches up.
fn is_ahead(defined: &Defined, source: &Source, now: Timestamp) -> bool {
    let stands_at = match defined.kind {
        SourceKind::Schedule => schedule::cursor(source),
        SourceKind::Poll | SourceKind::CatchUp => source.next_at,
    };
    let most = after(now, DAY.max(defined.every * 2));
    stands_at.is_some_and(|at| at > most)
}

/// Has a source that is ahead of the clock go on from now.
async fn put_right(
    shared: &Shared,
    deployment: &Deployment,
    defined: &Defined,
    source: Source,
) -> Result<Source, StoreError> {
    let now = shared.clock.now();
    let source = match defined.kind {
        SourceKind::Schedule => Source {
            cursor: Some(Value::String(now.to_string())),
            next_at: schedule::next(defined, deployment, now),
            ..source
        },
        SourceKind::Poll | SourceKind::CatchUp => Source { next_at: Some(now), ..source },
    };
    shared.store.put_source(source.clone()).await?;
    Ok(source)
}

/// Begins a source that is new, or whose trigger has changed: nothing from before now is its own, except what a poll
/// has not read yet.
async fn begun(
    shared: &Shared,
    deployment: &Deployment,
    defined: &Defined,
    before: Option<&Source>,
) -> Result<Source, StoreError> {
    let now = shared.clock.now();
    let (cursor, next_at) = match defined.kind {
        SourceKind::Schedule => {
            (Some(Value::String(now.to_string())), schedule::next(defined, deployment, now))
        }
        SourceKind::Poll => (None, Some(now)),
        SourceKind::CatchUp => (None, Some(after(now, defined.every))),
    };
    let source = Source {
        recipe: defined.recipe.name.clone(),
        identity: defined.identity.clone(),
        cursor,
        next_at,
        last_at: Some(before.and_then(|before| before.last_at).unwrap_or(now)),
        failures: 0,
        error: None,
    };
    if defined.kind == SourceKind::CatchUp && before.is_none() {
        // Catch-up begins at the recipe's first start: there is nothing to read yet.
        shared.sources.first_time(&source.recipe);
    }
    shared.store.put_source(source.clone()).await?;
    Ok(source)
}

/// Returns the source that a recipe defines, if it has one.
pub(crate) fn defined(deployment: &Deployment, recipe: &Arc<Recipe>) -> Option<Defined> {
    let said = recipe.trigger()?;
    let trigger = deployment.trigger(recipe)?.clone();
    let own = said.with.get("every").and_then(Value::as_str);
    let (kind, every) = match trigger.spec.kind {
        TriggerKind::Schedule => (SourceKind::Schedule, Duration::ZERO),
        TriggerKind::Poll { every } => {
            let own = own.and_then(|text| connector::read_duration(text).ok());
            (SourceKind::Poll, own.unwrap_or(every))
        }
        TriggerKind::Webhook => (SourceKind::CatchUp, said.catch_up?),
    };
    let zone = &deployment.project.runner.time_zone;
    let identity = match kind {
        SourceKind::Schedule => format!("{}.{} {} {zone}", said.connector, said.name, said.with),
        SourceKind::Poll => {
            format!("{}.{} {:?} {}", said.connector, said.name, said.connection, said.with)
        }
        SourceKind::CatchUp => format!("{}.{} {:?}", said.connector, said.name, said.connection),
    };
    Some(Defined {
        kind,
        recipe: recipe.clone(),
        with: said.with.clone(),
        connection: said.connection.clone(),
        trigger,
        every,
        identity: hash(identity.as_bytes()),
    })
}

/// How all sources stand at one moment.
pub(crate) struct Statuses {
    deployment: Arc<Deployment>,
    stored: Vec<Source>,
    now: Timestamp,
}

impl Statuses {
    pub(crate) async fn read(shared: &Shared) -> Result<Self, StoreError> {
        let stored = shared.store.sources().await?;
        Ok(Self { deployment: shared.deployment(), stored, now: shared.clock.now() })
    }

    /// Returns how the source of a recipe stands, if it has one.
    pub(crate) fn of(&self, known: &Known) -> Option<SourceStatus> {
        let recipe = known.current.as_ref()?;
        status(&self.deployment, recipe, &self.stored, (known.on, self.now))
    }
}

fn status(
    deployment: &Deployment,
    recipe: &Arc<Recipe>,
    stored: &[Source],
    (on, now): (bool, Timestamp),
) -> Option<SourceStatus> {
    let defined = defined(deployment, recipe)?;
    let stored = stored
        .iter()
        .find(|source| source.recipe == recipe.name && source.identity == defined.identity);
    let next_at = match defined.kind {
        _ if !on => Vec::new(),
        SourceKind::Schedule => {
            let next = |after: &Timestamp| schedule::next(&defined, deployment, *after);
            std::iter::successors(next(&now), next).take(TOLD).collect()
        }
        _ => stored.and_then(|source| source.next_at).into_iter().collect(),
    };
    Some(SourceStatus {
        kind: defined.kind,
        // What is stored before the first look is when it began.
        last_at: stored.filter(|source| source.cursor.is_some()).and_then(|source| source.last_at),
        next_at,
        failures: stored.map_or(0, |source| source.failures),
        error: stored.and_then(|source| source.error.clone()),
    })
}

/// Returns the project's zone.
pub(crate) fn zone(deployment: &Deployment) -> TimeZone {
    TimeZone::get(&deployment.project.runner.time_zone).unwrap_or(TimeZone::UTC)
}

/// Returns the moment that long after another.
pub(crate) fn after(moment: Timestamp, time: Duration) -> Timestamp {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    moment.checked_add(time).unwrap_or(Timestamp::MAX)
}
