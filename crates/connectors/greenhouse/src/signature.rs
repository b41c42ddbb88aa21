//! Whether a webhook is genuine: Greenhouse signs each with the connection's secret.
//!
//! <https://developers.greenhouse.io/webhooks.html#authentication>

use connector::{Connection, Delivery, Payload, Refusal, Verdict, hmac};
use serde::Deserialize;

use crate::account::Account;

/// Looks whether a delivery bears the signature of the connection's secret over its raw bytes, and whether it is
/// about `action`, such as `hire_candidate`.
///
/// Greenhouse signs the text it sends, escapes included, so the bytes are never parsed and written again. The
/// signature is of the form `sha256 <hex>`, pings included.
pub(crate) fn verify(
    connection: &Connection,
    delivery: &Delivery,
    action: &str,
) -> Result<Verdict, Refusal> {
    let account = connection.inner::<Account>();
    let Some(secret) = &account.webhook_secret else {
        return Err(Refusal::unauthorized(format!(
            "the connection `{}` has no `webhook_secret`",
            connection.name
        )));
    };
    let Some(signature) = delivery.header("signature") else {
        return Err(Refusal::unauthorized("there is no `Signature` header"));
    };
    let genuine = signature.split_once(' ').is_some_and(|(kind, hex)| {
        kind == "sha256" && hmac::verify_sha256_hex(secret, &delivery.body, hex)
    });
    if !genuine {
        return Err(Refusal::unauthorized("the signature does not match the body and the secret"));
    }
    // What is genuine is never refused: if it cannot be read, the job made of it says why.
    let about: About = serde_json::from_slice(&delivery.body).unwrap_or_default();
    Ok(match about.action.as_deref() {
        Some("ping") => Verdict::Ping,
        Some(found) if found != action => Verdict::Other,
        Some(_) | None => Verdict::Events,
    })
}

/// What a delivery is about; the rest is read when it is decoded.
#[derive(Default, Deserialize)]
struct About {
    action: Option<String>,
}

/// Returns the JSON of a delivery.
pub(crate) fn body(delivery: &Delivery) -> Result<Payload, connector::Failure> {
    Payload::read(&delivery.body).map_err(|problem| {
        connector::Failure::permanent(
            "invalid_payload",
            format!("the webhook's body is not JSON: {problem}"),
        )
        .hint("The delivery is kept. Compare it with the event in Greenhouse's webhook log.")
    })
}
