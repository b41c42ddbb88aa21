//! One change of an event: `offer.custom_fields.job_title.value: Wizard`.

use serde_json::{Map, Value};

use crate::{
    diagnostic::Span,
    schema::{Shape, Type},
};

use super::conform::field;

/// One value of the event that a case replaces.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The path as it is written.
    pub path: String,
    /// The path, taken apart.
    pub(super) steps: Vec<PathStep>,
    /// The new value; null takes the value away.
    pub value: Value,
    /// Where the path stands.
    pub span: Span,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathStep {
    /// A key.
    Key(String),
    /// A place in a list, from 0.
    Index(usize),
}

/// What a path leads to.
pub(super) enum Leads<'s> {
    /// A value of this shape.
    To(&'s Shape),
    /// Somewhere nothing is known about.
    Anywhere,
    /// Nowhere: the step at this place does not exist in what stands before it.
    Nowhere(usize, &'s Shape),
}

impl Change {
    /// Makes the change in `event`; maps on the way that are missing are made, and filled with what they always have.
    pub(super) fn apply(&self, event: &mut Value) -> Result<(), String> {
        let mut at = event;
        let mut walked = String::from("event");
        for step in &self.steps {
            match step {
                PathStep::Key(key) => {
                    if at.is_null() {
                        *at = Value::Object(Map::new());
                    }
                    let Value::Object(map) = at else {
                        return Err(format!("`{walked}` is not a map in this event"));
                    };
                    at = map.entry(key.clone()).or_insert(Value::Null);
                    walked = format!("{walked}.{key}");
                }
                PathStep::Index(index) => {
                    let Value::Array(items) = at else {
                        return Err(format!("`{walked}` is not a list in this event"));
                    };
                    let length = items.len();
                    if *index == length {
                        items.push(Value::Null);
                    }
                    at = items.get_mut(*index).ok_or_else(|| {
                        format!(
                            "`{walked}` has {length} items in this event, so there is no [{index}]"
                        )
                    })?;
                    walked = format!("{walked}[{index}]");
                }
            }
        }
        *at = self.value.clone();
        Ok(())
    }
}

/// Takes a path apart: keys with dots between them, places in a list as `[0]` or `.0`.
pub(super) fn parse(path: &str) -> Option<Vec<PathStep>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (key, rest) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        match key.parse() {
            _ if key.is_empty() => return None,
            Ok(index) => steps.push(PathStep::Index(index)),
            Err(_) => steps.push(PathStep::Key(key.into())),
        }
        let mut rest = rest;
        while !rest.is_empty() {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(PathStep::Index(index.parse().ok()?));
            rest = after;
        }
    }
    Some(steps)
}

/// Follows a path through the shape of an event.
pub(super) fn follow<'s>(steps: &[PathStep], event: &'s Shape) -> Leads<'s> {
    let mut at = event;
    for (index, step) in steps.iter().enumerate() {
        at = match (step, &at.of) {
            (_, Type::Any) => return Leads::Anywhere,
            (PathStep::Key(key), Type::Object(object)) => match field(object, key) {
                Some(shape) => shape,
                None => return Leads::Nowhere(index, at),
            },
            // A key of an open map may look like a number.
            (PathStep::Index(index_key), Type::Object(object)) => {
                match field(object, &index_key.to_string()) {
                    Some(shape) => shape,
                    None => return Leads::Nowhere(index, at),
                }
            }
            (PathStep::Index(_), Type::List(item)) => item,
            _ => return Leads::Nowhere(index, at),
        };
    }
    Leads::To(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(path: &str, value: Value, mut event: Value) -> Result<Value, String> {
        let steps = parse(path).ok_or("not a path")?;
        let change = Change { path: path.into(), steps, value, span: Span::default() };
        change.apply(&mut event).map(|()| event)
    }

    #[test]
    fn replaces_adds_and_makes_what_is_missing_on_the_way() {
        let table = [
            ("a.b", json!({ "a": { "b": 1 } }), json!({ "a": { "b": 9 } })),
            ("a.b", json!({ "a": null }), json!({ "a": { "b": 9 } })),
            ("a.b.c", json!({}), json!({ "a": { "b": { "c": 9 } } })),
            ("list[1]", json!({ "list": [1, 2] }), json!({ "list": [1, 9] })),
            ("list[2].x", json!({ "list": [1, 2] }), json!({ "list": [1, 2, { "x": 9 }] })),
            ("list.0", json!({ "list": [1] }), json!({ "list": [9] })),
        ];
        for (path, event, expected) in table {
            assert_eq!(changed(path, json!(9), event), Ok(expected), "{path}");
        }
    }

    #[test]
    fn says_what_the_event_does_not_have() {
        let event = json!({ "list": [1], "text": "x" });
        let table = [
            ("list[3]", "`event.list` has 1 items in this event, so there is no [3]"),
            ("list.name", "`event.list` is not a map in this event"),
            ("text[0]", "`event.text` is not a list in this event"),
            ("text.name", "`event.text` is not a map in this event"),
        ];
        for (path, reason) in table {
            assert_eq!(changed(path, json!(9), event.clone()), Err(reason.into()), "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_not_taken_for_one() {
        for path in ["", "a..b", "a[", "a[x]", "a[1]b", "[0]"] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
