//! Numbers.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_boolean, gives_integer, gives_number,
    gives_text, gives_the_same, optional, required,
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
        name: "floor",
        summary: "The greatest whole number that is not greater",
        example: ("[2.7 | floor, -2.1 | floor]", "[2, -3]"),
        may_fail: Some("the number may be too large to be a whole number"),
        run: |call| to_whole(call, f64::floor),
        gives: gives_integer,
        ..PLAIN
    },
    Function {
        name: "ceil",
        summary: "The smallest whole number that is not smaller",
        example: ("[2.1 | ceil, -2.7 | ceil]", "[3, -2]"),
        may_fail: Some("the number may be too large to be a whole number"),
        run: |call| to_whole(call, f64::ceil),
        gives: gives_integer,
        ..PLAIN
    },
    Function {
        name: "parse_number",
        summary: "The number that a text says whose decimal sign is `decimal` and whose thousands are marked by `thousands`",
        parameters: &[
            required("text", Wants::Text),
            required("decimal", Wants::Text),
            optional("thousands", Wants::Text),
        ],
        example: ("'1.250,50' | parse_number(',', '.')", "1250.5"),
        may_fail: Some("the text may not be a number written so"),
        run: parse_number,
        ..PLAIN
    },
    Function {
        name: "format_number",
        summary: "The number as text with so many `digits` after the decimal sign (a point, or `decimal`) and with `thousands` \
                  between groups of three, if given",
        parameters: &[
            required("number", Wants::Number),
            required("digits", Wants::Integer),
            optional("thousands", Wants::Text),
            optional("decimal", Wants::Text),
        ],
        example: (
            "[1250.5 | format_number(2), 1234567.891 | format_number(2, '.', ',')]",
            r#"["1250.50", "1.234.567,89"]"#,
        ),
        run: format_number,
        gives: gives_text,
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

fn to_whole<'a>(call: &mut Call<'_, 'a>, towards: fn(f64) -> f64) -> Given<'a> {
    match call.value(0).as_f64() {
        Some(number) if call.value(0).is_f64() => float_to_whole(towards(number)),
        _ => Ok(call.take(0)),
    }
}

fn parse_number<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let (decimal, thousands) = (call.text(1), call.optional_text(2).unwrap_or(""));
    if decimal.is_empty() || decimal == thousands {
        return Err(Fault::new("invalid_value", "`parse_number` needs two different signs")
            .hint("write `parse_number(',', '.')` for `1.250,50`"));
    }
    let text = call.text(0).trim();
    let (whole, fraction) = text.split_once(decimal).unwrap_or((text, ""));
    // A mark anywhere but between three digits and three is a mistake, or a decimal sign.
    let sign = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let groups: Vec<&str> =
        if thousands.is_empty() { vec![sign] } else { sign.split(thousands).collect() };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = match groups.as_slice() {
        [only] => !only.is_empty(),
        [first, rest @ ..] => {
            (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3)
        }
        [] => false,
    };
    if !grouped || !groups.iter().all(|group| digits(group)) || !digits(fraction) {
        return Err(unreadable(call, &format!("a number with `{decimal}` as its decimal sign")));
    }
    let minus = if whole.starts_with('-') { "-" } else { "" };
    let joined = groups.concat();
    let trimmed = joined.trim_start_matches('0');
    let plain = if trimmed.is_empty() { "0" } else { trimmed };
    let point = if fraction.is_empty() { "" } else { "." };
    match format!("{minus}{plain}{point}{fraction}").parse::<Number>() {
        Ok(number) => Ok(Cow::Owned(Value::Number(number))),
        Err(_) => Err(unreadable(call, "a number")),
    }
}

fn format_number<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let digits = usize::try_from(call.integer(1).unwrap_or(0).clamp(0, 17)).unwrap_or(0);
    let (thousands, decimal) =
        (call.optional_text(2).unwrap_or(""), call.optional_text(3).unwrap_or("."));
    let Value::Number(number) = call.value(0) else { return Ok(call.take(0)) };
    let plain = match (as_whole(number), number.as_f64()) {
        (Some(whole), _) if digits == 0 => whole.to_string(),
        (Some(whole), _) => format!("{whole}.{}", "0".repeat(digits)),
        (None, float) => {
            // Rounded as `round` does, so that the two never differ.
            let float = float.unwrap_or(0.0);
            let factor = 10_f64.powi(i32::try_from(digits).unwrap_or(0));
            let scaled = (float * factor).round() / factor;
            format!("{:.digits$}", if scaled.is_finite() { scaled } else { float })
        }
    };
    let (minus, plain) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let minus = if plain.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { minus } else { "" };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let mut made = String::from(minus);
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            made.push_str(thousands);
        }
        made.push(digit);
    }
    if !fraction.is_empty() {
        made.push_str(decimal);
        made.push_str(fraction);
    }
    call.give_text(made)
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
