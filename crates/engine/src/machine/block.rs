//! Blocks in progress: which step each has reached, rounds within rounds, and the walk over them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use connector::Failure;
use jiff::Timestamp;
use recipe::{
    ActionStep, Block, EffectSpec, EvalError, Expression, Recipe, Retry, Scope, Step, StepKind,
    Steps, Template,
};
use serde_json::{Value, json};

use super::{Attention, Due, action::ActionState, ending, inside, step_warnings};
use crate::journal::{Choice, Entry, JobError, Kind, Status, StepPath, StepWarning};

/// A block being run.
#[derive(Debug)]
pub(super) struct Run {
    steps: Block,
    at: usize,
    current: Option<State>,
}

/// The step that a block has reached.
#[derive(Debug)]
enum State {
    Action(Box<ActionState>),
    If(Box<Run>),
    Loop(Box<Loop>),
    Try(Box<Run>),
    Catch(Box<Run>, Arc<Value>, String),
}

#[derive(Debug)]
struct Loop {
    items: Arc<Vec<Arc<Value>>>,
    next: usize,
    round: Option<(Run, Frame, usize)>,
}

/// What a round (or the whole body) sees of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// What stands before a step's name in its path: empty, or `documents[2].`.
    pub(super) prefix: String,
    steps: Arc<Steps>,
    locals: Arc<Vec<(String, Arc<Value>)>>,
    error: Option<Arc<Value>>,
    cause: String,
}

/// How far a block got.
#[derive(Debug)]
pub(super) enum Flow {
    /// It waits for the outside world (or, without evaluation, for the next entry).
    Pending,
    Done,
    Failed(Box<JobError>),
    Stopped(Choice),
}

/// What a walk carries with it.
pub(super) struct Walk {
    /// What expressions see, but for what each frame adds.
    pub(super) scope: Scope,
    /// Entries at paths that the tree has not reached yet.
    pub(super) memo: HashMap<StepPath, Kind>,
    pub(super) warnings: Vec<StepWarning>,
    /// What was decided on this walk.
    pub(super) made: Vec<(StepPath, Kind)>,
    pub(super) due: Vec<Due>,
    /// Whether expressions may be evaluated; otherwise only the memo decides.
    pub(super) evaluate: bool,
    pub(super) seed: u64,
    pub(super) retry: Option<Retry>,
}

/// What is in progress, seen from outside.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Something is due or open.
    pub(super) active: bool,
    /// A call is open.
    pub(super) open: bool,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) timers: Vec<(Timestamp, StepPath)>,
    pub(super) attention: Vec<Attention>,
    /// What is going on, in a line.
    pub(super) note: String,
}

impl Survey {
    pub(super) fn timer(&mut self, at: Timestamp, path: StepPath) {
        self.wake_at = Some(self.wake_at.map_or(at, |wake| wake.min(at)));
        self.timers.push((at, path));
    }
}

impl Run {
    pub(super) fn new(steps: &Block) -> Self {
        Self { steps: steps.clone(), at: 0, current: None }
    }

    /// Goes on as far as it can.
    pub(super) fn advance(&mut self, frame: &mut Frame, walk: &mut Walk) -> Flow {
        let steps = self.steps.clone();
        while let Some(step) = steps.get(self.at) {
            let path = frame.path(step);
            let mut state = match self.current.take() {
                Some(state) => state,
                None => match begin(step, &path, frame, walk) {
                    Begun::Waits => return Flow::Pending,
                    Begun::Over => {
                        self.at += 1;
                        continue;
                    }
                    Begun::As(state) => state,
                    Begun::Ends(flow) => return flow,
                },
            };
            match state.advance(step, &path, frame, walk) {
                Flow::Done => self.at += 1,
                flow => {
                    self.current = Some(state);
                    return flow;
                }
            }
        }
        Flow::Done
    }

    /// Gives an entry to the action it is about; `false` when the tree has not reached that path.
    pub(super) fn route(
        &mut self,
        prefix: &str,
        path: &StepPath,
        kind: &Kind,
        walk: &Walk,
    ) -> bool {
        let (Some(step), Some(state)) = (self.steps.get(self.at), &mut self.current) else {
            return false;
        };
        match state {
            State::Action(state) => {
                let StepKind::Action(action) = &step.kind else { return false };
                let here = path.0.strip_prefix(prefix) == Some(&*step.name);
                if here {
                    state.apply(action, path, kind, walk);
                }
                here
            }
            State::If(run) | State::Try(run) | State::Catch(run, ..) => {
                run.route(prefix, path, kind, walk)
            }
            State::Loop(rounds) => match &mut rounds.round {
                Some((run, frame, _)) => run.route(&frame.prefix, path, kind, walk),
                None => false,
            },
        }
    }

    /// Returns the action in progress at `path`.
    pub(super) fn leaf(
        &self,
        prefix: &str,
        path: &StepPath,
    ) -> Option<(&ActionStep, &ActionState)> {
        let (step, state) = (self.steps.get(self.at)?, self.current.as_ref()?);
        match (state, &step.kind) {
            (State::Action(state), StepKind::Action(action)) => {
                (path.0.strip_prefix(prefix) == Some(&*step.name)).then_some((action, &**state))
            }
            (State::If(run) | State::Try(run) | State::Catch(run, ..), _) => run.leaf(prefix, path),
            (State::Loop(rounds), _) => {
                let (run, frame, _) = rounds.round.as_ref()?;
                run.leaf(&frame.prefix, path)
            }
            (State::Action(_), _) => None,
        }
    }

    /// Collects calls that were begun and have no end.
    pub(super) fn open_calls(&self, prefix: &str, open: &mut Vec<Due>) {
        let (Some(step), Some(state)) = (self.steps.get(self.at), &self.current) else { return };
        match (state, &step.kind) {
            (State::Action(state), StepKind::Action(action)) => {
                open.extend(
                    state.open_call(action, StepPath(format!("{prefix}{}", step.name).into())),
                );
            }
            (State::If(run) | State::Try(run) | State::Catch(run, ..), _) => {
                run.open_calls(prefix, open);
            }
            (State::Loop(rounds), _) => {
                if let Some((run, frame, _)) = &rounds.round {
                    run.open_calls(&frame.prefix, open);
                }
            }
            (State::Action(_), _) => {}
        }
    }

    /// Looks at what is in progress.
    pub(super) fn survey(&self, prefix: &str, survey: &mut Survey) {
        let Some(step) = self.steps.get(self.at) else { return };
        match &self.current {
            None => survey.active = true,
            Some(State::Action(state)) => {
                state.survey(StepPath(format!("{prefix}{}", step.name).into()), survey);
            }
            Some(State::If(run) | State::Try(run) | State::Catch(run, ..)) => {
                run.survey(prefix, survey);
            }
            Some(State::Loop(rounds)) => match &rounds.round {
                Some((run, frame, _)) => run.survey(&frame.prefix, survey),
                None => survey.active = true,
            },
        }
    }
}

enum Begun {
    /// The memo does not say, and nothing may be evaluated now.
    Waits,
    Over,
    As(State),
    Ends(Flow),
}

/// Begins a step: from the memo if it says how, else by evaluating.
fn begin(step: &Step, path: &StepPath, frame: &mut Frame, walk: &mut Walk) -> Begun {
    if let Some(kind) = walk.memo.remove(path) {
        return resume(step, path, &kind, frame, walk);
    }
    if step.when.is_none() {
        // These begin without a decision, so a replay can go in.
        match &step.kind {
            StepKind::Action(_) => return Begun::As(State::Action(Box::default())),
            StepKind::Try { steps, .. } => return Begun::As(State::Try(Box::new(Run::new(steps)))),
            _ => {}
        }
    }
    if !walk.evaluate {
        return Begun::Waits;
    }
    let decided = decide(step, frame, walk);
    let kind = match decided {
        Ok(Some(kind)) => kind,
        Ok(None) => return Begun::As(State::Action(Box::default())),
        Err(error) => {
            Kind::Failed { failure: failure_of(error), retry_at: None, looking_up: false }
        }
    };
    walk.made.push((path.clone(), kind.clone()));
    resume(step, path, &kind, frame, walk)
}

/// Evaluates what a step decides as it begins; `None` for an action, which goes on to its call.
fn decide(step: &Step, frame: &Frame, walk: &Walk) -> Result<Option<Kind>, EvalError> {
    let scope = frame.scope(&walk.scope);
    if let Some(when) = &step.when
        && !when.is_true(&scope)?
    {
        return Ok(Some(Kind::Chose { choice: Choice::LeftOut }));
    }
    let choice = match &step.kind {
        StepKind::Action(_) => return Ok(None),
        StepKind::If { condition, .. } => {
            if condition.is_true(&scope)? {
                Choice::Then
            } else {
                Choice::Else
            }
        }
        StepKind::ForEach { items, .. } => Choice::Items(Arc::new(list(items, &scope)?)),
        StepKind::Try { .. } => Choice::Then,
        StepKind::Set(variables) => {
            let mut set = serde_json::Map::new();
            for (name, template) in variables {
                set.insert(name.clone(), template.evaluate(&scope)?);
            }
            let output = Arc::new(Value::Object(set));
            return Ok(Some(Kind::Succeeded { output, recovered: false, warnings: Vec::new() }));
        }
        StepKind::Stop { status, reason, hint } => Choice::Stop {
            status: Status::from_word(status.word()).expect("the words of `stop` are statuses"),
            reason: reason.as_ref().map(|reason| text(reason, &scope)).transpose()?,
            hint: hint.as_ref().map(|hint| text(hint, &scope)).transpose()?,
        },
    };
    Ok(Some(Kind::Chose { choice }))
}

/// Begins a step as an entry says.
fn resume(step: &Step, path: &StepPath, kind: &Kind, frame: &mut Frame, walk: &mut Walk) -> Begun {
    match (&step.kind, kind) {
        (_, Kind::Chose { choice: Choice::LeftOut }) => Begun::Over,
        (StepKind::Action(action), kind) => {
            let mut state = ActionState::default();
            state.apply(action, path, kind, walk);
            Begun::As(State::Action(Box::new(state)))
        }
        (_, Kind::Failed { failure, .. }) => {
            let error = JobError {
                code: failure.code.clone(),
                message: failure.message.clone(),
                hint: failure.hint.clone().unwrap_or_default(),
                step: path.clone(),
                action: None,
                attempts: 1,
                exchange: None,
            };
            Begun::Ends(Flow::Failed(Box::new(error)))
        }
        (StepKind::If { then, .. }, Kind::Chose { choice: Choice::Then }) => {
            Begun::As(State::If(Box::new(Run::new(then))))
        }
        (StepKind::If { otherwise, .. }, Kind::Chose { choice: Choice::Else }) => {
            Begun::As(State::If(Box::new(Run::new(otherwise))))
        }
        (StepKind::ForEach { .. }, Kind::Chose { choice: Choice::Items(items) }) => {
            Begun::As(State::Loop(Box::new(Loop { items: items.clone(), next: 0, round: None })))
        }
        (StepKind::Try { steps, .. }, Kind::Chose { choice: Choice::Then }) => {
            Begun::As(State::Try(Box::new(Run::new(steps))))
        }
        (StepKind::Set(_), Kind::Succeeded { output, .. }) => {
            if let (Value::Object(vars), Value::Object(set)) =
                (Arc::make_mut(&mut walk.scope.vars), &**output)
            {
                vars.extend(set.clone());
            }
            Begun::Over
        }
        (StepKind::Stop { .. }, Kind::Chose { choice: choice @ Choice::Stop { .. } }) => {
            Begun::Ends(Flow::Stopped(choice.clone()))
        }
        // Not an entry of this step: left in the memo, where `apply` finds it and says so.
        _ => {
            let _ = frame;
            walk.memo.insert(path.clone(), kind.clone());
            Begun::Waits
        }
    }
}

impl State {
    fn advance(
        &mut self,
        step: &Step,
        path: &StepPath,
        frame: &mut Frame,
        walk: &mut Walk,
    ) -> Flow {
        loop {
            match self {
                Self::Action(state) => {
                    let StepKind::Action(action) = &step.kind else { return Flow::Pending };
                    let flow = state.advance(action, path, frame, walk);
                    if let Flow::Done = flow {
                        let (output, warnings) = state.result();
                        walk.warnings.extend(step_warnings(path, warnings));
                        frame.bind(step, output.clone());
                    }
                    return flow;
                }
                Self::If(run) => return run.advance(frame, walk),
                Self::Loop(rounds) => return rounds.advance(step, path, frame, walk),
                Self::Try(run) => match (run.advance(frame, walk), &step.kind) {
                    (Flow::Failed(error), StepKind::Try { catch, .. }) => {
                        let cause = format!("{}@{}", error.code, error.step);
                        *self = Self::Catch(
                            Box::new(Run::new(catch)),
                            Arc::new(ending::error_value(&error)),
                            cause,
                        );
                    }
                    (flow, _) => return flow,
                },
                Self::Catch(run, error, cause) => {
                    let outer = (
                        frame.error.replace(error.clone()),
                        std::mem::replace(&mut frame.cause, cause.clone()),
                    );
                    let flow = run.advance(frame, walk);
                    (frame.error, frame.cause) = outer;
                    return flow;
                }
            }
        }
    }
}

impl Loop {
    fn advance(
        &mut self,
        step: &Step,
        path: &StepPath,
        frame: &mut Frame,
        walk: &mut Walk,
    ) -> Flow {
        let StepKind::ForEach { variable, steps, .. } = &step.kind else { return Flow::Pending };
        while let Some(item) = self.items.get(self.next) {
            let index = self.next;
            let (run, inner, warned) = self.round.get_or_insert_with(|| {
                let mut locals = (*frame.locals).clone();
                locals.push((variable.clone(), item.clone()));
                locals.push(("loop".into(), Arc::new(json!({ "index": index + 1 }))));
                let frame = Frame {
                    prefix: format!("{path}[{index}]."),
                    steps: inside(&frame.steps),
                    locals: Arc::new(locals),
                    error: frame.error.clone(),
                    cause: frame.cause.clone(),
                };
                (Run::new(steps), frame, walk.warnings.len())
            });
            match run.advance(inner, walk) {
                Flow::Done => {}
                flow => return flow,
            }
            let over = StepPath(format!("{path}[{index}]").into());
            if walk.memo.remove(&over).is_none() {
                if !walk.evaluate {
                    return Flow::Pending;
                }
                let warning = |one: &StepWarning| connector::Warning {
                    code: one.code.clone(),
                    message: one.message.clone(),
                };
                let warnings = walk.warnings[*warned..].iter().map(warning).collect();
                let output = Arc::new(Value::Null);
                walk.made.push((over, Kind::Succeeded { output, recovered: false, warnings }));
            }
            self.round = None;
            self.next += 1;
        }
        frame.bind(step, Arc::new(json!({ "results": [] })));
        Flow::Done
    }
}

impl Frame {
    fn path(&self, step: &Step) -> StepPath {
        StepPath(format!("{}{}", self.prefix, step.name).into())
    }

    /// Returns what expressions see here.
    pub(super) fn scope(&self, scope: &Scope) -> Scope {
        Scope {
            steps: self.steps.clone(),
            locals: self.locals.clone(),
            error: self.error.clone(),
            ..scope.clone()
        }
    }

    /// Returns the error or outcome in scope, as once keys name it.
    pub(super) fn cause(&self, scope: &Scope) -> String {
        match &scope.outcome {
            _ if !self.cause.is_empty() => self.cause.clone(),
            None => String::new(),
            Some(outcome) => match &outcome["error"] {
                Value::Null => outcome["status"].as_str().unwrap_or_default().into(),
                error => {
                    let part = |name: &str| error[name].as_str().unwrap_or_default().to_string();
                    format!("{}@{}", part("code"), part("step"))
                }
            },
        }
    }

    fn bind(&mut self, step: &Step, output: Arc<Value>) {
        if let Some(id) = &step.id {
            Arc::make_mut(&mut self.steps).outputs.insert(id.clone(), output);
        }
    }
}

/// Returns the failure that an expression's error becomes.
pub(super) fn failure_of(error: EvalError) -> Failure {
    Failure { hint: error.hint, ..Failure::permanent(error.code, error.message) }
}

fn list(items: &Expression, scope: &Scope) -> Result<Vec<Arc<Value>>, EvalError> {
    match items.evaluate(scope)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items.into_iter().map(Arc::new).collect()),
        _ => Err(EvalError {
            code: "wrong_type",
            message: format!("`for_each` needs a list, but `{}` is something else", items.text),
            hint: Some("Name a list here; for a single value write `[value]`.".into()),
            span: items.span,
        }),
    }
}

fn text(template: &Template, scope: &Scope) -> Result<String, EvalError> {
    Ok(match template.evaluate(scope)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

/// Says why `newest` cannot take over from `old` after these entries, if it cannot.
pub(super) fn fits<'a>(
    old: &Recipe,
    newest: &Recipe,
    done: impl Iterator<Item = &'a Entry>,
) -> Result<(), String> {
    let (old, newest) = (actions(old), actions(newest));
    for entry in done {
        let name = last_name(&entry.path);
        let Some(was) = old.get(name) else { continue };
        match newest.get(name) {
            Some(is) if is == was => {}
            Some(is) => return Err(format!("`{name}` is done as `{was}`, but is `{is}` there")),
            None => return Err(format!("`{name}` (`{was}`) is done, but is not there any more")),
        }
    }
    Ok(())
}

fn actions(recipe: &Recipe) -> HashMap<&str, String> {
    let mut names = HashMap::new();
    for block in [&recipe.steps, &recipe.finally] {
        visit(block, &mut |step| {
            if let StepKind::Action(action) = &step.kind {
                names.insert(&*step.name, format!("{}.{}", action.connector, action.action));
            }
        });
    }
    names
}

/// Returns the names of the body's steps that write.
pub(super) fn writes_of_body(recipe: &Recipe) -> HashSet<&str> {
    let mut names = HashSet::new();
    visit(&recipe.steps, &mut |step| {
        if let StepKind::Action(action) = &step.kind
            && action.effect != EffectSpec::Read
        {
            names.insert(&*step.name);
        }
    });
    names
}

/// Returns the names of the steps in `finally`.
pub(super) fn names_of_finally(recipe: &Recipe) -> HashSet<&str> {
    let mut names = HashSet::new();
    visit(&recipe.finally, &mut |step| {
        names.insert(&*step.name);
    });
    names
}

fn visit<'a>(block: &'a [Step], see: &mut impl FnMut(&'a Step)) {
    for step in block {
        see(step);
        match &step.kind {
            StepKind::If { then: one, otherwise: two, .. }
            | StepKind::Try { steps: one, catch: two } => {
                visit(one, see);
                visit(two, see);
            }
            StepKind::ForEach { steps, .. } => visit(steps, see),
            StepKind::Action(_) | StepKind::Set(_) | StepKind::Stop { .. } => {}
        }
    }
}

/// Returns the first step name of a path: `documents` of `documents[2].upload`.
pub(super) fn first_name(path: &StepPath) -> &str {
    path.0.split(['[', '.']).next().unwrap_or_default()
}

/// Returns the last step name of a path: `upload` of `documents[2].upload`.
pub(super) fn last_name(path: &StepPath) -> &str {
    path.0.rsplit('.').next().unwrap_or_default()
}
