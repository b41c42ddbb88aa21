//! `trigger`: a name, or a map with its settings.

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
    pub(crate) key: Option<Condition>,
    pub(crate) dedupe: Option<Condition>,
    pub(crate) span: Span,
}

pub(crate) const TRIGGER: Known = Known {
    what: "a trigger",
    keys: &["on", "connection", "with", "when", "key", "dedupe"],
    later: &["catch_up"],
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
    for (name, place) in
        [("when", &mut trigger.when), ("key", &mut trigger.key), ("dedupe", &mut trigger.dedupe)]
    {
        if let Some((key, node)) = fields.take(name) {
            *place = Some(Condition { expression: report.expression(&key, &node) });
        }
    }
    Some(trigger)
}
