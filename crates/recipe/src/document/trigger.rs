//! `trigger`: a name, or a map with its settings.

use std::time::Duration;

use crate::{
    diagnostic::Span,
    document::Condition,
    fields::{Known, Report, Word},
    yaml::{Key, Node, Value},
};

/// What starts a job, as it was said.
#[derive(Debug)]
pub(crate) struct Trigger {
    /// `connector.trigger`.
    pub(crate) on: Option<Word>,
    pub(crate) connection: Option<Word>,
    pub(crate) with: Vec<(Key, Node)>,
    pub(crate) when: Option<Condition>,
    pub(crate) key: Option<OrderKey>,
    pub(crate) dedupe: Option<Condition>,
    pub(crate) catch_up: Option<CatchUp>,
    /// `answer_within`: how long the sender waits for the output.
    pub(crate) answer_within: Option<(Span, Duration)>,
    pub(crate) span: Span,
}

/// `catch_up`: how often events that were missed are read back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CatchUp {
    Never,
    Every(Span, Duration),
}

/// `key`: an expression, or a map with `group` and `value`.
#[derive(Debug)]
pub(crate) struct OrderKey {
    pub(crate) group: Option<Word>,
    pub(crate) value: Condition,
}

pub(crate) const ORDER_KEY: Known = Known { what: "`key`", keys: &["group", "value"] };

pub(crate) const TRIGGER: Known = Known {
    what: "a trigger",
    keys: &["on", "connection", "with", "when", "key", "dedupe", "catch_up", "answer_within"],
};

/// Reads the value of `trigger`.
pub(super) fn read(report: &mut Report<'_>, key: &Key, node: Node) -> Option<Trigger> {
    let empty = |on: Option<Word>, span: Span| Trigger {
        on,
        connection: None,
        with: Vec::new(),
        when: None,
        key: None,
        dedupe: None,
        catch_up: None,
        answer_within: None,
        span,
    };
    if !matches!(node.value, Value::Map(_)) {
        let on = report.constant(key, node)?;
        let span = on.span;
        return Some(empty(Some(on), span));
    }
    let mut fields = report.fields(node, TRIGGER)?;
    let on = if let Some((key, node)) = fields.take("on") {
        report.constant(&key, node)
    } else {
        let diagnostic = report.error("missing-key", key.span, "this trigger has no `on`");
        diagnostic.help.push("name what starts it: `on: greenhouse.hired`".into());
        None
    };
    let span = on.as_ref().map_or(key.span, |on| on.span);
    let mut trigger = empty(on, span);
    if let Some((key, node)) = fields.take("connection") {
        trigger.connection = report.constant(&key, node);
    }
    if let Some((key, node)) = fields.take("with") {
        match node.value {
            Value::Map(entries) => trigger.with = entries,
            Value::Null | Value::Broken => {}
            _ => {
                let message = format!("`{}` is a map of settings, found {}", key.text, node.what());
                report.error("wrong-type", node.span, message);
            }
        }
    }
    for (name, place) in [("when", &mut trigger.when), ("dedupe", &mut trigger.dedupe)] {
        if let Some((key, node)) = fields.take(name) {
            *place = Some(Condition { expression: report.expression(&key, &node) });
        }
    }
    if let Some((key, node)) = fields.take("key") {
        trigger.key = order_key(report, &key, node);
    }
    if let Some((key, node)) = fields.take("catch_up") {
        trigger.catch_up = match &node.value {
            Value::Text(text) if text == "never" => Some(CatchUp::Never),
            _ => report.duration(&key, &node).map(|every| CatchUp::Every(key.span, every)),
        };
    }
    if let Some((key, node)) = fields.take("answer_within") {
        trigger.answer_within = report.duration(&key, &node).map(|within| (key.span, within));
    }
    Some(trigger)
}

fn order_key(report: &mut Report<'_>, key: &Key, node: Node) -> Option<OrderKey> {
    if !matches!(node.value, Value::Map(_)) {
        let value = Condition { expression: report.expression(key, &node) };
        return Some(OrderKey { group: None, value });
    }
    let mut fields = report.fields(node, ORDER_KEY)?;
    let group = fields.take("group").and_then(|(key, node)| report.constant(&key, node));
    let Some((key, node)) = fields.take("value") else {
        report
            .error("missing-key", key.span, "this `key` has no `value`")
            .help
            .push("write `key: { group: people, value: event.candidate.id }`".into());
        return None;
    };
    Some(OrderKey { group, value: Condition { expression: report.expression(&key, &node) } })
}
