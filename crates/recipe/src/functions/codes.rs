//! Hashes and encodings.

use base64::{Engine, engine::general_purpose::STANDARD};
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
            call.give_text(
                hash.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
            )
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
        run: decode,
        ..PLAIN
    },
];

fn decode<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let decoded =
        STANDARD.decode(call.text(0).trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded {
        Some(text) => call.give_text(text),
        None => {
            Err(Fault::new("invalid_value", format!("{} is not Base64 of a text", call.subject)))
        }
    }
}
