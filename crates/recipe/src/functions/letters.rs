//! Letters, words and widths.

use std::borrow::Cow;

use serde_json::Value;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    Call, Fault, Form, Function, Nulls, Wants, gives_boolean, gives_text, list_of, optional,
    required, text_shape,
};
use crate::expression::operators::contains;

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
        name: "capitalize",
        summary: "The text with its first letter large and all others small",
        example: ("'aNNA maria' | capitalize", r#""Anna maria""#),
        run: |call| call.give_text(capital(call.text(0))),
        ..PLAIN
    },
    Function {
        name: "title",
        summary: "The text with the first letter of each word large and all others small",
        example: ("'ANNA-maria smith' | title", r#""Anna-Maria Smith""#),
        run: |call| {
            let mut made = String::with_capacity(call.text(0).len());
            let mut inside = false;
            for letter in call.text(0).chars() {
                if inside {
                    made.extend(letter.to_lowercase());
                } else {
                    made.extend(letter.to_uppercase());
                }
                inside = letter.is_alphanumeric()
                    || matches!(letter, '\'' | '’')
                    || is_combining_mark(letter);
            }
            call.give_text(made)
        },
        ..PLAIN
    },
    Function {
        name: "trim_start",
        summary: "The text without `sign`s, or white space, at its beginning",
        parameters: &[required("text", Wants::Text), optional("sign", Wants::Text)],
        example: ("'00042' | trim_start('0')", r#""42""#),
        run: |call| {
            let rest = match call.optional_text(1) {
                Some(sign) if !sign.is_empty() => call.text(0).trim_start_matches(sign),
                _ => call.text(0).trim_start(),
            };
            let rest = rest.to_owned();
            call.give_text(rest)
        },
        ..PLAIN
    },
    Function {
        name: "trim_end",
        summary: "The text without `sign`s, or white space, at its end",
        parameters: &[required("text", Wants::Text), optional("sign", Wants::Text)],
        example: ("'https://a.example/' | trim_end('/')", r#""https://a.example""#),
        run: |call| {
            let rest = match call.optional_text(1) {
                Some(sign) if !sign.is_empty() => call.text(0).trim_end_matches(sign),
                _ => call.text(0).trim_end(),
            };
            let rest = rest.to_owned();
            call.give_text(rest)
        },
        ..PLAIN
    },
    Function {
        name: "squish",
        summary: "The text without white space at its ends and with single spaces inside",
        example: (r"'  Ann \t Smith ' | squish", r#""Ann Smith""#),
        run: |call| {
            let words: Vec<_> = call.text(0).split_whitespace().collect();
            call.give_text(words.join(" "))
        },
        ..PLAIN
    },
    Function {
        name: "pad_start",
        summary: "The text filled up to `length` characters with `sign`s (spaces if not given) before it",
        parameters: &[
            required("text", Wants::Text),
            required("length", Wants::Integer),
            optional("sign", Wants::Text),
        ],
        example: ("'42' | pad_start(5, '0')", r#""00042""#),
        may_fail: Some("the sign may not be one character"),
        run: |call| {
            let padding = padding(call)?;
            call.give_text(format!("{padding}{}", call.text(0)))
        },
        ..PLAIN
    },
    Function {
        name: "pad_end",
        summary: "The text filled up to `length` characters with `sign`s (spaces if not given) behind it",
        parameters: &[
            required("text", Wants::Text),
            required("length", Wants::Integer),
            optional("sign", Wants::Text),
        ],
        example: ("'ab' | pad_end(4, '.')", r#""ab..""#),
        may_fail: Some("the sign may not be one character"),
        run: |call| {
            let padding = padding(call)?;
            call.give_text(format!("{}{padding}", call.text(0)))
        },
        ..PLAIN
    },
    Function {
        name: "words",
        summary: "The pieces of the text between white space",
        example: ("' Ann  Marie ' | words", r#"["Ann", "Marie"]"#),
        run: |call| {
            let words = call.text(0).split_whitespace().map(Value::from).collect();
            call.give_list(words)
        },
        gives: |_| list_of(text_shape()),
        ..PLAIN
    },
    Function {
        name: "lines",
        summary: "The lines of the text",
        example: (r"'a\nb' | lines", r#"["a", "b"]"#),
        run: |call| {
            let lines = call.text(0).lines().map(Value::from).collect();
            call.give_list(lines)
        },
        gives: |_| list_of(text_shape()),
        ..PLAIN
    },
    Function {
        name: "contains",
        summary: "Whether the text has that piece, the list that item, or the map a field of that name; the same as \
                  `part in value`; false for null",
        parameters: &[required("value", Wants::Countable), required("part", Wants::Any)],
        nulls: Nulls::Empty,
        example: ("['London HQ' | contains('HQ'), ['a'] | contains('b')]", "[true, false]"),
        may_fail: Some("a piece of a text may not be text"),
        run: |call| contains(call.value(0), call.value(1)).map(|found| Cow::Owned(found.into())),
        gives: gives_boolean,
        ..PLAIN
    },
    Function {
        name: "transliterate",
        summary: "The text in the letters of ASCII: marks are taken off (`é` is `e`), letters of the Latin alphabets spelt \
                  (`ß` is `ss`, `ø` is `o`); a letter without a spelling becomes `?`",
        example: ("'Zoë Größe, Łukasz Søren' | transliterate", r#""Zoe Grosse, Lukasz Soren""#),
        run: |call| call.give_text(ascii(call.text(0), "?")),
        ..PLAIN
    },
    Function {
        name: "slug",
        summary: "The text as a piece of a name: ASCII, small, with one `-` for whatever is neither letter nor digit",
        example: ("'Zoë & Søn, Ltd.' | slug", r#""zoe-son-ltd""#),
        run: |call| {
            let plain = ascii(call.text(0), "").to_lowercase();
            let words = plain.split(|letter: char| !letter.is_ascii_alphanumeric());
            let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
            call.give_text(words.join("-"))
        },
        ..PLAIN
    },
];

/// Letters that are not a plain one with a mark.
const SPELT: [(char, &str); 26] = [
    ('ß', "ss"),
    ('ẞ', "SS"),
    ('æ', "ae"),
    ('Æ', "AE"),
    ('œ', "oe"),
    ('Œ', "OE"),
    ('ø', "o"),
    ('Ø', "O"),
    ('đ', "d"),
    ('Đ', "D"),
    ('ð', "d"),
    ('Ð', "D"),
    ('þ', "th"),
    ('Þ', "Th"),
    ('ł', "l"),
    ('Ł', "L"),
    ('ı', "i"),
    ('ħ', "h"),
    ('Ħ', "H"),
    ('ŋ', "ng"),
    ('‘', "'"),
    ('’', "'"),
    ('“', "\""),
    ('”', "\""),
    ('–', "-"),
    ('—', "-"),
];

fn ascii(text: &str, unknown: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)) {
        if letter.is_ascii() {
            made.push(letter);
        } else {
            let spelt = SPELT.iter().find(|(known, _)| *known == letter);
            made.push_str(spelt.map_or(unknown, |(_, spelt)| *spelt));
        }
    }
    made
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters.flat_map(char::to_lowercase)).collect()
}

fn padding(call: &mut Call<'_, '_>) -> Result<String, Fault> {
    let sign = call.optional_text(2).unwrap_or(" ");
    if sign.chars().count() != 1 {
        let message = format!("a text is filled up with `{sign}`, which is not one character");
        return Err(Fault::new("invalid_value", message));
    }
    let wanted = usize::try_from(call.integer(1).unwrap_or(0)).unwrap_or(0);
    let missing = wanted.saturating_sub(call.text(0).chars().count());
    let sign = sign.to_owned();
    // Paid for before it is made.
    call.fuel.spend(missing.saturating_mul(sign.len()))?;
    Ok(sign.repeat(missing))
}
