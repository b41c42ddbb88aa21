//! What a step answers in a case: an output, a failure, a recorded exchange, or the finding of a look-up; one, or call
//! by call. A called recipe answers with its output, a question with what a person says.

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::SignedDuration;
use serde_json::Value as Json;

use crate::{
    diagnostic::Span,
    schema::{Shape, Type},
    yaml::{Node, Value},
};

use super::{
    conform::{example, field, whole},
    keys::{Reporter, beside},
    known,
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
    /// The connector works on a recorded exchange.
    Http(Recording),
    /// Nobody answers in time.
    Timeout,
}

/// A file with recorded exchanges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its path, relative to the project folder.
    pub path: String,
    /// Where the test file names it.
    pub span: Span,
}

/// What gets a reply, and what it answers with.
pub(super) struct Answers<'s> {
    pub(super) who: Who,
    pub(super) output: Cow<'s, Shape>,
}

/// What gets a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// An action.
    Action,
    /// A recipe that is called.
    Recipe,
    /// A person who is asked.
    Person,
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

/// Reads the replies of a step called `name`.
pub(super) fn read_script(
    node: &Node,
    name: &str,
    of: &Answers<'_>,
    to: &mut Reporter<'_>,
) -> Script {
    match &node.value {
        Value::List(items) => {
            let replies = items.iter().filter_map(|node| read(node, name, of, to)).collect();
            Script { replies, every_call: false }
        }
        _ => Script { replies: read(node, name, of, to).into_iter().collect(), every_call: true },
    }
}

fn read(node: &Node, name: &str, of: &Answers<'_>, to: &mut Reporter<'_>) -> Option<Reply> {
    let output = &*of.output;
    match (only_entry(node), of.who) {
        (Some(("fail", node)), Who::Action | Who::Recipe) => {
            let fail = read_fail(node, to)?;
            if of.who == Who::Recipe && fail.kind != FailKind::Permanent {
                let message = format!(
                    "the job that `{name}` calls ends as failed; there is no `kind` of that"
                );
                to.error("wrong-value", node.span, message);
            }
            Some(Reply::Fail(fail))
        }
        (Some(("look_up", node)), Who::Action) => {
            read_look_up(node, name, output, to).map(Reply::LookUp)
        }
        (Some(("http", value)), Who::Action) => {
            let path = beside(&to.source.path, to.text(value, "`http`")?);
            Some(Reply::Http(Recording { path, span: value.span }))
        }
        (_, Who::Action) if has_warnings(node, output) => read_warned(node, name, output, to),
        (_, Who::Person) if matches!(&node.value, Value::Text(text) if text == "timeout") => {
            Some(Reply::Timeout)
        }
        (_, Who::Person) if !matches!(node.value, Value::Map(_)) => {
            to.wrong_type(node, &format!("the answer to `{name}`"), "a map, or `timeout`");
            None
        }
        _ => Some(Reply::Output(Arc::new(whole(node, name, output, to)), Vec::new())),
    }
}

/// Returns whether a reply is an output with warnings beside it, `{ output: …, warnings: […] }`, rather than an output
/// that has such a field itself.
fn has_warnings(node: &Node, output: &Shape) -> bool {
    let own = matches!(&output.of, Type::Object(object) if field(object, "warnings").is_some());
    !own && matches!(&node.value, Value::Map(entries)
        if entries.iter().any(|(key, _)| key.text == "warnings"))
}

fn read_warned(node: &Node, name: &str, shape: &Shape, to: &mut Reporter<'_>) -> Option<Reply> {
    let (mut output, mut warnings) = (None, Vec::new());
    for (key, value) in to.entries(node, known::WARNED.what, known::WARNED.keys) {
        if key.text == "output" {
            output = Some(whole(value, name, shape, to));
            continue;
        }
        let Value::List(items) = &value.value else {
            to.wrong_type(value, "`warnings`", "a list");
            return None;
        };
        for item in items {
            let (mut code, mut message) = (None, None);
            for (key, value) in
                to.entries(item, known::GIVEN_WARNING.what, known::GIVEN_WARNING.keys)
            {
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
    let output = output.unwrap_or_else(|| example(shape));
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
    for (key, value) in to.entries(node, known::FAIL.what, known::FAIL.keys) {
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
                    to.unknown("wrong-value", value.span, message, text, "kinds", &known::KINDS);
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
    output: &Shape,
    to: &mut Reporter<'_>,
) -> Option<LookedUp> {
    if matches!(&node.value, Value::Text(text) if text == "absent") {
        return Some(LookedUp::Absent);
    }
    match only_entry(node) {
        Some(("found", node)) => Some(LookedUp::Found(Arc::new(whole(node, name, output, to)))),
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
