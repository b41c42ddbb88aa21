//! Placeholders: what stands in for the output of a write that was not sent. One can tell them wherever they turn up.

use recipe::{Format, Shape, Type};
use serde_json::{Map, Value};

/// What every placeholder of a text or a date holds.
pub(crate) const MARKS: [&str; 2] = ["planned-", "9998-12-31"];

/// Returns whether a value holds a text or a date that stands in for another.
pub(crate) fn is_marked(value: &Value) -> bool {
    match value {
        Value::String(text) => MARKS.iter().any(|mark| text.contains(mark)),
        Value::Array(items) => items.iter().any(is_marked),
        Value::Object(fields) => fields.values().any(is_marked),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns what stands in for the output of a step.
pub(crate) fn placeholder(step: &str, shape: &Shape) -> Value {
    match &shape.of {
        Type::Any => Value::Null,
        // What a person is asked is most often whether they approve.
        Type::Boolean => true.into(),
        Type::Integer | Type::Number => 0.into(),
        Type::List(_) => Value::Array(Vec::new()),
        Type::Object(object) => {
            let field = |field: &recipe::Field| {
                let value = placeholder(&format!("{step}-{}", field.name), &field.shape);
                (field.name.clone(), value)
            };
            Value::Object(object.fields.iter().map(field).collect::<Map<_, _>>())
        }
        Type::Text(text) => match (text.choices.first(), text.format) {
            (Some(choice), _) => choice.as_str().into(),
            (None, Format::Date) => MARKS[1].into(),
            (None, Format::DateTime) => format!("{}T00:00:00Z", MARKS[1]).into(),
            (None, Format::Url) => format!("https://planned-{step}.invalid/").into(),
            (None, Format::Email) => format!("planned-{step}@example.invalid").into(),
            (None, Format::Plain | Format::Secret) => format!("planned-{step}").into(),
        },
    }
}
