//! YAML text → a tree of nodes in which every key and scalar knows its place.
//!
//! The one file that knows the YAML crate. It is strict where YAML is surprising: `no` stays text, `0123` is refused,
//! anchors, tags, merge keys and second documents do not exist. A tree is given back whenever the text can be read at
//! all, so that the mistakes in it and those of the recipe are reported together.

mod cures;

use std::{collections::HashMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_yaml::{
    Spanned,
    options::{DuplicateKeyPolicy, MergeKeyPolicy},
};

use crate::diagnostic::{Diagnostic, Source, Span};

/// One value of a YAML text with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Where its content stands: a scalar without its quotes, a list or map by its first line.
    pub(crate) span: Span,
    /// Whether it is a text in quotes or a block (`|`, `>`), which YAML never reads as something else.
    pub(crate) quoted: bool,
    /// What it is.
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text; no key twice.
    Map(Vec<(Key, Node)>),
    /// Something wrong that has been reported already.
    Broken,
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// The key.
    pub(crate) text: String,
    /// Where it stands, without quotes.
    pub(crate) span: Span,
}

/// The longest text that is read at all. The longest real recipe known is under 40 KB.
const MAX_BYTES: usize = 1 << 20;

/// Reads a text; `None` when it is not YAML.
pub(crate) fn parse(source: &Arc<Source>, out: &mut Vec<Diagnostic>) -> Option<Node> {
    if source.text.len() > MAX_BYTES {
        let megabytes = source.text.len().div_ceil(1 << 20);
        out.push(
            Diagnostic::error(
                "too-large",
                source,
                Span::new(0, 0),
                format!("this file has {megabytes} MB"),
            )
            .help("1 MB is the most that is read; data belongs into `tables/` or the event"),
        );
        return None;
    }
    let options = serde_yaml::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
        // Passed through, so that all duplicates are found here, each with both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        budget: serde_yaml::budget! {
            max_aliases: 0, max_anchors: 0, max_depth: 32, max_nodes: 20_000, max_documents: 1,
        },
    };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(&source.text, options) {
        Ok(root) => Some(Reader { source, out }.node(root)),
        Err(error) => {
            out.push(cures::diagnose(source, &error));
            None
        }
    }
}

impl Node {
    /// Returns a word for what it is, for messages.
    pub(crate) fn what(&self) -> &'static str {
        match self.value {
            Value::Null | Value::Broken => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Returns the node as it was written, for a scalar on one line.
    pub(crate) fn written<'a>(&self, source: &'a Source) -> &'a str {
        source.text.get(self.span.start..self.span.end).unwrap_or("")
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    out: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let (mut span, mut quoted) = (self.span(&raw), false);
        if self.refuse_tag(span) {
            return Node { span, quoted, value: Value::Broken };
        }
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Bool(value) => Value::Bool(value),
            Raw::Int(value) => Value::Int(value),
            Raw::Float(value) => self.number(value, span),
            Raw::Text(text) => {
                (span, quoted) = self.inside_quotes(span);
                if !quoted && has_leading_zero(&text) {
                    self.refuse_leading_zero(&text, span)
                } else {
                    Value::Text(text)
                }
            }
            Raw::List(items) => {
                span = self.first_line(span);
                Value::List(items.into_iter().map(|item| self.node(item)).collect())
            }
            Raw::Map(entries) => {
                if let Some(braces) = self.expression_read_as_map(span) {
                    self.out.push(cures::unquoted_expression(self.source, braces));
                    return Node { span: braces, quoted, value: Value::Broken };
                }
                span = self.first_line(span);
                self.map(entries)
            }
        };
        Node { span, quoted, value }
    }

    fn map(&mut self, entries: Vec<(Spanned<Raw>, Spanned<Raw>)>) -> Value {
        let mut places: HashMap<String, Span> = HashMap::new();
        let mut map = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Some(key) = self.key(&key) else { continue };
            let value = self.node(value);
            if let Some(first) = places.get(&key.text) {
                self.out.push(
                    Diagnostic::error(
                        "duplicate-key",
                        self.source,
                        key.span,
                        format!("`{}` is here twice", key.text),
                    )
                    .label("again")
                    .also(*first, "first here")
                    .help("keep one of them"),
                );
                continue;
            }
            places.insert(key.text.clone(), key.span);
            map.push((key, value));
        }
        Value::Map(map)
    }

    fn key(&mut self, raw: &Spanned<Raw>) -> Option<Key> {
        let span = self.span(raw);
        self.refuse_tag(span);
        match &raw.value {
            Raw::Text(text) => Some(Key { text: text.clone(), span: self.inside_quotes(span).0 }),
            Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) => {
                Some(Key { text: self.source.text[span.start..span.end].into(), span })
            }
            Raw::Null => {
                let message = "a key is missing before `:`";
                self.out.push(Diagnostic::error("yaml-syntax", self.source, span, message));
                None
            }
            Raw::List(_) | Raw::Map(_) => {
                self.out.push(match self.expression_read_as_map(span) {
                    Some(braces) => cures::unquoted_expression(self.source, braces).fix(None),
                    None => {
                        Diagnostic::error("yaml-syntax", self.source, span, "a key must be text")
                    }
                });
                None
            }
        }
    }

    fn span(&self, raw: &Spanned<Raw>) -> Span {
        let span = raw.referenced.span();
        let byte = |at: Option<u64>| at.and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        let start = byte(span.byte_offset()).min(self.source.text.len());
        let end = (start + byte(span.byte_len())).min(self.source.text.len());
        let content = self.source.text[start..end].trim_end();
        Span::new(start, start + content.len())
    }

    /// A block list or map has a start only; the rest of its first line is what a person sees as its place.
    fn first_line(&self, span: Span) -> Span {
        let line = self.source.text[span.start..].lines().next().unwrap_or("");
        Span::new(span.start, span.start + line.trim_end().len())
    }

    fn inside_quotes(&self, span: Span) -> (Span, bool) {
        let text = &self.source.text[span.start..span.end];
        if text.len() >= 2 && (text.starts_with('"') || text.starts_with('\'')) {
            return (Span::new(span.start + 1, span.end - 1), true);
        }
        // The content of a block begins on the line below its mark.
        let before = self.source.text[..span.start].trim_end_matches(' ');
        let line =
            before.strip_suffix('\n').map_or("", |rest| rest.rsplit('\n').next().unwrap_or(""));
        let mark =
            line.split(" #").next().unwrap_or("").trim_end().rsplit(' ').next().unwrap_or("");
        (span, matches!(mark.as_bytes().first(), Some(b'|' | b'>')))
    }

    /// `{{ x }}` without quotes is a map whose only key is a map.
    fn expression_read_as_map(&self, span: Span) -> Option<Span> {
        let text = &self.source.text[span.start..];
        let line = text.lines().next().unwrap_or("");
        let end = line.find("}}").map_or(line.trim_end().len(), |end| end + 2);
        text.starts_with("{{").then(|| Span::new(span.start, span.start + end))
    }

    fn refuse_tag(&mut self, span: Span) -> bool {
        let before = self.source.text[..span.start].trim_end();
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let tag = &before[start..];
        if !tag.starts_with('!') {
            return false;
        }
        self.out.push(cures::tag(self.source, Span::new(start, before.len()), tag));
        true
    }

    fn refuse_leading_zero(&mut self, text: &str, span: Span) -> Value {
        let message = format!("`{text}` begins with a zero: number or text?");
        self.out.push(
            Diagnostic::error("leading-zero", self.source, span, message).label("quote it").help(
                format!("write `\"{text}\"` for text, `{}` for a number", without_zeros(text)),
            ),
        );
        Value::Broken
    }

    fn number(&mut self, value: f64, span: Span) -> Value {
        let text = &self.source.text[span.start..span.end];
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'+') {
            let message = format!("`{text}` is too large for a whole number");
            self.out.push(
                Diagnostic::error("number-too-large", self.source, span, message)
                    .help(format!("if it is an id, quote it: `\"{text}\"`")),
            );
            return Value::Broken;
        }
        Value::Float(value)
    }
}

fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn without_zeros(text: &str) -> String {
    let digits = text.trim_start_matches(['-', '+', '0']);
    let sign = if text.starts_with('-') { "-" } else { "" };
    format!("{sign}{}", if digits.is_empty() { "0" } else { digits })
}

/// What the YAML crate gives, before keys are checked.
#[derive(Debug)]
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a number this large is refused by `Reader::number`"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or(Raw::Float(value as f64), Raw::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Raw, D::Error> {
        Raw::deserialize(from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = from.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Value, parse};
    use crate::diagnostic::Source;

    /// A diagnostic's code and the text it points at.
    type Found = (&'static str, String);

    fn read(text: &str) -> (Vec<(String, Node)>, Vec<Found>) {
        let source = Source::new("recipes/hire.yaml", text);
        let mut out = Vec::new();
        let entries = match parse(&source, &mut out).map(|root| root.value) {
            Some(Value::Map(entries)) => entries,
            _ => Vec::new(),
        };
        let found = out.iter().map(|one| (one.code, text[one.span.start..one.span.end].to_owned()));
        (entries.into_iter().map(|(key, node)| (key.text, node)).collect(), found.collect())
    }

    #[test]
    fn scalars_are_those_of_yaml_1_2() {
        let text =
            "a: no\nb: true\nc: 12\nd: 1.5\ne: ~\nf: 1_000\ng: 2027-01-04\nh: '7'\ni: 08:30\n";
        let (entries, found) = read(text);
        assert_eq!(found, []);
        let values: Vec<Value> = entries.into_iter().map(|(_, node)| node.value).collect();
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(
            values,
            [
                text("no"),
                Value::Bool(true),
                Value::Int(12),
                Value::Float(1.5),
                Value::Null,
                text("1_000"),
                text("2027-01-04"),
                text("7"),
                text("08:30"),
            ]
        );
    }

    #[test]
    fn places_are_those_of_the_content() {
        let text =
            "é: \"{{ é }}\"\nplain: x y # a comment\nblock: |\n  one\n  two\n\nfolded: >-\n  one\n";
        let (entries, _) = read(text);
        let places: Vec<(&str, bool)> = entries
            .iter()
            .map(|(_, node)| (&text[node.span.start..node.span.end], node.quoted))
            .collect();
        assert_eq!(
            places,
            [("{{ é }}", true), ("x y", false), ("one\n  two", true), ("one", true)]
        );
    }

    #[test]
    fn what_goes_on_is_read_beside_what_is_wrong() {
        let text = "a: {{ x }}\na: 1\nb: 007\nc: !!str x\nd: [{{ y }}]\n{{ z }}: 1\ne: 5\n";
        let (entries, found) = read(text);
        let found: Vec<(&str, &str)> =
            found.iter().map(|(code, place)| (*code, place.as_str())).collect();
        assert_eq!(
            found,
            [
                ("unquoted-expression", "{{ x }}"),
                ("duplicate-key", "a"),
                ("leading-zero", "007"),
                ("tag", "!!str"),
                ("unquoted-expression", "{{ y }}"),
                ("unquoted-expression", "{{ z }}"),
            ]
        );
        let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "c", "d", "e"]);
    }
}
