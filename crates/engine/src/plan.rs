//! Plans: a job played on real reads, whose writes are shown and never sent; and past jobs played again on what was
//! recorded, under the recipe as it is now.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use connector::{
    Action, Clock, Delivery, Failure,
    http::{PLANNED, Planned, Wire},
};
use jiff::Timestamp;
use recipe::{Case, EffectSpec, Fail, FailKind, Recipe, Reply, Script, Selector, StepKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::{
    command::CommandError,
    deployment::Deployment,
    journal::{Choice, Entry, JobId, Kind, Status},
    machine::{Due, names},
    service::Engine,
    simulate::{
        Bench, Called, Live, Played, Problem, StepRun, called,
        placeholder::{MARKS, is_marked, placeholder},
        runs::runs,
    },
    stand_ins::{Rests, StandIns},
    store::JobQuery,
    view::JobView,
};

/// What a job would do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The job's label.
    pub label: String,
    /// How it would end, as far as one can tell.
    pub status: String,
    /// Why, in a line.
    pub message: String,
    /// What may end it before, as that rests on an output that nobody knows; in sentences.
    pub undecided: Vec<String>,
    /// Its steps, in order.
    pub steps: Vec<PlannedStep>,
}

/// What a step would do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PlannedStep {
    /// Its path.
    pub path: String,
    /// The action it calls, or its leading key.
    pub does: String,
    /// What it is called with.
    pub input: Option<Value>,
    /// The requests it would send, and that were not sent.
    pub requests: Vec<Planned>,
    /// Whether its output stands in for one that nobody knows.
    pub placeholder: bool,
    /// What it gives.
    pub output: Option<Value>,
    /// How it fails.
    pub failure: Option<String>,
    /// Whether its `when` leaves it out. Only those are told of which that is undecided.
    pub left_out: bool,
    /// What of it is undecided, because it rests on an output that nobody knows, and what is taken instead; in sentences.
    pub undecided: Vec<String>,
}

/// How a past job would go now.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Past {
    /// The job.
    pub job: i64,
    /// Its label.
    pub label: String,
    /// What would be other than it was, line by line.
    pub changes: Vec<String>,
}

/// Plays the event of a delivery at that place: reads are sent, writes are not. Blocks; call it where that is allowed.
pub fn plan(
    deployment: &Deployment,
    recipe: &Arc<Recipe>,
    (delivery, index): (&Delivery, usize),
    clock: &Arc<dyn Clock>,
    runtime: &Handle,
) -> Result<Plan, String> {
    let events = deployment.decode(recipe, delivery).map_err(|failure| failure.message)?;
    let event = events.into_iter().nth(index).ok_or("this holds no event for the recipe")?.payload;
    let planned: Mutex<BTreeMap<String, (Vec<Planned>, bool)>> = Mutex::default();
    let stand_ins = StandIns::default();
    let rests = Rests::new(recipe, &stand_ins);
    let live = |due: &Due, action: &Action, _: Timestamp| -> Result<Called, Problem> {
        let name = names::last_name(&due.path);
        let stand_in = |requests| {
            let mut planned = planned.lock().expect("no panic while the lock is held");
            planned.insert(due.path.to_string(), (requests, true));
            stand_ins.note(name);
            Ok(Ok((stand_in(recipe, name, action), Vec::new())))
        };
        // What a read is answered to a question that nobody knows says nothing. One that would ask for a text that stands
        // in for another is stopped by the wire, which shows the request.
        let unknown = action.spec.effect == EffectSpec::Read && !rests.inputs(name).is_empty();
        if unknown && !is_marked(&due.input) {
            return stand_in(Vec::new());
        }
        let wire = Wire::planning(&MARKS);
        let result = deployment.connection(due.connection.as_deref()).and_then(|connection| {
            runtime.block_on(called(action, &connection, due, &wire, clock.clone()))
        });
        let requests = wire.planned();
        if unknown || matches!(&result, Err(failure) if failure.code == PLANNED) {
            return stand_in(requests);
        }
        let mut planned = planned.lock().expect("no panic while the lock is held");
        planned.insert(due.path.to_string(), (requests, false));
        // A plan waits for nobody: what would be tried again is shown as it failed.
        Ok(result.map_err(|failure| Failure { kind: connector::FailureKind::Permanent, ..failure }))
    };
    let case = Case::of_event("plan", event.into(), clock.now());
    let (played, stuck) = play(deployment, &case, recipe, &live, &stand_ins)?;
    let planned = planned.lock().expect("no panic while the lock is held");
    let does: BTreeMap<&str, &StepKind> =
        recipe.all_steps().map(|step| (&*step.name, &step.kind)).collect();
    let step = |run: &StepRun| {
        let kind = does.get(names::last_name(&run.path))?;
        let (requests, stands_in) = planned.get(&*run.path.0).cloned().unwrap_or_default();
        let unknown = matches!(kind, StepKind::Call(_) | StepKind::WaitFor(_));
        Some(PlannedStep {
            path: run.path.to_string(),
            does: match kind {
                StepKind::Call(call) => format!("call {}", call.recipe),
                kind => kind.does(),
            },
            input: run.input.as_deref().cloned().or_else(|| run.ask.as_deref().map(Value::from)),
            requests,
            placeholder: stands_in || unknown,
            output: run.output.as_deref().cloned(),
            failure: run.failure.clone(),
            left_out: false,
            undecided: rests.undecided(&run.path, &played.journal),
        })
    };
    let mut steps: Vec<PlannedStep> = played.steps.iter().filter_map(step).collect();
    steps.extend(left_out(&played.journal, &rests, &does));
    let place =
        |step: &PlannedStep| played.journal.iter().position(|one| *one.path.0 == *step.path);
    steps.sort_by_key(place);
    let open = steps.iter().filter(|step| !step.undecided.is_empty());
    let mut undecided: Vec<String> =
        open.filter_map(|step| rests.may_end(step.path.rsplit('.').next()?)).collect();
    undecided.dedup();
    Ok(Plan {
        undecided,
        label: played.label.clone(),
        status: played.status.into(),
        message: stuck.unwrap_or_else(|| said(&played)),
        steps,
    })
}

/// Returns the steps that are left out because nobody knows better.
fn left_out(
    journal: &[Entry],
    rests: &Rests<'_>,
    does: &BTreeMap<&str, &StepKind>,
) -> Vec<PlannedStep> {
    let left_out = |entry: &&Entry| matches!(entry.kind, Kind::Chose { choice: Choice::LeftOut });
    let step = |entry: &Entry| {
        let undecided = rests.undecided(&entry.path, journal);
        let kind = does.get(names::last_name(&entry.path))?;
        (!undecided.is_empty()).then(|| PlannedStep {
            path: entry.path.to_string(),
            does: kind.does(),
            input: None,
            requests: Vec::new(),
            placeholder: false,
            output: None,
            failure: None,
            left_out: true,
            undecided,
        })
    };
    journal.iter().filter(left_out).filter_map(step).collect()
}

/// Plays a finished job again under the recipe as it is now, on what its steps gave then.
pub fn past(deployment: &Deployment, recipe: &Arc<Recipe>, view: &JobView) -> Result<Past, String> {
    if view.row.cut {
        return Err("what it held is cut, as `retention` says".into());
    }
    let started = view.entries.first().map_or(view.row.accepted_at, |entry| entry.at);
    let events = deployment.decode(recipe, &view.delivery).map_err(|failure| failure.message)?;
    let event = events.into_iter().nth(view.row.event_index as usize);
    let event = event.ok_or("its delivery does not hold its event any more")?.payload.into();
    let before = runs(&view.entries);
    let newly: Mutex<BTreeSet<String>> = Mutex::default();
    let live = |due: &Due, action: &Action, _: Timestamp| -> Result<Called, Problem> {
        let mut newly = newly.lock().expect("no panic while the lock is held");
        newly.insert(due.path.to_string());
        Ok(Ok((stand_in(recipe, names::last_name(&due.path), action), Vec::new())))
    };
    let mut case = Case::of_event("past", event, started);
    case.replies = recorded(&view.entries);
    let stand_ins = StandIns::default();
    let (played, stuck) = play(deployment, &case, recipe, &live, &stand_ins)?;
    let mut changes = Vec::new();
    let was = view.row.standing.status.word();
    if was != played.status {
        changes.push(format!("it {was}, and would be `{}`: {}", played.status, said(&played)));
    }
    changes.extend(stuck);
    let writes = |path: &crate::StepPath| {
        let step = names::action_at(recipe, path);
        step.is_none_or(|step| step.effect != EffectSpec::Read)
    };
    for run in played.steps.iter().filter(|run| run.input.is_some() && writes(&run.path)) {
        match before.iter().find(|old| old.path == run.path) {
            None => changes.push(format!(
                "`{}` would newly run, with {}",
                run.path,
                shown(run.input.as_deref())
            )),
            Some(old) => inputs(run, old, &mut changes),
        }
    }
    for old in before.iter().filter(|old| old.input.is_some()) {
        if !played.steps.iter().any(|run| run.path == old.path) {
            changes.push(format!("`{}` would not run any more", old.path));
        }
    }
    Ok(Past { job: view.row.id.0, label: view.row.label.clone(), changes })
}

fn play(
    deployment: &Deployment,
    case: &Case,
    recipe: &Arc<Recipe>,
    live: &Live<'_>,
    stand_ins: &StandIns,
) -> Result<(Played, Option<String>), String> {
    let files = |_: &str| Err("a plan reads no files".to_owned());
    let bench = Bench {
        live: Some(live),
        placeholders: Some(stand_ins),
        ..Bench::new(&deployment.project, &deployment.connectors, &files)
    };
    let (played, stuck) = bench.play(case, recipe).map_err(|problem| problem.message)?;
    Ok((played, stuck.map(|stuck| format!("`{}` cannot be planned further", stuck.path))))
}

/// Returns what the steps of a journal gave, as replies by step path.
fn recorded(entries: &[Entry]) -> Vec<(Selector, Script)> {
    let mut failures: BTreeMap<&str, &Failure> = BTreeMap::new();
    for entry in entries {
        if let Kind::Failed { failure, .. } = &entry.kind {
            failures.insert(&entry.path.0, failure);
        }
    }
    let reply = |run: StepRun| {
        let reply = match (run.output, failures.get(&*run.path.0)) {
            (Some(output), _) => Reply::Output(output, Vec::new()),
            (None, Some(failure)) => Reply::Fail(Fail {
                code: failure.code.clone(),
                message: failure.message.clone(),
                hint: failure.hint.clone(),
                kind: FailKind::Permanent,
            }),
            (None, None) => return None,
        };
        Some((exactly(&run.path.0), Script { replies: vec![reply], every_call: true }))
    };
    runs(entries).into_iter().filter_map(reply).collect()
}

/// Returns the selector of one step path.
fn exactly(path: &str) -> Selector {
    let mut segments: Vec<&str> = path.split('.').collect();
    let step = segments.pop().unwrap_or_default();
    let round = |segment: &str| segment.split_once('[')?.1.trim_end_matches(']').parse().ok();
    Selector { step: step.into(), rounds: segments.into_iter().map(round).collect() }
}

fn inputs(run: &StepRun, old: &StepRun, changes: &mut Vec<String>) {
    let fields = |run: &StepRun| match run.input.as_deref() {
        Some(Value::Object(map)) => map.clone(),
        _ => serde_json::Map::new(),
    };
    let (new, old) = (fields(run), fields(old));
    let names: BTreeSet<&String> = new.keys().chain(old.keys()).collect();
    for name in names {
        if new.get(name) != old.get(name) {
            changes.push(format!(
                "`{}`: `{name}` was {}, and would be {}",
                run.path,
                shown(old.get(name)),
                shown(new.get(name))
            ));
        }
    }
}

fn said(played: &Played) -> String {
    let message = played.outcome.as_ref().map(|outcome| outcome.message.clone());
    message.or_else(|| played.attention.first().cloned()).unwrap_or_default()
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "not sent".into(), |value| format!("`{value}`"))
}

/// What a plan is made from.
#[derive(Debug)]
pub enum From {
    /// A body as the vendor sends it.
    Body(Vec<u8>),
    /// A delivery that came before; its first event.
    Delivery(Delivery),
    /// The event of another job.
    Job(JobId),
}

impl Engine {
    /// Plans a job of a recipe.
    pub async fn plan(&self, recipe: &str, from: From) -> Result<Plan, CommandError> {
        let clock = self.clock().clone();
        let (delivery, index) = match from {
            From::Body(body) => {
                let (headers, query) = (Vec::new(), String::new());
                let received_at = clock.now();
                (Delivery { headers, query, body: body.into(), received_at }, 0)
            }
            From::Delivery(delivery) => (delivery, 0),
            From::Job(job) => {
                let view = self.job(job).await?.ok_or(CommandError::NoJob(job))?;
                (view.delivery, view.row.event_index as usize)
            }
        };
        let (deployment, recipe) = (self.deployment(), self.current(recipe)?);
        let runtime = Handle::current();
        let planned = tokio::task::spawn_blocking(move || {
            plan(&deployment, &recipe, (&delivery, index), &clock, &runtime)
        });
        let planned = planned.await.unwrap_or_else(|_| Err("planning broke off".into()));
        planned.map_err(CommandError::NoPlan)
    }

    /// Plays the last finished jobs of a recipe again, the newest first.
    pub async fn past(&self, recipe: &str, jobs: u32) -> Result<Vec<Past>, CommandError> {
        let (deployment, current) = (self.deployment(), self.current(recipe)?);
        let query = JobQuery {
            recipe: Some(recipe.into()),
            statuses: vec![Status::Succeeded, Status::Failed, Status::Skipped],
            limit: jobs as usize,
            ..JobQuery::default()
        };
        let mut found = Vec::new();
        for row in self.jobs(query).await? {
            let Some(view) = self.job(row.id).await? else { continue };
            // What cannot be played again says so, and keeps no other job from it.
            found.push(past(&deployment, &current, &view).unwrap_or_else(|why| Past {
                job: row.id.0,
                label: row.label.clone(),
                changes: vec![format!("it cannot be played again: {why}")],
            }));
        }
        Ok(found)
    }
}

/// Returns what stands in for what a step gives, by what is known of it in this recipe.
fn stand_in(recipe: &Recipe, step: &str, action: &Action) -> Value {
    placeholder(step, recipe.action_output(step).unwrap_or(&action.spec.output))
}
