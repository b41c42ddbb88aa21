//! What is wrong or could be better, where, and how to put it right: the one form of every message about a recipe.
//!
//! Parsing, checking and running report the same [`Diagnostic`]; [`render`](crate::render::render) is the one place that draws it.

use std::sync::Arc;

use crate::fix::Fix;

/// A text with the name people know it by (a path relative to the project folder).
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it is shown, such as `recipes/hire.yaml`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// A byte range in a [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// Returns the range `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The recipe is refused.
    Error,
    /// The recipe runs; a person should look.
    Warning,
    /// Nothing is wrong; more could be checked, or said better.
    Hint,
}

/// One mistake, with its place and its cure.
///
/// Message grammar: lower case, no full stop, names in backticks, what was found and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error, warning or hint.
    pub severity: Severity,
    /// A stable word, such as `unknown-field`; documented in the error index.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// The text it is in.
    pub source: Arc<Source>,
    /// Where in that text.
    pub span: Span,
    /// A few words under the caret, such as "did you mean `first_name`?".
    pub label: Option<String>,
    /// A second place that belongs to it (the first of two duplicates), in the same text.
    pub also: Vec<(Span, String)>,
    /// What to do about it; each becomes a `= help:` line.
    pub help: Vec<String>,
    /// The change that puts it right, where only one can be meant.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// Returns an error at `span`.
    pub fn error(
        code: &'static str,
        source: &Arc<Source>,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            source: source.clone(),
            span,
            label: None,
            also: Vec::new(),
            help: Vec::new(),
            fix: None,
        }
    }

    /// Returns a warning at `span`.
    pub fn warning(
        code: &'static str,
        source: &Arc<Source>,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, source, span, message) }
    }

    /// Returns a hint at `span`.
    pub fn hint(
        code: &'static str,
        source: &Arc<Source>,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Hint, ..Self::error(code, source, span, message) }
    }

    /// Adds words under the caret.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = Some(text.into());
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.also.push((span, text.into()));
        self
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds the change that puts it right.
    #[must_use]
    pub fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }
}

impl Source {
    /// Returns a shared source.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into() })
    }

    /// Returns the line and column (both from 1, columns in characters) of a byte offset.
    pub fn line_col(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}
