//! Regular expressions. They are the `regex` crate's, which takes time in proportion to the text, whatever the pattern;
//! their size is limited, and a text is paid for before it is looked at.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, constant, gives_boolean, gives_text,
    optional, required, text_shape,
};
use crate::schema::{Shape, Type};

/// What reading a pattern costs.
pub(super) const READING: usize = 10_000;
/// Each letter of a text may be looked at by every piece of a pattern.
const PER_LETTER: usize = 8;
/// The longest pattern.
pub(super) const MAX_BYTES: usize = 300;
/// The largest machine that may be made of a pattern: `.{500}` is within, `(.{500}){500}` is not.
const MAX_MACHINE: usize = 128 << 10;

const PLAIN: Function = Function {
    name: "",
    form: Form::Filter,
    parameters: &[required("text", Wants::Text), constant("pattern")],
    columns: false,
    nulls: Nulls::Pass,
    summary: "",
    example: ("", ""),
    may_fail: None,
    run: |call| Ok(call.take(0)),
    gives: gives_text,
    check: Some(check),
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "matches",
        summary: "Whether the regular expression is found in the text; `^` and `$` tie it to the ends, `(?i)` ignores case",
        example: (r"'R-2027-001' | matches('^R-[0-9]{4}-')", "true"),
        run: |call| {
            let pattern = pattern(call)?;
            Ok(Cow::Owned(pattern.is_match(call.text(0)).into()))
        },
        gives: gives_boolean,
        ..PLAIN
    },
    Function {
        name: "find",
        summary: "The first piece of the text that the regular expression matches, or its first group if it has one; \
                  null when there is none",
        example: (r"'Offer 4711 (signed)' | find('Offer ([0-9]+)')", r#""4711""#),
        run: |call| {
            let pattern = pattern(call)?;
            match pattern.captures(call.text(0)).and_then(|found| piece(&found)) {
                Some(found) => call.give_text(found),
                None => Ok(Cow::Owned(Value::Null)),
            }
        },
        gives: |_| text_shape().or_null(),
        ..PLAIN
    },
    Function {
        name: "find_all",
        summary: "Every piece of the text that the regular expression matches, or its first group in each",
        example: (r"'a1 b22' | find_all('[0-9]+')", r#"["1", "22"]"#),
        run: |call| {
            let pattern = pattern(call)?;
            let found = pattern.captures_iter(call.text(0)).filter_map(|found| piece(&found));
            let found = found.map(Value::String).collect();
            call.give_list(found)
        },
        gives: |_| Shape::of(Type::List(Box::new(text_shape()))),
        ..PLAIN
    },
    Function {
        name: "replace_pattern",
        summary: "The text with every match of the regular expression replaced by `new`, in which `$1` is the first group \
                  and `$$` a dollar sign",
        parameters: &[
            required("text", Wants::Text),
            constant("pattern"),
            required("new", Wants::Text),
        ],
        example: (r"'020 7946-0000' | replace_pattern('[^0-9]', '')", r#""02079460000""#),
        run: replace,
        ..PLAIN
    },
    Function {
        name: "split_pattern",
        summary: "The pieces of the text between the matches of the regular expression, at most `limit` of them",
        parameters: &[
            required("text", Wants::Text),
            constant("pattern"),
            optional("limit", Wants::Integer),
        ],
        example: (r"'a, b;c' | split_pattern('[,;] *')", r#"["a", "b", "c"]"#),
        run: |call| {
            let pattern = pattern(call)?;
            let limit = call.integer(2).unwrap_or(i64::MAX).max(1);
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let pieces = pattern.splitn(call.text(0), limit).map(Value::from).collect();
            call.give_list(pieces)
        },
        gives: |_| Shape::of(Type::List(Box::new(text_shape()))),
        ..PLAIN
    },
];

/// Reads a regular expression, or says why it is none.
pub(super) fn read(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_BYTES {
        return Err(format!(
            "a regular expression of {} bytes; at most {MAX_BYTES} are allowed",
            pattern.len()
        ));
    }
    let built = RegexBuilder::new(pattern)
        .size_limit(MAX_MACHINE)
        .dfa_size_limit(1 << 20)
        .nest_limit(16)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => format!("`{pattern}` repeats too much to be looked for"),
        other => {
            // The first line repeats the pattern with a mark below it; the last says what is wrong.
            let reason = other.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("`{pattern}` is not a regular expression: {reason}")
        }
    })
}

/// Returns what looking through a text costs.
pub(super) fn work(text: &str) -> usize {
    text.len().saturating_mul(PER_LETTER)
}

fn pattern(call: &mut Call<'_, '_>) -> Result<Regex, Fault> {
    let cost = READING.saturating_add(work(call.text(0)));
    call.fuel.spend(cost)?;
    read(call.text(1)).map_err(|reason| Fault::new("invalid_value", reason))
}

fn piece(found: &regex::Captures<'_>) -> Option<String> {
    let piece = if found.len() > 1 { found.get(1)? } else { found.get(0)? };
    Some(piece.as_str().to_owned())
}

fn replace<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let pattern = pattern(call)?;
    let mut made = String::new();
    let mut end = 0;
    let Call { fuel, arguments, .. } = call;
    let text = |index: usize| {
        arguments.get(index).and_then(Option::as_deref).and_then(Value::as_str).unwrap_or("")
    };
    let (subject, new) = (text(0), text(2));
    // One by one, because a short text can become a very long one.
    for found in pattern.captures_iter(subject) {
        let Some(whole) = found.get(0) else { continue };
        let before = made.len();
        made.push_str(&subject[end..whole.start()]);
        found.expand(new, &mut made);
        end = whole.end();
        fuel.spend(made.len() - before)?;
    }
    made.push_str(&subject[end..]);
    call.give_text(made)
}

fn check(arguments: &[Option<&Value>]) -> Result<(), (usize, String)> {
    match arguments.get(1).copied().flatten().and_then(Value::as_str) {
        Some(pattern) => read(pattern).map(drop).map_err(|reason| (1, reason)),
        None => Ok(()),
    }
}
