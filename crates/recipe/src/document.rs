//! A recipe as it was said: every part with its place, some of it perhaps missing because it was wrong.
//!
//! Lowering gives a [`Document`] and reports the mistakes of form; `check` compares it with the connectors and makes
//! a [`Recipe`](crate::Recipe) of it.

pub(crate) mod declared;
mod loops;
pub(crate) mod settings;
pub(crate) mod steps;
pub(crate) mod trigger;
mod waits;

use std::{sync::Arc, time::Duration};

pub(crate) use settings::Retrying;
pub(crate) use trigger::Trigger;

use crate::{
    diagnostic::{Diagnostic, Source, Span},
    expression::{Expression, Template},
    fields::{Fields, Known, Report, Word},
    recipe::{OnUnknown, Settings, StopStatus},
    schema::Object,
    yaml::{self, Key, Node, Value},
};

/// A recipe as it was said.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) title: Option<String>,
    pub(crate) label: Option<Template>,
    pub(crate) label_span: Span,
    /// `connections`: connector to connection.
    pub(crate) connections: Vec<(Word, Word)>,
    pub(crate) trigger: Option<Trigger>,
    /// `input`: what a caller gives. Anything at all where it was declared wrongly.
    pub(crate) input: Option<Arc<Object>>,
    /// `output`: its key, and what a caller gets.
    pub(crate) output: Option<(Span, Vec<Input>)>,
    pub(crate) settings: Settings,
    /// The paths of `settings.mask`, with their places.
    pub(crate) mask: Vec<Word>,
    pub(crate) steps: Vec<Step>,
    pub(crate) finally: Vec<Step>,
}

/// A step as it was said.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) id: Option<Word>,
    pub(crate) title: Option<String>,
    pub(crate) when: Option<Condition>,
    pub(crate) kind: Kind,
    /// Its leading key.
    pub(crate) key: Span,
    /// Its leading key and the first line of the value.
    pub(crate) span: Span,
}

/// An expression that is there, though perhaps wrong.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) expression: Option<Expression>,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Kind {
    Action(Action),
    If {
        condition: Condition,
        then: Vec<Step>,
        otherwise: Vec<Step>,
    },
    ForEach(Rounds),
    RepeatWhile {
        condition: Condition,
        steps: Vec<Step>,
        max: Option<u32>,
    },
    Call(Call),
    Wait(Option<Wait>),
    WaitFor(WaitFor),
    Try {
        steps: Vec<Step>,
        catch: Vec<Step>,
    },
    Set(Vec<Input>),
    Stop {
        status: Option<StopStatus>,
        reason: Option<Text>,
        hint: Option<Text>,
    },
    /// Not a step; reported already.
    Broken,
}

/// A `for_each` step as it was said.
#[derive(Debug)]
pub(crate) struct Rounds {
    pub(crate) items: Condition,
    pub(crate) variable: Option<Word>,
    pub(crate) steps: Vec<Step>,
    pub(crate) batch: Option<u32>,
    /// Its key, and how many.
    pub(crate) at_once: Option<(Span, u32)>,
    pub(crate) collect: Option<Condition>,
}

/// A `call` step as it was said.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) target: Option<Word>,
    pub(crate) with: With,
    pub(crate) background: bool,
}

/// What a `wait` waits for, as it was said.
#[derive(Debug)]
pub(crate) enum Wait {
    For(Duration),
    /// A moment, or a template of one.
    Until(Template, Span),
}

/// A `wait_for` step as it was said.
#[derive(Debug)]
pub(crate) struct WaitFor {
    pub(crate) answer: Option<Arc<Object>>,
    pub(crate) ask: Option<Text>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) default: Option<(Key, Node)>,
}

/// The inputs of an action or of a called recipe.
#[derive(Debug, Default)]
pub(crate) struct With {
    pub(crate) inputs: Vec<Input>,
    /// Whether they could not be read at all.
    pub(crate) broken: bool,
}

/// An `action` step as it was said.
#[derive(Debug)]
pub(crate) struct Action {
    /// `connector.action`.
    pub(crate) target: Option<Word>,
    pub(crate) with: With,
    pub(crate) connection: Option<Word>,
    pub(crate) retry: Option<(Span, Option<Retrying>)>,
    pub(crate) timeout: Option<(Span, Option<Duration>)>,
    pub(crate) warn_on_failure: bool,
    pub(crate) on_unknown: Option<(Span, Option<OnUnknown>)>,
}

/// A named value: an input of an action, a variable of `set`.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) key: Key,
    pub(crate) node: Node,
    pub(crate) template: Option<Template>,
}

/// A text that may hold expressions, with its place.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) span: Span,
    pub(crate) template: Option<Template>,
}

pub(crate) const RECIPE: Known = Known {
    what: "a recipe",
    keys: &[
        "title",
        "description",
        "label",
        "connections",
        "trigger",
        "input",
        "output",
        "settings",
        "steps",
        "finally",
    ],
};

/// Reads a recipe; `None` when it has no form at all.
pub(crate) fn read(source: &Arc<Source>, out: &mut Vec<Diagnostic>) -> Option<Document> {
    let root = yaml::parse(source, out)?;
    let report = &mut Report { source, out };
    if matches!(root.value, Value::Null) {
        report
            .error("missing-key", Span::new(0, 0), "this recipe is empty")
            .help
            .push("a recipe has a `trigger` and `steps`".into());
        return None;
    }
    let whole = Span::new(root.span.start, root.span.start);
    let mut fields = report.fields(root, RECIPE)?;
    let mut document = Document {
        title: fields
            .take("title")
            .and_then(|(key, node)| report.constant(&key, node))
            .map(|word| word.text),
        label: None,
        label_span: whole,
        connections: Vec::new(),
        trigger: None,
        input: None,
        output: None,
        settings: Settings::default(),
        mask: Vec::new(),
        steps: Vec::new(),
        finally: Vec::new(),
    };
    if let Some((key, node)) = fields.take("description") {
        report.constant(&key, node);
    }
    if let Some((key, node)) = fields.take("label") {
        document.label_span = node.span;
        document.label = report.text_template(&key, node);
    }
    if let Some((key, node)) = fields.take("connections") {
        document.connections = connections(report, &key, node);
    }
    start(report, &mut fields, &mut document, whole);
    if let Some((_, node)) = fields.take("settings") {
        (document.settings, document.mask) = settings::read(report, node);
    }
    match fields.take("steps") {
        Some((key, node)) => document.steps = steps::block(report, &key, node),
        None => {
            report
                .error("missing-key", whole, "this recipe has no `steps`")
                .help
                .push("`steps` is a list of steps".into());
        }
    }
    if let Some((key, node)) = fields.take("finally") {
        document.finally = steps::block(report, &key, node);
    }
    Some(document)
}

/// Reads what starts a job: `trigger` or `input`, and what comes of it.
fn start(report: &mut Report<'_>, fields: &mut Fields, document: &mut Document, whole: Span) {
    let trigger = fields.take("trigger");
    let input = fields.take("input");
    match (&trigger, &input) {
        (None, None) => {
            let diagnostic = report.error("missing-key", whole, "this recipe has no `trigger`");
            diagnostic.help.push("name what starts it: `trigger: greenhouse.hired`".into());
            diagnostic.help.push("a recipe that others `call` has `input` instead".into());
        }
        (Some((trigger, _)), Some((input, _))) => {
            let message = "this recipe has a `trigger` and an `input`: it can have one of them";
            let diagnostic = report.error("trigger-and-input", input.span, message);
            diagnostic.also.push((trigger.span, "the trigger".into()));
            diagnostic.help.push("put what both need in a recipe with `input`, and `call` it from the one with the `trigger`".into());
        }
        _ => {}
    }
    if let Some((key, node)) = input {
        document.input = Some(declared::fields(report, &key, node).unwrap_or_else(declared::open));
    }
    let trigger_key = trigger.as_ref().map(|(key, _)| key.span);
    if let Some((key, node)) = trigger {
        document.trigger = trigger::read(report, &key, node);
    }
    let answers = document.trigger.as_ref().is_some_and(|trigger| trigger.answer_within.is_some());
    if let Some((key, node)) = fields.take("output") {
        if let Some(trigger) = trigger_key.filter(|_| !answers) {
            let message = "`output` has no effect: nobody calls a recipe with a trigger";
            let mut diagnostic = Diagnostic::warning("no-effect", report.source, key.span, message);
            diagnostic.also.push((trigger, "the trigger".into()));
            let cure = "remove the key, or have the sender wait for it: `answer_within: 10s` in the trigger";
            report.out.push(diagnostic.help(cure));
        }
        let read = steps::named_values(report, &key, node, "what a caller gets", "name: value");
        document.output = Some((key.span, read.unwrap_or_default()));
    }
}

fn connections(report: &mut Report<'_>, key: &Key, node: Node) -> Vec<(Word, Word)> {
    match node.value {
        Value::Map(entries) => entries
            .into_iter()
            .filter_map(|(connector, node)| {
                let connection = report.constant(&connector, node)?;
                Some((Word { text: connector.text, span: connector.span }, connection))
            })
            .collect(),
        Value::Broken => Vec::new(),
        _ => {
            let message = format!(
                "`{}` is a map from connector to connection, found {}",
                key.text,
                node.what()
            );
            let span = if node.span.start == node.span.end { key.span } else { node.span };
            report
                .error("wrong-type", span, message)
                .help
                .push("write `connections: { goco: goco_us }`".into());
            Vec::new()
        }
    }
}

/// Calls `visit` for every step at any depth, in the order of the text, with whether it is inside a round.
pub(crate) fn for_each_step<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
    visit: &mut impl FnMut(&'a Step, bool),
) {
    let mut open: Vec<(&Step, bool)> = steps.into_iter().map(|step| (step, false)).collect();
    open.reverse();
    while let Some((step, in_round)) = open.pop() {
        visit(step, in_round);
        let (first, second, inside): (&[Step], &[Step], bool) = match &step.kind {
            Kind::If { then, otherwise, .. } => (then, otherwise, in_round),
            Kind::Try { steps, catch } => (steps, catch, in_round),
            Kind::ForEach(Rounds { steps, .. }) | Kind::RepeatWhile { steps, .. } => {
                (steps, &[], true)
            }
            Kind::Action(_)
            | Kind::Set(_)
            | Kind::Stop { .. }
            | Kind::Call(_)
            | Kind::Wait(_)
            | Kind::WaitFor(_)
            | Kind::Broken => (&[], &[], in_round),
        };
        open.extend(second.iter().rev().map(|step| (step, inside)));
        open.extend(first.iter().rev().map(|step| (step, inside)));
    }
}
