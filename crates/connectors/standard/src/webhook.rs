//! The `webhook` connector: deliveries from anybody who can send an HTTP request with a token or a signature.

use std::collections::BTreeMap;

use connector::{
    Call, Connection, Connector, Declared, Delivery, Event, Failure, Finding, Opening, Refusal,
    Secret, Trigger, Verdict,
    hmac::{equal_in_constant_time, sha256_hex, verify_sha256_hex},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const SET_UP: &str = "\
Have the sender POST to {url}. It proves itself with the connection's `token`, sent as `Authorization: Bearer TOKEN` or \
`X-Webhook-Token: TOKEN`, or by signing the body with the connection's `hmac_secret` (HMAC-SHA256 in hex).";

/// The shortest secret that is not told to be too short.
const LONG_ENOUGH: usize = 16;

pub(crate) fn connector() -> Connector {
    Connector::new("webhook", "Deliveries from anybody who can send an HTTP request.", open, check)
        .lints(lints)
        .trigger(
            Trigger::new::<With, Received>(
                "received",
                "A request came in.",
                SET_UP,
                verify,
                decode,
            )
            .answers(),
        )
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
    #[schemars(example = "X-Delivery-Id")]
    dedupe_header: String,
    /// What the body holds, as a declared shape: the check then knows its fields. A delivery that is not so waits for a
    /// person; fields that are not declared may be there, and cannot be used. The values of a form are texts.
    #[serde(default)]
    #[schemars(
        with = "Value",
        extend("x-declares" = true),
        example = json!({ "name": "text", "amount": "number?" })
    )]
    body: Option<Declared>,
}

/// What came.
#[derive(Serialize, JsonSchema)]
struct Received {
    /// The body: read as JSON if it is JSON, as a map if it is a form, else as text; null when there is none.
    #[schemars(extend("x-declared-in" = "with.body"))]
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
    let body = match &with.body {
        None => body,
        Some(declared) => declared.fit("event.body", body).map_err(|why| {
            Failure::permanent("unexpected_body", why)
                .hint("Have the sender send what `with.body` of the trigger declares, or declare what is sent.")
        })?,
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
mod tests;
