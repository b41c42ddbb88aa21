//! Hashes and encodings.

use std::fmt::Write;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use sha2::{Digest, Sha256};

use super::{Call, Fault, Form, Function, Given, Nulls, Wants, gives_text, required};

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
        name: "sha256",
        summary: "The SHA-256 of the text (as UTF-8), in hexadecimal",
        example: (
            "'abc' | sha256",
            r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#,
        ),
        run: |call| {
            let hash = Sha256::digest(call.text(0).as_bytes());
            call.give_text(hexadecimal(&hash))
        },
        ..PLAIN
    },
    Function {
        name: "base64",
        summary: "The text (as UTF-8) in Base64",
        example: ("'user:key' | base64", r#""dXNlcjprZXk=""#),
        run: |call| call.give_text(STANDARD.encode(call.text(0))),
        ..PLAIN
    },
    Function {
        name: "base64_decode",
        summary: "The text that a Base64 text stands for",
        example: ("'dXNlcjprZXk=' | base64_decode", r#""user:key""#),
        may_fail: Some("the text may not be Base64"),
        run: |call| {
            let decoded = STANDARD.decode(call.text(0).trim()).ok();
            text(call, decoded, "Base64")
        },
        ..PLAIN
    },
    Function {
        name: "base64url",
        summary: "The text (as UTF-8) in the Base64 of URLs, without `=` at its end",
        example: ("'a?b>' | base64url", r#""YT9iPg""#),
        run: |call| call.give_text(URL_SAFE_NO_PAD.encode(call.text(0))),
        ..PLAIN
    },
    Function {
        name: "base64url_decode",
        summary: "The text that a text in the Base64 of URLs stands for, with or without `=` at its end",
        example: ("'YT9iPg' | base64url_decode", r#""a?b>""#),
        may_fail: Some("the text may not be Base64"),
        run: |call| {
            let given = call.text(0).trim();
            let decoded = URL_SAFE_NO_PAD.decode(given).or_else(|_| URL_SAFE.decode(given)).ok();
            text(call, decoded, "the Base64 of URLs")
        },
        ..PLAIN
    },
    Function {
        name: "hex",
        summary: "The text (as UTF-8) in hexadecimal",
        example: ("'Ann' | hex", r#""416e6e""#),
        run: |call| call.give_text(hexadecimal(call.text(0).as_bytes())),
        ..PLAIN
    },
    Function {
        name: "hex_decode",
        summary: "The text that a hexadecimal text stands for",
        example: ("'416E6E' | hex_decode", r#""Ann""#),
        may_fail: Some("the text may not be hexadecimal"),
        run: |call| {
            let digits: Option<Vec<u32>> =
                call.text(0).trim().chars().map(|digit| digit.to_digit(16)).collect();
            let decoded = digits.filter(|digits| digits.len().is_multiple_of(2)).map(|digits| {
                let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).unwrap_or_default();
                digits.chunks(2).map(byte).collect()
            });
            text(call, decoded, "hexadecimal")
        },
        ..PLAIN
    },
    Function {
        name: "uuid",
        summary: "A UUID (version 8, from SHA-256) made from the text: the same text gives the same UUID, always",
        example: ("'application 4711' | uuid", r#""3c04c7db-e56d-8863-a734-8a3a383d27ee""#),
        run: |call| {
            let mut bytes: [u8; 32] = Sha256::digest(call.text(0).as_bytes()).into();
            // Version and variant, as RFC 9562 §5.8 has them.
            bytes[6] = bytes[6] & 0x0f | 0x80;
            bytes[8] = bytes[8] & 0x3f | 0x80;
            let all = hexadecimal(&bytes[..16]);
            let uuid = [&all[..8], &all[8..12], &all[12..16], &all[16..20], &all[20..]].join("-");
            call.give_text(uuid)
        },
        ..PLAIN
    },
];

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
        text
    })
}

fn text<'a>(call: &mut Call<'_, 'a>, decoded: Option<Vec<u8>>, name: &str) -> Given<'a> {
    match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => call.give_text(text),
        None => {
            Err(Fault::new("invalid_value", format!("{} is not {name} of a text", call.subject)))
        }
    }
}
