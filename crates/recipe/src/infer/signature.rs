//! What a function gives, in words for the reference page, told by the same declaration that every expression is
//! checked with.
//!
//! A declaration says what comes of the shapes of one use. Here it is used several times, with other shapes for the
//! subject each time: what follows the subject (the item of a list, the value itself) is told from what is always so.

use std::sync::Arc;

use serde_json::Value;

use super::{Environment, Inference, Sight};
use crate::{
    diagnostic::{Source, Span},
    expression::{
        Expression,
        tree::{Apply, Kind, Node},
    },
    functions::{Function, Wants},
    schema::{Format, Object, Shape, Text, Type},
    table::{Table, Tables},
};

impl Function {
    /// Returns the type of what it gives, such as "a list of items"; null for null is said elsewhere.
    pub fn gives(&'static self) -> String {
        let subject = self.parameters.first();
        let mut found: Vec<String> = Vec::new();
        for (probe, of, one_of, many_of) in
            probes(subject.map_or(Wants::Any, |parameter| parameter.wants))
        {
            let shape = given(self, &probe);
            // Anything at all has null among it.
            let null = shape.nullable && shape.of != Type::Any;
            let part = Part { of: &of, one: one_of, many: many_of };
            let words = format!("{}{}", one(&shape.of, part), if null { ", or null" } else { "" });
            if !found.contains(&words) {
                found.push(words);
            }
        }
        found.join(" or ")
    }
}

/// A part of the subject that is known again in the result, and what one and several of it are called.
#[derive(Clone, Copy)]
struct Part<'p> {
    of: &'p Type,
    one: &'static str,
    many: &'static str,
}

impl Part<'_> {
    fn is(self, of: &Type) -> bool {
        !self.one.is_empty() && of == self.of
    }
}

type Probe = (Shape, Type, &'static str, &'static str);

/// Returns shapes for the subject, and what is known again of each.
fn probes(wants: Wants) -> Vec<Probe> {
    let text = |format| Type::Text(Text { format, choices: Vec::new() });
    let whole = |of: Type| (Shape::of(of.clone()), of, "the value as it is", "values as they are");
    let unknown = |of: Type| (Shape::of(of), Type::Any, "", "");
    match wants {
        Wants::Any => vec![whole(Type::Boolean), whole(text(Format::Url))],
        Wants::Text => {
            [Format::Plain, Format::Date, Format::DateTime].map(text).map(unknown).into()
        }
        Wants::Scalar | Wants::TextOrNumber | Wants::Countable => {
            vec![unknown(text(Format::Plain))]
        }
        Wants::Number => vec![unknown(Type::Number), unknown(Type::Integer)],
        Wants::Integer => vec![unknown(Type::Integer)],
        Wants::List => {
            let item = Type::Object(Object::default().into());
            vec![(
                Shape::of(Type::List(Box::new(Shape::of(item.clone())))),
                item,
                "an item",
                "items",
            )]
        }
        Wants::Map => {
            let value = text(Format::Url);
            let others = Some(Box::new(Shape::of(value.clone())));
            let map = Object { fields: Vec::new(), others };
            vec![(Shape::of(Type::Object(map.into())), value, "a value", "its values")]
        }
    }
}

/// Returns what the function gives for that subject, and of its other arguments no more than it wants.
fn given(function: &'static Function, subject: &Shape) -> Shape {
    let at = Span::new(0, 0);
    let node = |kind| Node { at, kind };
    let mut shapes = Vec::new();
    let mut arguments = Vec::new();
    for (index, parameter) in function.parameters.iter().enumerate() {
        let constant = Kind::Constant(Value::String(parameter.name.into()));
        let argument = if parameter.constant { constant } else { Kind::Name("any".into()) };
        shapes.push(parameter.required.then(|| match (index, parameter.wants) {
            (0, _) => subject.clone(),
            (_, Wants::Integer) => Shape::of(Type::Integer),
            _ => Shape::any(),
        }));
        arguments.push(parameter.required.then(|| node(argument)));
    }
    let table = Table { path: String::new(), columns: Vec::new(), rows: Vec::new() };
    let tables = Tables { tables: [("table".to_owned(), Arc::new(table))].into(), watch: None };
    let environment = Environment { tables: tables.into(), ..Environment::default() };
    let source = Source::new("", "none");
    let expression = Expression::parse("none", Span::new(0, 4), &source)
        .unwrap_or_else(|_| unreachable!("`none` is an expression"));
    let apply = Apply { function, arguments, columns: Vec::new() };
    let whole = node(Kind::Constant(Value::Null));
    (function.gives)(&mut Sight {
        inference: &mut Inference::new(&expression, &environment, &source),
        node: &whole,
        apply: &apply,
        shapes,
        columns: Vec::new(),
    })
}

/// Names one value of that type; `part` is called by its name.
fn one(of: &Type, part: Part<'_>) -> String {
    match of {
        of if part.is(of) => part.one.into(),
        Type::Any => "a value of any type".into(),
        Type::Boolean => "true or false".into(),
        Type::Integer => "a whole number".into(),
        Type::Number => "a number".into(),
        Type::Text(text) => match text.format {
            Format::Plain | Format::Secret => "text",
            Format::Date => "a date",
            Format::DateTime => "a moment",
            Format::Url => "a URL",
            Format::Email => "an e-mail address",
        }
        .into(),
        Type::List(item) => format!("a list of {}", many(&item.of, part)),
        Type::Object(object) => match &object.others {
            Some(value) => format!("a map of {}", many(&value.of, part)),
            None => format!("a map{}", fields(object)),
        },
    }
}

/// Names several values of that type.
fn many(of: &Type, part: Part<'_>) -> String {
    match of {
        of if part.is(of) => part.many.into(),
        Type::Any => "anything".into(),
        Type::Boolean => "true or false".into(),
        Type::Integer => "whole numbers".into(),
        Type::Number => "numbers".into(),
        Type::Text(_) => "texts".into(),
        Type::List(item) => format!("lists of {}", many(&item.of, part)),
        Type::Object(object) => match &object.others {
            Some(value) => format!("maps of {}", many(&value.of, part)),
            None => format!("maps{}", fields(object)),
        },
    }
}

fn fields(object: &Object) -> String {
    let names: Vec<_> = object.fields.iter().map(|field| format!("`{}`", field.name)).collect();
    if names.is_empty() { String::new() } else { format!(" with {}", names.join(" and ")) }
}
