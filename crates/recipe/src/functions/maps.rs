//! Maps.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_anything, list_of, open_map, optional,
    record, required, text_shape,
};
use crate::{
    infer::{Sight, union},
    schema::{Shape, Type},
};

const PLAIN: Function = Function {
    name: "",
    form: Form::Filter,
    parameters: &[required("map", Wants::Map)],
    columns: false,
    nulls: Nulls::Pass,
    summary: "",
    example: ("", ""),
    may_fail: None,
    run: |call| Ok(call.take(0)),
    gives: |_| open_map(Shape::any()),
    check: None,
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "keys",
        summary: "The names of the map's fields",
        example: ("{'a': 1, 'b': 2} | keys", r#"["a", "b"]"#),
        run: |call| {
            let names = fields(call.value(0)).map(|(name, _)| name.as_str().into()).collect();
            call.give_list(names)
        },
        gives: |_| list_of(text_shape()),
        ..PLAIN
    },
    Function {
        name: "values",
        summary: "The values of the map's fields",
        example: ("{'a': 1, 'b': 2} | values", "[1, 2]"),
        run: |call| {
            let values = fields(call.value(0)).map(|(_, value)| value.clone()).collect();
            call.give_list(values)
        },
        gives: |sight| list_of(value_of(sight)),
        ..PLAIN
    },
    Function {
        name: "entries",
        summary: "The fields of the map as a list of maps of `key` and `value`, to go over with `for_each`",
        example: ("{'a': 1} | entries", r#"[{"key": "a", "value": 1}]"#),
        run: |call| {
            let entries = fields(call.value(0));
            let entries =
                entries.map(|(name, value)| json!({ "key": name, "value": value })).collect();
            call.give_list(entries)
        },
        gives: |sight| {
            let value = value_of(sight);
            list_of(record([("key", text_shape()), ("value", value)]))
        },
        ..PLAIN
    },
    Function {
        name: "merge",
        summary: "The map with the fields of `other` added, which win where both have one",
        parameters: &[required("map", Wants::Map), required("other", Wants::Map)],
        example: ("{'a': 1, 'b': 2} | merge({'b': 3})", r#"{"a": 1, "b": 3}"#),
        run: |call| {
            let both = fields(call.value(0)).chain(fields(call.value(1)));
            let both = both.map(|(name, value)| (name.clone(), value.clone())).collect();
            give_map(call, both)
        },
        gives: merged,
        ..PLAIN
    },
    Function {
        name: "pick",
        summary: "The map with only the fields of these names",
        parameters: &[required("map", Wants::Map), required("names", Wants::List)],
        example: ("{'a': 1, 'b': 2} | pick(['a', 'z'])", r#"{"a": 1}"#),
        run: |call| {
            let kept = fields(call.value(0)).filter(|(name, _)| named(call, name));
            let kept = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            give_map(call, kept)
        },
        gives: |sight| open_map(value_of(sight)),
        ..PLAIN
    },
    Function {
        name: "omit",
        summary: "The map without the fields of these names",
        parameters: &[required("map", Wants::Map), required("names", Wants::List)],
        example: ("{'a': 1, 'b': 2} | omit(['a'])", r#"{"b": 2}"#),
        run: |call| {
            let kept = fields(call.value(0)).filter(|(name, _)| !named(call, name));
            let kept = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            give_map(call, kept)
        },
        gives: |sight| open_map(value_of(sight)),
        ..PLAIN
    },
    Function {
        name: "drop_nulls",
        summary: "The map without the fields that are null",
        example: ("{'a': 1, 'b': none} | drop_nulls", r#"{"a": 1}"#),
        run: |call| {
            let kept = fields(call.value(0)).filter(|(_, value)| !value.is_null());
            let kept = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            give_map(call, kept)
        },
        gives: |sight| open_map(Shape { nullable: false, ..value_of(sight) }),
        ..PLAIN
    },
    Function {
        name: "get",
        summary: "The field of that name, which may be computed; `otherwise`, or null, when there is none or it is null",
        parameters: &[
            required("map", Wants::Map),
            required("name", Wants::Text),
            optional("otherwise", Wants::Any),
        ],
        example: (
            "[{'London': 'LON'} | get('London'), {'London': 'LON'} | get('Paris', 'other')]",
            r#"["LON", "other"]"#,
        ),
        run: |call| {
            let found = call.value(0).get(call.text(1)).filter(|value| !value.is_null()).cloned();
            match found {
                Some(found) => {
                    call.fuel.spend_on(&found)?;
                    Ok(Cow::Owned(found))
                }
                None => Ok(call.take(2)),
            }
        },
        gives: |sight| {
            let value = value_of(sight);
            if sight.given(2) {
                let value = Shape { nullable: false, ..value };
                // Whether the last resort may be null is not seen here, so it is taken that it may.
                union(value, sight.argument(2)).or_null()
            } else {
                value.or_null()
            }
        },
        ..PLAIN
    },
    Function {
        name: "from_entries",
        summary: "The map that a list of maps of `key` (a text) and `value` says; the last one of a key wins",
        parameters: &[required("list", Wants::List)],
        nulls: Nulls::Empty,
        example: ("[{'key': 'a', 'value': 1}] | from_entries", r#"{"a": 1}"#),
        may_fail: Some("an item may have no `key`"),
        run: |call| {
            let mut made = Map::new();
            for (index, item) in call.list(0).iter().enumerate() {
                let Some(key) = item.get("key").and_then(Value::as_str) else {
                    let message =
                        format!("item {} of {} has no text in `key`", index + 1, call.subject);
                    return Err(Fault::new("invalid_value", message).hint(
                        "items look like `{'key': 'a', 'value': 1}`, as `entries` gives them",
                    ));
                };
                made.insert(key.into(), item.get("value").cloned().unwrap_or_default());
            }
            give_map(call, made)
        },
        gives: |sight| {
            gives_anything(sight);
            open_map(Shape::any())
        },
        ..PLAIN
    },
];

fn fields(map: &Value) -> impl Iterator<Item = (&String, &Value)> {
    map.as_object().into_iter().flatten()
}

fn named(call: &Call<'_, '_>, name: &str) -> bool {
    call.list(1).iter().any(|wanted| wanted.as_str() == Some(name))
}

fn give_map<'a>(call: &mut Call<'_, 'a>, fields: Map<String, Value>) -> Given<'a> {
    let map = Value::Object(fields);
    call.fuel.spend_on(&map)?;
    Ok(Cow::Owned(map))
}

/// The shape of a field that is named at run time only.
fn value_of(sight: &Sight<'_, '_>) -> Shape {
    let Type::Object(object) = sight.argument(0).of else { return Shape::any() };
    let known = object.fields.iter().map(|field| Shape {
        nullable: field.shape.nullable || !field.required,
        ..field.shape.clone()
    });
    let others = object.others.iter().map(|others| (**others).clone());
    known.chain(others).reduce(union).unwrap_or_else(Shape::any)
}

/// The fields of both; of one in both, the second.
fn merged(sight: &mut Sight<'_, '_>) -> Shape {
    let (Type::Object(one), Type::Object(two)) = (sight.argument(0).of, sight.argument(1).of)
    else {
        return open_map(Shape::any());
    };
    if one.others.is_some()
        || two.others.is_some()
        || two.fields.iter().any(|field| !field.required)
    {
        return open_map(Shape::any());
    }
    let first =
        one.fields.iter().filter(|field| two.fields.iter().all(|other| other.name != field.name));
    let fields = first.chain(&two.fields).cloned().collect();
    Shape::of(Type::Object(crate::schema::Object { fields, others: None }.into()))
}
