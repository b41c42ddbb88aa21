//! Reading and building JSON whose shape is a setting: dotted names, pointers, ids of either type.

use connector::View;
use serde_json::{Map, Value};

/// An id, kept in the JSON type in which it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id(Value);

impl Id {
    /// Reads an id: a number or a text that is not empty.
    pub(crate) fn read(view: View<'_>) -> Option<Self> {
        let is_id = match view {
            View::Number(_) => true,
            View::Text(text) => !text.trim().is_empty(),
            _ => false,
        };
        is_id.then(|| Self(view.to_value()))
    }

    /// Returns the id as text, as recipes see it.
    pub(crate) fn text(&self) -> String {
        self.0.as_str().map_or_else(|| self.0.to_string(), str::to_owned)
    }

    /// Returns the id as GoCo gave it.
    pub(crate) fn value(&self) -> &Value {
        &self.0
    }

    /// Returns the id as GoCo gave it.
    pub(crate) fn into_value(self) -> Value {
        self.0
    }
}

/// Returns what a dotted name leads to.
pub(crate) fn dotted<'a>(view: View<'a>, name: &str) -> Option<View<'a>> {
    name.split('.').try_fold(view, View::get)
}

/// Returns the text that a dotted name leads to; a number is shown as text, everything else is none.
pub(crate) fn dotted_text(view: View<'_>, name: &str) -> Option<String> {
    match dotted(view, name)? {
        View::Text(text) => Some(text.to_owned()),
        View::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Puts a value where a dotted name leads; says so when something else is there already.
pub(crate) fn put(into: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), String> {
    let taken = || format!("`{name}` is set twice");
    match name.split_once('.') {
        None if into.contains_key(name) => Err(taken()),
        None => {
            into.insert(name.to_owned(), value);
            Ok(())
        }
        Some((key, rest)) => {
            let inner = into.entry(key).or_insert_with(|| Value::Object(Map::new()));
            put(inner.as_object_mut().ok_or_else(taken)?, rest, value)
        }
    }
}

/// Returns what the first of the pointers leads to that `wanted` takes; `{resource}` stands for `resource`.
pub(crate) fn first_at<'a, T>(
    view: View<'a>,
    pointers: &[String],
    resource: &str,
    wanted: impl Fn(View<'a>) -> Option<T>,
) -> Option<T> {
    pointers.iter().find_map(|pointer| {
        let found = if pointer.contains('{') {
            view.pointer(&pointer.replace("{resource}", resource))
        } else {
            view.pointer(pointer)
        };
        found.and_then(&wanted)
    })
}

/// Returns `first_name` as `firstName`, dots kept.
pub(crate) fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        match letter {
            '_' => raise = true,
            _ if raise => {
                out.extend(letter.to_uppercase());
                raise = false;
            }
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn dotted_names_nest_and_never_overwrite() {
        let mut body = Map::new();
        put(&mut body, "name.first", json!("Ada")).unwrap();
        put(&mut body, "name.last", json!("Byron")).unwrap();
        put(&mut body, "start_date", json!("2027-01-04")).unwrap();
        assert!(put(&mut body, "name.first", json!("Eve")).is_err());
        assert!(put(&mut body, "start_date.day", json!(4)).is_err());
        let body = Value::Object(body);
        assert_eq!(
            body,
            json!({ "name": { "first": "Ada", "last": "Byron" }, "start_date": "2027-01-04" })
        );
        assert_eq!(dotted_text((&body).into(), "name.last").unwrap(), "Byron");
        assert!(dotted((&body).into(), "name.middle").is_none());
    }

    #[test]
    fn ids_keep_their_type() {
        for (value, text) in [(json!(101), "101"), (json!("g-101"), "g-101")] {
            let id = Id::read((&value).into()).unwrap();
            assert_eq!((id.text().as_str(), id.value()), (text, &value));
        }
        for value in [json!(null), json!(""), json!({}), json!(true)] {
            assert_eq!(Id::read((&value).into()), None, "{value}");
        }
    }

    #[test]
    fn names_are_spelled_in_camel_case() {
        assert_eq!(camel("personal_email"), "personalEmail");
        assert_eq!(camel("contact_data.personal_email"), "contactData.personalEmail");
        assert_eq!(camel("firstName"), "firstName");
    }
}
