//! Catching up when somebody asks: what a vendor has to tell from a moment on, compared with the history.
//!
//! The cursor of the recipe's own catch-up stays where it is. What is there already, under whatever number, makes no job.

use std::time::Duration;

use connector::{From, TriggerKind};
use jiff::{SignedDuration, Timestamp};
use recipe::Start;
use serde_json::Value;

use crate::{
    command::CommandError,
    deployment::Deployment,
    journal::{JobId, Status},
    poll,
    service::Engine,
    sources::{Defined, SourceKind},
    store::{Reading, Taken},
    worker,
};

/// How many pages are read at most: a vendor that never comes to an end is no reason to read for ever.
const PAGES: usize = 2000;

/// One event that the vendor tells of, and what the history has of it.
#[derive(Debug, Clone, PartialEq)]
pub struct CaughtUp {
    /// What the job is, or would be, called.
    pub label: String,
    /// Its job: found, or made now; none when it is missing and none was made.
    pub job: Option<(JobId, Status)>,
    /// Whether the job was made now.
    pub made: bool,
    /// The jobs that worked on the same and succeeded, when there are several.
    pub doubled: Vec<JobId>,
    /// The fields that had another value when the job's event came.
    pub differs: Vec<String>,
    /// What would be stored as its delivery.
    pub body: Vec<u8>,
}

impl Engine {
    /// Reads what the vendor has to tell from `since` on. Jobs are made of what is missing, unless it is `dry`.
    pub async fn catch_up(
        &self,
        recipe: &str,
        since: Timestamp,
        dry: bool,
    ) -> Result<Vec<CaughtUp>, CommandError> {
        let shared = &self.shared;
        let known = shared.known(recipe).ok_or_else(|| CommandError::NoRecipe(recipe.into()))?;
        let current = known.current.ok_or_else(|| CommandError::NeverGood(recipe.into()))?;
        let cannot = || CommandError::NoCatchUp(recipe.into());
        let Start::Trigger(said) = &current.start else { return Err(cannot()) };
        let deployment = shared.deployment();
        let trigger = deployment.trigger(&current).ok_or_else(cannot)?.clone();
        let kind = match trigger.spec.kind {
            TriggerKind::Webhook if trigger.spec.catch_up.is_some() => SourceKind::CatchUp,
            TriggerKind::Poll { .. } => SourceKind::Poll,
            TriggerKind::Webhook | TriggerKind::Schedule => return Err(cannot()),
        };
        let defined = Defined {
            kind,
            recipe: current.clone(),
            with: said.with.clone(),
            connection: said.connection.clone(),
            trigger,
            every: Duration::ZERO,
            identity: String::new(),
        };
        let (mut all, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES {
            if shared.stopping() {
                return Err(CommandError::Stopping);
            }
            let page = poll::page(shared, &defined, From { cursor, since }).await;
            let page = page.map_err(|failure| {
                let hint = failure.hint.map(|hint| format!(". {hint}")).unwrap_or_default();
                CommandError::Vendor(format!("{}{hint}", failure.message))
            })?;
            let now = shared.clock.now();
            let readings = poll::readings(shared, &deployment, &defined, page.found, now);
            all.extend(self.compare(&deployment, &defined, readings, dry).await?);
            if !page.more {
                return Ok(all);
            }
            cursor = Some(page.cursor);
        }
        Err(CommandError::Vendor(format!("the vendor's list has more than {PAGES} pages")))
    }

    async fn compare(
        &self,
        deployment: &Deployment,
        defined: &Defined,
        readings: Vec<Reading>,
        dry: bool,
    ) -> Result<Vec<CaughtUp>, CommandError> {
        let shared = &self.shared;
        let before = shared.store.known(readings.clone()).await?;
        let after =
            if dry { None } else { Some(poll::take_in(shared, None, readings.clone()).await?) };
        let mut all = Vec::new();
        for (place, (reading, known)) in readings.into_iter().zip(before).enumerate() {
            let body = reading.intake.body.to_vec();
            for (index, (job, known)) in reading.intake.jobs.into_iter().zip(known).enumerate() {
                let taken = after.as_ref().and_then(|after| after.get(place)?.get(index).copied());
                let found = match taken.or(known) {
                    Some(Taken::New(id)) => Some((id, Status::Queued)),
                    Some(Taken::Known(id, status) | Taken::Same(id, status)) => Some((id, status)),
                    None => None,
                };
                let made = matches!(taken, Some(Taken::New(_)));
                let recipe = &defined.recipe.name;
                let mut doubled = shared.store.succeeded_with(recipe, &job.once_key).await?;
                if doubled.len() < 2 {
                    doubled.clear();
                }
                let differs = match found {
                    Some((id, _)) if !made => {
                        self.differing(deployment, defined, &body, id).await?
                    }
                    _ => Vec::new(),
                };
                let (label, body) = (job.label, body.clone());
                all.push(CaughtUp { label, job: found, made, doubled, differs, body });
            }
        }
        Ok(all)
    }

    /// Returns the fields that have a value both in the event of a job and in what the vendor tells now, another one.
    /// What only one of them says is no difference: a webhook and the vendor's API do not tell the same fields.
    async fn differing(
        &self,
        deployment: &Deployment,
        defined: &Defined,
        body: &[u8],
        id: JobId,
    ) -> Result<Vec<String>, CommandError> {
        let Some(loaded) = self.shared.store.load(id).await? else { return Ok(Vec::new()) };
        let index = loaded.row.event_index as usize;
        let then = worker::as_sent(loaded.delivery);
        let mut now = then.clone();
        now.body = body.into();
        let event = |delivery| {
            let events = deployment.decode(&defined.recipe, delivery).ok()?;
            events.into_iter().nth(index).map(|event| event.payload)
        };
        let mut fields = Vec::new();
        if let (Some(then), Some(now)) = (event(&then), event(&now)) {
            compare(then.value(), now.value(), "", &mut fields);
        }
        Ok(fields)
    }
}

fn compare(then: &Value, now: &Value, path: &str, fields: &mut Vec<String>) {
    match (then, now) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(left), Value::Object(right)) => {
            for (key, one) in left {
                if let Some(other) = right.get(key) {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    compare(one, other, &path, fields);
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (place, (one, other)) in left.iter().zip(right).enumerate() {
                compare(one, other, &format!("{path}[{place}]"), fields);
            }
        }
        (Value::String(left), Value::String(right))
            if is_same_moment(left, right) || is_same_link(left, right) => {}
        _ if then == now => {}
        _ => fields.push(path.to_owned()),
    }
}

/// Returns whether two texts are one moment: a webhook tells it to the second, the vendor's API to the millisecond.
fn is_same_moment(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (one.parse::<Timestamp>(), other.parse::<Timestamp>()) else {
        return false;
    };
    one.duration_since(other).abs() <= SignedDuration::from_secs(1)
}

/// Returns whether two texts are links to the same place: a signed link has another signature whenever it is given out.
fn is_same_link(one: &str, other: &str) -> bool {
    let place = |text: &str| {
        let link = text.starts_with("https://") || text.starts_with("http://");
        link.then(|| text.split_once('?').map(|(place, _)| place.to_owned())).flatten()
    };
    place(one).is_some_and(|one| place(other) == Some(one))
}
