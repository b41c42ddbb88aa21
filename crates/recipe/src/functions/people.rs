//! E-mail addresses and phone numbers.

use std::borrow::Cow;

use rlibphonenumber::{PhoneNumber, Region};
use serde_json::Value;

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_boolean, gives_text, required,
};
use crate::schema::{Format, Shape, Text, Type};

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

/// The longest text that is read as a phone number.
const LONGEST: usize = 250;

pub(super) const ALL: &[Function] = &[
    Function {
        name: "is_email",
        summary: "Whether the text looks like an e-mail address: one `@`, no white space, a domain with a dot",
        example: ("['ann@example.com' | is_email, 'ann at home' | is_email]", "[true, false]"),
        run: |call| Ok(Cow::Owned(email(call.text(0)).is_some().into())),
        gives: gives_boolean,
        ..PLAIN
    },
    Function {
        name: "email",
        summary: "The e-mail address without white space around it and with its domain in small letters",
        example: ("' Ann@Example.COM ' | email", r#""Ann@example.com""#),
        may_fail: Some("the text may not be an e-mail address"),
        run: |call| match email(call.text(0)) {
            Some((local, domain)) => {
                let address = format!("{local}@{}", domain.to_lowercase());
                call.give_text(address)
            }
            None => Err(not_an_address(call)),
        },
        gives: |_| Shape::of(Type::Text(Text { format: Format::Email, choices: Vec::new() })),
        ..PLAIN
    },
    Function {
        name: "email_local",
        summary: "What stands before the `@` of an e-mail address",
        example: ("'Ann.Smith@example.com' | email_local", r#""Ann.Smith""#),
        may_fail: Some("the text may not be an e-mail address"),
        run: |call| match email(call.text(0)) {
            Some((local, _)) => {
                let local = local.to_owned();
                call.give_text(local)
            }
            None => Err(not_an_address(call)),
        },
        ..PLAIN
    },
    Function {
        name: "phone",
        summary: "The phone number as the world writes it (E.164); one without `+` is of that country (two letters)",
        parameters: &[required("text", Wants::Text), required("country", Wants::Text)],
        example: (
            "['020 7946 0018' | phone('GB'), '+1 (212) 555-0123' | phone('GB')]",
            r#"["+442079460018", "+12125550123"]"#,
        ),
        may_fail: Some("the text may not be a phone number"),
        run: phone,
        check: Some(check_country),
        ..PLAIN
    },
    Function {
        name: "is_phone",
        summary: "Whether the text is a phone number that exists in its country's plan; one without `+` is of that country",
        parameters: &[required("text", Wants::Text), required("country", Wants::Text)],
        example: ("['020 7946 0018' | is_phone('GB'), '12' | is_phone('GB')]", "[true, false]"),
        may_fail: Some("there may be no such country"),
        run: |call| {
            let valid = number(call)?.is_some_and(|number| number.is_valid());
            Ok(Cow::Owned(valid.into()))
        },
        gives: gives_boolean,
        check: Some(check_country),
        ..PLAIN
    },
];

fn phone<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    if let Some(number) = number(call)? {
        return call.give_text(number.to_string());
    }
    let shown: String = call.text(0).chars().take(60).collect();
    let message = format!(
        "{} is `{shown}`, which cannot be a phone number of `{}`",
        call.subject,
        call.text(1)
    );
    Err(Fault::new("invalid_value", message)
        .hint("write it with `+` and the country's number, or ask first with `is_phone`"))
}

/// Returns the two parts of an address. Whether it exists only a letter to it can tell.
fn email(text: &str) -> Option<(&str, &str)> {
    let (local, domain) = text.trim().rsplit_once('@')?;
    let wrong = |letter: char| {
        letter.is_whitespace() || letter.is_control() || "@,;<>()[]\"\\".contains(letter)
    };
    let dotted =
        |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    let fits = !local.is_empty()
        && local.len() <= 64
        && domain.len() <= 253
        && dotted(local)
        && !local.contains(wrong)
        && domain.contains('.')
        && domain.split('.').all(label);
    fits.then_some((local, domain))
}

fn not_an_address(call: &Call<'_, '_>) -> Fault {
    Fault::new("invalid_value", format!("{} is not an e-mail address", call.subject))
        .hint("ask first with `is_email`, or correct it where it comes from")
}

/// Returns the number if it may be one: long enough and short enough for its country.
fn number(call: &Call<'_, '_>) -> Result<Option<PhoneNumber>, Fault> {
    let region = country(call.text(1)).map_err(|reason| Fault::new("invalid_value", reason))?;
    let text = call.text(0).trim();
    if text.len() > LONGEST {
        return Ok(None);
    }
    let number = PhoneNumber::parse(text, Some(region)).ok();
    Ok(number.filter(|number| number.is_possible_with_reason().is_ok()))
}

fn country(code: &str) -> Result<Region, String> {
    code.parse().map_err(|_| {
        format!(
            "there is no country `{code}`; countries are two large letters, such as `GB` or `US`"
        )
    })
}

fn check_country(arguments: &[Option<&Value>]) -> Result<(), (usize, String)> {
    match arguments.get(1).copied().flatten().and_then(Value::as_str) {
        Some(code) => country(code).map(drop).map_err(|reason| (1, reason)),
        None => Ok(()),
    }
}
