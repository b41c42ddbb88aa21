//! The types of expressions, before any job: what each gives, whether it may be null, and what can never work.
//!
//! One walk over the tree answers three questions: the [`Shape`] of the value, the mistakes in it, and whether it may
//! fail at run time although it has none (which matters in `finally`, whose steps must not fail).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    diagnostic::{Diagnostic, Severity, Source},
    expression::{Expression, Part, Template, tree::Node},
    json_schema::either,
    schema::{Field, Object, Shape, Text, Type},
    table::Tables,
};

mod facts;
mod names;
mod operation;
mod sight;
mod signature;
mod unsaid;

pub use facts::{Facts, narrow};
pub(crate) use sight::Sight;
pub use unsaid::Unsaid;

/// What an expression can see at its place in a recipe, by type.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The names other than `steps`: `event`, `job`, `vars`, `as` names …
    pub names: BTreeMap<String, Shape>,
    /// Every step of the recipe that has an id, by id.
    pub steps: BTreeMap<String, StepSight>,
    /// The tables of `lookup` and `find_row`.
    pub tables: Arc<Tables>,
    /// What is known not to be null here.
    pub facts: Facts,
    /// Names about which nothing is known because of a mistake that was reported: `event`, `steps.ID`, `vars.NAME`, an
    /// `as` name. That they may be null is not reported as well.
    pub unknown: BTreeSet<String>,
    /// What is read of open values that the project could declare, and does not.
    pub unsaid: Unsaid,
}

/// How a step is seen from one place in a recipe.
#[derive(Debug, Clone, PartialEq)]
pub enum StepSight {
    /// It comes before; nullable when it may not have run.
    Visible(Shape),
    /// It comes later.
    Later,
    /// It is inside a loop that this place is not in.
    OtherRound,
}

/// Returns the shape of an expression's value, reporting what is wrong with it.
pub fn infer(
    expression: &Expression,
    env: &Environment,
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
) -> Shape {
    let mut inference = Inference::new(expression, env, source);
    let mut shape = inference.shape(&expression.tree);
    shape.nullable &= !env.facts.doubtful();
    if inference.finish(out) { Shape::of(Type::Any) } else { shape }
}

/// Reports what is wrong with an expression that must be true or false.
pub fn infer_condition(
    expression: &Expression,
    env: &Environment,
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
) {
    let mut inference = Inference::new(expression, env, source);
    inference.boolean(&expression.tree);
    inference.finish(out);
}

/// Returns the shape of a template's value, reporting what is wrong with it.
pub fn infer_template(
    template: &Template,
    env: &Environment,
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
) -> Shape {
    match template {
        Template::Constant(value) => shape_of(value),
        Template::Value(expression) => infer(expression, env, source, out),
        Template::Text(parts) => {
            for part in parts {
                if let Part::Expression(expression) = part {
                    let mut inference = Inference::new(expression, env, source);
                    inference.text(&expression.tree);
                    inference.finish(out);
                }
            }
            Shape::of(Type::Text(Text::default()))
        }
        Template::List(items) => {
            let items =
                items.iter().map(|item| infer_template(item, env, source, out)).collect::<Vec<_>>();
            Shape::of(Type::List(Box::new(
                items.into_iter().reduce(union).unwrap_or_else(Shape::any),
            )))
        }
        Template::Map(fields) => {
            let fields = fields
                .iter()
                .map(|(name, field)| known_field(name, infer_template(field, env, source, out)));
            Shape::of(Type::Object(Arc::new(Object { fields: fields.collect(), others: None })))
        }
        Template::Clear => Shape::any(),
    }
}

/// Returns why an expression may fail at run time, although nothing is wrong with it.
pub fn may_fail(expression: &Expression, env: &Environment) -> Option<String> {
    let mut inference = Inference::new(expression, env, &Source::new("", ""));
    inference.shape(&expression.tree);
    inference.risk()
}

/// Returns why a condition may fail at run time, although nothing is wrong with it.
pub fn condition_may_fail(expression: &Expression, env: &Environment) -> Option<String> {
    let mut inference = Inference::new(expression, env, &Source::new("", ""));
    inference.boolean(&expression.tree);
    inference.risk()
}

/// Returns why a template may fail at run time, although nothing is wrong with it.
pub fn template_may_fail(template: &Template, env: &Environment) -> Option<String> {
    match template {
        Template::Constant(_) | Template::Clear => None,
        Template::Value(expression) => may_fail(expression, env),
        Template::Text(parts) => parts.iter().find_map(|part| match part {
            Part::Text(_) => None,
            Part::Expression(expression) => {
                let mut inference = Inference::new(expression, env, &Source::new("", ""));
                inference.text(&expression.tree);
                inference.risk()
            }
        }),
        Template::List(items) => items.iter().find_map(|item| template_may_fail(item, env)),
        Template::Map(fields) => fields.values().find_map(|field| template_may_fail(field, env)),
    }
}

/// Returns whether a template reads something of which nothing is known because of a mistake.
pub(crate) fn rests_on_mistake(template: &Template, env: &Environment) -> bool {
    !env.unknown.is_empty()
        && match template {
            Template::Constant(_) | Template::Clear => false,
            Template::Value(expression) => reads_mistake(expression, env),
            Template::Text(parts) => parts.iter().any(|part| match part {
                Part::Text(_) => false,
                Part::Expression(expression) => reads_mistake(expression, env),
            }),
            Template::List(items) => items.iter().any(|item| rests_on_mistake(item, env)),
            Template::Map(fields) => fields.values().any(|field| rests_on_mistake(field, env)),
        }
}

/// Returns whether an expression reads something of which nothing is known because of a mistake.
pub(crate) fn reads_mistake(expression: &Expression, env: &Environment) -> bool {
    if env.unknown.is_empty() {
        return false;
    }
    let mut inference = Inference::new(expression, env, &Source::new("", ""));
    inference.shape(&expression.tree);
    inference.on_mistake
}

/// Returns the part of an expression from which its null comes: the value that may be missing, not what is read of it.
pub(crate) fn null_origin(expression: &Expression, env: &Environment) -> Option<String> {
    let mut inference = Inference::new(expression, env, &Source::new("", ""));
    let origin = inference.null_origin(&expression.tree).at;
    Some(expression.text.get(origin.start..origin.end)?.to_owned())
}

/// One walk over one expression.
pub(crate) struct Inference<'a> {
    expression: &'a Expression,
    env: &'a Environment,
    source: Arc<Source>,
    facts: Facts,
    out: Vec<Diagnostic>,
    /// The first reason why the expression may fail at run time.
    risk: Option<String>,
    /// Whether something was read of which nothing is known because of a mistake.
    on_mistake: bool,
}

impl<'a> Inference<'a> {
    fn new(expression: &'a Expression, env: &'a Environment, source: &Arc<Source>) -> Self {
        Self {
            expression,
            env,
            source: source.clone(),
            facts: env.facts.clone(),
            out: Vec::new(),
            risk: None,
            on_mistake: false,
        }
    }

    /// Hands over what was found wrong; returns whether it rests on a mistake that was reported elsewhere.
    fn finish(&mut self, out: &mut Vec<Diagnostic>) -> bool {
        if self.on_mistake || self.env.facts.doubtful() {
            self.out.retain(|one| one.code != "maybe-null");
        }
        self.once();
        out.append(&mut self.out);
        self.on_mistake
    }

    /// Leaves out what was found twice, and the null that comes of a mistake inside it.
    fn once(&mut self) {
        if self.out.len() < 2 {
            return;
        }
        let found = std::mem::take(&mut self.out);
        let within = |inner: &Diagnostic, outer: &Diagnostic| {
            inner.code != "maybe-null"
                && inner.severity == Severity::Error
                && inner.span.start >= outer.span.start
                && inner.span.end <= outer.span.end
        };
        for one in &found {
            let null = one.code == "maybe-null" && found.iter().any(|inner| within(inner, one));
            if !null && !self.out.contains(one) {
                self.out.push(one.clone());
            }
        }
    }

    fn risk(self) -> Option<String> {
        self.risk.filter(|_| !self.on_mistake && !self.env.facts.doubtful())
    }

    fn report(&mut self, code: &'static str, node: &Node, message: String) -> &mut Diagnostic {
        self.report_at(code, node.at, message)
    }

    fn report_at(
        &mut self,
        code: &'static str,
        at: crate::Span,
        message: String,
    ) -> &mut Diagnostic {
        self.risks(|| message.clone());
        let index = self.out.len();
        self.out.push(Diagnostic::error(code, &self.source, self.expression.place.of(at), message));
        &mut self.out[index]
    }

    fn warn(&mut self, code: &'static str, node: &Node, message: String) {
        let at = self.expression.place.of(node.at);
        self.out.push(Diagnostic::warning(code, &self.source, at, message));
    }

    fn risks(&mut self, reason: impl FnOnce() -> String) {
        if self.risk.is_none() {
            self.risk = Some(reason());
        }
    }

    fn quoted(&self, node: &Node) -> String {
        format!(
            "`{}`",
            self.expression.text.get(node.at.start..node.at.end).unwrap_or(&self.expression.text)
        )
    }
}

/// Returns the shape of a value written in a recipe. A text's only choice is itself.
pub(crate) fn shape_of(value: &Value) -> Shape {
    Shape::of(match value {
        Value::Null => return Shape::any(),
        Value::Bool(_) => Type::Boolean,
        Value::Number(number) if number.is_f64() => Type::Number,
        Value::Number(_) => Type::Integer,
        Value::String(text) => Type::Text(Text { choices: vec![text.clone()], ..Text::default() }),
        Value::Array(items) => Type::List(Box::new(
            items.iter().map(shape_of).reduce(union).unwrap_or_else(Shape::any),
        )),
        Value::Object(fields) => Type::Object(Arc::new(Object {
            fields: fields.iter().map(|(name, field)| known_field(name, shape_of(field))).collect(),
            others: None,
        })),
    })
}

/// Returns the shape of a value that has the one or the other shape.
pub(crate) fn union(one: Shape, other: Shape) -> Shape {
    let declared = one.declared.filter(|declared| other.declared.as_ref() == Some(declared));
    Shape { of: either(one.of, other.of), nullable: one.nullable || other.nullable, declared }
}

/// Names a type for a message.
pub(crate) fn describe(of: &Type) -> &'static str {
    match of {
        Type::Any => "a value of any type",
        Type::Boolean => "true or false",
        Type::Integer => "a whole number",
        Type::Number => "a number",
        Type::Text(_) => "text",
        Type::List(_) => "a list",
        Type::Object(_) => "a map",
    }
}

fn known_field(name: &str, shape: Shape) -> Field {
    Field::new(name, shape)
}

#[cfg(test)]
mod tests;
