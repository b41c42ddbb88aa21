//! A recipe as it was said: every part with its place, some of it perhaps missing because it was wrong.
//!
//! Lowering gives a [`Document`] and reports the mistakes of form; `check` compares it with the connectors and makes
//! a [`Recipe`](crate::Recipe) of it.

pub(crate) mod settings;
pub(crate) mod steps;
pub(crate) mod trigger;

use std::{sync::Arc, time::Duration};

pub(crate) use settings::Retrying;
pub(crate) use trigger::Trigger;

use crate::{
    diagnostic::{Diagnostic, Source, Span},
    expression::{Expression, Template},
    fields::{Known, Report, Word},
    recipe::{OnUnknown, Settings, StopStatus},
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
    ForEach {
        items: Condition,
        variable: Option<Word>,
        steps: Vec<Step>,
    },
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

/// An `action` step as it was said.
#[derive(Debug)]
pub(crate) struct Action {
    /// `connector.action`.
    pub(crate) target: Option<Word>,
    pub(crate) with: Vec<Input>,
    /// Whether `with` could be read at all.
    pub(crate) with_broken: bool,
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
        "settings",
        "steps",
        "finally",
    ],
    later: &["input", "output"],
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
    match fields.take("trigger") {
        Some((key, node)) => document.trigger = trigger::read(report, &key, node),
        None if fields.find(RECIPE.later).is_empty() => {
            let diagnostic = report.error("missing-key", whole, "this recipe has no `trigger`");
            diagnostic.help.push("name what starts it: `trigger: greenhouse.hired`".into());
        }
        None => {}
    }
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
