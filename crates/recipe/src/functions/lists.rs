//! Lists. Null is taken for the empty list, as `for_each` takes it.

use std::{borrow::Cow, cmp::Ordering, collections::HashSet};

use serde_json::{Map, Value};

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_integer, gives_text, gives_the_same,
    optional, required,
};
use crate::expression::{
    operators::{arithmetic, equal, kind, order},
    pick,
    tree::Operator,
};

const PLAIN: Function = Function {
    name: "",
    form: Form::Filter,
    parameters: &[required("list", Wants::List)],
    columns: false,
    nulls: Nulls::Empty,
    summary: "",
    example: ("", ""),
    may_fail: None,
    run: |call| Ok(call.take(0)),
    gives: gives_the_same,
    check: None,
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "length",
        summary: "How many items a list, fields a map or characters a text has; 0 for null",
        parameters: &[required("value", Wants::Countable)],
        example: ("['a', 'b'] | length", "2"),
        run: |call| Ok(Cow::Owned(length(call.value(0)).into())),
        gives: gives_integer,
        ..PLAIN
    },
    Function {
        name: "first",
        summary: "The first item; null when there is none",
        example: ("['a', 'b'] | first", r#""a""#),
        run: |call| Ok(pick(call.take(0), 0)),
        gives: |sight| sight.one_item(),
        ..PLAIN
    },
    Function {
        name: "last",
        summary: "The last item; null when there is none",
        example: ("['a', 'b'] | last", r#""b""#),
        run: |call| {
            let last = call.list(0).len().saturating_sub(1);
            Ok(pick(call.take(0), last))
        },
        gives: |sight| sight.one_item(),
        ..PLAIN
    },
    Function {
        name: "where",
        summary: "The items (maps) whose fields have these values; texts are compared without white space at their ends",
        columns: true,
        example: (
            "[{'type': 'work ', 'value': 'a@x.example'}, {'type': 'personal'}] | where(type='work')",
            r#"[{"type": "work ", "value": "a@x.example"}]"#,
        ),
        may_fail: None,
        run: choose,
        gives: |sight| sight.matching_items(),
        ..PLAIN
    },
    Function {
        name: "pluck",
        summary: "That field of each item (a map); null where an item does not have it",
        parameters: &[required("list", Wants::List), required("field", Wants::Text)],
        example: (
            "[{'name': 'London'}, {'name': 'Paris'}] | pluck('name')",
            r#"["London", "Paris"]"#,
        ),
        run: pluck,
        gives: |sight| sight.field_of_items(),
        ..PLAIN
    },
    Function {
        name: "compact",
        summary: "The items that are not null",
        example: ("['a', none] | compact", r#"["a"]"#),
        run: |call| {
            let items = call.list(0).iter().filter(|item| !item.is_null()).cloned().collect();
            call.give_list(items)
        },
        gives: |sight| sight.items_without_null(),
        ..PLAIN
    },
    Function {
        name: "unique",
        summary: "The items, each once, in the order they come",
        example: ("['b', 'a', 'b'] | unique", r#"["b", "a"]"#),
        run: unique,
        gives: |sight| sight.same_list(),
        ..PLAIN
    },
    Function {
        name: "sort",
        summary: "The items in order, by that field where they are maps; all numbers or all texts, null last",
        parameters: &[required("list", Wants::List), optional("field", Wants::Text)],
        example: ("[3, 1, 2] | sort", "[1, 2, 3]"),
        may_fail: Some("the items may not all be numbers, or all be texts"),
        run: sort,
        gives: |sight| sight.same_list(),
        ..PLAIN
    },
    Function {
        name: "reverse",
        summary: "The items from the last to the first",
        example: ("[1, 2] | reverse", "[2, 1]"),
        run: |call| {
            let items = call.list(0).iter().rev().cloned().collect();
            call.give_list(items)
        },
        gives: |sight| sight.same_list(),
        ..PLAIN
    },
    Function {
        name: "join",
        summary: "The items (texts, numbers, true or false) as one text with `separator` between them",
        parameters: &[required("list", Wants::List), optional("separator", Wants::Text)],
        nulls: Nulls::Pass,
        example: ("['Ann', 'Bo'] | join(', ')", r#""Ann, Bo""#),
        run: join,
        gives: |sight| {
            sight.refuse_null_items("joined");
            gives_text(sight)
        },
        ..PLAIN
    },
    Function {
        name: "sum",
        summary: "The sum of the numbers; 0 for an empty list",
        example: ("[1, 2, 3] | sum", "6"),
        run: sum,
        gives: |sight| {
            sight.refuse_null_items("added");
            sight.number_of_items()
        },
        ..PLAIN
    },
    Function {
        name: "min",
        summary: "The smallest of the numbers, or the first of the texts in order; null for an empty list",
        example: ("[2, 1] | min", "1"),
        may_fail: Some("the items may not all be numbers, or all be texts"),
        run: |call| extreme(call, Ordering::Less),
        gives: |sight| sight.one_item(),
        ..PLAIN
    },
    Function {
        name: "max",
        summary: "The greatest of the numbers, or the last of the texts in order; null for an empty list",
        example: ("['2027-01-04', '2026-12-01'] | max", r#""2027-01-04""#),
        may_fail: Some("the items may not all be numbers, or all be texts"),
        run: |call| extreme(call, Ordering::Greater),
        gives: |sight| sight.one_item(),
        ..PLAIN
    },
];

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    }
}

fn choose<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let mut chosen = Vec::new();
    for item in call.list(0) {
        let fields = map(item, "where")?;
        if fits(fields, &call.columns) {
            chosen.push(item.clone());
        }
    }
    call.give_list(chosen)
}

/// Returns whether the fields have these values; texts are compared without white space at their ends.
pub(super) fn fits(fields: &Map<String, Value>, columns: &[(&str, Cow<'_, Value>)]) -> bool {
    columns.iter().all(|(name, wanted)| {
        let found = fields.get(*name).unwrap_or(&Value::Null);
        match (found, &**wanted) {
            (Value::String(found), Value::String(wanted)) => found.trim() == wanted.trim(),
            (found, wanted) => equal(found, wanted),
        }
    })
}

fn pluck<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let name = call.text(1);
    let mut found = Vec::new();
    for item in call.list(0) {
        found.push(map(item, "pluck")?.get(name).cloned().unwrap_or_default());
    }
    call.give_list(found)
}

fn unique<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for item in call.list(0) {
        if seen.insert(canonical(item)) {
            kept.push(item.clone());
        }
    }
    call.give_list(kept)
}

fn sort<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let field = call.optional_text(1);
    let mut keyed: Vec<(&Value, &Value)> = Vec::new();
    for item in call.list(0) {
        let key = match field {
            Some(field) => map(item, "sort")?.get(field).unwrap_or(&Value::Null),
            None => item,
        };
        keyed.push((key, item));
    }
    ordered(keyed.iter().map(|(key, _)| *key), "sort")?;
    keyed.sort_by(|(left, _), (right, _)| match (left.is_null(), right.is_null()) {
        (false, false) => order(left, right).unwrap_or(Ordering::Equal),
        (left, right) => left.cmp(&right),
    });
    let items = keyed.into_iter().map(|(_, item)| item.clone()).collect();
    call.give_list(items)
}

fn join<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let separator = call.optional_text(1).unwrap_or("").to_owned();
    // Paid for before it is made: many empty items and a long separator make a very long text.
    call.fuel.spend(
        call.arguments.first().map_or(0, |_| call.list(0).len()).saturating_mul(separator.len()),
    )?;
    let mut text = String::new();
    for (index, item) in call.list(0).iter().enumerate() {
        if index > 0 {
            text.push_str(&separator);
        }
        match item {
            Value::String(item) => text.push_str(item),
            Value::Bool(_) | Value::Number(_) => text.push_str(&item.to_string()),
            Value::Null => {
                let message =
                    format!("item {} of {} is null and cannot be joined", index + 1, call.subject);
                return Err(Fault::new("null_value", message)
                    .hint("leave null items out with `compact` before `join`"));
            }
            other => {
                let message = format!(
                    "item {} of {} is {} and cannot be joined",
                    index + 1,
                    call.subject,
                    kind(other)
                );
                return Err(Fault::wrong_type(message)
                    .hint("choose a field of each with `pluck('…')` before `join`"));
            }
        }
    }
    call.give_text(text)
}

fn sum<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let mut sum = Value::from(0);
    for (index, item) in call.list(0).iter().enumerate() {
        if item.is_null() {
            let message =
                format!("item {} of {} is null and cannot be added", index + 1, call.subject);
            return Err(Fault::new("null_value", message)
                .hint("leave null items out with `compact` before `sum`"));
        }
        if !item.is_number() {
            let message = format!(
                "item {} of {} is {} and cannot be added",
                index + 1,
                call.subject,
                kind(item)
            );
            return Err(Fault::wrong_type(message));
        }
        sum = arithmetic(Operator::Add, &sum, item)?;
    }
    Ok(Cow::Owned(sum))
}

fn extreme<'a>(call: &mut Call<'_, 'a>, wanted: Ordering) -> Given<'a> {
    ordered(call.list(0).iter(), if wanted == Ordering::Less { "min" } else { "max" })?;
    let mut best: Option<&Value> = None;
    for item in call.list(0).iter().filter(|item| !item.is_null()) {
        if best.is_none_or(|best| order(item, best) == Some(wanted)) {
            best = Some(item);
        }
    }
    Ok(Cow::Owned(best.cloned().unwrap_or_default()))
}

/// Refuses values that have no order among each other.
fn ordered<'v>(values: impl Iterator<Item = &'v Value>, name: &str) -> Result<(), Fault> {
    let mut first: Option<&Value> = None;
    for value in values.filter(|value| !value.is_null()) {
        let before = *first.get_or_insert(value);
        if order(before, value).is_none() {
            let message = format!(
                "`{name}` finds {} and {} in one list, which have no order",
                kind(before),
                kind(value)
            );
            let fault = Fault::wrong_type(message);
            return Err(if value.is_object() {
                fault.hint("name a field: `sort('name')`")
            } else {
                fault
            });
        }
    }
    Ok(())
}

pub(super) fn map<'v>(item: &'v Value, name: &str) -> Result<&'v Map<String, Value>, Fault> {
    item.as_object().ok_or_else(|| {
        Fault::wrong_type(format!(
            "`{name}` finds {} in the list, where every item must be a map",
            kind(item)
        ))
    })
}

/// Returns a text that is the same for equal values.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => {
            // `1.0` equals `1`, and prints like it.
            number.as_f64().filter(|number| number.fract() == 0.0).map_or_else(
                || number.to_string(),
                |float| if number.is_f64() { format!("{float:.0}") } else { number.to_string() },
            )
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields
                .iter()
                .map(|(name, field)| format!("{name:?}:{}", canonical(field)))
                .collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}
