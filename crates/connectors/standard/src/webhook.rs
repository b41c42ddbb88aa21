//! The `webhook` connector: deliveries from anybody who can send an HTTP request with a token or a signature.

use std::collections::BTreeMap;

use connector::{
    Call, Connection, Connector, Delivery, Event, Failure, Finding, Opening, Refusal, Secret,
    Trigger, Verdict,
    hmac::{equal_in_constant_time, sha256_hex, verify_sha256_hex},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const SET_UP: &str = "\
Have the sender POST to {url}. It proves itself with the connection's `token`, sent as `Authorization: Bearer TOKEN` or \
`X-Webhook-Token: TOKEN`, or by signing the body with the connection's `hmac_secret` (HMAC-SHA256 in hex).";

/// The shortest secret that is not told to be too short.
const LONG_ENOUGH: usize = 16;

pub(crate) fn connector() -> Connector {
    Connector::new("webhook", "Deliveries from anybody who can send an HTTP request.", open, check)
        .lints(lints)
        .trigger(Trigger::new::<With, Received>(
            "received",
            "A request came in.",
            SET_UP,
            verify,
            decode,
        ))
}

/// How a sender proves who it is. With both a token and a signature, both are asked for.
#[derive(Deserialize, JsonSchema, Clone)]
struct Settings {
    /// The token that the sender gives.
    token: Option<Secret>,
    /// The secret that the sender signs the body with.
    hmac_secret: Option<Secret>,
    /// The header that the signature is in.
    #[serde(default = "signature_header")]
    hmac_header: String,
    /// What stands before the signature in its header, such as `sha256=`.
    #[serde(default)]
    hmac_prefix: String,
    /// Takes deliveries from anybody, without any proof.
    #[serde(default)]
    insecure: bool,
}

fn open(settings: Settings, _: &Opening) -> Result<Settings, Failure> {
    if settings.hmac_header.trim().is_empty() {
        return Err(Failure::permanent(
            "invalid_setting",
            "expected the name of a header in `hmac_header`, found nothing",
        ));
    }
    Ok(settings)
}

async fn check(settings: std::sync::Arc<Settings>, _: Call) -> Vec<Finding> {
    let bad = lints(&settings);
    if bad.is_empty() {
        vec![Finding::good("the proof of the sender", "a token or a signature is asked for")]
    } else {
        bad
    }
}

fn lints(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let secrets = [("token", &settings.token), ("hmac_secret", &settings.hmac_secret)];
    let any = secrets.iter().any(|(_, secret)| secret.is_some());
    if settings.insecure {
        findings.push(if any {
            Finding::bad(
                "`insecure`",
                "a token or secret is set too, and asked for",
                "Remove `insecure: true`.",
            )
        } else {
            Finding::bad(
                "`insecure`",
                "anybody can start jobs",
                "Set `token` or `hmac_secret`, and remove `insecure: true`.",
            )
        });
    } else if !any {
        let cure =
            "Set `token` or `hmac_secret`, or write `insecure: true` if anybody may start jobs.";
        findings.push(Finding::bad(
            "the proof of the sender",
            "none is asked for, so every delivery is refused",
            cure,
        ));
    }
    for (name, secret) in secrets {
        let len = secret.as_ref().map_or(LONG_ENOUGH, |secret| secret.expose().chars().count());
        if len < LONG_ENOUGH {
            let cure = format!("Make one of at least {LONG_ENOUGH} random characters.");
            findings.push(Finding::bad(
                format!("`{name}`"),
                format!("it has {len} characters"),
                cure,
            ));
        }
    }
    findings
}

#[derive(Deserialize, JsonSchema)]
struct With {
    /// The header whose value is equal when the sender repeats a delivery. Without it in a delivery, the same query
    /// and body count as a repeat.
    #[serde(default = "dedupe_header")]
    dedupe_header: String,
}

/// What came.
#[derive(Serialize, JsonSchema)]
struct Received {
    /// The body: read as JSON if it is JSON, as a map if it is a form, else as text; null when there is none.
    body: Value,
    /// The headers without credentials, names in lower case.
    headers: BTreeMap<String, String>,
    /// The query; of a name that comes twice, the last value.
    query: BTreeMap<String, String>,
}

fn verify(connection: &Connection, _: &With, delivery: &Delivery) -> Result<Verdict, Refusal> {
    let settings = connection.inner::<Settings>();
    if settings.token.is_none() && settings.hmac_secret.is_none() && !settings.insecure {
        return Err(Refusal::unauthorized(
            "the connection asks for no proof, and does not say `insecure: true`",
        ));
    }
    let token_fits = settings.token.as_ref().is_none_or(|token| {
        let bearer = delivery.header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let given = bearer.or(delivery.header("x-webhook-token")).unwrap_or_default();
        equal_in_constant_time(token, given) && !given.is_empty()
    });
    let signature_fits = settings.hmac_secret.as_ref().is_none_or(|secret| {
        let header =
            delivery.header(&settings.hmac_header.trim().to_ascii_lowercase()).unwrap_or_default();
        let signature = header.strip_prefix(settings.hmac_prefix.as_str());
        signature
            .is_some_and(|signature| verify_sha256_hex(secret, &delivery.body, signature.trim()))
    });
    if token_fits && signature_fits {
        Ok(Verdict::Events)
    } else {
        Err(Refusal::unauthorized("no valid token or signature"))
    }
}

fn decode(with: &With, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
    const CREDENTIALS: [&str; 4] =
        ["authorization", "proxy-authorization", "cookie", "x-webhook-token"];
    let text = std::str::from_utf8(&delivery.body).map_err(|_| {
        Failure::permanent(
            "unreadable_body",
            "expected a body of text, found bytes that are no UTF-8",
        )
    })?;
    let form = delivery
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = match serde_json::from_str(text) {
        _ if text.trim().is_empty() => Value::Null,
        Ok(body) => body,
        Err(_) if form => {
            pairs(text).into_iter().map(|(name, value)| (name, Value::String(value))).collect()
        }
        Err(problem)
            if delivery.header("content-type").is_some_and(|kind| kind.contains("json")) =>
        {
            let (line, column) = (problem.line(), problem.column());
            return Err(Failure::permanent(
                "unreadable_body",
                format!("the body says that it is JSON and is not (line {line}, column {column})"),
            ));
        }
        Err(_) => text.into(),
    };
    let headers = delivery.headers.iter().filter(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
    let received =
        Received { body, headers: headers.cloned().collect(), query: pairs(&delivery.query) };
    let given = delivery.header(&with.dedupe_header.to_ascii_lowercase());
    let whole = || sha256_hex(&[delivery.query.as_bytes(), b"\n", &delivery.body].concat());
    let key = given.map_or_else(|| format!("sha256/{}", whole()), |given| format!("given/{given}"));
    Ok(vec![Event::new(key.clone(), key, &received)?])
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn signature_header() -> String {
    "X-Signature".into()
}

fn dedupe_header() -> String {
    "Idempotency-Key".into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;

    use connector::{ManualClock, hmac::sign_sha256_hex, jiff::Timestamp};
    use serde_json::json;

    use super::*;

    const TOKEN: &str = "canary-token-0123456789";

    fn opened(settings: Value) -> Connection {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        connector().open(settings, &Opening { name: "hook".into(), clock }).unwrap()
    }

    fn delivery(headers: &[(&str, &str)], query: &str, body: &str) -> Delivery {
        Delivery {
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            query: query.into(),
            body: body.as_bytes().into(),
            received_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn status(settings: Value, delivery: &Delivery) -> u16 {
        let connector = connector();
        match connector.triggers[0].verify(&opened(settings), &json!({}), delivery) {
            Ok(Verdict::Events) => 200,
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => {
                assert!(!refusal.reason.contains("canary"));
                refusal.status
            }
        }
    }

    fn event(with: &Value, delivery: &Delivery) -> Event {
        connector().triggers[0].decode(with, delivery).unwrap().remove(0)
    }

    #[test]
    fn only_who_knows_the_token_is_let_in() {
        let table = [
            ("authorization", format!("Bearer {TOKEN}"), 200),
            ("authorization", format!("bearer {TOKEN}"), 200),
            ("x-webhook-token", TOKEN.into(), 200),
            ("authorization", format!("Basic {TOKEN}"), 401),
            ("authorization", TOKEN.into(), 401),
            ("authorization", "Bearer ".into(), 401),
            ("x-webhook-token", TOKEN[1..].into(), 401),
            ("x-webhook-token", String::new(), 401),
            ("x-other", TOKEN.into(), 401),
        ];
        for (name, value, expected) in table {
            let found = status(json!({ "token": TOKEN }), &delivery(&[(name, &value)], "", "{}"));
            assert_eq!(found, expected, "{name}: {value}");
        }
        assert_eq!(
            status(json!({ "token": "" }), &delivery(&[], "", "{}")),
            401,
            "an empty token lets nobody in"
        );
    }

    #[test]
    fn only_who_signs_the_very_bytes_is_let_in() {
        let body = r#"{"text":"\u003cp\u003e"}"#;
        let signature = sign_sha256_hex(&Secret::new(TOKEN), body.as_bytes());
        let settings = || json!({ "hmac_secret": TOKEN, "hmac_header": "X-Hub-Signature-256", "hmac_prefix": "sha256=" });
        let signed = |header: &str, body| delivery(&[("x-hub-signature-256", header)], "", body);
        assert_eq!(status(settings(), &signed(&format!("sha256={signature}"), body)), 200);
        assert_eq!(status(settings(), &signed(&signature, body)), 401, "the prefix is missing");
        assert_eq!(
            status(settings(), &signed(&format!("sha256={signature}"), r#"{"text":"<p>"}"#)),
            401
        );
        assert_eq!(status(settings(), &signed("sha256=", body)), 401);
        assert_eq!(status(settings(), &delivery(&[], "", body)), 401);
        let mut both = settings();
        both["token"] = json!(TOKEN);
        assert_eq!(
            status(both, &signed(&format!("sha256={signature}"), body)),
            401,
            "the token is asked for too"
        );
    }

    #[test]
    fn without_a_proof_nobody_is_let_in_unless_that_is_said_and_both_are_linted() {
        let open = delivery(&[], "", "{}");
        assert_eq!(status(json!({}), &open), 401);
        assert_eq!(status(json!({ "insecure": true }), &open), 200);
        let linted = |settings: Value| connector().lint(&settings).len();
        assert_eq!(linted(json!({})), 1);
        assert_eq!(linted(json!({ "insecure": true })), 1);
        assert_eq!(linted(json!({ "insecure": true, "token": TOKEN })), 1);
        assert_eq!(linted(json!({ "token": "short", "hmac_secret": "short" })), 2);
        assert_eq!(linted(json!({ "token": TOKEN })), 0);
        let told = format!("{:?}", connector().lint(&json!({ "token": "canary" })));
        assert!(told.contains("6 characters") && !told.contains("canary"), "{told}");
    }

    #[test]
    fn the_event_has_what_came_without_credentials() {
        let headers = [
            ("authorization", "Bearer canary"),
            ("cookie", "canary"),
            ("x-mode", "a"),
            ("x-webhook-token", "canary"),
        ];
        let event = event(&json!({}), &delivery(&headers, "a=1&b=x%20y&a=2", r#"{"id":7}"#));
        let expected = json!({ "body": { "id": 7 }, "headers": { "x-mode": "a" }, "query": { "a": "2", "b": "x y" } });
        assert_eq!(event.payload, expected);
        let table = [
            ("text/plain", "hello", json!("hello")),
            ("application/x-www-form-urlencoded", "a=1&b=2", json!({ "a": "1", "b": "2" })),
            ("text/plain", "[1]", json!([1])),
            ("application/json", "", json!(null)),
        ];
        for (kind, body, expected) in table {
            let event = self::event(&json!({}), &delivery(&[("content-type", kind)], "", body));
            assert_eq!(event.payload["body"], expected);
        }
        let broken = delivery(&[("content-type", "application/json")], "", "{");
        assert_eq!(
            connector().triggers[0].decode(&json!({}), &broken).unwrap_err().code,
            "unreadable_body"
        );
    }

    #[test]
    fn repeats_have_the_same_key() {
        let key = |with: Value, headers: &[(&str, &str)], query, body| {
            event(&with, &delivery(headers, query, body)).dedupe_key
        };
        let plain = || json!({});
        assert_eq!(key(plain(), &[], "", "a"), key(plain(), &[("date", "later")], "", "a"));
        assert_ne!(key(plain(), &[], "", "a"), key(plain(), &[], "", "b"));
        assert_ne!(key(plain(), &[], "x=1", "a"), key(plain(), &[], "x=2", "a"));
        assert_eq!(
            key(plain(), &[("idempotency-key", "7")], "", "a"),
            key(plain(), &[("idempotency-key", "7")], "", "b")
        );
        assert_ne!(
            key(plain(), &[("idempotency-key", "7")], "", "a"),
            key(plain(), &[("idempotency-key", "8")], "", "a")
        );
        let own = json!({ "dedupe_header": "X-Event-Id" });
        assert_eq!(key(own, &[("x-event-id", "7")], "", "a"), "given/7");
    }
}
