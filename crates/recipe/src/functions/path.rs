//! `JSONPath` (RFC 9535).

use std::borrow::Cow;

use jsonpath_rust::parser::{model::JpQuery, parse_json_path};
use serde_json::Value;

use follow::follow;
use found::found;
use sound::sound;

use super::{Call, Fault, Form, Function, Given, Nulls, Wants, constant, required};
use crate::schema::{Shape, Type};

mod follow;
mod found;
mod sound;

/// Long paths are slow to read and mean nothing that a shorter one could not say.
pub(super) const MAX_BYTES: usize = 512;
/// The library's parser descends through many functions for each bracket.
pub(super) const MAX_DEPTH: usize = 12;

const PLAIN: Function = Function {
    name: "",
    form: Form::Filter,
    parameters: &[required("value", Wants::Any), constant("path")],
    columns: false,
    nulls: Nulls::Take,
    summary: "",
    example: ("", ""),
    may_fail: None,
    run: all,
    gives: |sight| Shape::of(Type::List(Box::new(found(sight)))),
    check: Some(check),
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "jsonpath",
        summary: "Everything that a JSONPath finds in the value",
        example: (
            "[{'type': 'work', 'value': 1}, {'type': 'home', 'value': 2}] | jsonpath('$[?@.type==\"home\"].value')",
            "[2]",
        ),
        ..PLAIN
    },
    Function {
        name: "jsonpath_one",
        summary: "The one value that a JSONPath finds; none or several is a failure",
        example: ("{'a': {'b': 7}} | jsonpath_one('$.a.b')", "7"),
        may_fail: Some("the path may find nothing, or several values"),
        run: one,
        gives: found,
        ..PLAIN
    },
];

fn all<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    find(call).map(|found| Cow::Owned(Value::Array(found)))
}

fn one<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let mut found = find(call)?;
    let path = call.text(1);
    match (found.pop(), found.len()) {
        (Some(value), 0) => Ok(Cow::Owned(value)),
        (None, _) => {
            Err(Fault::new("not_found", format!("`{path}` finds nothing in {}", call.subject)))
        }
        (Some(_), more) => Err(Fault::new(
            "ambiguous",
            format!("`{path}` finds {} values in {}", more + 1, call.subject),
        )
        .hint("make the path narrower, or take all with `jsonpath`")),
    }
}

fn find(call: &mut Call<'_, '_>) -> Result<Vec<Value>, Fault> {
    let path = call.text(1);
    let query = read(path).map_err(|reason| Fault::new("invalid_value", reason))?;
    let value = call.take(0);
    let found = follow(&query, &value, call.fuel)?;
    // Paid for before they are copied: a path can find the same value many times.
    found.iter().try_for_each(|value| call.fuel.spend_on(value))?;
    Ok(found.into_iter().cloned().collect())
}

fn read(path: &str) -> Result<JpQuery, String> {
    if path.len() > MAX_BYTES {
        return Err(format!("a path of {} bytes; at most {MAX_BYTES} are allowed", path.len()));
    }
    let deepest = depth(path);
    if deepest > MAX_DEPTH {
        return Err(format!("a path has brackets more than {MAX_DEPTH} deep"));
    }
    let query = parse_json_path(path).map_err(|_| {
        format!("`{path}` is not a JSONPath (RFC 9535); paths look like `$.a[?@.b=='c'].d`")
    })?;
    sound(&query.segments)?;
    Ok(query)
}

/// Returns how deep the brackets of a path go; those in quotes count too, which harms nobody.
fn depth(path: &str) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for sign in path.bytes() {
        match sign {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn check(arguments: &[Option<&Value>]) -> Result<(), (usize, String)> {
    match arguments.get(1).copied().flatten().and_then(Value::as_str) {
        Some(path) => read(path).map(drop).map_err(|reason| (1, reason)),
        None => Ok(()),
    }
}
