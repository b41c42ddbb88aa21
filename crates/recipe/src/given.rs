//! What a person or a caller gives, held against what a recipe declares: an answer, an input.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    cases::{misread, wanted},
    schema::{Object, Shape, Type},
    suggest::closest,
};

/// Returns `value` with the defaults of what is left out; otherwise says what is wrong with it, field by field.
pub fn fit(value: Value, of: &Object) -> Result<Value, String> {
    let Value::Object(given) = value else {
        return Err(format!("expected a map, found {}", found(&value)));
    };
    fit_map(given, of, "")
}

/// Returns the values of fields given as words, each read as what is declared; otherwise says what is wrong.
pub fn read_words(words: &BTreeMap<String, String>, of: &Object) -> Result<Value, String> {
    let mut given = Map::new();
    for (name, word) in words {
        let shape = of.field(name).map(|field| &field.shape).or(of.others.as_deref());
        let shape = shape.ok_or_else(|| unknown(name, name, of))?;
        given.insert(name.clone(), read_word(name, word, shape)?);
    }
    fit(Value::Object(given), of)
}

fn read_word(name: &str, word: &str, shape: &Shape) -> Result<Value, String> {
    // A form sends an empty field for what nobody filled in.
    if word.is_empty() && shape.nullable {
        return Ok(Value::Null);
    }
    let wrong = || format!("`{name}` is {}, found `{word}`", wanted(&shape.of));
    match &shape.of {
        Type::Text(_) => Ok(Value::String(word.into())),
        Type::Boolean => match word {
            "true" | "yes" | "on" => Ok(Value::Bool(true)),
            "false" | "no" | "off" => Ok(Value::Bool(false)),
            _ => Err(wrong()),
        },
        Type::Any => Ok(serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.into()))),
        Type::Integer | Type::Number | Type::List(_) | Type::Object(_) => {
            serde_json::from_str(word).map_err(|_| wrong())
        }
    }
}

fn fit_map(mut given: Map<String, Value>, of: &Object, at: &str) -> Result<Value, String> {
    let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    let mut fitted = Map::new();
    for field in &of.fields {
        let name = path(&field.name);
        match given.remove(&field.name).filter(|value| !value.is_null()) {
            Some(value) => {
                fitted.insert(field.name.clone(), fit_value(value, &field.shape, &name)?);
            }
            None => match &field.default {
                Some(default) => {
                    fitted.insert(field.name.clone(), default.clone());
                }
                None if field.required && !field.shape.nullable => {
                    return Err(format!("`{name}` is missing: it is {}", wanted(&field.shape.of)));
                }
                None => {}
            },
        }
    }
    for (key, value) in given {
        let name = path(&key);
        let Some(shape) = &of.others else { return Err(unknown(&key, &name, of)) };
        fitted.insert(key, fit_value(value, shape, &name)?);
    }
    Ok(Value::Object(fitted))
}

fn fit_value(value: Value, shape: &Shape, at: &str) -> Result<Value, String> {
    let wrong =
        |value: &Value| Err(format!("`{at}` is {}, found {}", wanted(&shape.of), found(value)));
    if value.is_null() {
        return if shape.nullable { Ok(value) } else { wrong(&value) };
    }
    match (&shape.of, value) {
        (Type::Any, value)
        | (Type::Boolean, value @ Value::Bool(_))
        | (Type::Number, value @ Value::Number(_)) => Ok(value),
        (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
            Ok(Value::Number(number))
        }
        (Type::Text(kind), Value::String(text)) => {
            if !kind.choices.is_empty() && !kind.choices.contains(&text) {
                let choices: Vec<_> =
                    kind.choices.iter().map(|choice| format!("`{choice}`")).collect();
                return Err(format!("`{at}` is one of {}, found `{text}`", choices.join(", ")));
            }
            match misread(&text, kind.format) {
                Some(wanted) => Err(format!("`{at}` is {wanted}, found `{text}`")),
                None => Ok(Value::String(text)),
            }
        }
        (Type::List(item), Value::Array(items)) => {
            let fitted = items.into_iter().enumerate();
            let fitted =
                fitted.map(|(index, value)| fit_value(value, item, &format!("{at}[{index}]")));
            Ok(Value::Array(fitted.collect::<Result<_, _>>()?))
        }
        (Type::Object(object), Value::Object(map)) => fit_map(map, object, at),
        (_, value) => wrong(&value),
    }
}

fn unknown(key: &str, at: &str, of: &Object) -> String {
    let names: Vec<&str> = of.fields.iter().map(|field| field.name.as_str()).collect();
    let meant = match closest(key, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "it has no fields".into(),
        None => {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("there is {}", names.join(", "))
        }
    };
    format!("there is no `{at}`; {meant}")
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a map".into(),
        Value::String(text) => format!("the text `{text}`"),
        plain => format!("`{plain}`"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;
    use crate::schema::{Field, Format, Text};

    fn field(name: &str, of: Type, required: bool, default: Option<Value>) -> Field {
        let shape = if required { Shape::of(of) } else { Shape::of(of).or_null() };
        Field { required, default, ..Field::new(name, shape) }
    }

    fn approval() -> Object {
        let word = |format, choices: &[&str]| {
            let choices = choices.iter().map(ToString::to_string).collect();
            Type::Text(Text { format, choices })
        };
        Object {
            fields: vec![
                field("approved", Type::Boolean, true, None),
                field("comment", word(Format::Plain, &[]), false, None),
                field("level", word(Format::Plain, &["junior", "senior"]), false, None),
                field("from", word(Format::Date, &[]), false, None),
                field("days", Type::Integer, true, Some(json!(5))),
                field("tags", Type::List(Box::new(Shape::of(Type::Integer))), false, None),
            ],
            others: None,
        }
    }

    #[test]
    fn what_fits_gets_its_defaults_and_what_does_not_is_named() {
        let fitted = fit(json!({ "approved": true, "comment": null }), &approval()).unwrap();
        assert_eq!(fitted, json!({ "approved": true, "days": 5 }));
        for (given, why) in [
            (json!(true), "expected a map, found `true`"),
            (json!({}), "`approved` is missing: it is true or false"),
            (json!({ "approved": "yes" }), "`approved` is true or false, found the text `yes`"),
            (
                json!({ "approved": true, "aproved": 1 }),
                "there is no `aproved`; did you mean `approved`?",
            ),
            (
                json!({ "approved": true, "level": "boss" }),
                "`level` is one of `junior`, `senior`, found `boss`",
            ),
            (
                json!({ "approved": true, "from": "soon" }),
                "`from` is a date such as 2027-01-04, found `soon`",
            ),
            (
                json!({ "approved": true, "tags": [1, 1.5] }),
                "`tags[1]` is a whole number, found `1.5`",
            ),
        ] {
            assert_eq!(fit(given, &approval()).unwrap_err(), why);
        }
    }

    #[test]
    fn words_are_read_as_what_is_declared() {
        let words = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, word)| ((*name).into(), (*word).into()));
            read_words(&pairs.collect(), &approval())
        };
        let read = words(&[("approved", "yes"), ("comment", "true"), ("days", "3"), ("from", "")]);
        assert_eq!(read.unwrap(), json!({ "approved": true, "comment": "true", "days": 3 }));
        assert_eq!(
            words(&[("approved", "maybe")]).unwrap_err(),
            "`approved` is true or false, found `maybe`"
        );
        assert_eq!(
            words(&[("approved", "no"), ("why", "x")]).unwrap_err(),
            "there is no `why`; there is `approved`, `comment`, `level`, `from`, `days`, `tags`"
        );
    }
}
