//! From a delivery to jobs on disk: verify, decode, name, dedupe, one commit, then 200.
//!
//! Anything genuine is stored and answered 200. What cannot become a job by itself (a payload that does not decode, an
//! expression of the trigger that fails) becomes a job that needs attention, with the reason.

use std::sync::Arc;

use connector::{Delivery, Event, Failure, Verdict};
use jiff::Timestamp;
use recipe::{Start, fit};

use crate::{
    command::{Command, CommandError},
    dispatch::Place,
    fresh::Fresh,
    journal::{JobId, Status},
    machine::Child,
    made::{Made, job_of, made_of},
    refused::Refusal,
    retry,
    service::{Engine, Notice, Shared},
    store::{Accepted, CALL, DeliveryId, Intake, JobRow, NewJob, Parent, Standing, StoreError},
    worker,
};

/// Headers that prove who sent a delivery; they are not kept.
const CREDENTIALS: [&str; 6] = [
    "authorization",
    "signature",
    "cookie",
    "x-webhook-token",
    "x-hub-signature-256",
    "proxy-authorization",
];

/// The answer to a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status: 200 when it is on disk, 401 or 400 when it is refused, 404 for an unknown recipe, 503 when the
    /// store does not answer.
    pub status: u16,
    /// A word for whoever reads the sender's log.
    pub text: String,
    /// The jobs it made or repeats.
    pub jobs: Vec<JobId>,
    /// After how many seconds to try again, for 503.
    pub retry_after: Option<u32>,
    /// Until when the sender waits for what its recipe gives: [`Engine::reply`] says what it is answered.
    pub waits_until: Option<Timestamp>,
}

impl Answer {
    fn new(status: u16, text: impl Into<String>) -> Self {
        let retry_after = (status == 503).then_some(30);
        let text = text.into();
        Self { status, text, jobs: Vec::new(), retry_after, waits_until: None }
    }
}

impl Engine {
    /// Takes a webhook. A 200 means that everything genuine in it is on disk.
    pub async fn deliver(&self, recipe: &str, delivery: Delivery) -> Answer {
        let shared = &self.shared;
        let Some(known) = shared.known(recipe) else {
            return Answer::new(404, format!("there is no recipe `{recipe}` here"));
        };
        let Some(current) = known.current else {
            // It will be right one day; the sender keeps the event until then.
            self.refused_by(recipe, &delivery, 503, "no version of the recipe was ever right");
            return Answer::new(503, format!("`{recipe}` has never been right; try again later"));
        };
        let Some(started_by) = current.trigger() else {
            return Answer::new(
                404,
                format!("`{recipe}` takes no webhooks: other recipes call it"),
            );
        };
        let deployment = shared.deployment();
        let trigger = deployment.trigger(&current);
        let connection = deployment.connection(started_by.connection.as_deref());
        let (Some(trigger), Ok(connection)) = (trigger, connection) else {
            // Without the secret nothing can be verified; the sender tries again.
            self.refused_by(recipe, &delivery, 503, "the trigger's connection cannot be opened");
            return Answer::new(
                503,
                "the connection of this recipe's trigger is not ready; see its log",
            );
        };
        let verdict = match trigger.verify(&connection, &started_by.with, &delivery) {
            Ok(verdict) => verdict,
            Err(refusal) => {
                tracing::warn!(recipe, reason = %refusal.reason, "a delivery was refused");
                shared.refused(recipe, delivery.received_at, &refusal.reason);
                self.refused_by(recipe, &delivery, refusal.status, &refusal.reason);
                return Answer::new(refusal.status, "refused");
            }
        };
        let (word, made) = match verdict {
            Verdict::Ping => ("ping", Made::default()),
            Verdict::Other => ("other", Made::default()),
            Verdict::Events if shared.is_full(delivery.body.len()).await => {
                tracing::error!(
                    recipe,
                    "unfinished jobs take all the room that `retention` in runner.yaml gives; the sender is asked to \
                     try again. See `recipe-runner status` for what keeps them, or raise `megabytes`"
                );
                self.refused_by(recipe, &delivery, 503, "no room for more unfinished jobs");
                return Answer::new(503, "no room for more unfinished jobs; try again later");
            }
            Verdict::Events => {
                let pinned = shared.pins.of(&deployment, &current);
                ("events", made_of(&pinned, &deployment, &delivery, None))
            }
        };
        let waits = started_by.answer_within.filter(|_| verdict == Verdict::Events);
        let waits_until = waits.map(|within| retry::later(delivery.received_at, within));
        match self.accept(recipe, &delivery, word, made).await {
            Ok(jobs) => Answer { jobs, waits_until, ..Answer::new(200, "accepted") },
            Err(error) => {
                tracing::error!(recipe, %error, "a delivery could not be stored; the sender is asked to try again");
                Answer::new(503, "not stored; try again later")
            }
        }
    }

    fn refused_by(&self, recipe: &str, delivery: &Delivery, status: u16, reason: &str) {
        let headers = delivery.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> = headers.collect();
        self.refuse(recipe, &Refusal::of(delivery, status, reason), &headers);
    }

    /// Makes a job by hand from the body of a delivery, as the vendor sends it. It has a dedupe key of its own and the
    /// once keys of its event: what an earlier job has done is not done again.
    pub async fn submit(&self, recipe: &str, body: Vec<u8>) -> Result<JobId, CommandError> {
        let received_at = self.shared.clock.now();
        let (headers, query) = (Vec::new(), String::new());
        self.submit_delivery(
            recipe,
            Delivery { headers, query, body: body.into(), received_at },
            None,
        )
        .await
    }

    /// Makes jobs by hand from a delivery that came before, with the headers and the query it came with: of all its
    /// events, or of the one at that place. Returns the first job.
    pub async fn submit_delivery(
        &self,
        recipe: &str,
        delivery: Delivery,
        only: Option<u32>,
    ) -> Result<JobId, CommandError> {
        let shared = &self.shared;
        let known = shared.known(recipe).ok_or_else(|| CommandError::NoRecipe(recipe.into()))?;
        let current = known.current.ok_or_else(|| CommandError::NeverGood(recipe.into()))?;
        let body = match &current.start {
            Start::Trigger(_) => delivery.body,
            Start::Called { input } => {
                let given =
                    serde_json::from_slice(&delivery.body).map_err(|error| error.to_string());
                let fitted = given.and_then(|given| fit(given, input));
                fitted
                    .map_err(|why| CommandError::WrongInput { recipe: recipe.into(), why })?
                    .to_string()
                    .into_bytes()
                    .into()
            }
        };
        let deployment = shared.deployment();
        let now = shared.clock.now();
        let delivery = Delivery { body, received_at: now, ..delivery };
        let events = deployment
            .decode(&current, &delivery)
            .map_err(|failure| CommandError::NoEvent(failure.message))?;
        if events.is_empty() {
            return Err(CommandError::NoEvent("there is no event in it".into()));
        }
        let unique = format!("manual/{}", now.as_nanosecond());
        let pinned = shared.pins.of(&deployment, &current);
        let mut made = made_of(&pinned, &deployment, &delivery, Some(&unique));
        if let Some(only) = only {
            made.only(only);
        }
        let made = self.accept(recipe, &delivery, "manual", made).await?;
        made.first()
            .copied()
            .ok_or_else(|| CommandError::NoEvent("the trigger's `when` leaves it out".into()))
    }

    /// Makes a job by hand from the event of another job.
    pub async fn submit_again(&self, job: JobId) -> Result<JobId, CommandError> {
        let loaded = self.shared.store.load(job).await?.ok_or(CommandError::NoJob(job))?;
        if loaded.delivery.cut {
            return Err(CommandError::Cut(job));
        }
        let (row, delivery) = (loaded.row, worker::as_sent(loaded.delivery));
        self.submit_delivery(&row.recipe, delivery, Some(row.event_index)).await
    }

    /// Stores a delivery with its jobs, and has them driven. Returns the jobs, new or known.
    async fn accept(
        &self,
        recipe: &str,
        delivery: &Delivery,
        verdict: &str,
        made: Made,
    ) -> Result<Vec<JobId>, StoreError> {
        let shared = &self.shared;
        let Made { jobs, events, pinned } = made;
        let kept = |(name, _): &&(String, String)| !CREDENTIALS.contains(&name.as_str());
        let intake = Intake {
            recipe: recipe.into(),
            received_at: delivery.received_at,
            headers: delivery.headers.iter().filter(kept).cloned().collect(),
            query: delivery.query.clone(),
            body: delivery.body.clone(),
            verdict: verdict.into(),
            answered: 200,
            jobs: jobs.clone(),
        };
        let orders: Vec<String> = jobs.iter().filter_map(|job| job.order_key.clone()).collect();
        for order in &orders {
            shared.dispatch().expect(order);
        }
        let accepted = shared.store.accept(intake).await;
        let mut ids = Vec::with_capacity(jobs.len());
        let mut failed = Vec::new();
        let (kept, all) = accepted.as_ref().map_or((None, &[][..]), |(id, all)| (Some(*id), all));
        for ((job, event), accepted) in jobs.into_iter().zip(events).zip(all) {
            match accepted {
                Accepted::New(id) => {
                    ids.push(*id);
                    if let (Some(event), Some(pinned), Some(kept)) = (event, &pinned, kept)
                        && job.attention.is_none()
                        && shared.may_go_on(recipe)
                    {
                        let row = fresh_row(*id, recipe, kept, delivery, &job);
                        shared.fresh.put(Fresh { row, pinned: pinned.clone(), event });
                    }
                    announce(shared, recipe, *id, job);
                }
                Accepted::Repeat { job: id, status } => {
                    ids.push(*id);
                    failed.extend((*status == Status::Failed).then_some(*id));
                }
            }
        }
        for order in &orders {
            shared.dispatch().arrived(order);
        }
        accepted?;
        for id in failed {
            self.reopen(id).await;
        }
        shared.changed.notify_one();
        Ok(ids)
    }

    /// Has a failed job go on because its event came again: recruiters press "Hired" once more.
    async fn reopen(&self, job: JobId) {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let command = Command::Retry { newest: false, force: false };
        let sent =
            worker::command(&self.shared, job, "a repeat of its event", command, reply).await;
        if let Err(error) = sent {
            tracing::warn!(job = job.0, %error, "a repeat of a failed event does not reopen its job");
            return;
        }
        if let Ok(Err(error)) = answer.await {
            tracing::warn!(job = job.0, %error, "a repeat of a failed event does not reopen its job");
        }
    }
}

/// Has a new job driven, and tells of it.
pub(crate) fn announce(shared: &Shared, recipe: &str, id: JobId, job: NewJob) {
    let (place, status) = match &job.attention {
        Some(_) => (Place::Attention, Status::NeedsAttention),
        None => (Place::Ready, Status::Queued),
    };
    shared.dispatch().add(id, recipe, job.order_key, false, place);
    shared.notify(|| Notice {
        job: id,
        recipe: recipe.into(),
        label: job.label,
        status,
        note: job.attention.unwrap_or_default(),
        entries: Arc::new([]),
    });
}

/// Returns the row of a job that was just accepted.
fn fresh_row(
    id: JobId,
    recipe: &str,
    kept: DeliveryId,
    delivery: &Delivery,
    job: &NewJob,
) -> JobRow {
    JobRow {
        id,
        recipe: recipe.into(),
        version: None,
        delivery: kept,
        event_index: job.event_index,
        accepted_at: delivery.received_at,
        order_key: job.order_key.clone(),
        once_key: job.once_key.clone(),
        label: job.label.clone(),
        attention: job.attention.clone(),
        repeats: 0,
        entries: 0,
        standing: Standing {
            status: Status::Queued,
            wake_at: None,
            note: String::new(),
            started_at: None,
            finished_at: None,
        },
        parent: job.parent.clone(),
        cut: false,
    }
}

/// Returns the job that a step of another calls, ready for the store; or why it cannot be called.
pub(crate) fn call(
    shared: &Shared,
    caller: &JobRow,
    child: &Child,
    now: Timestamp,
) -> Result<Intake, Failure> {
    let name = &child.recipe;
    let permanent =
        |code, message: String, hint: String| Failure::permanent(code, message).hint(hint);
    let Some(current) = shared.known(name).and_then(|known| known.current) else {
        return Err(permanent(
            "no_recipe",
            format!("there is no recipe `{name}` that is right"),
            format!("See `recipe-runner check recipes/{name}.yaml`, then retry the job."),
        ));
    };
    let Start::Called { input } = &current.start else {
        return Err(permanent(
            "not_callable",
            format!("`{name}` has a trigger, so it cannot be called"),
            "Retry the job with its newest recipe.".into(),
        ));
    };
    let input = fit((*child.input).clone(), input).map_err(|why| {
        let hint = format!("Look what `{name}` takes in its `input`.");
        permanent("wrong_input", format!("`{name}` does not take this: {why}"), hint)
    })?;
    let body = input.to_string();
    let delivery = Delivery {
        headers: Vec::new(),
        query: String::new(),
        body: body.into_bytes().into(),
        received_at: now,
    };
    let path = &child.path;
    // A cancelled job gives way to another one when its caller is retried.
    let again = if child.attempt > 1 { format!("#{}", child.attempt) } else { String::new() };
    let event = Event {
        dedupe_key: format!("call/{}/{path}{again}", caller.id),
        order_key: None,
        once_key: format!("{}/{path}", caller.once_key),
        payload: input.into(),
    };
    let pinned = shared.pins.of(&shared.deployment(), &current);
    let label = caller.label.clone();
    let (job, _) = job_of(&pinned, event, 0, &delivery, None).ok_or_else(|| {
        permanent("not_callable", format!("`{name}` leaves this out"), String::new())
    })?;
    let job = NewJob {
        label: if current.label.is_some() { job.label } else { label },
        parent: Some(Parent { job: caller.id, path: path.clone() }),
        ..job
    };
    Ok(Intake {
        recipe: name.clone(),
        received_at: now,
        headers: Vec::new(),
        query: String::new(),
        body: delivery.body,
        verdict: CALL.into(),
        answered: 200,
        jobs: vec![job],
    })
}
