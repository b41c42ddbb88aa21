//! Reading maps of a test file: known keys, unknown keys with the nearest known one, and what a value should be.

use std::{borrow::Cow, path::Path, sync::Arc};

use jiff::Timestamp;
use serde_json::{Number, Value as Json};

#[cfg(test)]
use crate::seen;
use crate::{
    diagnostic::{Diagnostic, Source, Span},
    suggest,
    yaml::{Key, Node, Value},
};

/// Where mistakes go.
pub(super) struct Reporter<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) out: &'a mut Vec<Diagnostic>,
}

impl Reporter<'_> {
    /// Reports a mistake, with words under the caret unless they are empty.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.out.push(Diagnostic::error(code, self.source, span, message));
        self.out.last_mut().expect("one was just pushed")
    }

    /// Reports that `node` is not what is wanted.
    pub(super) fn wrong_type(&mut self, node: &Node, of: &str, wanted: &str) {
        // What is broken has been reported by whoever broke it.
        if node.value != Value::Broken {
            let message = format!("{of} is {}, expected {wanted}", node.what());
            self.error("wrong-type", node.span, message);
        }
    }

    /// Reports a name that does not exist, with the nearest of those that do; returns which was meant if that is clear.
    pub(super) fn unknown(
        &mut self,
        code: &'static str,
        span: Span,
        message: String,
        name: &str,
        kind: &str,
        known: &[&str],
    ) -> Option<String> {
        let diagnostic = self.error(code, span, message);
        suggest::propose(diagnostic, name, known.iter().copied());
        diagnostic.help.push(if known.is_empty() {
            format!("there are no {kind}")
        } else {
            format!("{kind}: {}", suggest::list(known.iter().copied()))
        });
        diagnostic.fix.as_ref().map(|fix| fix.text.clone())
    }

    /// Returns the entries of a map whose keys are all known; reports the others and gives the known ones. Where it is
    /// clear which key was meant, it is read as that one, so that nothing is said to be missing as well.
    pub(super) fn entries<'n>(
        &mut self,
        node: &'n Node,
        of: &str,
        known: &[&str],
    ) -> Vec<(Cow<'n, Key>, &'n Node)> {
        self.entries_called(node, of, "key", known)
    }

    /// Like [`entries`](Self::entries), where a key is called something else: a property, a column.
    pub(super) fn entries_called<'n>(
        &mut self,
        node: &'n Node,
        of: &str,
        noun: &str,
        known: &[&str],
    ) -> Vec<(Cow<'n, Key>, &'n Node)> {
        #[cfg(test)]
        if noun == "key" {
            seen::map(of, known, node, self.source);
        }
        let kinds = if noun == "property" { "properties".into() } else { format!("{noun}s") };
        let said = match noun {
            "key" => of.to_owned(),
            "column" => format!("a row of {of}"),
            _ => format!("`{kinds}`"),
        };
        let mut found = Vec::new();
        let entries = self.map(node, &said);
        for (key, value) in &entries {
            if known.contains(&key.text.as_str()) {
                found.push((Cow::Borrowed(*key), *value));
                continue;
            }
            let message = format!("{of} has no {noun} `{}`", key.text);
            let meant = self.unknown("unknown-key", key.span, message, &key.text, &kinds, known);
            if let Some(text) =
                meant.filter(|meant| entries.iter().all(|(key, _)| key.text != *meant))
            {
                found.push((Cow::Owned(Key { text, span: key.span }), *value));
            }
        }
        found
    }

    /// Returns the entries of a map; nothing written is an empty map.
    pub(super) fn map<'n>(&mut self, node: &'n Node, of: &str) -> Vec<(&'n Key, &'n Node)> {
        match &node.value {
            Value::Map(entries) => entries.iter().map(|(key, value)| (key, value)).collect(),
            Value::Null => Vec::new(),
            _ => {
                self.wrong_type(node, of, "a map");
                Vec::new()
            }
        }
    }

    /// Returns the text of a node.
    pub(super) fn text<'n>(&mut self, node: &'n Node, of: &str) -> Option<&'n str> {
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        self.wrong_type(node, of, "text");
        None
    }

    /// Returns the moment of a node.
    pub(super) fn moment(&mut self, node: &Node, of: &str) -> Option<Timestamp> {
        let text = self.text(node, of)?;
        let moment = text.parse().ok();
        if moment.is_none() {
            let message = format!("{of} is a moment such as 2026-01-05T09:00:00Z, found `{text}`");
            self.error("wrong-value", node.span, message);
        }
        moment
    }

    /// Returns the whole number of a node, not below zero.
    pub(super) fn count(&mut self, node: &Node, of: &str) -> Option<u32> {
        if let Value::Int(number) = node.value
            && let Ok(number) = u32::try_from(number)
        {
            return Some(number);
        }
        self.wrong_type(node, of, "a whole number, 0 or more");
        None
    }
}

/// Returns the value of a node as JSON.
pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null | Value::Broken => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => {
            entries.iter().map(|(key, value)| (key.text.clone(), json(value))).collect()
        }
    }
}

/// Returns `path` as seen from the project folder, when it is written as seen from the file `from`.
pub(super) fn beside(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let folder = Path::new(from).parent().and_then(Path::to_str).unwrap_or("");
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if path.starts_with('/') { path.into() } else { parts.join("/") }
}
