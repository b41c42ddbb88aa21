//! Matchers: what a value is held against, and what is said when it differs.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value as Json;

#[cfg(test)]
use crate::seen;
use crate::{
    diagnostic::Span,
    yaml::{Node, Value},
};

use super::{
    diff::lines,
    keys::{Reporter, json},
    known::MATCHER,
};

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
    /// It is there, and not null.
    Any,
    /// It is a text in which this is found.
    Matches(Pattern),
    /// It is a text that holds this text, or a list that holds such an item.
    Contains(Box<Expected>),
    /// It is one of these.
    OneOf(Vec<Expected>),
    /// It is anything but this.
    Not(Box<Expected>),
    /// It is a greater number than this, or a text after it (a later date).
    Greater(Json),
    /// It is a lesser number than this, or a text before it (an earlier date).
    Less(Json),
    /// It is this number or a greater one, this text or one after it.
    AtLeast(Json),
    /// It is this number or a lesser one, this text or one before it.
    AtMost(Json),
    /// It is all of these.
    All(Vec<Expected>),
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
            (Matcher::Any, Some(got)) if !got.is_null() => {}
            (Matcher::Contains(part), Some(Json::String(text))) if part.is_part_of(text) => {}
            (Matcher::Contains(part), Some(Json::Array(items)))
                if items.iter().any(|item| part.fits(Some(item))) => {}
            (Matcher::OneOf(choices), got) if choices.iter().any(|one| one.fits(got)) => {}
            (Matcher::Not(other), got) if !other.fits(got) => {}
            (Matcher::Greater(bound), Some(got))
                if order(got, bound) == Some(Ordering::Greater) => {}
            (Matcher::Less(bound), Some(got)) if order(got, bound) == Some(Ordering::Less) => {}
            (Matcher::AtLeast(bound), Some(got))
                if order(got, bound).is_some_and(Ordering::is_ge) => {}
            (Matcher::AtMost(bound), Some(got))
                if order(got, bound).is_some_and(Ordering::is_le) => {}
            (Matcher::All(parts), got) => {
                for part in parts {
                    part.compare(path, got, out);
                }
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
            (
                Matcher::Any
                | Matcher::Contains(_)
                | Matcher::OneOf(_)
                | Matcher::Not(_)
                | Matcher::Greater(_)
                | Matcher::Less(_)
                | Matcher::AtLeast(_)
                | Matcher::AtMost(_),
                _,
            ) => differs(self.said(), Vec::new()),
        }
    }

    /// Returns whether a value is as expected.
    pub fn fits(&self, got: Option<&Json>) -> bool {
        let mut found = Vec::new();
        self.compare("", got, &mut found);
        found.is_empty()
    }

    fn is_part_of(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Equals(Json::String(part)) => text.contains(part.as_str()),
            _ => self.fits(Some(&Json::from(text))),
        }
    }

    /// Says what is expected.
    pub fn said(&self) -> String {
        match &self.matcher {
            Matcher::Equals(value) => shown(Some(value)),
            Matcher::Absent => "absent".into(),
            Matcher::Null => "null".into(),
            Matcher::Any => "any value".into(),
            Matcher::Matches(pattern) => format!("text that matches `{}`", pattern.text),
            Matcher::Contains(part) => format!("what contains {}", part.said()),
            Matcher::OneOf(choices) => format!("one of {}", said_all(choices, ", ")),
            Matcher::Not(other) => format!("anything but {}", other.said()),
            Matcher::Greater(bound) => format!("more than {}", shown(Some(bound))),
            Matcher::Less(bound) => format!("less than {}", shown(Some(bound))),
            Matcher::AtLeast(bound) => format!("at least {}", shown(Some(bound))),
            Matcher::AtMost(bound) => format!("at most {}", shown(Some(bound))),
            Matcher::All(parts) => said_all(parts, " and "),
            Matcher::Map(fields) => {
                let field = |(key, one): &(String, Self)| format!("{key}: {}", one.said());
                format!("{{ {} }}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
            Matcher::List(items) => format!("[{}]", said_all(items, ", ")),
        }
    }
}

fn said_all(list: &[Expected], between: &str) -> String {
    list.iter().map(Expected::said).collect::<Vec<_>>().join(between)
}

/// Compares two numbers or two texts; dates and moments are texts that sort by themselves.
fn order(one: &Json, other: &Json) -> Option<Ordering> {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Json::String(one), Json::String(other)) => {
            Some(match (one.parse::<jiff::Timestamp>(), other.parse::<jiff::Timestamp>()) {
                (Ok(one), Ok(other)) => one.cmp(&other),
                _ => one.cmp(other),
            })
        }
        _ => None,
    }
}

/// Reads an expected input: like [`read`], but whether it is not sent or sent as null makes a difference.
pub(super) fn read_input(node: &Node) -> Expected {
    let matcher = match &node.value {
        _ if is_word(node, "absent") => Matcher::Absent,
        Value::Null => Matcher::Equals(Json::Null),
        _ => return read(node),
    };
    Expected { span: node.span, matcher }
}

/// Reads an expected value: a matcher, or the value itself.
pub(super) fn read(node: &Node) -> Expected {
    let matcher = match &node.value {
        Value::Null => Matcher::Null,
        _ if is_word(node, "absent") => Matcher::Null,
        _ if is_word(node, "any") => Matcher::Any,
        Value::Map(entries) if is_matcher(node) => {
            let mut parts: Vec<Expected> = entries
                .iter()
                .map(|(key, value)| Expected { span: node.span, matcher: one(&key.text, value) })
                .collect();
            if parts.len() == 1 { parts.remove(0).matcher } else { Matcher::All(parts) }
        }
        Value::Map(entries) => Matcher::Map(
            entries.iter().map(|(key, value)| (key.text.clone(), read(value))).collect(),
        ),
        Value::List(items) => Matcher::List(items.iter().map(read).collect()),
        _ => Matcher::Equals(json(node)),
    };
    Expected { span: node.span, matcher }
}

fn one(word: &str, value: &Node) -> Matcher {
    match (word, &value.value) {
        ("matches", Value::Text(text)) => Matcher::Matches(Pattern::new(text)),
        ("equals", _) => Matcher::Equals(json(value)),
        ("contains", _) => Matcher::Contains(Box::new(read(value))),
        ("one_of", Value::List(items)) => Matcher::OneOf(items.iter().map(read).collect()),
        ("greater", _) => Matcher::Greater(json(value)),
        ("less", _) => Matcher::Less(json(value)),
        ("at_least", _) => Matcher::AtLeast(json(value)),
        ("at_most", _) => Matcher::AtMost(json(value)),
        _ => Matcher::Not(Box::new(read(value))),
    }
}

/// Returns whether a node is a matcher rather than a value to compare with: `absent`, `any`, or a map with nothing but
/// the keys of matchers.
pub(super) fn is_matcher(node: &Node) -> bool {
    is_word(node, "absent")
        || is_word(node, "any")
        || matches!(&node.value, Value::Map(entries) if !entries.is_empty()
        && entries.iter().all(|(key, value)| {
            MATCHER.keys.contains(&key.text.as_str())
                // A field of that name is no pattern.
                && (key.text != "matches" || matches!(value.value, Value::Text(_)))
        }))
}

/// Reports a matcher that can match nothing.
pub(super) fn check(node: &Node, to: &mut Reporter<'_>) {
    #[cfg(test)]
    seen::map("a matcher", MATCHER.keys, node, to.source);
    let Value::Map(entries) = &node.value else { return };
    for (key, value) in entries {
        match (key.text.as_str(), &value.value) {
            ("one_of", Value::List(items)) if items.is_empty() => {
                to.error("wrong-value", value.span, "`one_of` names nothing, so nothing fits");
            }
            ("one_of", Value::List(items)) => {
                items.iter().filter(|item| is_matcher(item)).for_each(|item| check(item, to));
            }
            ("not" | "contains", _) if is_matcher(value) => check(value, to),
            (
                "greater" | "less" | "at_least" | "at_most",
                Value::Int(_) | Value::Float(_) | Value::Text(_),
            ) => {}
            ("one_of", _) => to.wrong_type(value, "`one_of`", "a list of values"),
            ("greater" | "less" | "at_least" | "at_most", _) => {
                to.wrong_type(value, &format!("`{}`", key.text), "a number, a date or text");
            }
            _ => {}
        }
    }
}

fn is_word(node: &Node, word: &str) -> bool {
    !node.quoted && matches!(&node.value, Value::Text(text) if text == word)
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
            ("any", json!(0)),
            ("'any'", json!("any")),
            ("{ contains: da }", json!("Ada")),
            ("{ contains: { matches: ^A } }", json!(["Bob", "Ada"])),
            ("{ contains: { id: '1' } }", json!([{ "id": "1", "n": 1 }])),
            ("{ one_of: [1, { greater: 5 }] }", json!(7)),
            ("{ not: Ada }", json!("Bob")),
            ("{ not: null }", json!("Bob")),
            ("{ greater: 1, less: 3 }", json!(2)),
            ("{ at_least: 2, at_most: 2 }", json!(2)),
            ("{ at_most: '2026-01-05' }", json!("2026-01-05")),
            ("{ greater: '2026-01-05' }", json!("2026-02-01")),
            ("{ less: '2026-01-05T09:00:00+01:00' }", json!("2026-01-05T07:59:59Z")),
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
            ("any", json!(null), "x: any value / null"),
            ("{ contains: x }", json!("Ada"), r#"x: what contains "x" / "Ada""#),
            ("{ contains: 2 }", json!([1]), "x: what contains 2 / [1]"),
            ("{ one_of: [1, { less: 0 }] }", json!(7), "x: one of 1, less than 0 / 7"),
            (
                "{ not: { matches: A } }",
                json!("Ada"),
                r#"x: anything but text that matches `A` / "Ada""#,
            ),
            ("{ greater: 1, less: 3 }", json!(4), "x: less than 3 / 4"),
            ("{ at_least: 2 }", json!(1.5), "x: at least 2 / 1.5"),
            ("{ at_most: 2 }", json!(3), "x: at most 2 / 3"),
            ("{ greater: 1 }", json!("4"), r#"x: more than 1 / "4""#),
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
