//! `JSONPath` (RFC 9535).

use std::borrow::Cow;

use jsonpath_rust::{parser::parse_json_path, query::js_path_process};
use serde_json::Value;

use super::{Call, Fault, Form, Function, Given, Nulls, Wants, constant, gives_anything, required};
use crate::schema::{Shape, Type};

/// Each `..` goes over everything below everything found so far.
const MAX_DESCENTS: usize = 2;
/// Long paths are slow to read and mean nothing that a shorter one could not say.
const MAX_BYTES: usize = 512;

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
    gives: |_| Shape::of(Type::List(Box::new(Shape::any()))),
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
        gives: gives_anything,
        ..PLAIN
    },
];

fn all<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let found = find(call)?;
    call.give_list(found)
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
    // The library has no limit of its own, so what it will do is estimated first.
    let (values, below) = extent(call.value(0), 1);
    let filters = path.matches('?').count();
    let work = match descents(path) {
        0 | 1 => values.saturating_mul(1 + filters),
        _ => below.saturating_mul(1 + filters),
    };
    // A filter that looks from the root does so for each value.
    let from_root = path.matches('$').count() > 1;
    let nested = filters > 0 && (from_root || descents(path) > 0);
    let work = if nested { work.max(values.saturating_mul(values)) } else { work };
    call.fuel.spend(work)?;
    match js_path_process(&query, call.value(0)) {
        Ok(found) => Ok(found.into_iter().map(|found| found.val().clone()).collect()),
        Err(error) => Err(Fault::new(
            "invalid_value",
            format!("`{}` cannot be followed: {error}", call.text(1)),
        )),
    }
}

fn read(path: &str) -> Result<jsonpath_rust::parser::model::JpQuery, String> {
    if path.len() > MAX_BYTES {
        return Err(format!("a path of {} bytes; at most {MAX_BYTES} are allowed", path.len()));
    }
    if descents(path) > MAX_DESCENTS {
        return Err(format!("`..` stands more than {MAX_DESCENTS} times in a path"));
    }
    parse_json_path(path).map_err(|_| {
        format!("`{path}` is not a JSONPath (RFC 9535); paths look like `$.a[?@.b=='c'].d`")
    })
}

fn descents(path: &str) -> usize {
    path.matches("..").count()
}

/// Returns how many values there are, and how many steps from every value to all below it.
fn extent(value: &Value, depth: usize) -> (usize, usize) {
    let mut extent = (1, depth);
    let children: &mut dyn Iterator<Item = &Value> = match value {
        Value::Array(items) => &mut items.iter(),
        Value::Object(fields) => &mut fields.values(),
        _ => return extent,
    };
    for child in children {
        let (values, below) = self::extent(child, depth + 1);
        extent.0 += values;
        extent.1 = extent.1.saturating_add(below);
    }
    extent
}

fn check(arguments: &[Option<&Value>]) -> Result<(), (usize, String)> {
    match arguments.get(1).copied().flatten().and_then(Value::as_str) {
        Some(path) => read(path).map(drop).map_err(|reason| (1, reason)),
        None => Ok(()),
    }
}
