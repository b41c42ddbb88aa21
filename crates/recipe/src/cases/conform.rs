//! Values of a test file against the shapes of the connectors: what could never be is a mistake, what is left out is
//! filled in, so that a test says only what matters to it.

use serde_json::{Map, Value as Json};

use crate::{
    diagnostic::Span,
    schema::{Format, Object, Shape, Type},
    yaml::{Node, Value},
};

use super::{
    keys::{Reporter, json},
    matcher,
};

/// How strictly a value is held against a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// It stands for a whole value: null only where it is allowed.
    Value,
    /// It is compared with a value: null may always be written.
    Expectation,
}

/// Reports where `node` is something that `shape` never is.
pub(super) fn conform(node: &Node, of: &str, shape: &Shape, hold: Hold, to: &mut Reporter<'_>) {
    if hold == Hold::Expectation && matcher::is_matcher(node) {
        return matcher::check(node, to);
    }
    match (&node.value, &shape.of) {
        (Value::Null, kind) if *kind != Type::Any => {
            if !shape.nullable && hold == Hold::Value {
                let wanted = wanted(&shape.of);
                to.error(
                    "wrong-type",
                    node.span,
                    format!("`{of}` is never null, expected {wanted}"),
                );
            }
        }
        (Value::Broken, _)
        | (_, Type::Any)
        | (Value::Bool(_), Type::Boolean)
        | (Value::Int(_), Type::Integer | Type::Number)
        | (Value::Float(_), Type::Number) => {}
        (Value::Text(text), Type::Text(kind)) => {
            if !kind.choices.is_empty() && !kind.choices.contains(text) {
                let choices: Vec<&str> = kind.choices.iter().map(String::as_str).collect();
                let message = format!("`{of}` is never `{text}`");
                to.unknown("wrong-value", node.span, message, text, "values", &choices);
            } else if let Some(wanted) = misread(text, kind.format) {
                let message = format!("`{of}` is {wanted}, found `{text}`");
                to.error("wrong-value", node.span, message);
            }
        }
        (Value::List(items), Type::List(item)) => {
            for (at, node) in items.iter().enumerate() {
                conform(node, &format!("{of}[{at}]"), item, hold, to);
            }
        }
        (Value::Map(entries), Type::Object(object)) => {
            for (key, node) in entries {
                let of = format!("{of}.{}", key.text);
                match field(object, &key.text) {
                    Some(shape) => conform(node, &of, shape, hold, to),
                    None => unknown_field(&of, &key.text, key.span, object, to),
                }
            }
        }
        (value, kind) => {
            let wanted = wanted(kind);
            let found = node.what();
            let number = matches!(value, Value::Int(_) | Value::Float(_));
            let written = node.written(to.source).to_owned();
            let diagnostic =
                to.error("wrong-type", node.span, format!("`{of}` is {wanted}, found {found}"));
            if number && matches!(kind, Type::Text(_)) {
                diagnostic.label = Some("quote it".into());
                diagnostic.help.push(format!("write `\"{written}\"`; ids are text"));
            }
        }
    }
}

/// Returns the shape of a key, or `None` when there is no such key.
pub(super) fn field<'o>(object: &'o Object, key: &str) -> Option<&'o Shape> {
    object.field(key).map(|field| &field.shape).or(object.others.as_deref())
}

/// Reports a key that an object does not have.
pub(super) fn unknown_field(
    of: &str,
    key: &str,
    span: Span,
    object: &Object,
    to: &mut Reporter<'_>,
) {
    let known: Vec<&str> = object.fields.iter().map(|field| field.name.as_str()).collect();
    to.unknown("unknown-field", span, format!("there is no `{of}`"), key, "fields", &known);
}

/// Returns `value` with what `shape` always has and `value` leaves out.
pub(super) fn fill(value: Json, shape: &Shape) -> Json {
    match (value, &shape.of) {
        (Json::Object(map), Type::Object(object)) => Json::Object(fill_object(map, object)),
        (Json::Array(items), Type::List(item)) => {
            items.into_iter().map(|value| fill(value, item)).collect()
        }
        (value, _) => value,
    }
}

fn fill_object(mut map: Map<String, Json>, object: &Object) -> Map<String, Json> {
    for (key, value) in &mut map {
        if let Some(shape) = field(object, key) {
            *value = fill(value.take(), shape);
        }
    }
    for field in &object.fields {
        if !map.contains_key(&field.name) {
            map.insert(field.name.clone(), filler(&field.name, &field.shape));
        }
    }
    map
}

/// Returns a value of that shape as an example: what a reply could look like.
pub fn example(shape: &Shape) -> Json {
    filler("value", &Shape { nullable: false, ..shape.clone() })
}

/// Returns what stands in for a value that a test leaves out.
///
/// A text is the field's name in angle brackets: a note that quotes it shows at once that the test did not say it.
fn filler(name: &str, shape: &Shape) -> Json {
    if shape.nullable {
        return Json::Null;
    }
    match &shape.of {
        Type::Any => Json::Null,
        Type::Boolean => false.into(),
        Type::Integer | Type::Number => 0.into(),
        Type::List(_) => Json::Array(Vec::new()),
        Type::Object(object) => Json::Object(fill_object(Map::new(), object)),
        Type::Text(text) => match (text.choices.first(), text.format) {
            (Some(choice), _) => choice.as_str().into(),
            (None, Format::Date) => "2026-01-05".into(),
            (None, Format::DateTime) => "2026-01-05T09:00:00Z".into(),
            (None, Format::Url) => format!("https://example.com/{name}").into(),
            (None, Format::Email) => format!("{name}@example.com").into(),
            (None, Format::Plain | Format::Secret) => format!("<{name}>").into(),
        },
    }
}

/// Returns the value of a node that stands for a whole value of that shape, filled.
pub(super) fn whole(node: &Node, of: &str, shape: &Shape, to: &mut Reporter<'_>) -> Json {
    conform(node, of, shape, Hold::Value, to);
    fill(json(node), shape)
}

/// Returns a word for a type, for messages.
pub(crate) fn wanted(kind: &Type) -> &'static str {
    match kind {
        Type::Any => "anything",
        Type::Boolean => "true or false",
        Type::Integer => "a whole number",
        Type::Number => "a number",
        Type::Text(text) => match text.format {
            Format::Date => "a date such as 2027-01-04",
            Format::DateTime => "a moment such as 2027-01-04T09:00:00Z",
            _ => "text",
        },
        Type::List(_) => "a list",
        Type::Object(_) => "a map",
    }
}

/// Returns what a text of that format looks like, if this one is none.
pub(crate) fn misread(text: &str, format: Format) -> Option<&'static str> {
    match format {
        Format::Date => text.parse::<jiff::civil::Date>().is_err(),
        Format::DateTime => text.parse::<jiff::Timestamp>().is_err(),
        _ => false,
    }
    .then(|| wanted(&Type::Text(crate::schema::Text { format, choices: Vec::new() })))
}
