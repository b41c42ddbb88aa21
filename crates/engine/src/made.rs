//! What a delivery makes: jobs, each with its names, its keys and the words it is found by.

use std::sync::Arc;

use connector::{Delivery, Event, Failure};
use recipe::{EvalError, Expression, OrderKey, Payload, Recipe, Scope, View};
use serde_json::{Value, json};

use crate::{
    deployment::{Deployment, Pinned, hash},
    store::NewJob,
};

/// What a genuine delivery makes: its jobs, and the event of each that can be read.
#[derive(Default)]
pub(crate) struct Made {
    pub(crate) jobs: Vec<NewJob>,
    pub(crate) events: Vec<Option<Arc<Payload>>>,
    /// What the events were decoded with.
    pub(crate) pinned: Option<Arc<Pinned>>,
}

impl Made {
    /// Leaves the job of the event at that place.
    pub(crate) fn only(&mut self, index: u32) {
        let jobs = std::mem::take(&mut self.jobs).into_iter();
        let events = std::mem::take(&mut self.events);
        let kept = jobs.zip(events).filter(|(job, _)| job.event_index == index);
        (self.jobs, self.events) = kept.unzip();
    }
}

/// Returns the jobs that a genuine delivery makes.
pub(crate) fn jobs_of(
    pinned: &Arc<Pinned>,
    deployment: &Deployment,
    delivery: &Delivery,
    manual: Option<&str>,
) -> Vec<NewJob> {
    made_of(pinned, deployment, delivery, manual).jobs
}

/// Returns what a genuine delivery makes.
pub(crate) fn made_of(
    pinned: &Arc<Pinned>,
    deployment: &Deployment,
    delivery: &Delivery,
    manual: Option<&str>,
) -> Made {
    let recipe = &pinned.recipe;
    let (jobs, events) = match deployment.decode(recipe, delivery) {
        Ok(events) => {
            let named = events
                .into_iter()
                .zip(0..)
                .filter_map(|(event, index)| job_of(pinned, event, index, delivery, manual));
            named.map(|(job, event)| (job, Some(event))).unzip()
        }
        Err(failure) => (vec![undecodable(recipe, delivery, &failure)], vec![None]),
    };
    Made { jobs, events, pinned: Some(pinned.clone()) }
}

/// Returns the job of one event; `None` when the trigger's `when` leaves it out.
pub(crate) fn job_of(
    pinned: &Pinned,
    event: Event,
    index: u32,
    delivery: &Delivery,
    manual: Option<&str>,
) -> Option<(NewJob, Arc<Payload>)> {
    let recipe = &pinned.recipe;
    let search = search_words(&event);
    let payload = Arc::new(event.payload);
    let called = recipe.trigger().is_none();
    let scope = Scope {
        input: called.then(|| Arc::new(payload.view().to_value())),
        event: if called { Arc::default() } else { payload.clone() },
        job: Arc::new(
            json!({ "url": "", "id": "", "label": "", "started_at": null, "warnings": [] }),
        ),
        properties: pinned.properties.clone(),
        vars: Arc::new(json!({})),
        steps: Arc::default(),
        locals: Arc::default(),
        error: None,
        outcome: None,
        now: delivery.received_at,
        tables: pinned.tables.clone(),
    };
    let mut attention = None;
    let mut troubled = |what: &str, error: EvalError| {
        let hint = error.hint.map(|hint| format!(" {hint}")).unwrap_or_default();
        let why = format!("the trigger's `{what}` cannot be evaluated: {}.{hint}", error.message);
        attention.get_or_insert(why);
    };
    let trigger = recipe.trigger();
    if let Some(when) = trigger.and_then(|trigger| trigger.when.as_ref()) {
        match when.is_true(&scope) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => troubled("when", error),
        }
    }
    let mut own = |what: &str, key: Option<&Expression>| {
        let value = key?.evaluate(&scope);
        value.map_err(|error| troubled(what, error)).ok().and_then(|value| key_text(&value))
    };
    let dedupe_key = own("dedupe", trigger.and_then(|trigger| trigger.dedupe.as_ref()))
        .unwrap_or(event.dedupe_key);
    let order = trigger.and_then(|trigger| trigger.key.as_ref());
    let order_key = match order {
        Some(order) => own("key", Some(&order.value)),
        None => event.order_key,
    };
    let order_key = order_key.map(|key| order_scope(&recipe.name, order, &key));
    let label = recipe.label.as_ref().and_then(|label| label.evaluate(&scope).ok());
    let label = label.and_then(|label| label.as_str().map(|label| label.trim().to_string()));
    let job = NewJob {
        event_index: index,
        label: label.filter(|label| !label.is_empty()).unwrap_or_else(|| dedupe_key.clone()),
        dedupe_key: manual.map_or(dedupe_key, |unique| format!("{unique}/{index}")),
        order_key,
        once_key: event.once_key,
        search,
        attention,
        parent: None,
    };
    Some((job, payload))
}

/// Returns an order key with its scope: jobs of a group share it across recipes, others only within their recipe.
fn order_scope(recipe: &str, order: Option<&OrderKey>, key: &str) -> String {
    match order.and_then(|order| order.group.as_ref()) {
        Some(group) => format!("group {group}: {key}"),
        None => format!("recipe {recipe}: {key}"),
    }
}

/// Returns the job of a genuine delivery that cannot be read: nothing is lost, and a person sees why.
fn undecodable(recipe: &Recipe, delivery: &Delivery, failure: &Failure) -> NewJob {
    let hint = failure.hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
    let digest = hash(&delivery.body);
    NewJob {
        event_index: 0,
        dedupe_key: format!("unreadable/{digest}"),
        order_key: None,
        once_key: format!("unreadable/{digest}"),
        label: format!("a delivery to {} that cannot be read", recipe.name),
        search: String::new(),
        attention: Some(format!(
            "the delivery is genuine but cannot be read: {}.{hint}",
            failure.message
        )),
        parent: None,
    }
}

/// Returns the text of a key; null is no key.
pub(crate) fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Returns the words a job is found by: e-mail addresses and ids of its event, down to a small depth.
fn search_words(event: &Event) -> String {
    let mut words = Vec::new();
    collect_words(event.payload.view(), 0, &mut words);
    words.push(event.once_key.clone());
    words.sort();
    words.dedup();
    words.truncate(64);
    words.join(" ")
}

fn collect_words(value: View<'_>, depth: u8, words: &mut Vec<String>) {
    match value {
        View::Map(fields) if depth < 6 => {
            for (name, field) in fields.iter() {
                let names = || name == "id" || name.ends_with("_id");
                match field {
                    View::Text(text) if names() || text.contains('@') => {
                        if text.len() <= 120 && !text.contains(char::is_whitespace) {
                            words.push(text.to_lowercase());
                        }
                    }
                    View::Number(number) if names() => words.push(number.to_string()),
                    other => collect_words(other, depth + 1, words),
                }
            }
        }
        View::List(items) if depth < 6 => {
            for item in items.iter().take(20) {
                collect_words(item, depth + 1, words);
            }
        }
        _ => {}
    }
}
