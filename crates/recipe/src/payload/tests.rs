//! A payload is what its tree would be.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::*;

#[derive(Serialize)]
enum Kind {
    Plain,
    Wrapped(u8),
    Pair(i16, char),
    Named { left: f32, right: Option<&'static str> },
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Everything {
    kinds: Vec<Kind>,
    pair: (u64, i64),
    bytes: &'static [u8],
    by_number: BTreeMap<i32, bool>,
    by_flag: BTreeMap<bool, Option<u8>>,
    floats: [f64; 3],
    unit: Unit,
    #[serde(rename = "type")]
    named: String,
    tree: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
}

#[test]
fn whatever_is_serialised_is_what_serde_json_makes_of_it() {
    let everything = Everything {
        kinds: vec![
            Kind::Plain,
            Kind::Wrapped(7),
            Kind::Pair(-3, 'ß'),
            Kind::Named { left: 0.5, right: None },
        ],
        pair: (u64::MAX, i64::MIN),
        bytes: b"ab",
        by_number: BTreeMap::from([(-1, true), (2, false)]),
        by_flag: BTreeMap::from([(true, None)]),
        floats: [1.0, f64::NAN, f64::INFINITY],
        unit: Unit,
        named: "a word".into(),
        tree: json!({ "b": [null, { "c": "d" }], "a": -1.5 }),
        left_out: None,
    };
    let expected = serde_json::to_value(&everything).unwrap();
    let payload = Payload::of(&everything).unwrap();
    assert_eq!(*payload.value(), expected);
    // Keys keep their order.
    assert_eq!(payload.value().to_string(), expected.to_string());
    assert_eq!(Value::from(payload.clone()), expected);
    let refused = Payload::of(&BTreeMap::from([(vec![1], 1)])).unwrap_err();
    assert_eq!(refused.to_string(), "a key of a map must be a text");
    assert_eq!(*Payload::default().value(), Value::Null);
}

#[test]
fn of_a_key_that_comes_twice_the_last_one_counts() {
    let payload = Payload::read(br#"{"a": 1, "b": 2, "a": {"c": "x"}}"#).unwrap();
    assert!(matches!(payload.view().get("a").and_then(|a| a.get("c")), Some(View::Text("x"))));
    assert_eq!(*payload.value(), json!({ "a": { "c": "x" }, "b": 2 }));
}

#[test]
fn what_is_no_json_is_refused_in_the_same_words() {
    for text in ["", "{", "[1,]", r#"{"a" 1}"#, "1 2", "\"\u{1}\"", "nul", &"[".repeat(200)] {
        let refused = Payload::read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(refused, serde_json::from_str::<Value>(text).unwrap_err().to_string(), "{text}");
    }
    // What was begun is not left behind for the next one.
    assert_eq!(*Payload::read(b"[1]").unwrap().value(), json!([1]));
}

#[test]
fn only_what_is_small_becomes_a_tree_of_its_own() {
    let payload = Payload::from(json!({ "list": [1, 2, 3], "text": "x".repeat(200) }));
    let small = |key: &str, mut room: usize| {
        payload.view().get(key).unwrap().to_small_value(&mut room).map(|_| room)
    };
    assert_eq!([small("list", 3), small("list", 4), small("list", 9)], [None, Some(0), Some(5)]);
    assert_eq!([small("text", 3), small("text", 4)], [None, Some(0)]);
}

#[test]
fn it_takes_a_fraction_of_what_the_tree_takes() {
    let one = json!({ "id": "1", "name": "Johnny", "email_addresses": [{ "type": "personal", "value": "j@example.com" }] });
    let payload = Payload::from(json!(vec![one; 100]));
    // Each node is three words, and each text is itself.
    assert!(payload.size() < 100 * 500, "{}", payload.size());
}

#[test]
fn pointers_lead_where_those_of_a_tree_do() {
    let tree = json!({ "a/b": { "~": [10, { "": 1 }] }, "list": [[1, 2], "x"], "": 7 });
    let payload = Payload::from(tree.clone());
    for pointer in [
        "",
        "/",
        "/a~1b",
        "/a~1b/~0/0",
        "/a~1b/~0/1/",
        "/list/0/1",
        "/list/00",
        "/list/+1",
        "/list/2",
        "/list/-1",
        "/list/0/1/2",
        "list",
        "/nobody",
        "/list/1/x",
    ] {
        let found = payload.view().pointer(pointer).map(View::to_value);
        assert_eq!(found.as_ref(), tree.pointer(pointer), "{pointer}");
    }
    assert_eq!(payload.view().pointer("/list/1").and_then(View::as_str), Some("x"));
    assert_eq!(payload.view().get("").and_then(View::as_u64), Some(7));
    assert_eq!(payload.view().get("list").and_then(View::as_list).map(Items::len), Some(2));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Follows a view into everything and puts it together again.
fn again(view: View<'_>) -> Value {
    match view {
        View::List(items) => items.iter().map(again).collect(),
        View::Map(fields) => {
            assert!(
                fields.iter().all(|(key, value)| again(fields.get(key).unwrap()) == again(value))
            );
            Value::Object(fields.iter().map(|(key, value)| (key.into(), again(value))).collect())
        }
        leaf => leaf.to_value(),
    }
}

proptest! {
    #[test]
    fn json_that_is_read_is_the_tree(value in json_value()) {
        let text = value.to_string();
        let read = Payload::read(text.as_bytes()).unwrap();
        prop_assert_eq!(read.value(), &serde_json::from_str::<Value>(&text).unwrap());
        prop_assert_eq!(again(read.view()), value.clone());
        prop_assert_eq!(again(View::from(&value)), value.clone());
        let payload = Payload::from(value.clone());
        prop_assert_eq!(payload.value(), &value);
    }
}
