//! Pieces of URLs.

use std::{borrow::Cow, fmt::Write};

use serde_json::{Map, Value};

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_text, open_map, required, text_shape,
};
use crate::expression::operators::kind;

const PLAIN: Function = Function {
    name: "",
    form: Form::Filter,
    parameters: &[required("text", Wants::Text)],
    columns: false,
    nulls: Nulls::Pass,
    summary: "",
    example: ("", ""),
    may_fail: None,
    run: |call| Ok(call.take(0)),
    gives: gives_text,
    check: None,
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "url_encode",
        summary: "The text as a piece of a URL: all but letters, digits, `-`, `.`, `_` and `~` as `%` and two hexadecimal digits",
        example: ("'Ann & Bo/Oslo' | url_encode", r#""Ann%20%26%20Bo%2FOslo""#),
        run: |call| call.give_text(encoded(call.text(0))),
        ..PLAIN
    },
    Function {
        name: "url_decode",
        summary: "The text that a piece of a URL stands for; `+` is a space",
        example: ("'Ann+%26%20Bo' | url_decode", r#""Ann & Bo""#),
        may_fail: Some("what stands behind a `%` may not be a text"),
        run: |call| match decoded(call.text(0)) {
            Some(text) => call.give_text(text),
            None => Err(Fault::new(
                "invalid_value",
                format!("{} has a `%` that stands for no text", call.subject),
            )
            .hint("a `%` that means itself is written `%25`")),
        },
        ..PLAIN
    },
    Function {
        name: "query",
        summary: "The map as the query of a URL, without `?`: null is left out, a list is repeated under its name",
        parameters: &[required("map", Wants::Map)],
        example: (
            "{'name': 'Ann B', 'page': 2, 'tag': ['a', 'b'], 'none': none} | query",
            r#""name=Ann%20B&page=2&tag=a&tag=b""#,
        ),
        may_fail: Some("a field may be a map"),
        run: query,
        ..PLAIN
    },
    Function {
        name: "parse_query",
        summary: "The map of texts that the query of a URL says; the last one of a name wins",
        example: ("'?a=1&b=x+y' | parse_query", r#"{"a": "1", "b": "x y"}"#),
        may_fail: Some("what stands behind a `%` may not be a text"),
        run: |call| {
            let mut made = Map::new();
            for pair in
                call.text(0).trim_start_matches('?').split('&').filter(|pair| !pair.is_empty())
            {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                    let message = format!("`{pair}` has a `%` that stands for no text");
                    return Err(Fault::new("invalid_value", message)
                        .hint("a `%` that means itself is written `%25`"));
                };
                made.insert(name, value.into());
            }
            let made = Value::Object(made);
            call.fuel.spend_on(&made)?;
            Ok(Cow::Owned(made))
        },
        gives: |_| open_map(text_shape()),
        ..PLAIN
    },
];

fn query<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let mut pairs = Vec::new();
    for (name, value) in call.value(0).as_object().into_iter().flatten() {
        let values = match value {
            Value::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        for value in values {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                other => {
                    let message = format!("`{name}` is {}, which a query cannot say", kind(other));
                    return Err(Fault::wrong_type(message)
                        .hint("leave it out with `omit`, or write it as JSON with `json`"));
                }
            };
            pairs.push(format!("{}={}", encoded(name), encoded(&text)));
        }
    }
    call.give_text(pairs.join("&"))
}

fn encoded(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            made.push(char::from(byte));
        } else {
            write!(made, "%{byte:02X}").expect("a string takes all that is written");
        }
    }
    made
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut given = text.bytes();
    while let Some(byte) = given.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |digit: Option<u8>| char::from(digit?).to_digit(16);
                let (high, low) = (digit(given.next())?, digit(given.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
