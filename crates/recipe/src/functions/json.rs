//! JSON as text.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_anything, gives_text, required,
};

const PLAIN: Function = Function {
    name: "",
    form: Form::Filter,
    parameters: &[required("value", Wants::Any)],
    columns: false,
    nulls: Nulls::Take,
    summary: "",
    example: ("", ""),
    may_fail: None,
    run: to_json,
    gives: gives_text,
    check: None,
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "json",
        summary: "The value as JSON text",
        example: ("{'a': [1, none, true]} | json", r#""{\"a\":[1,null,true]}""#),
        ..PLAIN
    },
    Function {
        name: "tojson",
        summary: "The same as `json`",
        example: ("'a' | tojson", r#""\"a\"""#),
        ..PLAIN
    },
    Function {
        name: "parse_json",
        summary: "The value that a JSON text says",
        parameters: &[required("text", Wants::Text)],
        nulls: Nulls::Pass,
        example: (r#"('{"a": [1]}' | parse_json).a"#, "[1]"),
        may_fail: Some("the text may not be JSON"),
        run: from_json,
        gives: gives_anything,
        ..PLAIN
    },
];

fn to_json<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    call.fuel
        .spend_on(call.arguments.first().and_then(Option::as_deref).unwrap_or(&Value::Null))?;
    let text = call.value(0).to_string();
    call.give_text(text)
}

fn from_json<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    match serde_json::from_str::<Value>(call.text(0)) {
        Ok(value) => {
            call.fuel.spend_on(&value)?;
            Ok(Cow::Owned(value))
        }
        Err(error) => {
            Err(Fault::new("invalid_value", format!("{} is not JSON: {error}", call.subject)))
        }
    }
}
