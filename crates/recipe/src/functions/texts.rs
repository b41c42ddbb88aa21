//! Text.

use std::borrow::Cow;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_boolean, gives_text, gives_the_same,
    required, text_shape,
};
use crate::{
    expression::tree::Test,
    schema::{Shape, Type},
};

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
        name: "lower",
        summary: "The text in small letters",
        example: ("'JOHN' | lower", r#""john""#),
        run: |call| call.give_text(call.text(0).to_lowercase()),
        ..PLAIN
    },
    Function {
        name: "upper",
        summary: "The text in capital letters",
        example: ("'john' | upper", r#""JOHN""#),
        run: |call| call.give_text(call.text(0).to_uppercase()),
        ..PLAIN
    },
    Function {
        name: "trim",
        summary: "The text without white space at its ends",
        example: ("' Full-time ' | trim", r#""Full-time""#),
        run: |call| call.give_text(call.text(0).trim().into()),
        ..PLAIN
    },
    Function {
        name: "presence",
        summary: "The value itself, or null when it is a text of nothing but white space, an empty list or an empty map",
        parameters: &[required("value", Wants::Any)],
        example: ("['  ' | presence, 'a' | presence]", r#"[null, "a"]"#),
        run: |call| {
            Ok(if Test::Empty.holds(call.value(0)) {
                Cow::Owned(Value::Null)
            } else {
                call.take(0)
            })
        },
        gives: |sight| gives_the_same(sight).or_null(),
        ..PLAIN
    },
    Function {
        name: "replace",
        summary: "The text with every `old` in it replaced by `new`",
        parameters: &[
            required("text", Wants::Text),
            required("old", Wants::Text),
            required("new", Wants::Text),
        ],
        example: ("'020 7946 0000' | replace(' ', '')", r#""02079460000""#),
        run: replace,
        ..PLAIN
    },
    Function {
        name: "split",
        summary: "The pieces of the text between the separators",
        parameters: &[required("text", Wants::Text), required("separator", Wants::Text)],
        example: ("'a, b' | split(', ')", r#"["a", "b"]"#),
        run: split,
        gives: |_| Shape::of(Type::List(Box::new(text_shape()))),
        ..PLAIN
    },
    Function {
        name: "starts_with",
        summary: "Whether the text begins with `start`",
        parameters: &[required("text", Wants::Text), required("start", Wants::Text)],
        example: ("'London HQ' | starts_with('London')", "true"),
        run: |call| Ok(Cow::Owned(call.text(0).starts_with(call.text(1)).into())),
        gives: gives_boolean,
        ..PLAIN
    },
    Function {
        name: "ends_with",
        summary: "Whether the text ends with `end`",
        parameters: &[required("text", Wants::Text), required("end", Wants::Text)],
        example: ("'resume.pdf' | ends_with('.pdf')", "true"),
        run: |call| Ok(Cow::Owned(call.text(0).ends_with(call.text(1)).into())),
        gives: gives_boolean,
        ..PLAIN
    },
    Function {
        name: "truncate",
        summary: "At most the first `length` characters of the text",
        parameters: &[required("text", Wants::Text), required("length", Wants::Integer)],
        example: ("'Engineering' | truncate(3)", r#""Eng""#),
        run: |call| {
            let length = usize::try_from(call.integer(1).unwrap_or(0).max(0)).unwrap_or(usize::MAX);
            call.give_text(call.text(0).chars().take(length).collect())
        },
        ..PLAIN
    },
    Function {
        name: "text",
        summary: "A number, true or false as text; text as it is",
        parameters: &[required("value", Wants::Scalar)],
        example: ("42 | text", r#""42""#),
        run: |call| match call.value(0) {
            Value::String(_) => Ok(call.take(0)),
            other => call.give_text(other.to_string()),
        },
        ..PLAIN
    },
    Function {
        name: "normalize_name",
        summary: "The name as it is compared: compatible characters unified (NFKC), without case, single spaces inside",
        example: (r"'  ANNA\tStraße ' | normalize_name", r#""anna strasse""#),
        run: |call| call.give_text(normalize_name(call.text(0))),
        ..PLAIN
    },
    Function {
        name: "email_domain",
        summary: "What stands after the `@` of an e-mail address, in small letters",
        example: ("'anna@Example.COM' | email_domain", r#""example.com""#),
        may_fail: Some("the text may not be an e-mail address"),
        run: |call| match call.text(0).trim().rsplit_once('@') {
            Some((user, domain)) if !user.is_empty() && !domain.is_empty() => {
                call.give_text(domain.to_lowercase())
            }
            _ => Err(Fault::new(
                "invalid_value",
                format!("{} is not an e-mail address", call.subject),
            )),
        },
        ..PLAIN
    },
    Function {
        name: "default",
        summary: "The value itself, or `otherwise` when it is null",
        parameters: &[required("value", Wants::Any), required("otherwise", Wants::Any)],
        nulls: Nulls::Replace,
        example: ("none | default('unknown')", r#""unknown""#),
        run: |call| Ok(call.take(1)),
        gives: |sight| sight.default(),
        ..PLAIN
    },
];

/// Returns a name as names are compared: NFKC, without case, single spaces inside and none around.
pub fn normalize_name(name: &str) -> String {
    if name.is_ascii() {
        let mut folded = String::with_capacity(name.len());
        for word in name.split_whitespace() {
            if !folded.is_empty() {
                folded.push(' ');
            }
            folded.push_str(word);
        }
        folded.make_ascii_lowercase();
        return folded;
    }
    // Letter by letter to upper and then to lower case is Unicode's full case folding but for dotless letters; by
    // letter, because a whole text would keep the final form of the sigma.
    let folded = name
        .nfkc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect::<String>();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn replace<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let (text, old, new) = (call.text(0), call.text(1), call.text(2));
    if old.is_empty() {
        return Err(Fault::new("invalid_value", "`replace` is given an empty text to look for"));
    }
    // Paid for before it is made: a short text can become a very long one.
    let made = text.matches(old).count().saturating_mul(new.len());
    let result = {
        call.fuel.spend(made)?;
        call.text(0).replace(call.text(1), call.text(2))
    };
    call.give_text(result)
}

fn split<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    if call.text(1).is_empty() {
        return Err(Fault::new("invalid_value", "`split` is given an empty separator"));
    }
    let pieces = call.text(0).split(call.text(1)).map(Value::from).collect();
    call.give_list(pieces)
}
