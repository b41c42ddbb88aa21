//! Reading a map with known keys: unknown ones are reported with what was meant, values are taken in the right form.

use std::{sync::Arc, time::Duration};

#[cfg(test)]
use crate::seen;
use crate::{
    diagnostic::{Diagnostic, Source, Span},
    durations,
    fix::Fix,
    suggest,
    yaml::{Key, Node, Value},
};

/// Where the reading of one text puts its diagnostics.
pub(crate) struct Report<'a> {
    /// The text.
    pub(crate) source: &'a Arc<Source>,
    /// What was found wrong so far.
    pub(crate) out: &'a mut Vec<Diagnostic>,
}

/// A text with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// The text.
    pub(crate) text: String,
    /// Where it stands, without quotes.
    pub(crate) span: Span,
}

/// The keys that a map may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// What the map is, with its article: "a recipe", "an `action` step".
    pub(crate) what: &'static str,
    /// The keys it may have.
    pub(crate) keys: &'static [&'static str],
}

/// The entries of a map, taken out one by one.
pub(crate) struct Fields {
    entries: Vec<(Key, Node)>,
}

impl Report<'_> {
    /// Adds an error.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.out.push(Diagnostic::error(code, self.source, span, message));
        self.out.last_mut().expect("one was just added")
    }

    /// Returns the entries of a map; anything else, and unknown keys, are reported.
    pub(crate) fn fields(&mut self, node: Node, known: Known) -> Option<Fields> {
        #[cfg(test)]
        seen::map(known.what, known.keys, &node, self.source);
        match node.value {
            Value::Map(mut entries) => {
                let given: Vec<String> = entries.iter().map(|(key, _)| key.text.clone()).collect();
                let given: Vec<&str> = given.iter().map(String::as_str).collect();
                for (key, _) in &mut entries {
                    self.known_key(key, known, &given);
                }
                Some(Fields { entries })
            }
            Value::Broken => None,
            _ => {
                let message = format!("{} is a map, found {}", known.what, node.what());
                self.error("wrong-type", node.span, message).help.push(keys(known));
                None
            }
        }
    }

    /// Reports a key that does not exist. Where it is clear which was meant, it is read as that one: that something is
    /// missing now, or not known, is not reported as well.
    fn known_key(&mut self, key: &mut Key, known: Known, given: &[&str]) {
        if known.keys.contains(&key.text.as_str()) {
            return;
        }
        let message = format!("{} has no key `{}`", known.what, key.text);
        let diagnostic = self.error("unknown-key", key.span, message);
        suggest::propose_key(diagnostic, &key.text, known.keys.iter().copied(), given);
        diagnostic.help.push(keys(known));
        let meant = suggest::meant(&key.text, known.keys.iter().copied());
        let meant = meant.filter(|meant| !given.contains(meant));
        if let Some(meant) = meant {
            meant.clone_into(&mut key.text);
        }
    }

    /// Returns a text. A number or a word of YAML in its place is reported with the cure.
    pub(crate) fn text(&mut self, key: &Key, node: Node) -> Option<Word> {
        let span = node.span;
        match node.value {
            Value::Text(text) => Some(Word { text, span }),
            Value::Broken => None,
            Value::Null => {
                self.error("missing-value", key.span, format!("`{}` has no value", key.text));
                None
            }
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                let written = node.written(self.source).to_owned();
                let message = format!("`{}` is text, found {}", key.text, node.what());
                let fix = Fix::quote(self.source, span);
                let diagnostic = self.error("wrong-type", span, message);
                diagnostic.help.push(format!("quote it: `{}: \"{written}\"`", key.text));
                diagnostic.fix = fix;
                None
            }
            Value::List(_) | Value::Map(_) => {
                self.error(
                    "wrong-type",
                    span,
                    format!("`{}` is text, found {}", key.text, node.what()),
                );
                None
            }
        }
    }

    /// Returns a text without expressions.
    pub(crate) fn constant(&mut self, key: &Key, node: Node) -> Option<Word> {
        let word = self.text(key, node)?;
        if word.text.contains("{{") {
            let message = format!("`{}` cannot hold an expression", key.text);
            self.error("constant-only", word.span, message)
                .help
                .push("write the value itself".into());
            return None;
        }
        Some(word)
    }

    /// Returns one of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &Key,
        node: &Node,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let (span, words) = (node.span, suggest::list(choices.iter().map(|(word, _)| *word)));
        if matches!(node.value, Value::Broken) {
            return None;
        }
        let found = match &node.value {
            Value::Text(text) => text.clone(),
            _ => node.written(self.source).to_owned(),
        };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == found) {
            return Some(*value);
        }
        let span = if span.start == span.end { key.span } else { span };
        let message = match found.as_str() {
            "" => format!("`{}` has no value", key.text),
            found => format!("`{}` cannot be `{found}`", key.text),
        };
        let diagnostic = self.error("unknown-word", span, message);
        suggest::propose(diagnostic, &found, choices.iter().map(|(word, _)| *word));
        diagnostic.help.push(format!("`{}` is one of: {words}", key.text));
        None
    }

    /// Returns a whole number of at least `least`.
    pub(crate) fn number(&mut self, key: &Key, node: &Node, least: i64) -> Option<u32> {
        let at_least = format!("`{}` is a whole number of at least {least}", key.text);
        match node.value {
            Value::Int(number) if number >= least => {
                if let Ok(number) = u32::try_from(number) {
                    return Some(number);
                }
                self.error(
                    "wrong-type",
                    node.span,
                    format!("{number} is too large for `{}`", key.text),
                );
            }
            Value::Broken => {}
            Value::Null => {
                self.error("missing-value", key.span, format!("`{}` has no value", key.text))
                    .help
                    .push(at_least);
            }
            Value::Int(number) => {
                self.error("wrong-type", node.span, format!("`{}` cannot be {number}", key.text))
                    .help
                    .push(at_least);
            }
            _ => {
                let message = format!("`{}` is a whole number, found {}", key.text, node.what());
                self.error("wrong-type", node.span, message).help.push(at_least);
            }
        }
        None
    }

    /// Returns true or false.
    pub(crate) fn boolean(&mut self, key: &Key, node: &Node) -> Option<bool> {
        match node.value {
            Value::Bool(value) => return Some(value),
            Value::Broken => {}
            Value::Null => {
                self.error("missing-value", key.span, format!("`{}` has no value", key.text))
                    .help
                    .push("write `true` or `false`".into());
            }
            _ => {
                let message = format!("`{}` is true or false, found {}", key.text, node.what());
                self.error("wrong-type", node.span, message)
                    .help
                    .push("write `true` or `false`, without quotes".into());
            }
        }
        None
    }

    /// Returns a duration.
    pub(crate) fn duration(&mut self, key: &Key, node: &Node) -> Option<Duration> {
        let (text, span) = match &node.value {
            Value::Broken => return None,
            Value::Text(text) => (text.as_str(), node.span),
            Value::Null => ("", key.span),
            _ => (node.written(self.source), node.span),
        };
        match durations::parse(text) {
            Ok(duration) => Some(duration),
            Err(why) => {
                self.error("bad-duration", span, why).help.push(durations::FORMAT.into());
                None
            }
        }
    }

    /// Returns a list of nodes.
    pub(crate) fn list(&mut self, key: &Key, node: Node, of: &str) -> Option<Vec<Node>> {
        match node.value {
            Value::List(items) => Some(items),
            Value::Broken => None,
            Value::Null => {
                let message = format!("`{}` has no value", key.text);
                self.error("missing-value", key.span, message)
                    .help
                    .push(format!("`{}` is a list of {of}", key.text));
                None
            }
            _ => {
                let message = format!("`{}` is a list of {of}, found {}", key.text, node.what());
                let diagnostic = self.error("wrong-type", node.span, message);
                diagnostic.help.push("begin each item with a dash: `- …`".into());
                None
            }
        }
    }
}

impl Fields {
    /// Takes the entry of that key.
    pub(crate) fn take(&mut self, key: &str) -> Option<(Key, Node)> {
        let at = self.entries.iter().position(|(found, _)| found.text == key)?;
        Some(self.entries.remove(at))
    }
}

fn keys(known: Known) -> String {
    format!("keys of {}: {}", known.what, suggest::list(known.keys.iter().copied()))
}
