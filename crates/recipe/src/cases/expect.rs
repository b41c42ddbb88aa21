//! What a case expects, and how a value is held against it.

use regex::Regex;
use serde_json::Value as Json;

use crate::{
    diagnostic::Span,
    yaml::{Node, Value},
};

use super::{diff::lines, keys::json, selector::Selector};

/// What must come of a case. What it does not name is not looked at.
#[derive(Debug, Default)]
pub struct Expect {
    /// How the job ends, or `needs_attention`, or `filtered` when the trigger's `when` keeps the event from becoming
    /// a job.
    pub status: Option<(String, Span)>,
    /// The reason of the `stop` that ended it.
    pub reason: Option<Expected>,
    /// The outcome's message: reason or error, hint, warnings.
    pub message: Option<Expected>,
    /// The job's label.
    pub label: Option<Expected>,
    /// The error it failed with.
    pub error: Option<ExpectedError>,
    /// What steps do.
    pub steps: Vec<ExpectedStep>,
    /// All warnings, in order.
    pub warnings: Option<(Span, Vec<ExpectedWarning>)>,
}

/// The error a job fails with.
#[derive(Debug, Default)]
pub struct ExpectedError {
    /// Where it stands.
    pub span: Span,
    /// The stable word.
    pub code: Option<Expected>,
    /// What happened.
    pub message: Option<Expected>,
    /// What a person should do.
    pub hint: Option<Expected>,
    /// The step that failed.
    pub step: Option<(Selector, Span)>,
}

/// What a step does.
#[derive(Debug)]
pub struct ExpectedStep {
    /// Which, and in which round.
    pub step: Selector,
    /// The name as it is written.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// How often it runs (rounds, not attempts); 0 for `not_run`.
    pub count: Option<(u32, Span)>,
    /// How often it is called in all, retries included.
    pub attempts: Option<(u32, Span)>,
    /// Inputs by name; every run of the step must have them.
    pub with: Vec<(String, Expected)>,
    /// Its output; every run of the step must give it.
    pub output: Option<Expected>,
}

/// A warning.
#[derive(Debug)]
pub struct ExpectedWarning {
    /// Where it stands.
    pub span: Span,
    /// The stable word.
    pub code: Option<Expected>,
    /// What it is.
    pub message: Option<Expected>,
    /// The step it comes from.
    pub step: Option<(Selector, Span)>,
}

/// An expected value with its place.
#[derive(Debug)]
pub struct Expected {
    /// Where it stands in the test file.
    pub span: Span,
    /// What it is held against.
    pub matcher: Matcher,
}

/// What a value is held against.
#[derive(Debug)]
pub enum Matcher {
    /// It is this.
    Equals(Json),
    /// It is an input that is not sent. (One that is sent as null is [`Equals`](Self::Equals) null.)
    Absent,
    /// It is null or not there, which is the same everywhere in the language.
    Null,
    /// It is a text in which this is found.
    Matches(Pattern),
    /// It is a map; the keys named here are looked at, others are not.
    Map(Vec<(String, Expected)>),
    /// It is a list of exactly these.
    List(Vec<Expected>),
}

/// A part of a text: literally, or as a regular expression.
#[derive(Debug)]
pub struct Pattern {
    /// As it is written.
    pub text: String,
    regex: Option<Regex>,
}

/// A value that is not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What was looked at, such as `steps.employee.with.start_date`.
    pub path: String,
    /// What was expected.
    pub expected: String,
    /// What was there.
    pub got: String,
    /// For texts of several lines: the lines of both, marked `-` (expected) and `+` (got).
    pub diff: Vec<String>,
    /// Where the expectation stands in the test file.
    pub span: Span,
}

impl Pattern {
    /// Returns the pattern; what is no regular expression is only looked for literally.
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), regex: Regex::new(text).ok() }
    }

    /// Returns whether it is found in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        text.contains(&self.text) || self.regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl Expected {
    /// Adds what differs in the value at `path`; `None` is a value that is not there.
    pub fn compare(&self, path: &str, got: Option<&Json>, out: &mut Vec<Mismatch>) {
        let mut differs = |expected: String, diff: Vec<String>| {
            let (path, got) = (path.to_owned(), shown(got));
            out.push(Mismatch { path, expected, got, diff, span: self.span });
        };
        match (&self.matcher, got) {
            (Matcher::Absent, None) | (Matcher::Null, None | Some(Json::Null)) => {}
            (Matcher::Absent, Some(_)) => differs("absent".into(), Vec::new()),
            (Matcher::Null, Some(_)) => differs("null".into(), Vec::new()),
            (Matcher::Equals(expected), _) => match got {
                Some(got) if equal(expected, got) => {}
                Some(Json::String(got)) if expected.is_string() => {
                    let expected_text = expected.as_str().unwrap_or_default();
                    differs(shown(Some(expected)), lines(expected_text, got));
                }
                _ => differs(shown(Some(expected)), Vec::new()),
            },
            (Matcher::Matches(pattern), Some(Json::String(text))) if pattern.is_in(text) => {}
            (Matcher::Matches(pattern), _) => {
                differs(format!("text that matches `{}`", pattern.text), Vec::new());
            }
            (Matcher::Map(fields), Some(Json::Object(map))) => {
                for (key, expected) in fields {
                    expected.compare(&format!("{path}.{key}"), map.get(key), out);
                }
            }
            (Matcher::Map(_), _) => differs("a map".into(), Vec::new()),
            (Matcher::List(items), Some(Json::Array(got))) if items.len() == got.len() => {
                for (at, (expected, got)) in items.iter().zip(got).enumerate() {
                    expected.compare(&format!("{path}[{at}]"), Some(got), out);
                }
            }
            (Matcher::List(items), _) => {
                let count = items.len();
                let noun = if count == 1 { "item" } else { "items" };
                differs(format!("a list of {count} {noun}"), Vec::new());
            }
        }
    }
}

/// Reads an expected input: like [`read`], but whether it is not sent or sent as null makes a difference.
pub(super) fn read_input(node: &Node) -> Expected {
    let matcher = match &node.value {
        _ if is_absent(node) => Matcher::Absent,
        Value::Null => Matcher::Equals(Json::Null),
        _ => return read(node),
    };
    Expected { span: node.span, matcher }
}

/// Reads an expected value: `absent`, `{ matches: … }`, `{ equals: … }`, or the value itself.
pub(super) fn read(node: &Node) -> Expected {
    let matcher = match &node.value {
        Value::Null => Matcher::Null,
        _ if is_absent(node) => Matcher::Null,
        Value::Map(entries) => match entries.as_slice() {
            [(key, Node { value: Value::Text(text), .. })] if key.text == "matches" => {
                Matcher::Matches(Pattern::new(text))
            }
            [(key, value)] if key.text == "equals" => Matcher::Equals(json(value)),
            _ => Matcher::Map(
                entries.iter().map(|(key, value)| (key.text.clone(), read(value))).collect(),
            ),
        },
        Value::List(items) => Matcher::List(items.iter().map(read).collect()),
        _ => Matcher::Equals(json(node)),
    };
    Expected { span: node.span, matcher }
}

/// Returns whether a node is a matcher rather than a value to compare with.
pub(super) fn is_matcher(node: &Node) -> bool {
    is_absent(node)
        || matches!(&node.value, Value::Map(entries)
            if matches!(entries.as_slice(), [(key, _)] if key.text == "matches" || key.text == "equals"))
}

fn is_absent(node: &Node) -> bool {
    matches!(&node.value, Value::Text(text) if text == "absent" && !node.quoted)
}

/// Returns a value as people read it: on one line, as JSON, cut when it is long.
fn shown(value: Option<&Json>) -> String {
    const LONGEST: usize = 300;
    let Some(value) = value else { return "nothing".into() };
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}… ({} characters)", &text[..at], text.chars().count()),
        None => text,
    }
}

/// Compares values; `1` and `1.0` are the same number.
fn equal(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| equal(one, other)))
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{diagnostic::Source, yaml};

    fn expected(yaml: &str, input: bool) -> Expected {
        let source = Arc::new(Source { path: "t.yaml".into(), text: yaml.into() });
        let node = yaml::parse(&source, &mut Vec::new()).expect("the test's YAML is right");
        if input { read_input(&node) } else { read(&node) }
    }

    /// Returns what differs as `path: expected … got …`.
    fn differences(yaml: &str, got: Option<&Json>) -> Vec<String> {
        let mut out = Vec::new();
        expected(yaml, true).compare("x", got, &mut out);
        out.into_iter().map(|one| format!("{}: {} / {}", one.path, one.expected, one.got)).collect()
    }

    #[test]
    fn every_matcher_accepts_what_it_means_and_nothing_else() {
        let right = [
            ("Ada", json!("Ada")),
            ("'9001'", json!("9001")),
            ("7", json!(7.0)),
            ("true", json!(true)),
            ("{ matches: A(da|nn) }", json!("Hello Ann")),
            ("{ matches: 'a (b' }", json!("it is a (b) or so")),
            ("{ equals: { matches: x } }", json!({ "matches": "x" })),
            ("{ a: 1 }", json!({ "a": 1, "b": 2 })),
            ("{ a: absent }", json!({ "b": 2 })),
            ("{ a: null }", json!({ "a": null })),
            ("[{ id: '1' }, { id: '2' }]", json!([{ "id": "1", "n": 1 }, { "id": "2" }])),
            ("[]", json!([])),
            ("'absent'", json!("absent")),
        ];
        for (yaml, got) in right {
            assert_eq!(differences(yaml, Some(&got)), [""; 0], "{yaml} against {got}");
        }
        let wrong = [
            ("Ada", json!("ada"), r#"x: "Ada" / "ada""#),
            ("9001", json!("9001"), r#"x: 9001 / "9001""#),
            ("true", json!("true"), r#"x: true / "true""#),
            ("absent", json!("Ada"), r#"x: absent / "Ada""#),
            ("absent", json!(null), "x: absent / null"),
            ("{ matches: B(da|nn) }", json!("Ann"), r#"x: text that matches `B(da|nn)` / "Ann""#),
            ("{ matches: '1' }", json!(1), "x: text that matches `1` / 1"),
            ("{ equals: { a: 1 } }", json!({ "a": 1, "b": 2 }), r#"x: {"a":1} / {"a":1,"b":2}"#),
            ("{ a: 1, b: 2 }", json!({ "a": 2, "b": 2 }), "x.a: 1 / 2"),
            ("{ a: { b: absent } }", json!({ "a": { "b": 1 } }), "x.a.b: null / 1"),
            ("{ a: 1 }", json!([1]), "x: a map / [1]"),
            ("[1, 2]", json!([1]), "x: a list of 2 items / [1]"),
            ("[1, 2]", json!([1, 3]), "x[1]: 2 / 3"),
        ];
        for (yaml, got, difference) in wrong {
            assert_eq!(differences(yaml, Some(&got)), [difference]);
        }
    }

    #[test]
    fn an_input_that_is_not_sent_is_not_one_that_is_sent_as_null() {
        assert_eq!(differences("absent", None), [""; 0]);
        assert_eq!(differences("null", Some(&json!(null))), [""; 0]);
        assert_eq!(differences("null", None), ["x: null / nothing"]);
        let mut out = Vec::new();
        expected("{ a: absent }", false).compare("output", Some(&json!({ "a": null })), &mut out);
        assert_eq!(out, [], "in an output both are the same");
    }

    #[test]
    fn texts_of_several_lines_differ_line_by_line() {
        let mut out = Vec::new();
        let expected = expected("|-\n  one\n  two\n  three\n", true);
        expected.compare("note", Some(&json!("one\n2\nthree")), &mut out);
        assert_eq!(out[0].diff, ["  one", "- two", "+ 2", "  three"]);
    }

    #[test]
    fn long_values_are_cut() {
        let got = differences("x", Some(&json!("y".repeat(1000)))).remove(0);
        assert!(got.ends_with("… (1002 characters)") && got.len() < 400, "{got}");
    }
}
