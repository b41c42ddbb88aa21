//! What redaction cuts and what it leaves.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

#[test]
fn texts_lose_secrets_and_people_and_keep_what_helps() {
    let table = [
        // JSON, whole and cut.
        (r#"{"id":4001693002,"email":"ada@example.com"}"#, r#"{"id":4001693002,"email":"***"}"#),
        (r#"{"id":9001,"name":"Engineering"}"#, r#"{"id":9001,"name":"Engineering"}"#),
        (
            r#"{"first_name": "Ada", "start_date": "2027-01-04"}"#,
            r#"{"first_name": "***", "start_date": "2027-01-04"}"#,
        ),
        (
            r#"{"dateOfBirth":"1990-05-05","status":"active"}"#,
            r#"{"dateOfBirth":"***","status":"active"}"#,
        ),
        (
            r#"{"access_token":12345,"expires_in":3600}"#,
            r#"{"access_token":***,"expires_in":3600}"#,
        ),
        (
            r#"{"phone_numbers":[{"value":"x1"},"y"],"n":"z"}"#,
            r#"{"phone_numbers":[{"value":"***"},"***"],"n":"z"}"#,
        ),
        (
            r#"{"address":{"city":"Rome","no":5},"ok":true}"#,
            r#"{"address":{"city":"***","no":***},"ok":true}"#,
        ),
        (r#"{"token":null,"ok":true}"#, r#"{"token":null,"ok":true}"#),
        (r#"{"secret":"with \" quote","ok":1}"#, r#"{"secret":"***","ok":1}"#),
        (r#"{"password":"cut in the mid"#, r#"{"password":"***"#),
        (
            r#"{"errors":["email ada@example.com is taken"]}"#,
            r#"{"errors":["email *** is taken"]}"#,
        ),
        (
            r#"{"echo":"{\"password\":\"canary\",\"id\":1}"}"#,
            r#"{"echo":"{\"password\":\"***\",\"id\":1}"}"#,
        ),
        // Plain text.
        ("POST /x?api_key=canary&page=2", "POST /x?api_key=***&page=2"),
        ("call +1 555 0100 now", "call *** now"),
        ("call (555) 010-0123.", "call ***."),
        ("call 5550100123", "call ***"),
        ("offer 4711 of 2027-01-04 at 10:30", "offer 4711 of 2027-01-04 at 10:30"),
        ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"),
        ("version 1.2.3", "version 1.2.3"),
        ("mail ada.byron+x@mail.example.com, please", "mail *** please"),
        ("bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl", "bearer ***"),
        ("key sk_live_51H8canary00secret99", "key ***"),
        (
            "request 0b5e1a34-6d3f-4c42-9d1a-1f0c5ad1be77",
            "request 0b5e1a34-6d3f-4c42-9d1a-1f0c5ad1be77",
        ),
        ("page senior-engineer-berlin-2027-01", "page senior-engineer-berlin-2027-01"),
        ("Zoë ist überall", "Zoë ist überall"),
    ];
    for (given, expected) in table {
        // A comma is no part of an address.
        let expected = expected.replace("*** please", "***, please");
        assert_eq!(Redactor::default().text(given, 2000), expected);
    }
}

#[test]
fn known_secrets_go_in_every_form_and_no_half_of_one_stays_at_the_cut() {
    let redactor = Redactor::new(&[
        Secret::new("pass word"),
        Secret::new("pass word/longer"),
        Secret::new("ab"),
    ]);
    let given = "x pass word y pass+word z pass%20word q pass word/longer ab";
    assert_eq!(redactor.text(given, 2000), "x *** y *** z *** q *** ab");
    let redactor = Redactor::new(&[Secret::new("secretsecret")]);
    let shown = redactor.text(&format!("{} secretsecret", "x ".repeat(48)), 98);
    assert!(!shown.contains("secr") && shown.ends_with('…'), "{shown}");
}

#[test]
fn urls_lose_credentials_and_secret_queries() {
    let table = [
        ("https://a.example/v1/people?page=2", "https://a.example/v1/people?page=2"),
        ("https://user:canary@a.example/x#frag", "https://a.example/x"),
        ("http://127.0.0.1:81/x?api_key=canary&q=1", "http://127.0.0.1:81/x?api_key=***&q=1"),
        (
            "https://a.example/x?email=ada%40example.com&to=ada%40example.com",
            "https://a.example/x?email=***&to=***",
        ),
        (
            "https://s3.example/f.pdf?X-Amz-Signature=canary&X-Amz-Date=1",
            "https://s3.example/f.pdf?X-Amz-Signature=***&X-Amz-Date=***",
        ),
        ("https://a.example/hooks/T0canary9canary8canary7", "https://a.example/hooks/***"),
    ];
    for (given, expected) in table {
        assert_eq!(Redactor::default().url(&Url::parse(given).unwrap(), false), expected);
    }
    let url = Url::parse("https://a.example/f?a=1&b=2").unwrap();
    assert_eq!(Redactor::default().url(&url, true), "https://a.example/f?a=***&b=***");
}
