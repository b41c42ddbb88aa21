//! Recipes built by hand, and a driver in memory that plays them: its world answers by path, and counts what it did.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use connector::{Failure, jiff::Timestamp};
use engine::{
    ChildStage, Decision, Entry, JobFacts, JobId, Kind, Machine, Outcome, StepPath, Verdict, What,
};
use recipe::{
    ActionStep, CallStep, EffectSpec, Expression, OnUnknown, Recipe, Settings, Shape, Source, Span,
    Start, Step, StepKind, Template, Trigger, Wait, WaitFor,
};
use serde_json::{Value, json};

pub(crate) fn expression(text: &str) -> Expression {
    let source = Source::new("recipes/test.yaml", text);
    Expression::parse(text, Span::new(0, text.len()), &source).unwrap()
}

pub(crate) fn template(text: &str) -> Template {
    let source = Source::new("recipes/test.yaml", text);
    Template::parse(text, Span::new(0, text.len()), &source).unwrap()
}

pub(crate) fn step(name: &str, kind: StepKind) -> Step {
    let span = Span::new(0, 0);
    Step { id: Some(name.into()), name: name.into(), title: None, when: None, kind, span }
}

/// Returns a step that calls `vendor.write`, or `vendor.read`, with one input.
pub(crate) fn action(name: &str, writes: bool, about: &str) -> Step {
    let action = ActionStep {
        connector: "vendor".into(),
        action: if writes { "write" } else { "read" }.into(),
        connection: None,
        output: Shape::any(),
        with: BTreeMap::from([("about".into(), template(about))]),
        retry: None,
        timeout: None,
        warn_on_failure: false,
        on_unknown: OnUnknown::Attention,
        effect: if writes {
            EffectSpec::Write { looks_up: true, settle: Duration::ZERO }
        } else {
            EffectSpec::Read
        },
    };
    step(name, StepKind::Action(action))
}

/// Returns a loop over `event.list`.
pub(crate) fn each(name: &str, at_once: u32, collect: Option<&str>, steps: Vec<Step>) -> Step {
    let kind = StepKind::ForEach {
        items: expression("event.list"),
        variable: format!("item_{name}"),
        steps: steps.into(),
        batch: None,
        at_once,
        collect: collect.map(expression),
    };
    step(name, kind)
}

pub(crate) fn repeat(name: &str, condition: &str, max: u32, steps: Vec<Step>) -> Step {
    let condition = expression(condition);
    step(name, StepKind::RepeatWhile { condition, steps: steps.into(), max })
}

pub(crate) fn wait(name: &str, text: &str) -> Step {
    step(name, StepKind::Wait(Wait::Until(template(text))))
}

pub(crate) fn question(name: &str, timeout: Option<u64>, default: Option<Value>) -> Step {
    let wait = WaitFor {
        answer: Arc::default(),
        ask: Some(template("May {{ event.name }} come?")),
        timeout: timeout.map(Duration::from_secs),
        default,
    };
    step(name, StepKind::WaitFor(wait))
}

pub(crate) fn call(name: &str, background: bool) -> Step {
    let with = BTreeMap::from([
        ("who".into(), template("{{ event.name }}")),
        ("none".into(), Template::Constant(Value::Null)),
    ]);
    step(name, StepKind::Call(CallStep { recipe: "other".into(), with, background }))
}

pub(crate) fn recipe(steps: Vec<Step>, finally: Vec<Step>) -> Recipe {
    Recipe {
        name: "test".into(),
        version: "v".into(),
        title: "A test".into(),
        label: None,
        start: Start::Trigger(Box::new(Trigger {
            connector: "vendor".into(),
            name: "happened".into(),
            connection: None,
            with: Value::Null,
            event: Shape::any(),
            when: None,
            key: None,
            dedupe: None,
            catch_up: None,
            answer_within: None,
            span: Span::new(0, 0),
        })),
        output: Vec::new(),
        output_shape: Shape::any(),
        settings: Settings::default(),
        steps: steps.into(),
        finally: finally.into(),
        source: Source::new("recipes/test.yaml", ""),
    }
}

/// What the world says to a step.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    Yes,
    No,
    /// Not now, but the next time.
    Later,
    /// Nothing, and nobody knows whether it did it.
    Lost {
        done: bool,
    },
}

/// The world outside: it outlives machines.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) says: HashMap<String, Says>,
    /// Steps about which the world says by default something that `seed` decides.
    pub(crate) seed: Option<u64>,
    /// Steps that must not fail.
    pub(crate) safe: HashSet<String>,
    pub(crate) calls: HashMap<String, u32>,
    /// What was written, and with what; children count as written.
    pub(crate) effects: BTreeMap<String, Value>,
}

impl World {
    fn hash(&self, path: &str) -> u64 {
        let seed = self.seed.unwrap_or_default() ^ 0xcbf2_9ce4_8422_2325;
        path.bytes().fold(seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
        })
    }

    fn is_safe(&self, path: &str) -> bool {
        self.safe.contains(path.rsplit('.').next().unwrap())
    }

    pub(crate) fn says(&self, path: &str) -> Says {
        if let Some(says) = self.says.get(path) {
            return says.clone();
        }
        match (self.seed, self.hash(path) % 12) {
            (None, _) => Says::Yes,
            (_, 0 | 1) if !self.is_safe(path) => Says::No,
            (_, 2) => Says::Later,
            (_, 3) => Says::Lost { done: false },
            (_, 4) => Says::Lost { done: true },
            _ => Says::Yes,
        }
    }

    fn act(&mut self, path: &str, input: &Value, writes: bool) -> Result<Value, Failure> {
        let calls = self.calls.entry(path.into()).or_default();
        *calls += 1;
        let first = *calls == 1;
        let says = self.says(path);
        let done = matches!(says, Says::Yes | Says::Later if !first || matches!(says, Says::Yes))
            || matches!(says, Says::Lost { done } if done || !first);
        if writes && done {
            let doubled = self.effects.insert(path.into(), input.clone());
            assert!(doubled.is_none(), "`{path}` was written twice");
        }
        match says {
            Says::No => Err(Failure::permanent("refused", format!("`{path}` is refused"))),
            Says::Later if first => Err(Failure::transient("busy", "later")),
            Says::Lost { .. } if first && writes => Err(Failure::unknown("reset", "reset")),
            Says::Lost { .. } if first => Err(Failure::transient("reset", "reset")),
            _ => Ok(json!({ "id": format!("id of {path}") })),
        }
    }
}

/// A job being played.
pub(crate) struct Player {
    pub(crate) machine: Machine,
    pub(crate) journal: Vec<Entry>,
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    /// The journal's length before and after each decision, and how the job stood then.
    pub(crate) decided: Vec<(usize, usize, engine::Standing)>,
    /// How many entries there may be before the power goes.
    pub(crate) limit: usize,
}

pub(crate) fn event(items: usize) -> Value {
    let list: Vec<String> = (0..items).map(|item| format!("item {item}")).collect();
    json!({ "name": "Ada", "yes": true, "no": false, "list": list })
}

pub(crate) fn machine(recipe: &Arc<Recipe>, items: usize) -> Machine {
    let facts = JobFacts { id: JobId(1), url: "http://x/1".into(), label: "Ada".into(), seed: 7 };
    Machine::new(
        recipe.clone(),
        Arc::default(),
        Arc::new(event(items)),
        Arc::new(event(items).into()),
        facts,
    )
}

impl Player {
    pub(crate) fn new(recipe: &Arc<Recipe>, items: usize, world: World) -> Self {
        let mut player = Self {
            machine: machine(recipe, items),
            journal: Vec::new(),
            world,
            now: Timestamp::from_second(1_000).unwrap(),
            decided: Vec::new(),
            limit: usize::MAX,
        };
        let opened =
            Kind::Opened { version: "v".into(), tables: "t".into(), properties: "p".into() };
        player.put("", opened);
        player
    }

    /// Goes on with a new machine, as after a death: what was begun and has no end is unknown.
    pub(crate) fn resume(&mut self, recipe: &Arc<Recipe>, items: usize) {
        self.machine = machine(recipe, items);
        for entry in &self.journal {
            self.machine.apply(entry).unwrap();
        }
        self.limit = usize::MAX;
        for due in self.machine.open_calls() {
            let failure = if due.action == "write" {
                Failure::unknown("interrupted", "the service ended")
            } else {
                Failure::transient("interrupted", "the service ended")
            };
            let settle = Some(Duration::ZERO);
            let kind = self.machine.failed(&due.path, failure, self.now, false, settle);
            self.put(&due.path.0.clone(), kind);
        }
    }

    pub(crate) fn put(&mut self, path: &str, kind: Kind) {
        if self.journal.len() >= self.limit {
            return;
        }
        let entry = self.machine.entry(&StepPath(path.into()), self.now, kind);
        self.machine.apply(&entry).unwrap();
        self.journal.push(entry);
    }

    /// Decides, and keeps what was made.
    pub(crate) fn decide(&mut self) -> Decision {
        let before = self.journal.len();
        let decision = self.machine.decide();
        self.journal.extend(self.machine.take_made());
        self.decided.push((before, self.journal.len(), self.machine.standing()));
        self.journal.truncate(self.limit);
        decision
    }

    /// Plays to the end; `None` when the power went before.
    pub(crate) fn play(&mut self) -> Option<Outcome> {
        for _ in 0..200_000 {
            if self.journal.len() >= self.limit {
                return None;
            }
            let decision = self.decide();
            if self.journal.len() >= self.limit {
                return None;
            }
            let Decision::Open { calls, children, asks, attention, .. } = decision else {
                let Decision::Finish(outcome) = decision else { unreachable!() };
                self.put("", Kind::Finished { outcome: outcome.clone() });
                return Some(outcome);
            };
            // After an entry nothing begins that was due before it: it may have been taken back.
            if self.calls(&calls) || self.children(children) {
                continue;
            }
            if let Some(held) = attention.first() {
                let path = held.path.to_string();
                let verdict = match self.world.hash(&path) % 5 {
                    0 if !self.world.is_safe(&path) && self.world.seed.is_some() => {
                        Verdict::GivenUp
                    }
                    1 => Verdict::Happened { output: Arc::new(json!({ "id": "by hand" })) },
                    _ => Verdict::NotHappened { retry_at: Some(self.now) },
                };
                self.put(&path, Kind::Resolved { by: "Grace".into(), verdict });
                continue;
            }
            let answered =
                asks.iter().find(|ask| matches!(self.world.says(&ask.path.0), Says::Yes));
            if let Some(ask) = answered {
                let answer = Arc::new(json!({ "id": "yes" }));
                let path = ask.path.to_string();
                self.put(&path, Kind::Signalled { by: "Grace".into(), answer });
                continue;
            }
            let Some((at, path)) = self.machine.timers().into_iter().next() else {
                panic!("nothing to do and nothing to wait for: {:?}", self.machine.standing());
            };
            self.now = self.now.max(at);
            self.put(&path.0, Kind::Fired);
        }
        panic!("the job does not end");
    }

    /// Begins all calls that are due, then ends them, in the order of their paths.
    fn calls(&mut self, calls: &[engine::Due]) -> bool {
        for due in calls.iter().filter(|due| due.what == What::Call) {
            let input = due.input.clone();
            self.put(&due.path.0, Kind::Started { attempt: due.attempt, input, once: None });
        }
        for due in calls {
            let path = due.path.to_string();
            // A call whose `Started` is not on disk was not made.
            if self.journal.len() >= self.limit && !self.journal.iter().any(|entry| {
                entry.path == due.path
                    && matches!(entry.kind, Kind::Started { attempt, .. } if attempt == due.attempt)
            }) {
                continue;
            }
            let kind = if due.what == What::LookUp {
                let verdict = if self.world.effects.contains_key(&path) {
                    let output = Arc::new(json!({ "id": format!("id of {path}") }));
                    Verdict::Happened { output }
                } else {
                    let retry_at = self.machine.next_attempt(&due.path, self.now, None);
                    Verdict::NotHappened { retry_at }
                };
                Kind::Resolved { by: "look-up".into(), verdict }
            } else {
                // Half of the calls whose end was not written down were made all the same.
                if self.journal.len() >= self.limit && self.limit.is_multiple_of(2) {
                    continue;
                }
                match self.world.act(&path, &due.input, due.action == "write") {
                    Ok(output) => Kind::Succeeded {
                        output: output.into(),
                        recovered: false,
                        warnings: Vec::new(),
                    },
                    Err(failure) => {
                        let settle = Some(Duration::ZERO);
                        self.machine.failed(&due.path, failure, self.now, false, settle)
                    }
                }
            };
            self.put(&path, kind);
        }
        !calls.is_empty()
    }

    fn children(&mut self, children: Vec<engine::Child>) -> bool {
        let any = !children.is_empty();
        for child in children {
            let path = child.path.to_string();
            let job = JobId(i64::from(u32::try_from(self.world.hash(&path) % 1000).unwrap()));
            match child.stage {
                ChildStage::Due => {
                    let (attempt, input) = (child.attempt, child.input.clone());
                    if self.journal.len() < self.limit {
                        self.world.effects.insert(path.clone(), (*child.input).clone());
                    }
                    self.put(&path, Kind::Started { attempt, input, once: None });
                }
                ChildStage::Begun => self.put(&path, Kind::Child { job }),
                ChildStage::Running(job) => {
                    let kind = if child.background || !matches!(self.world.says(&path), Says::No) {
                        let output = Arc::new(json!({ "job": job.0, "id": "child" }));
                        Kind::Succeeded { output, recovered: false, warnings: Vec::new() }
                    } else {
                        let failure = Failure::permanent("refused", "the other job failed");
                        Kind::Failed { failure, retry_at: None, looking_up: false }
                    };
                    self.put(&path, kind);
                }
            }
        }
        any
    }
}
