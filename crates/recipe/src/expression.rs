//! Expressions and templates: what stands between `{{` and `}}`, compiled once, evaluated over a [`Scope`].

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{diagnostic::Span, scope::Scope};

/// One compiled expression with its place in the recipe.
#[derive(Debug)]
pub struct Expression {
    /// Its text, without the braces.
    pub text: String,
    /// Where it stands in the recipe.
    pub span: Span,
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
    /// A stable word: `null_value`, `not_found`, `wrong_type`, `too_expensive`, `invalid_value` …
    pub code: &'static str,
    /// What is wrong, naming the path or value.
    pub message: String,
    /// What a person should do.
    pub hint: Option<String>,
    /// Where in the recipe.
    pub span: Span,
}

impl Expression {
    /// Returns the value over `scope`.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, EvalError> {
        let _ = scope;
        unimplemented!()
    }

    /// Returns the value of a condition; anything but true or false is an error.
    pub fn is_true(&self, scope: &Scope) -> Result<bool, EvalError> {
        let _ = scope;
        unimplemented!()
    }
}

impl Template {
    /// Returns the value over `scope`. Null inside text is an error.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, EvalError> {
        let _ = scope;
        unimplemented!()
    }
}
