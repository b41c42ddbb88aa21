//! Lists taken apart and put together: parts, groups, pairs, comparisons of two lists, and filters by an operator.

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use serde_json::{Map, Value, json};

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, constant, gives_integer, item_of, list_of,
    lists::{canonical, map},
    open_map, optional, record, required,
};
use crate::{
    expression::{
        operators::{arithmetic, contains, equal, kind, order},
        tree::{Operator, Test},
    },
    infer::union,
    schema::{Shape, Type},
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
    gives: |sight| sight.same_list(),
    check: None,
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "where_not",
        summary: "The items (maps) that `where` with the same values leaves out",
        columns: true,
        example: (
            "[{'type': 'work'}, {'type': 'home'}] | where_not(type='work')",
            r#"[{"type": "home"}]"#,
        ),
        run: |call| {
            let (mut kept, mut items) = (Vec::new(), 0);
            for item in call.list(0) {
                items += call.columns.len();
                let fields = map(item, "where_not")?;
                if !super::lists::fits(fields, &call.columns) {
                    kept.push(item.clone());
                }
            }
            call.fuel.spend(items)?;
            call.give_list(kept)
        },
        gives: |sight| sight.matching_items(),
        ..PLAIN
    },
    Function {
        name: "where_field",
        summary: "The items (maps) whose field compares so with `value`: `==`, `!=`, `>`, `>=`, `<`, `<=`, `in`, `contains`, \
                  `starts_with`, `ends_with`, `present`, `blank`, or one of them after `not `; null compares with nothing",
        parameters: &[
            required("list", Wants::List),
            required("field", Wants::Text),
            constant("operator"),
            optional("value", Wants::Any),
        ],
        example: (
            "[{'age': 41}, {'age': 29}, {}] | where_field('age', '>', 30)",
            r#"[{"age": 41}]"#,
        ),
        may_fail: Some("a field may be of a type that cannot be compared so"),
        run: by_operator,
        gives: |sight| {
            sight.field_of_items();
            sight.same_list()
        },
        check: Some(check_operator),
        ..PLAIN
    },
    Function {
        name: "unique_by",
        summary: "The first item (a map) of each value of that field",
        parameters: &[required("list", Wants::List), required("field", Wants::Text)],
        example: (
            "[{'id': 1, 'n': 'a'}, {'id': 1, 'n': 'b'}] | unique_by('id')",
            r#"[{"id": 1, "n": "a"}]"#,
        ),
        run: |call| {
            let mut seen = HashSet::new();
            let mut kept = Vec::new();
            for item in call.list(0) {
                if seen.insert(canonical(field(item, call.text(1), "unique_by")?)) {
                    kept.push(item.clone());
                }
            }
            call.give_list(kept)
        },
        gives: |sight| {
            sight.field_of_items();
            sight.same_list()
        },
        ..PLAIN
    },
    Function {
        name: "group_by",
        summary: "The items (maps) in groups by that field, as maps of `key` and `items`, in the order the keys come",
        parameters: &[required("list", Wants::List), required("field", Wants::Text)],
        example: (
            "[{'t': 'a', 'n': 1}, {'t': 'b', 'n': 2}, {'t': 'a', 'n': 3}] | group_by('t')",
            r#"[{"key": "a", "items": [{"t": "a", "n": 1}, {"t": "a", "n": 3}]}, {"key": "b", "items": [{"t": "b", "n": 2}]}]"#,
        ),
        run: |call| {
            let groups = grouped(call, "group_by")?
                .into_iter()
                .map(|(key, items)| json!({ "key": key, "items": items }));
            let groups = groups.collect();
            call.give_list(groups)
        },
        gives: |sight| {
            let key = item_of(&sight.field_of_items());
            let items = sight.same_list();
            list_of(record([("key", key), ("items", items)]))
        },
        ..PLAIN
    },
    Function {
        name: "count_by",
        summary: "How many items (maps) there are of each value of that field, as maps of `key` and `count`",
        parameters: &[required("list", Wants::List), required("field", Wants::Text)],
        example: (
            "[{'t': 'a'}, {'t': 'b'}, {'t': 'a'}] | count_by('t')",
            r#"[{"key": "a", "count": 2}, {"key": "b", "count": 1}]"#,
        ),
        run: |call| {
            let counts = grouped(call, "count_by")?
                .into_iter()
                .map(|(key, items)| json!({ "key": key, "count": items.len() }));
            let counts = counts.collect();
            call.give_list(counts)
        },
        gives: |sight| {
            let key = item_of(&sight.field_of_items());
            list_of(record([("key", key), ("count", Shape::of(Type::Integer))]))
        },
        ..PLAIN
    },
    Function {
        name: "index_by",
        summary: "A map from that field (a text, different in each item) to the item (a map)",
        parameters: &[required("list", Wants::List), required("field", Wants::Text)],
        example: ("([{'id': 'a', 'n': 1}] | index_by('id')).a.n", "1"),
        may_fail: Some("two items may have the same key, or one none"),
        run: index_by,
        gives: |sight| {
            sight.field_of_items();
            open_map(item_of(&sight.argument(0)))
        },
        ..PLAIN
    },
    Function {
        name: "flatten",
        summary: "The items, those that are lists replaced by their own items, one level deep",
        example: ("[[1, 2], 3, [[4]]] | flatten", "[1, 2, 3, [4]]"),
        run: |call| {
            let mut items = Vec::new();
            for item in call.list(0) {
                match item {
                    Value::Array(inner) => items.extend(inner.iter().cloned()),
                    other => items.push(other.clone()),
                }
            }
            call.give_list(items)
        },
        gives: |sight| {
            let item = item_of(&sight.argument(0));
            match &item.of {
                Type::List(inner) => {
                    let mut inner = (**inner).clone();
                    inner.nullable |= item.nullable;
                    list_of(inner)
                }
                Type::Any => list_of(Shape::any()),
                _ => sight.same_list(),
            }
        },
        ..PLAIN
    },
    Function {
        name: "chunk",
        summary: "The items in lists of `size`, the last one with what is left",
        parameters: &[required("list", Wants::List), required("size", Wants::Integer)],
        example: ("[1, 2, 3] | chunk(2)", "[[1, 2], [3]]"),
        may_fail: Some("the size may be less than 1"),
        run: |call| {
            let Some(size) = call
                .integer(1)
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| *size > 0)
            else {
                return Err(Fault::new("invalid_value", "`chunk` needs a size of at least 1"));
            };
            let chunks = call.list(0).chunks(size).map(|chunk| Value::Array(chunk.to_vec()));
            let chunks = chunks.collect();
            call.give_list(chunks)
        },
        gives: |sight| list_of(sight.same_list()),
        ..PLAIN
    },
    Function {
        name: "take",
        summary: "At most the first `count` items",
        parameters: &[required("list", Wants::List), required("count", Wants::Integer)],
        example: ("[1, 2, 3] | take(2)", "[1, 2]"),
        run: |call| {
            let items = call.list(0).iter().take(count(call)).cloned().collect();
            call.give_list(items)
        },
        ..PLAIN
    },
    Function {
        name: "skip",
        summary: "The items without the first `count`",
        parameters: &[required("list", Wants::List), required("count", Wants::Integer)],
        example: ("[1, 2, 3] | skip(2)", "[3]"),
        run: |call| {
            let items = call.list(0).iter().skip(count(call)).cloned().collect();
            call.give_list(items)
        },
        ..PLAIN
    },
    Function {
        name: "zip",
        summary: "Pairs of the items of two lists, as lists of two; as many as the shorter list has",
        parameters: &[required("list", Wants::List), required("other", Wants::List)],
        example: ("['a', 'b'] | zip([1, 2])", r#"[["a", 1], ["b", 2]]"#),
        run: |call| {
            let pairs = call.list(0).iter().zip(call.list(1)).map(|(one, two)| json!([one, two]));
            let pairs = pairs.collect();
            call.give_list(pairs)
        },
        gives: |sight| {
            let (one, two) = (item_of(&sight.argument(0)), item_of(&sight.argument(1)));
            list_of(list_of(union(one, two)))
        },
        ..PLAIN
    },
    Function {
        name: "with_index",
        summary: "The items as maps of `index`, counted from 1, and `item`",
        example: ("['a'] | with_index", r#"[{"index": 1, "item": "a"}]"#),
        run: |call| {
            let items = call.list(0).iter().enumerate();
            let items =
                items.map(|(index, item)| json!({ "index": index + 1, "item": item })).collect();
            call.give_list(items)
        },
        gives: |sight| {
            let item = item_of(&sight.argument(0));
            list_of(record([("index", Shape::of(Type::Integer)), ("item", item)]))
        },
        ..PLAIN
    },
    Function {
        name: "index_of",
        summary: "Where the item stands in the list, counted from 0 as in `list[0]`; null when it does not",
        parameters: &[required("list", Wants::List), required("item", Wants::Any)],
        example: ("['a', 'b'] | index_of('b')", "1"),
        run: |call| {
            let place = call.list(0).iter().position(|item| equal(item, call.value(1)));
            Ok(Cow::Owned(place.map_or(Value::Null, Value::from)))
        },
        gives: |sight| gives_integer(sight).or_null(),
        ..PLAIN
    },
    Function {
        name: "without",
        summary: "The items that are not in the other list",
        parameters: &[required("list", Wants::List), required("other", Wants::List)],
        example: ("[1, 2, 3] | without([2])", "[1, 3]"),
        run: |call| compared(call, false),
        ..PLAIN
    },
    Function {
        name: "common",
        summary: "The items that are in the other list too",
        parameters: &[required("list", Wants::List), required("other", Wants::List)],
        example: ("[1, 2, 3] | common([2, 4])", "[2]"),
        run: |call| compared(call, true),
        ..PLAIN
    },
    Function {
        name: "average",
        summary: "The sum of the numbers divided by how many there are; null for an empty list",
        example: ("[1, 2] | average", "1.5"),
        run: |call| {
            let mut sum = Value::from(0);
            for (index, item) in call.list(0).iter().enumerate() {
                if !item.is_number() {
                    let message = format!(
                        "item {} of {} is {} and cannot be added",
                        index + 1,
                        call.subject,
                        kind(item)
                    );
                    let code = if item.is_null() { "null_value" } else { "wrong_type" };
                    return Err(Fault::new(code, message)
                        .hint("leave null items out with `compact`, make numbers with `number`"));
                }
                sum = arithmetic(Operator::Add, &sum, item)?;
            }
            match call.list(0).len() {
                0 => Ok(Cow::Owned(Value::Null)),
                count => arithmetic(Operator::Divide, &sum, &count.into()).map(Cow::Owned),
            }
        },
        gives: |sight| {
            sight.refuse_null_items("added");
            Shape::of(Type::Number).or_null()
        },
        ..PLAIN
    },
];

/// The operators of `where_field`; each may stand after `not `.
const OPERATORS: [&str; 12] = [
    "==",
    "!=",
    ">",
    ">=",
    "<",
    "<=",
    "in",
    "contains",
    "starts_with",
    "ends_with",
    "present",
    "blank",
];

fn by_operator<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let (operator, wanted) = match call.text(2).strip_prefix("not ") {
        Some(operator) => (operator, false),
        None => (call.text(2), true),
    };
    let mut kept = Vec::new();
    for item in call.list(0) {
        let found = field(item, call.text(1), "where_field")?;
        let null = found.is_null() && !matches!(operator, "==" | "!=" | "in" | "present" | "blank");
        if !null && compares(found, operator, call.value(3))? == wanted {
            kept.push(item.clone());
        }
    }
    call.give_list(kept)
}

fn compares(found: &Value, operator: &str, value: &Value) -> Result<bool, Fault> {
    let ordered = |wanted: &[Ordering]| {
        order(found, value).map(|order| wanted.contains(&order)).ok_or_else(|| {
            Fault::wrong_type(format!(
                "`where_field` compares {} with {} by `{operator}`",
                kind(found),
                kind(value)
            ))
            .hint("compare numbers with numbers and texts with texts")
        })
    };
    let texts = |test: fn(&str, &str) -> bool| match (found.as_str(), value.as_str()) {
        (Some(found), Some(value)) => Ok(test(found, value)),
        _ => Err(Fault::wrong_type(format!(
            "`where_field` has {} and {} for `{operator}`, where both must be text",
            kind(found),
            kind(value)
        ))),
    };
    match operator {
        "==" => Ok(equal(found, value)),
        "!=" => Ok(!equal(found, value)),
        ">" => ordered(&[Ordering::Greater]),
        ">=" => ordered(&[Ordering::Greater, Ordering::Equal]),
        "<" => ordered(&[Ordering::Less]),
        "<=" => ordered(&[Ordering::Less, Ordering::Equal]),
        "in" => contains(value, found),
        "contains" => contains(found, value),
        "starts_with" => texts(|found, start| found.starts_with(start)),
        "ends_with" => texts(|found, end| found.ends_with(end)),
        "blank" => Ok(Test::Empty.holds(found)),
        _ => Ok(!Test::Empty.holds(found)),
    }
}

fn check_operator(arguments: &[Option<&Value>]) -> Result<(), (usize, String)> {
    let Some(operator) = arguments.get(2).copied().flatten().and_then(Value::as_str) else {
        return Ok(());
    };
    let plain = operator.strip_prefix("not ").unwrap_or(operator);
    if OPERATORS.contains(&plain) {
        return Ok(());
    }
    Err((2, format!("`{operator}` is no operator; operators: {}", OPERATORS.join(", "))))
}

fn grouped(call: &Call<'_, '_>, name: &str) -> Result<Vec<(Value, Vec<Value>)>, Fault> {
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in call.list(0) {
        let key = field(item, call.text(1), name)?;
        let place = *places.entry(canonical(key)).or_insert_with(|| {
            groups.push((key.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(item.clone());
    }
    Ok(groups)
}

fn index_by<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let name = call.text(1);
    let mut index = Map::new();
    for item in call.list(0) {
        let Value::String(key) = field(item, name, "index_by")? else {
            let message = format!("an item of {} has no text in `{name}`", call.subject);
            return Err(Fault::new("invalid_value", message)
                .hint("leave such items out with `where_field` before it"));
        };
        if index.insert(key.clone(), item.clone()).is_some() {
            let message = format!("two items of {} have the `{name}` `{key}`", call.subject);
            return Err(Fault::new("ambiguous", message)
                .hint("keep one of them with `unique_by`, or all with `group_by`"));
        }
    }
    let index = Value::Object(index);
    call.fuel.spend_on(&index)?;
    Ok(Cow::Owned(index))
}

fn compared<'a>(call: &mut Call<'_, 'a>, wanted: bool) -> Given<'a> {
    let other: HashSet<String> = call.list(1).iter().map(canonical).collect();
    let items = call.list(0).iter();
    let items = items.filter(|item| other.contains(&canonical(item)) == wanted).cloned().collect();
    call.give_list(items)
}

fn field<'v>(item: &'v Value, field: &str, name: &str) -> Result<&'v Value, Fault> {
    Ok(map(item, name)?.get(field).unwrap_or(&Value::Null))
}

fn count(call: &Call<'_, '_>) -> usize {
    usize::try_from(call.integer(1).unwrap_or(0).max(0)).unwrap_or(usize::MAX)
}
