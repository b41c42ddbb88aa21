//! The functions of expressions: one table, from which reading, evaluation, checking and the reference page are made.
//!
//! A *filter* takes what stands before the `|` as its first argument; a *function* is called by its name. One file
//! holds one family.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    expression::{Quoted, fuel::Fuel},
    infer::Sight,
    schema::{Field, Object, Shape, Text, Type},
    scope::Scope,
};

mod business;
mod calendar;
mod codes;
mod dates;
mod groups;
mod json;
mod letters;
mod limits;
mod lists;
mod maps;
mod numbers;
mod path;
mod patterns;
mod people;
mod rows;
mod separated;
mod texts;
mod urls;

pub use limits::limits;
pub use texts::normalize_name;

/// A function of the expression language.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub form: Form,
    /// What it takes; a filter's first parameter stands before the `|`.
    pub parameters: &'static [Parameter],
    /// Whether it also takes `name=value` with names of the author's choice.
    pub columns: bool,
    /// What it does when its first argument is null.
    pub nulls: Nulls,
    /// What it gives, in one sentence.
    pub summary: &'static str,
    /// An example: an expression and the JSON of its value. It runs as a test.
    pub example: (&'static str, &'static str),
    /// Why it may fail although its arguments have the right types.
    pub may_fail: Option<&'static str>,
    pub(crate) run: for<'a> fn(&mut Call<'_, 'a>) -> Given<'a>,
    pub(crate) gives: fn(&mut Sight<'_, '_>) -> Shape,
    /// Looks at constant arguments when a recipe is read; the error names the argument.
    pub(crate) check: Option<Check>,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `value | name(…)`.
    Filter,
    /// `name(…)`.
    Function,
}

/// A parameter of a [`Function`].
#[derive(Debug)]
pub struct Parameter {
    /// Its name; it may be given as `name=value`.
    pub name: &'static str,
    /// What it takes.
    pub wants: Wants,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it must be written out as a text in quotes.
    pub constant: bool,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Anything, null included.
    Any,
    /// Text.
    Text,
    /// Text, a number, true or false.
    Scalar,
    /// Text or a number.
    TextOrNumber,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// A list.
    List,
    /// A map.
    Map,
    /// Text, a list or a map.
    Countable,
}

/// What a function does when its first argument is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// It gives null.
    Pass,
    /// It takes it for the empty list.
    Empty,
    /// It gives its second argument, which is looked at only then.
    Replace,
    /// It deals with it as with any other value, or refuses it, as its parameter says.
    Take,
}

/// Returns every function, family by family, in the order of the reference page.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    [
        texts::ALL,
        letters::ALL,
        patterns::ALL,
        people::ALL,
        numbers::ALL,
        lists::ALL,
        groups::ALL,
        maps::ALL,
        dates::ALL,
        calendar::ALL,
        business::ALL,
        rows::ALL,
        json::ALL,
        separated::ALL,
        path::ALL,
        urls::ALL,
        codes::ALL,
    ]
    .into_iter()
    .flatten()
}

impl Function {
    /// Returns how it is written, such as `value | join(separator)`.
    pub fn usage(&self) -> String {
        let skipped = usize::from(self.form == Form::Filter);
        let mut arguments: Vec<String> = Vec::new();
        for parameter in self.parameters.iter().skip(skipped) {
            let mark = if parameter.required { "" } else { "?" };
            arguments.push(format!("{}{mark}", parameter.name));
        }
        if self.columns {
            arguments.push("name=value, …".into());
        }
        let list = arguments.join(", ");
        match (self.form, self.parameters.first()) {
            (Form::Filter, Some(subject)) if list.is_empty() => {
                format!("{} | {}", subject.name, self.name)
            }
            (Form::Filter, Some(subject)) => format!("{} | {}({list})", subject.name, self.name),
            _ => format!("{}({list})", self.name),
        }
    }
}

/// Why a function has no value; the evaluator adds the place.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    pub(crate) fn wrong_type(message: impl Into<String>) -> Self {
        Self::new("wrong_type", message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

pub(crate) type Given<'a> = Result<Cow<'a, Value>, Fault>;

type Check = fn(&[Option<&Value>]) -> Result<(), (usize, String)>;

/// One call of a function, its arguments checked against the parameters.
pub(crate) struct Call<'c, 'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) fuel: &'c mut Fuel,
    pub(crate) arguments: Vec<Option<Cow<'a, Value>>>,
    pub(crate) columns: Vec<(&'a str, Cow<'a, Value>)>,
    /// How the first argument is written in the recipe, in backticks.
    pub(crate) subject: Quoted<'a>,
}

impl<'a> Call<'_, 'a> {
    pub(crate) fn value(&self, index: usize) -> &Value {
        self.arguments.get(index).and_then(Option::as_deref).unwrap_or(&Value::Null)
    }

    pub(crate) fn take(&mut self, index: usize) -> Cow<'a, Value> {
        self.arguments.get_mut(index).and_then(Option::take).unwrap_or(Cow::Owned(Value::Null))
    }

    pub(crate) fn text(&self, index: usize) -> &str {
        self.value(index).as_str().unwrap_or("")
    }

    pub(crate) fn optional_text(&self, index: usize) -> Option<&str> {
        self.value(index).as_str()
    }

    pub(crate) fn list(&self, index: usize) -> &[Value] {
        self.value(index).as_array().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn integer(&self, index: usize) -> Option<i64> {
        self.value(index).as_i64()
    }

    /// Returns a text, having paid for it.
    pub(crate) fn give_text(&mut self, text: String) -> Given<'a> {
        self.fuel.spend(text.len())?;
        Ok(Cow::Owned(Value::String(text)))
    }

    /// Returns a list of copies, having paid for them.
    pub(crate) fn give_list(&mut self, items: Vec<Value>) -> Given<'a> {
        let list = Value::Array(items);
        self.fuel.spend_on(&list)?;
        Ok(Cow::Owned(list))
    }
}

/// Returns the function of that name and form.
pub(crate) fn find(name: &str, form: Form) -> Option<&'static Function> {
    functions().find(|function| function.name == name && function.form == form)
}

/// Returns the names of that form.
pub(crate) fn names(form: Form) -> impl Iterator<Item = &'static str> {
    functions().filter(move |function| function.form == form).map(|function| function.name)
}

impl Wants {
    pub(crate) fn admits_null(self) -> bool {
        self == Self::Any
    }

    pub(crate) fn admits(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::Scalar => value.is_string() || value.is_number() || value.is_boolean(),
            Self::TextOrNumber => value.is_string() || value.is_number(),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
            Self::Countable => value.is_string() || value.is_array() || value.is_object(),
        }
    }

    /// Returns whether a value of that type is, or may be, admitted.
    pub(crate) fn admits_type(self, of: &Type) -> bool {
        let (text, number) =
            (matches!(of, Type::Text(_)), matches!(of, Type::Number | Type::Integer));
        let list = matches!(of, Type::List(_));
        *of == Type::Any
            || match self {
                Self::Any => true,
                Self::Text => text,
                Self::Scalar => text || number || *of == Type::Boolean,
                Self::TextOrNumber => text || number,
                // A number may be whole.
                Self::Number | Self::Integer => number,
                Self::List => list,
                Self::Map => matches!(of, Type::Object(_)),
                Self::Countable => text || list || matches!(of, Type::Object(_)),
            }
    }

    /// Names it: "a list".
    pub fn words(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Text => "text",
            Self::Scalar => "text, a number, true or false",
            Self::TextOrNumber => "text or a number",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Countable => "text, a list or a map",
        }
    }

    pub(crate) fn cure(self, value: &Value, fault: Fault) -> Fault {
        match (self, value) {
            (Self::Text | Self::Scalar | Self::TextOrNumber, Value::Array(_)) => {
                fault.hint("choose one item with `first`, or join them with `join(', ')`")
            }
            (Self::Text, Value::Number(_) | Value::Bool(_)) => {
                fault.hint("make text of it with `| text`")
            }
            (Self::Number | Self::Integer, Value::String(_)) => {
                fault.hint("make a number of it with `| number`")
            }
            _ => fault,
        }
    }
}

const fn required(name: &'static str, wants: Wants) -> Parameter {
    Parameter { name, wants, required: true, constant: false }
}

const fn optional(name: &'static str, wants: Wants) -> Parameter {
    Parameter { name, wants, required: false, constant: false }
}

const fn constant(name: &'static str) -> Parameter {
    Parameter { name, wants: Wants::Text, required: true, constant: true }
}

/// The shape of a list of these.
fn list_of(item: Shape) -> Shape {
    Shape::of(Type::List(Box::new(item)))
}

/// The shape of the items of a list.
fn item_of(list: &Shape) -> Shape {
    match &list.of {
        Type::List(item) => (**item).clone(),
        _ => Shape::any(),
    }
}

/// The shape of a map whose names are not known before a job.
fn open_map(value: Shape) -> Shape {
    let object = Object { fields: Vec::new(), others: Some(Box::new(value)) };
    Shape::of(Type::Object(object.into()))
}

/// The shape of a map with these fields.
fn record<const N: usize>(fields: [(&str, Shape); N]) -> Shape {
    let fields = fields.into_iter().map(|(name, shape)| Field::new(name, shape)).collect();
    Shape::of(Type::Object(Object { fields, others: None }.into()))
}

fn text_shape() -> Shape {
    Shape::of(Type::Text(Text::default()))
}

fn gives_text(_: &mut Sight<'_, '_>) -> Shape {
    text_shape()
}

fn gives_boolean(_: &mut Sight<'_, '_>) -> Shape {
    Shape::of(Type::Boolean)
}

fn gives_integer(_: &mut Sight<'_, '_>) -> Shape {
    Shape::of(Type::Integer)
}

fn gives_number(_: &mut Sight<'_, '_>) -> Shape {
    Shape::of(Type::Number)
}

fn gives_anything(_: &mut Sight<'_, '_>) -> Shape {
    Shape::any()
}

/// The filter gives a value of the type it was given.
fn gives_the_same(sight: &mut Sight<'_, '_>) -> Shape {
    sight.argument(0)
}
