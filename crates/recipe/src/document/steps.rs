//! Steps: a list of maps, each with exactly one leading key.

use crate::{
    diagnostic::Span,
    document::{Action, Condition, Input, Kind, Step, Text, With, loops, settings, waits},
    fields::{Fields, Known, Report},
    recipe::{OnUnknown, StopStatus},
    suggest,
    yaml::{Key, Node, Value},
};

/// The leading keys.
const LEADING: &[&str] =
    &["action", "if", "for_each", "repeat_while", "try", "set", "call", "wait", "wait_for", "stop"];

pub(crate) const ACTION: Known = Known {
    what: "an `action` step",
    keys: &[
        "id",
        "title",
        "when",
        "action",
        "with",
        "connection",
        "retry",
        "timeout",
        "if_fails",
        "on_unknown",
    ],
};
pub(crate) const IF: Known =
    Known { what: "an `if` step", keys: &["id", "title", "when", "if", "then", "else"] };
pub(crate) const FOR_EACH: Known = Known {
    what: "a `for_each` step",
    keys: &["id", "title", "when", "for_each", "as", "steps", "batch", "at_once", "collect"],
};
pub(crate) const REPEAT_WHILE: Known = Known {
    what: "a `repeat_while` step",
    keys: &["id", "title", "when", "repeat_while", "steps", "max"],
};
pub(crate) const CALL: Known =
    Known { what: "a `call` step", keys: &["id", "title", "when", "call", "with", "background"] };
pub(crate) const WAIT: Known =
    Known { what: "a `wait` step", keys: &["id", "title", "when", "wait"] };
pub(crate) const WAIT_FOR: Known = Known {
    what: "a `wait_for` step",
    keys: &["id", "title", "when", "wait_for", "ask", "timeout", "default"],
};
pub(crate) const TRY: Known =
    Known { what: "a `try` step", keys: &["id", "title", "when", "try", "catch"] };
pub(crate) const SET: Known = Known { what: "a `set` step", keys: &["id", "title", "when", "set"] };
pub(crate) const STOP: Known =
    Known { what: "a `stop` step", keys: &["id", "title", "when", "stop", "reason", "hint"] };

/// Reads a list of steps that is not empty.
pub(super) fn block(report: &mut Report<'_>, key: &Key, node: Node) -> Vec<Step> {
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        report.error("missing-value", key.span, format!("`{}` has no steps", key.text));
    }
    optional_block(report, key, node)
}

/// Reads a list of steps. A single step needs no dash where the language says so (an `else` that is an `if`).
fn optional_block(report: &mut Report<'_>, key: &Key, node: Node) -> Vec<Step> {
    let items = report.list(key, node, "steps").unwrap_or_default();
    items.into_iter().filter_map(|item| step(report, item)).collect()
}

fn step(report: &mut Report<'_>, node: Node) -> Option<Step> {
    let entries = match node.value {
        Value::Map(ref entries) => entries,
        Value::Broken => return None,
        _ => {
            let message = format!("a step is a map, found {}", node.what());
            let written = node.written(report.source).to_owned();
            let diagnostic = report.error("wrong-type", node.span, message);
            if written.contains('.') && !written.contains(' ') {
                diagnostic.label = Some(format!("did you mean `action: {written}`?"));
            }
            diagnostic.help.push(leading_keys());
            return None;
        }
    };
    let leading: Vec<(Key, Node)> =
        entries.iter().filter(|(key, _)| LEADING.contains(&key.text.as_str())).cloned().collect();
    let Some((lead, value)) = leading.first() else {
        return no_leading_key(report, node);
    };
    if let [(first, _), (second, _), ..] = leading.as_slice() {
        let message =
            format!("this step has two leading keys, `{}` and `{}`", first.text, second.text);
        let diagnostic = report.error("two-leading-keys", second.span, message);
        diagnostic.label = Some("the second".into());
        diagnostic.also.push((first.span, "the first".into()));
        diagnostic.help.push("begin a step of its own with a dash: `- …`".into());
        return broken(node, first.span);
    }
    let (lead, end) = (lead.clone(), value.span.end.max(lead.span.end));
    let known = match lead.text.as_str() {
        "action" => ACTION,
        "if" => IF,
        "for_each" => FOR_EACH,
        "repeat_while" => REPEAT_WHILE,
        "try" => TRY,
        "set" => SET,
        "call" => CALL,
        "wait" => WAIT,
        "wait_for" => WAIT_FOR,
        _ => STOP,
    };
    let mut fields = report.fields(node, known)?;
    let mut step = head(report, &mut fields, lead.span);
    // A block begins on its own line; the step's place then is its leading key alone.
    step.span = if matches!(lead.text.as_str(), "try" | "set" | "wait_for") {
        lead.span
    } else {
        Span::new(lead.span.start, end)
    };
    let (key, value) = fields.take(&lead.text)?;
    step.kind = match lead.text.as_str() {
        "action" => action(report, &mut fields, &key, value),
        "if" => choice(report, &mut fields, &key, &value),
        "for_each" => loops::for_each(report, &mut fields, &key, &value),
        "repeat_while" => loops::repeat_while(report, &mut fields, &key, &value),
        "try" => attempt(report, &mut fields, &key, value),
        "set" => set(report, &key, value),
        "call" => waits::call(report, &mut fields, &key, value),
        "wait" => waits::wait(report, &key, &value),
        "wait_for" => waits::wait_for(report, &mut fields, &key, value),
        _ => stop(report, &mut fields, &key, &value),
    };
    Some(step)
}

fn head(report: &mut Report<'_>, fields: &mut Fields, key: Span) -> Step {
    let id = fields.take("id").and_then(|(key, node)| report.constant(&key, node));
    let title = fields.take("title").and_then(|(key, node)| report.constant(&key, node));
    let when = fields
        .take("when")
        .map(|(key, node)| Condition { expression: report.expression(&key, &node) });
    Step { id, title: title.map(|word| word.text), when, kind: Kind::Broken, key, span: key }
}

/// Keeps the id of a step that is not one, so that references to it are not reported as well.
fn broken(node: Node, key: Span) -> Option<Step> {
    let Value::Map(entries) = node.value else { return None };
    let id = entries.into_iter().find(|(key, _)| key.text == "id").and_then(|(_, node)| match node
        .value
    {
        Value::Text(text) => Some(crate::fields::Word { text, span: node.span }),
        _ => None,
    });
    Some(Step { id, title: None, when: None, kind: Kind::Broken, key, span: key })
}

fn no_leading_key(report: &mut Report<'_>, mut node: Node) -> Option<Step> {
    let Value::Map(entries) = &mut node.value else { return None };
    let known = ["id", "title", "when"];
    let suspect = entries.iter().find_map(|(key, _)| {
        let near = suggest::closest(&key.text, LEADING.iter().copied())?;
        (!known.contains(&key.text.as_str())).then(|| (key.clone(), near))
    });
    let span = match (&suspect, entries.first()) {
        (Some((key, _)), _) | (None, Some((key, _))) => key.span,
        (None, None) => node.span,
    };
    let mut meant = None;
    let diagnostic = report.error("no-leading-key", span, "this step does not say what it does");
    if let Some((key, _)) = suspect {
        suggest::propose(diagnostic, &key.text, LEADING.iter().copied());
        meant = suggest::meant(&key.text, LEADING.iter().copied());
    }
    diagnostic.help.push(leading_keys());
    // Where it is clear which was meant, it is read as that one: what it sets or ends is not missed as well.
    if let (Some(meant), Some((key, _))) =
        (meant, entries.iter_mut().find(|(key, _)| key.span == span))
    {
        meant.clone_into(&mut key.text);
        return step(report, node);
    }
    broken(node, span)
}

fn leading_keys() -> String {
    format!("a step has one of: {}", suggest::list(LEADING.iter().copied()))
}

fn action(report: &mut Report<'_>, fields: &mut Fields, key: &Key, value: Node) -> Kind {
    let target = report.constant(key, value);
    let with = with(report, fields);
    let connection = fields.take("connection").and_then(|(key, node)| report.constant(&key, node));
    let retry = fields.take("retry").map(|(key, node)| (key.span, settings::retry(report, node)));
    let timeout =
        fields.take("timeout").map(|(key, node)| (key.span, report.duration(&key, &node)));
    let if_fails =
        fields.take("if_fails").map(|(key, node)| report.choice(&key, &node, &[("warn", ())]));
    let on_unknown = fields.take("on_unknown").map(|(key, node)| {
        let choices = [
            ("attention", OnUnknown::Attention),
            ("retry", OnUnknown::Retry),
            ("fail", OnUnknown::Fail),
            ("assume_done", OnUnknown::AssumeDone),
        ];
        (key.span, report.choice(&key, &node, &choices))
    });
    let warn_on_failure = if_fails.is_some();
    Kind::Action(Action { target, with, connection, retry, timeout, warn_on_failure, on_unknown })
}

/// Reads `with`.
pub(super) fn with(report: &mut Report<'_>, fields: &mut Fields) -> With {
    let Some((key, node)) = fields.take("with") else { return With::default() };
    match node.value {
        Value::Map(entries) => With { inputs: inputs(report, entries), broken: false },
        Value::Null => With::default(),
        Value::Broken => With { inputs: Vec::new(), broken: true },
        _ => {
            let message =
                format!("`{}` is a map from input to value, found {}", key.text, node.what());
            report
                .error("wrong-type", node.span, message)
                .help
                .push("write each input as `name: value`, without a dash".into());
            With { inputs: Vec::new(), broken: true }
        }
    }
}

/// Reads a map from name to value that has at least one entry; `None` when it was reported.
pub(super) fn named_values(
    report: &mut Report<'_>,
    key: &Key,
    node: Node,
    what: &str,
    example: &str,
) -> Option<Vec<Input>> {
    let cure = format!("write `{}: {{ {example} }}`", key.text);
    match node.value {
        Value::Map(entries) if !entries.is_empty() => Some(inputs(report, entries)),
        Value::Broken => None,
        Value::Map(_) | Value::Null => {
            let message = format!("`{}` names {what}, and there is nothing", key.text);
            report.error("missing-value", key.span, message).help.push(cure);
            None
        }
        _ => {
            let message =
                format!("`{}` is a map from name to value, found {}", key.text, node.what());
            report.error("wrong-type", node.span, message).help.push(cure);
            None
        }
    }
}

fn inputs(report: &mut Report<'_>, entries: Vec<(Key, Node)>) -> Vec<Input> {
    let read = |(key, node): (Key, Node)| Input { template: report.template(&node), key, node };
    entries.into_iter().map(read).collect()
}

fn choice(report: &mut Report<'_>, fields: &mut Fields, key: &Key, value: &Node) -> Kind {
    let condition = Condition { expression: report.expression(key, value) };
    let then = match fields.take("then") {
        Some((key, node)) => block(report, &key, node),
        None => missing(report, key, "then"),
    };
    let otherwise = match fields.take("else") {
        // `else: { if: …, then: … }` reads as an else-if and needs no dash.
        Some((_, node)) if is_if(&node) => step(report, node).into_iter().collect(),
        Some((key, node)) => block(report, &key, node),
        None => Vec::new(),
    };
    Kind::If { condition, then, otherwise }
}

fn is_if(node: &Node) -> bool {
    matches!(&node.value, Value::Map(entries) if entries.iter().any(|(key, _)| key.text == "if"))
}

fn attempt(report: &mut Report<'_>, fields: &mut Fields, key: &Key, value: Node) -> Kind {
    let steps = block(report, key, value);
    let catch = match fields.take("catch") {
        Some((key, node)) => optional_block(report, &key, node),
        None => missing(report, key, "catch"),
    };
    Kind::Try { steps, catch }
}

fn set(report: &mut Report<'_>, key: &Key, value: Node) -> Kind {
    match value.value {
        Value::Map(entries) if !entries.is_empty() => Kind::Set(inputs(report, entries)),
        Value::Broken => Kind::Broken,
        Value::Map(_) | Value::Null => {
            report
                .error("missing-value", key.span, "`set` names no variable")
                .help
                .push("write `set: { name: value }`".into());
            Kind::Broken
        }
        _ => {
            let message = format!("`set` is a map from variable to value, found {}", value.what());
            report
                .error("wrong-type", value.span, message)
                .help
                .push("write `set: { name: value }`".into());
            Kind::Broken
        }
    }
}

fn stop(report: &mut Report<'_>, fields: &mut Fields, key: &Key, value: &Node) -> Kind {
    let choices = [StopStatus::Succeeded, StopStatus::Failed, StopStatus::Skipped]
        .map(|status| (status.word(), status));
    let status = report.choice(key, value, &choices);
    let mut text = |report: &mut Report<'_>, name: &str| {
        fields
            .take(name)
            .map(|(key, node)| Text { span: node.span, template: report.text_template(&key, node) })
    };
    let reason = text(report, "reason");
    let hint = text(report, "hint");
    Kind::Stop { status, reason, hint }
}

pub(super) fn missing(report: &mut Report<'_>, lead: &Key, key: &str) -> Vec<Step> {
    let message = format!("this `{}` has no `{key}`", lead.text);
    let when = if key == "catch" { " for when one of these fails" } else { "" };
    report
        .error("missing-key", lead.span, message)
        .help
        .push(format!("`{key}` is a list of steps{when}"));
    Vec::new()
}
