//! Expressions and templates: what stands between `{{` and `}}`, read once, evaluated over a [`Scope`].
//!
//! The grammar is minijinja's, and minijinja reads it. Evaluation is our own, over the tree it gives: its machine
//! orders null before numbers, writes null as `none` into text and repeats lists without end, and a recipe must not.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    diagnostic::{Diagnostic, Source, Span},
    scope::Scope,
};

mod arguments;
pub(crate) mod elsewhere;
mod evaluate;
pub(crate) mod fuel;
mod glance;
mod habits;
pub(crate) mod operators;
pub(crate) mod pieces;
mod quoted;
pub(crate) mod reader;
mod reads;
pub(crate) mod tree;

use evaluate::Evaluation;
pub(crate) use evaluate::pick;
pub(crate) use quoted::Quoted;
pub use reads::Read;
use tree::Node;

/// One expression, read and found well-formed, with its place in the recipe.
#[derive(Debug)]
pub struct Expression {
    /// Its text, without the braces.
    pub text: String,
    /// Where it stands in the recipe.
    pub span: Span,
    pub(crate) place: Place,
    pub(crate) tree: Node,
}

/// A value of a recipe that may hold expressions.
#[derive(Debug)]
pub enum Template {
    /// No expression in it.
    Constant(Value),
    /// One expression and nothing else: the value keeps its type.
    Value(Expression),
    /// Text with expressions in it: always text.
    Text(Vec<Part>),
    /// A list of templates.
    List(Vec<Template>),
    /// A map of templates.
    Map(BTreeMap<String, Template>),
    /// The word `clear`: null is sent.
    Clear,
}

/// A piece of a [`Template::Text`].
#[derive(Debug)]
pub enum Part {
    /// As written.
    Text(String),
    /// The value of an expression.
    Expression(Expression),
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// A stable word:
    /// - `null_value`: null where a value is needed;
    /// - `wrong_type`: a list where text is needed, a number compared with text, a condition that is not true or false;
    /// - `invalid_value`: the right type, but it cannot be read or computed (`'abc' | int`, a division by zero);
    /// - `not_found`, `ambiguous`: a table or a path has no match, or several;
    /// - `too_expensive`: more work or more text than an expression may make.
    pub code: &'static str,
    /// What is wrong, naming the path or value.
    pub message: String,
    /// What a person should do.
    pub hint: Option<String>,
    /// Where in the recipe.
    pub span: Span,
}

impl Expression {
    /// Reads an expression that stands at `span` of `source`, without braces.
    ///
    /// Where `source.text[span]` is `text` itself, every message points at the exact place inside it; where it is not
    /// (a folded scalar, escapes), at the whole.
    pub fn parse(text: &str, span: Span, source: &Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        reader::read(text, Place::new(text, span, source), source)
    }

    /// Returns the value over `scope`.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, EvalError> {
        Evaluation::new(self, scope).result()
    }

    /// Returns the value of a condition; anything but true or false is an error.
    pub fn is_true(&self, scope: &Scope) -> Result<bool, EvalError> {
        Evaluation::new(self, scope).condition()
    }
}

impl Template {
    /// Reads a text that stands at `span` of `source` and may hold `{{ expressions }}`.
    pub fn parse(text: &str, span: Span, source: &Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        pieces::read(text, Place::new(text, span, source), source)
    }

    /// Returns the value over `scope`. Null inside text is an error.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, EvalError> {
        Ok(match self {
            Self::Constant(value) => value.clone(),
            Self::Value(expression) => expression.evaluate(scope)?,
            Self::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(piece) => text.push_str(piece),
                        Part::Expression(expression) => {
                            text.push_str(&Evaluation::new(expression, scope).text()?);
                        }
                    }
                }
                Value::String(text)
            }
            Self::List(items) => Value::Array(
                items.iter().map(|item| item.evaluate(scope)).collect::<Result<_, _>>()?,
            ),
            Self::Map(fields) => {
                let mut map = Map::new();
                for (name, field) in fields {
                    map.insert(name.clone(), field.evaluate(scope)?);
                }
                Value::Object(map)
            }
            Self::Clear => Value::Null,
        })
    }
}

/// Where a text stands in a recipe, and whether places inside it are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    span: Span,
    exact: bool,
}

impl Place {
    fn new(text: &str, span: Span, source: &Source) -> Self {
        Self { span, exact: source.text.get(span.start..span.end) == Some(text) }
    }

    /// Returns the place of a piece of the text.
    pub(crate) fn of(self, piece: Span) -> Span {
        if self.exact {
            Span::new(self.span.start + piece.start, self.span.start + piece.end)
        } else {
            self.span
        }
    }

    fn inside(self, piece: Span) -> Self {
        Self { span: self.of(piece), exact: self.exact }
    }
}

#[cfg(test)]
mod tests;
