//! What a step answers in a case: an output, a failure, or the finding of a look-up; one, or call by call.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use serde_json::Value as Json;

use crate::{
    catalogue::ActionSpec,
    schema::Type,
    yaml::{Node, Value},
};

use super::{
    conform::{example, field, whole},
    keys::Reporter,
};

/// What a step answers, call by call.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The answers in order.
    pub replies: Vec<Reply>,
    /// Whether the only answer is given to every call.
    pub every_call: bool,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The call succeeds with this output, and these warnings (code and message).
    Output(Arc<Json>, Vec<(String, String)>),
    /// The call fails.
    Fail(Fail),
    /// The look-up of an unknown outcome finds this.
    LookUp(LookedUp),
}

/// A failure of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fail {
    /// A stable word; `failed` when the test does not say.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What a person should do.
    pub hint: Option<String>,
    /// What it means for another attempt.
    pub kind: FailKind,
}

/// What a failure means for another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailKind {
    /// Trying again will not help.
    #[default]
    Permanent,
    /// Trying again may help, not before that long.
    Transient {
        /// The least wait, when the vendor named one.
        after: Option<Duration>,
    },
    /// A write may or may not have happened.
    Unknown,
}

/// What a look-up finds.
#[derive(Debug, Clone, PartialEq)]
pub enum LookedUp {
    /// The write happened, with this output.
    Found(Arc<Json>),
    /// It did not happen.
    Absent,
    /// Nobody can say, and why.
    Inconclusive(String),
}

impl Script {
    /// Returns the answer to the call number `call`, from 0.
    pub fn answer(&self, call: usize) -> Option<&Reply> {
        if self.every_call { self.replies.first() } else { self.replies.get(call) }
    }
}

/// Reads the replies of a step whose action is `spec`, called `name`.
pub(super) fn read_script(
    node: &Node,
    name: &str,
    spec: &ActionSpec,
    to: &mut Reporter<'_>,
) -> Script {
    match &node.value {
        Value::List(items) => {
            let replies = items.iter().filter_map(|node| read(node, name, spec, to)).collect();
            Script { replies, every_call: false }
        }
        _ => Script { replies: read(node, name, spec, to).into_iter().collect(), every_call: true },
    }
}

fn read(node: &Node, name: &str, spec: &ActionSpec, to: &mut Reporter<'_>) -> Option<Reply> {
    match only_entry(node) {
        Some(("fail", node)) => read_fail(node, to).map(Reply::Fail),
        Some(("look_up", node)) => read_look_up(node, name, spec, to).map(Reply::LookUp),
        Some(("http", value)) => {
            to.error(
                "not-yet",
                value.span,
                "recorded exchanges (`http:`) cannot be replayed in tests yet",
            )
            .help
            .push(format!(
                "write the output of `{name}` here, or `fail: {{ code: …, message: … }}`"
            ));
            None
        }
        _ if has_warnings(node, spec) => read_warned(node, name, spec, to),
        _ => Some(Reply::Output(Arc::new(whole(node, name, &spec.output, to)), Vec::new())),
    }
}

/// Returns whether a reply is an output with warnings beside it, `{ output: …, warnings: […] }`, rather than an output
/// that has such a field itself.
fn has_warnings(node: &Node, spec: &ActionSpec) -> bool {
    let own =
        matches!(&spec.output.of, Type::Object(object) if field(object, "warnings").is_some());
    !own && matches!(&node.value, Value::Map(entries)
        if entries.iter().any(|(key, _)| key.text == "warnings"))
}

fn read_warned(node: &Node, name: &str, spec: &ActionSpec, to: &mut Reporter<'_>) -> Option<Reply> {
    let (mut output, mut warnings) = (None, Vec::new());
    for (key, value) in to.entries(node, "a reply with warnings", &["output", "warnings"]) {
        if key.text == "output" {
            output = Some(whole(value, name, &spec.output, to));
            continue;
        }
        let Value::List(items) = &value.value else {
            to.wrong_type(value, "`warnings`", "a list");
            return None;
        };
        for item in items {
            let (mut code, mut message) = (None, None);
            for (key, value) in to.entries(item, "a warning", &["code", "message"]) {
                let text = to.text(value, &format!("`{}`", key.text))?;
                *(if key.text == "code" { &mut code } else { &mut message }) = Some(text);
            }
            let (Some(code), Some(message)) = (code, message) else {
                to.error("missing-key", item.span, "a warning has a `code` and a `message`");
                return None;
            };
            warnings.push((code.to_owned(), message.to_owned()));
        }
    }
    let output = output.unwrap_or_else(|| example(&spec.output));
    Some(Reply::Output(Arc::new(output), warnings))
}

fn read_fail(node: &Node, to: &mut Reporter<'_>) -> Option<Fail> {
    let mut fail = Fail {
        code: "failed".into(),
        message: "the test made this call fail".into(),
        hint: None,
        kind: FailKind::Permanent,
    };
    let (mut after, before) = (None, to.out.len());
    for (key, value) in to.entries(node, "`fail`", &["code", "message", "hint", "kind", "after"]) {
        let of = format!("`{}`", key.text);
        let Some(text) = to.text(value, &of) else { continue };
        match key.text.as_str() {
            "code" => fail.code = text.into(),
            "message" => fail.message = text.into(),
            "hint" => fail.hint = Some(text.into()),
            "after" => {
                after = text.parse().ok().and_then(|time: SignedDuration| time.try_into().ok());
                if after.is_none() {
                    let message =
                        format!("`{text}` is not a length of time, expected one such as `30s`");
                    to.error("wrong-value", value.span, message);
                }
            }
            _ => match text {
                "permanent" => fail.kind = FailKind::Permanent,
                "transient" => fail.kind = FailKind::Transient { after: None },
                "unknown" => fail.kind = FailKind::Unknown,
                _ => {
                    let message = format!("there is no kind of failure `{text}`");
                    let kinds = ["permanent", "transient", "unknown"];
                    to.unknown("wrong-value", value.span, message, text, "kinds", &kinds);
                }
            },
        }
    }
    match (&mut fail.kind, after) {
        (FailKind::Transient { after: place }, _) => *place = after,
        (_, Some(_)) => {
            to.error(
                "wrong-value",
                node.span,
                "`after` is for a failure of `kind: transient` only",
            );
        }
        (_, None) => {}
    }
    (to.out.len() == before).then_some(fail)
}

fn read_look_up(
    node: &Node,
    name: &str,
    spec: &ActionSpec,
    to: &mut Reporter<'_>,
) -> Option<LookedUp> {
    if matches!(&node.value, Value::Text(text) if text == "absent") {
        return Some(LookedUp::Absent);
    }
    match only_entry(node) {
        Some(("found", node)) => {
            Some(LookedUp::Found(Arc::new(whole(node, name, &spec.output, to))))
        }
        Some(("inconclusive", node)) => {
            to.text(node, "`inconclusive`").map(|why| LookedUp::Inconclusive(why.into()))
        }
        _ => {
            to.wrong_type(
                node,
                "`look_up`",
                "`absent`, `{ found: OUTPUT }` or `{ inconclusive: WHY }`",
            );
            None
        }
    }
}

/// Returns the key and value of a map with a single entry.
fn only_entry(node: &Node) -> Option<(&str, &Node)> {
    match &node.value {
        Value::Map(entries) => match entries.as_slice() {
            [(key, value)] => Some((key.text.as_str(), value)),
            _ => None,
        },
        _ => None,
    }
}
