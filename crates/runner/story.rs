//! The story of a job: its journal folded into steps, with the line of the recipe each one stands at. What `jobs show`,
//! the pages and the demo tell.

use std::collections::HashMap;

use connector::{Exchange, Failure, FailureKind, Warning};
use engine::{Choice, Entry, JobView, Kind, Outcome, Question, Status, Verdict};
use jiff::Timestamp;
use recipe::{Diagnostic, Field, Recipe, Step, StepKind, Type};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A job with everything that happened to it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Story {
    /// Its number.
    pub job: i64,
    /// Its name in lists.
    pub label: String,
    /// Its recipe.
    pub recipe: String,
    /// The recipe's title, when its version still checks.
    pub title: Option<String>,
    /// The version it runs.
    pub version: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Why, in a line.
    pub note: String,
    /// When its event came.
    pub accepted_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When it goes on by itself.
    pub wake_at: Option<Timestamp>,
    /// How often its event came again.
    pub repeats: u32,
    /// The job it waits for.
    pub blocked_by: Option<i64>,
    /// Its steps, in the order they first did something.
    pub steps: Vec<StepStory>,
    /// What it asks people.
    pub questions: Vec<QuestionStory>,
    /// What people did to it.
    pub interventions: Vec<Intervention>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// A step of a job.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StepStory {
    /// Its path.
    pub path: String,
    /// What it does: `goco.create_employee`, `if`, `stop` …
    pub does: String,
    /// For people.
    pub title: Option<String>,
    /// Where it stands in the recipe, such as `recipes/hire.yaml:31`.
    pub place: Option<String>,
    /// How it is.
    pub state: StepState,
    /// How often it was called.
    pub attempts: u32,
    /// When it first did something.
    pub began_at: Timestamp,
    /// When it last did something.
    pub last_at: Timestamp,
    /// What it was given.
    pub input: Option<Value>,
    /// What it gave.
    pub output: Option<Value>,
    /// Whether it was found done rather than done.
    pub recovered: bool,
    /// What a person should know all the same.
    pub warnings: Vec<Warning>,
    /// What it decided, in words.
    pub choice: Option<String>,
    /// What went wrong, in order.
    pub failures: Vec<FailureStory>,
    /// The last failure at its line in the recipe, drawn without colours.
    pub drawn: Option<String>,
}

/// A question of a job.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct QuestionStory {
    /// The path of the step that asks.
    pub path: String,
    /// The question.
    pub ask: String,
    /// Until when an answer is waited for.
    pub until: Option<Timestamp>,
    /// What an answer holds.
    pub fields: Vec<AnswerField>,
}

/// A field of an answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AnswerField {
    /// Its name.
    pub name: String,
    /// Whether it must be there.
    pub required: bool,
    /// What it is for.
    pub summary: String,
    /// Whether it is `true` or `false`.
    pub boolean: bool,
    /// The texts it can be; empty when any will do.
    pub choices: Vec<String>,
}

impl QuestionStory {
    fn of(question: &Question) -> Self {
        let field = |field: &Field| AnswerField {
            name: field.name.clone(),
            required: field.required,
            summary: field.summary.clone(),
            boolean: matches!(field.shape.of, Type::Boolean),
            choices: match &field.shape.of {
                Type::Text(text) => text.choices.clone(),
                _ => Vec::new(),
            },
        };
        Self {
            path: question.path.to_string(),
            ask: question.ask.clone(),
            until: question.until,
            fields: question.answer.fields.iter().map(field).collect(),
        }
    }
}

/// How a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It is over and well.
    Done,
    /// Its condition was false.
    LeftOut,
    /// Its call is open.
    Calling,
    /// It waits for a moment, or for a job that it called.
    Waiting,
    /// It waits for a person's answer.
    Asking,
    /// Its write is shown and waits for a person.
    Held,
    /// It failed and is tried again.
    Retrying,
    /// Nobody knows yet whether its write happened.
    Unknown,
    /// It failed.
    Failed,
}

/// One failure of a step.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct FailureStory {
    /// When.
    pub at: Timestamp,
    /// Of which attempt.
    pub attempt: u32,
    /// Whether a look-up failed, not the call.
    pub looking_up: bool,
    /// A stable word.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What a person should do.
    pub hint: Option<String>,
    /// Whether the write may have happened.
    pub unknown: bool,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// The redacted HTTP exchange.
    pub exchange: Option<Box<Exchange>>,
}

/// Something a person, or a repeat of the event, did to a job.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Intervention {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What, in words.
    pub what: String,
}

impl Story {
    /// Folds a job's journal.
    pub fn of(view: &JobView) -> Self {
        let row = &view.row;
        let steps = view.recipe.as_deref().map(steps_by_path).unwrap_or_default();
        let mut story = Self {
            job: row.id.0,
            label: row.label.clone(),
            recipe: row.recipe.clone(),
            title: view.recipe.as_ref().map(|recipe| recipe.title.clone()),
            version: view.recipe.as_ref().map(|recipe| recipe.version.clone()),
            status: row.standing.status,
            note: row.standing.note.clone(),
            accepted_at: row.accepted_at,
            started_at: row.standing.started_at,
            finished_at: row.standing.finished_at,
            wake_at: row.standing.wake_at,
            repeats: row.repeats,
            blocked_by: view.blocked_by.map(|job| job.0),
            steps: Vec::new(),
            questions: view.asks.iter().map(QuestionStory::of).collect(),
            interventions: Vec::new(),
            outcome: None,
        };
        let mut places = HashMap::new();
        for entry in &view.entries {
            story.add(entry, view.recipe.as_deref(), &steps, &mut places);
        }
        story
    }

    fn add(
        &mut self,
        entry: &Entry,
        recipe: Option<&Recipe>,
        known: &HashMap<String, &Step>,
        places: &mut HashMap<String, usize>,
    ) {
        let at = entry.at;
        let intervention = match &entry.kind {
            Kind::Reopened { by, .. } => Some((by, "had it go on".to_owned())),
            Kind::CancelRequested { by } => Some((by, "asked to cancel it".to_owned())),
            Kind::Resolved { by, verdict } => {
                let verdict = match verdict {
                    Verdict::Happened { .. } => "settled that it happened".to_owned(),
                    Verdict::NotHappened { .. } => "settled that it did not happen".to_owned(),
                    Verdict::Inconclusive { why } => {
                        format!("could not say whether it happened: {why}")
                    }
                    Verdict::GivenUp => "gave up on it".to_owned(),
                };
                Some((by, format!("`{}`: {verdict}", entry.path)))
            }
            _ => None,
        };
        if let Some((by, what)) = intervention {
            self.interventions.push(Intervention { at, by: by.clone(), what });
        }
        if let Kind::Finished { outcome } = &entry.kind {
            self.outcome = Some(outcome.clone());
        }
        if let Kind::Reopened { .. } = entry.kind {
            self.outcome = None;
        }
        let path = entry.path.0.as_ref();
        // The job itself, and the ends of rounds, which only collect what lies under them.
        if path.is_empty() || path.ends_with(']') {
            return;
        }
        let place = *places.entry(path.to_owned()).or_insert_with(|| {
            self.steps.push(begin(path, at, recipe, known.get(&without_rounds(path)).copied()));
            self.steps.len() - 1
        });
        let step = &mut self.steps[place];
        step.last_at = at;
        step.take(&entry.kind, at);
        if let (Kind::Failed { failure, .. }, Some(recipe)) = (&entry.kind, recipe)
            && let Some(known) = known.get(&without_rounds(path))
        {
            step.drawn = Some(recipe::render(&[diagnostic(recipe, known, step, failure)], false));
        }
    }
}

impl StepStory {
    fn take(&mut self, kind: &Kind, at: Timestamp) {
        match kind {
            Kind::Started { attempt, input, .. } => {
                self.attempts = self.attempts.max(*attempt);
                self.input = Some((**input).clone());
                self.state = StepState::Calling;
            }
            Kind::Succeeded { output, recovered, warnings } => {
                self.output = Some((**output).clone());
                self.recovered = *recovered;
                self.warnings.clone_from(warnings);
                self.state = StepState::Done;
            }
            Kind::Failed { failure, retry_at, looking_up } => {
                let unknown = failure.kind == FailureKind::Unknown || *looking_up;
                self.failures.push(FailureStory {
                    at,
                    attempt: self.attempts,
                    looking_up: *looking_up,
                    code: failure.code.clone(),
                    message: failure.message.clone(),
                    hint: failure.hint.clone(),
                    unknown,
                    retry_at: *retry_at,
                    exchange: failure.exchange.clone(),
                });
                self.state = match (unknown, retry_at) {
                    (true, _) => StepState::Unknown,
                    (false, Some(_)) => StepState::Retrying,
                    (false, None) => StepState::Failed,
                };
            }
            Kind::Resolved { verdict, .. } => {
                self.state = match verdict {
                    Verdict::Happened { output } => {
                        self.output = Some((**output).clone());
                        self.recovered = true;
                        StepState::Done
                    }
                    Verdict::NotHappened { .. } => StepState::Retrying,
                    Verdict::Inconclusive { .. } => StepState::Unknown,
                    Verdict::GivenUp => StepState::Failed,
                };
            }
            Kind::Chose { choice } => {
                self.state = StepState::Done;
                self.choice = Some(match choice {
                    Choice::LeftOut => {
                        self.state = StepState::LeftOut;
                        "left out".into()
                    }
                    Choice::Then => "the condition is true".into(),
                    Choice::Else => "the condition is false".into(),
                    Choice::Items(items) if items.len() == 1 => "1 round".into(),
                    Choice::Items(items) => format!("{} rounds", items.len()),
                    Choice::Repeats => "rounds".into(),
                    Choice::Until(until) => {
                        self.state = if *until > at { StepState::Waiting } else { StepState::Done };
                        format!("waits until {until}")
                    }
                    Choice::Asked { ask, until } => {
                        self.state = StepState::Asking;
                        match until {
                            Some(until) => format!("asks until {until}: {ask}"),
                            None => format!("asks: {ask}"),
                        }
                    }
                    Choice::Held { input } => {
                        self.state = StepState::Held;
                        self.input = Some((**input).clone());
                        "held: a person says whether it is sent".into()
                    }
                    Choice::Stop { status, reason, .. } => match reason {
                        Some(reason) => format!("ends the job as {}: {reason}", status.word()),
                        None => format!("ends the job as {}", status.word()),
                    },
                });
            }
            Kind::Fired if self.state == StepState::Waiting => self.state = StepState::Done,
            Kind::Signalled { by, answer } => {
                self.output = Some((**answer).clone());
                self.choice = Some(format!("answered by {by}"));
                self.state = StepState::Done;
            }
            Kind::Child { job } => {
                self.choice = Some(format!("job {job}"));
                self.state = StepState::Waiting;
            }
            Kind::Opened { .. }
            | Kind::Fired
            | Kind::Paused { .. }
            | Kind::CancelRequested { .. }
            | Kind::Reopened { .. }
            | Kind::Finished { .. } => {}
        }
    }
}

fn begin(path: &str, at: Timestamp, recipe: Option<&Recipe>, step: Option<&Step>) -> StepStory {
    StepStory {
        path: path.into(),
        does: step.map(|step| step.kind.does()).unwrap_or_default(),
        title: step.and_then(|step| step.title.clone()),
        place: recipe.zip(step).map(|(recipe, step)| {
            let (line, _) = recipe.source.line_col(step.span.start);
            format!("{}:{line}", recipe.source.path)
        }),
        state: StepState::Done,
        attempts: 0,
        began_at: at,
        last_at: at,
        input: None,
        output: None,
        recovered: false,
        warnings: Vec::new(),
        choice: None,
        failures: Vec::new(),
        drawn: None,
    }
}

/// Returns a failed step as a mistake at its line in the recipe.
fn diagnostic(recipe: &Recipe, step: &Step, story: &StepStory, failure: &Failure) -> Diagnostic {
    let message = format!("`{}` at `{}`: {}", story.does, story.path, failure.message);
    let shown = Diagnostic::error("step-failed", &recipe.source, step.span, message)
        .label(failure.code.clone());
    match &failure.hint {
        Some(hint) => shown.help(hint.clone()),
        None => shown,
    }
}

/// Returns `documents.upload` for `documents[2].upload`.
pub fn without_rounds(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|letter| {
            match letter {
                '[' => inside = true,
                ']' => {
                    inside = false;
                    return false;
                }
                _ => {}
            }
            !inside
        })
        .collect()
}

/// Returns every step of a recipe by its path without rounds.
fn steps_by_path(recipe: &Recipe) -> HashMap<String, &Step> {
    fn walk<'a>(block: &'a [Step], prefix: &str, found: &mut HashMap<String, &'a Step>) {
        for step in block {
            let path = format!("{prefix}{}", step.name);
            let inside = match &step.kind {
                StepKind::ForEach { .. } | StepKind::RepeatWhile { .. } => format!("{path}."),
                _ => prefix.to_owned(),
            };
            for inner in step.kind.blocks() {
                walk(inner, &inside, found);
            }
            found.insert(path, step);
        }
    }
    let mut found = HashMap::new();
    walk(&recipe.steps, "", &mut found);
    walk(&recipe.finally, "", &mut found);
    found
}
