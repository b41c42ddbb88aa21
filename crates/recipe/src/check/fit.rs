//! Whether a value of one shape may stand where another is wanted, and words for shapes.

use crate::{
    schema::{Format, Object, Type},
    suggest,
};

/// Why a value does not fit, for the message, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) found: String,
    pub(super) cure: Option<String>,
}

/// Returns why a value of the shape `found` cannot stand where `wanted` is wanted. Null is not looked at here, except
/// inside lists and maps.
pub(super) fn misfit(found: &Type, wanted: &Type) -> Option<Misfit> {
    let plain =
        |cure: Option<&str>| Some(Misfit { found: describe(found), cure: cure.map(str::to_owned) });
    match (found, wanted) {
        (Type::Any, _)
        | (_, Type::Any)
        | (Type::Boolean, Type::Boolean)
        | (Type::Integer, Type::Integer | Type::Number)
        | (Type::Number, Type::Number) => None,
        (Type::Text(found_text), Type::Text(wanted_text)) => {
            let apart = !found_text.choices.is_empty()
                && !wanted_text.choices.is_empty()
                && !found_text.choices.iter().any(|word| wanted_text.choices.contains(word));
            let formats = found_text.format != wanted_text.format
                && found_text.format != Format::Plain
                && !matches!(wanted_text.format, Format::Plain | Format::Secret);
            let cure = match (found_text.format, wanted_text.format) {
                (Format::DateTime, Format::Date) => Some("take the day of it: `| date`"),
                _ if apart => Some("translate the words with a table: `lookup('table', column=…)`"),
                _ => None,
            };
            if apart || formats { plain(cure) } else { None }
        }
        (Type::List(found_item), Type::List(wanted_item)) => {
            if found_item.nullable && !wanted_item.nullable && found_item.of != Type::Any {
                return Some(Misfit {
                    found: format!("{}, some of them perhaps null", describe(found)),
                    cure: Some("leave the nulls out: `| compact`".into()),
                });
            }
            misfit(&found_item.of, &wanted_item.of)
                .map(|inner| Misfit { found: describe(found), ..inner })
        }
        (Type::Object(found_map), Type::Object(wanted_map)) => maps(found_map, wanted_map),
        (Type::List(_), _) => {
            plain(Some("take one of them, such as `| first`, or go through them with `for_each`"))
        }
        (_, Type::List(_)) => plain(Some("make it a list: `[…]`")),
        (Type::Number, Type::Integer) => plain(Some("round it: `| round | int`")),
        (Type::Integer | Type::Number, Type::Text(_)) => plain(Some("make it text: `| text`")),
        (Type::Text(_), Type::Integer) => plain(Some("make it a number: `| int`")),
        (Type::Text(_), Type::Number) => plain(Some("make it a number: `| number`")),
        (Type::Object(_), _) => plain(Some("name one of its fields")),
        _ => plain(None),
    }
}

fn maps(found: &Object, wanted: &Object) -> Option<Misfit> {
    for field in &wanted.fields {
        match found.field(&field.name) {
            None if field.required && found.others.is_none() => {
                return Some(Misfit {
                    found: format!("a map without `{}`", field.name),
                    cure: None,
                });
            }
            Some(given) if given.shape.nullable && field.required && !field.shape.nullable => {
                return Some(Misfit {
                    found: format!("a map whose `{}` may be null", field.name),
                    cure: None,
                });
            }
            Some(given) => {
                if let Some(inner) = misfit(&given.shape.of, &field.shape.of) {
                    let found = format!("a map whose `{}` is {}", field.name, inner.found);
                    return Some(Misfit { found, ..inner });
                }
            }
            None => {}
        }
    }
    if wanted.others.is_some() {
        return None;
    }
    let extra = found.fields.iter().find(|field| wanted.field(&field.name).is_none())?;
    Some(Misfit {
        found: format!("a map with `{}`", extra.name),
        cure: Some(format!(
            "known fields: {}",
            suggest::list(wanted.fields.iter().map(|field| field.name.as_str()))
        )),
    })
}

/// Returns a type in words, with its article.
pub(super) fn describe(of: &Type) -> String {
    match of {
        Type::Any => "anything".into(),
        Type::Boolean => "true or false".into(),
        Type::Integer => "a whole number".into(),
        Type::Number => "a number".into(),
        Type::Text(text) if !text.choices.is_empty() => {
            let words: Vec<String> = text.choices.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", suggest::list(words.iter().map(String::as_str)))
        }
        Type::Text(text) => match text.format {
            Format::Plain | Format::Secret => "text".into(),
            Format::Date => "a date".into(),
            Format::DateTime => "a moment".into(),
            Format::Url => "a URL".into(),
            Format::Email => "an e-mail address".into(),
        },
        Type::List(item) if item.of == Type::Any => "a list".into(),
        Type::List(item) => format!("a list of {}", plural(&item.of)),
        Type::Object(_) => "a map".into(),
    }
}

fn plural(of: &Type) -> String {
    match of {
        Type::Any => "anything".into(),
        Type::Boolean => "true or false".into(),
        Type::Integer => "whole numbers".into(),
        Type::Number => "numbers".into(),
        Type::Text(text) => match text.format {
            Format::Plain | Format::Secret => "texts".into(),
            Format::Date => "dates".into(),
            Format::DateTime => "moments".into(),
            Format::Url => "URLs".into(),
            Format::Email => "e-mail addresses".into(),
        },
        Type::List(_) => "lists".into(),
        Type::Object(_) => "maps".into(),
    }
}

/// Returns how a value of that type is written, when that is worth saying.
pub(super) fn example(of: &Type) -> Option<&'static str> {
    let Type::Text(text) = of else { return None };
    match text.format {
        Format::Date => Some("a date is written `2027-01-04`"),
        Format::DateTime => Some("a moment is written `2027-01-04T09:00:00Z`"),
        Format::Url => Some("a URL begins with `https://` or `http://`"),
        Format::Plain | Format::Email | Format::Secret => None,
    }
}
