//! Numbers.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_boolean, gives_integer, gives_number,
    gives_the_same, optional, required,
};
use crate::{
    expression::operators::{as_whole, float, whole},
    schema::{Shape, Type},
};

const PLAIN: Function = Function {
    name: "",
    form: Form::Filter,
    parameters: &[required("number", Wants::Number)],
    columns: false,
    nulls: Nulls::Pass,
    summary: "",
    example: ("", ""),
    may_fail: None,
    run: |call| Ok(call.take(0)),
    gives: gives_number,
    check: None,
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "int",
        summary: "The whole number that the text says, or that the number is",
        parameters: &[required("value", Wants::TextOrNumber)],
        example: ("' 42 ' | int", "42"),
        may_fail: Some("the text may not be a whole number"),
        run: int,
        gives: gives_integer,
        ..PLAIN
    },
    Function {
        name: "number",
        summary: "The number that the text says",
        parameters: &[required("value", Wants::TextOrNumber)],
        example: ("'1250.50' | number", "1250.5"),
        may_fail: Some("the text may not be a number"),
        run: number,
        ..PLAIN
    },
    Function {
        name: "round",
        summary: "The number rounded to `digits` after the point, to a whole number without them; halves go away from zero",
        parameters: &[required("number", Wants::Number), optional("digits", Wants::Integer)],
        example: ("[2.5 | round, 3.14159 | round(2)]", "[3, 3.14]"),
        run: round,
        gives: |sight| {
            if sight.given(1) { Shape::of(Type::Number) } else { Shape::of(Type::Integer) }
        },
        ..PLAIN
    },
    Function {
        name: "abs",
        summary: "The number without its sign",
        example: ("-3 | abs", "3"),
        run: abs,
        gives: gives_the_same,
        ..PLAIN
    },
    Function {
        name: "boolean",
        summary: "True for the texts `true`, `yes`, `on` and `1`, false for `false`, `no`, `off` and `0`, in any case",
        parameters: &[required("text", Wants::Text)],
        example: ("'Yes' | boolean", "true"),
        may_fail: Some("the text may be none of the words for true and false"),
        run: boolean,
        gives: gives_boolean,
        ..PLAIN
    },
];

fn int<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let found = match call.value(0) {
        Value::String(text) => text.trim().parse::<i128>().ok(),
        Value::Number(number) => as_whole(number).or_else(|| without_fraction(number)),
        _ => None,
    };
    match found {
        Some(found) => Ok(Cow::Owned(whole(found)?)),
        None => Err(unreadable(call, "a whole number")),
    }
}

fn number<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let Some(text) = call.value(0).as_str() else { return Ok(call.take(0)) };
    // JSON's own spelling and nothing else: no `1,250`, which means two numbers in two countries.
    match text.trim().trim_start_matches('+').parse::<Number>() {
        Ok(number) => Ok(Cow::Owned(Value::Number(number))),
        Err(_) => Err(unreadable(call, "a number")
            .hint("take what is not part of it away with `replace`; the decimal sign is a point")),
    }
}

fn round<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let Some(number) = call.value(0).as_f64() else { return Ok(call.take(0)) };
    if call.value(0).is_i64() || call.value(0).is_u64() {
        return Ok(call.take(0));
    }
    match call.integer(1) {
        None => float_to_whole(number.round()),
        Some(digits) => {
            let digits = usize::try_from(digits.clamp(0, 17)).unwrap_or(0);
            // Through text, which is what a person sees: `1.005` is rounded as it is written.
            let factor = 10_f64.powi(i32::try_from(digits).unwrap_or(0));
            let scaled = (number * factor).round() / factor;
            Ok(Cow::Owned(float(format!("{scaled:.digits$}").parse().unwrap_or(scaled))?))
        }
    }
}

fn abs<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let Value::Number(number) = call.value(0) else { return Ok(call.take(0)) };
    Ok(Cow::Owned(match (as_whole(number), number.as_f64()) {
        (Some(number), _) => whole(number.abs())?,
        (None, number) => float(number.unwrap_or(0.0).abs())?,
    }))
}

fn boolean<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    match call.text(0).trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(Cow::Owned(true.into())),
        "false" | "no" | "off" | "0" => Ok(Cow::Owned(false.into())),
        _ => Err(unreadable(call, "a word for true or false")),
    }
}

/// The message for a value that cannot be read, naming it as it is.
pub(super) fn unreadable(call: &Call<'_, '_>, wanted: &str) -> Fault {
    let shown: String = match call.value(0) {
        Value::String(text) => text.chars().take(60).collect(),
        other => other.to_string(),
    };
    Fault::new("invalid_value", format!("{} is `{shown}`, which is not {wanted}", call.subject))
}

fn without_fraction(number: &Number) -> Option<i128> {
    let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
    float_to_whole(number).ok()?.as_i64().map(i128::from)
}

fn float_to_whole<'a>(number: f64) -> Given<'a> {
    // A float without a fraction prints as a whole number.
    match format!("{number:.0}").parse::<i128>() {
        Ok(number) => Ok(Cow::Owned(whole(number)?)),
        Err(_) => Err(Fault::new("invalid_value", "the number is too large to be a whole number")),
    }
}
