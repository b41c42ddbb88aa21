//! A declared shape as a value: what a recipe's author says that somebody else sends, and whether they did.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    cases::{misread, wanted},
    diagnostic::{Source, Span},
    document::declared,
    fields::Report,
    schema::{Object, Shape, Type},
    yaml::{self, Key},
};

/// A declared shape, such as `{ name: text, amount: number? }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration(Shape);

impl Declaration {
    /// Reads a declared shape; `what` is the key it stands at.
    ///
    /// ```
    /// let declared = serde_json::json!({ "name": "text", "amount": "number?" });
    /// let declared = recipe::Declaration::read("body", &declared).unwrap();
    /// let sent = serde_json::json!({ "name": 7 });
    /// assert_eq!(declared.fit("body", sent).unwrap_err(), "`body.name` is declared to be text, found a number");
    /// ```
    pub fn read(what: &str, declared: &Value) -> Result<Self, String> {
        // Whatever is JSON is YAML.
        let source = Source::new(what, declared.to_string());
        let mut out = Vec::new();
        let node = yaml::parse(&source, &mut out);
        let key = Key { text: what.into(), span: Span::default() };
        let shape = node.and_then(|node| {
            declared::foreign(&mut Report { source: &source, out: &mut out }, &key, node)
        });
        match (shape, out.into_iter().next()) {
            (Some(shape), None) => Ok(Self(shape)),
            (_, Some(wrong)) => Err(wrong.message),
            (None, None) => Err(format!("`{what}` declares nothing")),
        }
    }

    /// Returns a value with the defaults of what is left out, or says what is not as declared, by its path and without
    /// its value. Fields that are not declared are kept: a sender may always send more.
    pub fn fit(&self, what: &str, value: Value) -> Result<Value, String> {
        fit(value, &self.0, what)
    }
}

fn fit(value: Value, shape: &Shape, at: &str) -> Result<Value, String> {
    let wrong =
        |found: &str| Err(format!("`{at}` is declared to be {}, found {found}", wanted(&shape.of)));
    match (&shape.of, value) {
        (Type::Any, value) => Ok(value),
        (_, Value::Null) if shape.nullable => Ok(Value::Null),
        (Type::Boolean, value @ Value::Bool(_)) | (Type::Number, value @ Value::Number(_)) => {
            Ok(value)
        }
        (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
            Ok(Value::Number(number))
        }
        (Type::Text(kind), Value::String(text)) => {
            let chosen = kind.choices.is_empty() || kind.choices.contains(&text);
            if !chosen {
                return wrong("another text than its `choices`");
            }
            match misread(&text, kind.format) {
                Some(_) => wrong("another text"),
                None => Ok(Value::String(text)),
            }
        }
        (Type::List(item), Value::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(index, value)| fit(value, item, &format!("{at}[{index}]")))
            .collect(),
        (Type::Object(object), Value::Object(map)) => fit_map(map, object, at).map(Value::Object),
        (_, value) => wrong(what_it_is(&value)),
    }
}

fn fit_map(
    mut map: Map<String, Value>,
    object: &Arc<Object>,
    at: &str,
) -> Result<Map<String, Value>, String> {
    for field in &object.fields {
        let at = format!("{at}.{}", field.name);
        match map.remove(&field.name).filter(|value| !value.is_null()) {
            Some(value) => {
                map.insert(field.name.clone(), fit(value, &field.shape, &at)?);
            }
            None if field.default.is_some() => {
                map.insert(field.name.clone(), field.default.clone().unwrap_or_default());
            }
            None if field.required && !field.shape.nullable => {
                return Err(format!(
                    "`{at}` is declared to be {}, and is missing",
                    wanted(&field.shape.of)
                ));
            }
            None => {}
        }
    }
    Ok(map)
}

fn what_it_is(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_sent_is_held_against_what_is_declared() {
        let declared = json!({
            "employeeId": "text",
            "amount": "number?",
            "starts_on": "date?",
            "kind": { "type": "text", "choices": ["new", "old"], "default": "new" },
            "people": [{ "name": "text" }],
        });
        let declared = Declaration::read("body", &declared).unwrap();
        let sent = json!({ "employeeId": "7", "amount": null, "people": [{ "name": "Ada", "age": 36 }], "more": 1 });
        assert_eq!(
            declared.fit("body", sent).unwrap(),
            json!({ "employeeId": "7", "kind": "new", "people": [{ "name": "Ada", "age": 36 }], "more": 1 })
        );
        let table = [
            (json!(null), "`body` is declared to be a map, found null"),
            (json!({ "people": [] }), "`body.employeeId` is declared to be text, and is missing"),
            (
                json!({ "employeeId": 7, "people": [] }),
                "`body.employeeId` is declared to be text, found a number",
            ),
            (
                json!({ "employeeId": "7", "amount": "12", "people": [] }),
                "`body.amount` is declared to be a number, found text",
            ),
            (
                json!({ "employeeId": "7", "starts_on": "soon", "people": [] }),
                "`body.starts_on` is declared to be a date such as 2027-01-04, found another text",
            ),
            (
                json!({ "employeeId": "7", "kind": "odd", "people": [] }),
                "`body.kind` is declared to be text, found another text than its `choices`",
            ),
            (
                json!({ "employeeId": "7", "people": [{ "name": "Ada" }, {}] }),
                "`body.people[1].name` is declared to be text, and is missing",
            ),
        ];
        for (sent, why) in table {
            assert_eq!(declared.fit("body", sent).unwrap_err(), why);
        }
    }

    #[test]
    fn what_declares_nothing_is_told_so() {
        let table = [
            (json!("string"), "`string` is not a type"),
            (json!([]), "`body` is a list of one type, such as `[text]`"),
            (json!({ "a": 1 }), "`1` is not a type"),
            (json!(null), "`body` has no type"),
        ];
        for (declared, why) in table {
            assert_eq!(Declaration::read("body", &declared).unwrap_err(), why);
        }
    }
}
