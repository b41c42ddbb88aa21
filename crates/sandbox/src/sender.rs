//! The webhook sender: escapes, signs and sends events the way Greenhouse does, again and again until it hears 200.
//!
//! <https://developers.greenhouse.io/webhooks.html#general-webhook-information>

use std::{sync::Arc, time::Duration};

use connector::{
    Call, Clock, Failure, Identity, Opening, Secret, hmac,
    http::{Client, ClientSettings},
};
use serde_json::{Value, json};

/// The minutes between attempts: seven attempts over about 15 hours.
const WAITS: [u32; 6] = [1, 15, 60, 120, 240, 480];
/// Greenhouse documents no time-out.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A sender of webhooks.
#[derive(Debug, Clone)]
pub struct Sender {
    secret: Secret,
    clock: Arc<dyn Clock>,
    /// How long a minute of the schedule between attempts takes: a millisecond, so that nobody waits 15 hours.
    pub minute: Duration,
    /// How many attempts there are.
    pub attempts: usize,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The `Greenhouse-Event-ID` of all attempts.
    pub event_id: String,
    /// The status of each attempt; `None` when there was no answer.
    pub statuses: Vec<Option<u16>>,
}

impl Sent {
    /// Returns whether an attempt was answered 200: no other status will do.
    pub fn delivered(&self) -> bool {
        self.statuses.last() == Some(&Some(200))
    }
}

impl Sender {
    /// Returns a sender that signs with `secret`.
    pub fn new(secret: &str, clock: Arc<dyn Clock>) -> Self {
        let minute = Duration::from_millis(1);
        Self { secret: Secret::new(secret), clock, minute, attempts: WAITS.len() + 1 }
    }

    /// Sends an event until it is answered 200 or all attempts are used up.
    pub async fn send(&self, url: &str, event: &Value) -> Result<Sent, Failure> {
        let body = escaped(event);
        let signature = self.signature(body.as_bytes());
        let event_id = event_id(&signature, &*self.clock);
        let mut settings = ClientSettings::new(url)?;
        settings.allow_private_addresses = true;
        settings.timeout = TIMEOUT;
        let mut statuses = Vec::new();
        for attempt in 0..self.attempts {
            if let Some(minutes) = attempt.checked_sub(1) {
                let minutes = WAITS.get(minutes).copied().unwrap_or(WAITS[WAITS.len() - 1]);
                self.clock.sleep(self.minute * minutes).await;
            }
            // A client of its own: the real sender tries seven times, whatever came of the attempts before.
            let opening = Opening::new("webhook", self.clock.clone());
            let request = Client::new(settings.clone(), &opening)?
                .post("")
                .bytes("application/json", body.clone().into_bytes())
                .header("signature", signature.as_str())
                .header("greenhouse-event-id", event_id.as_str());
            let call = Call::new(Identity::default(), self.clock.clone());
            let status = match request.doing("sending the webhook").send(&call).await {
                Ok(answer) => Some(answer.status),
                Err(failure) => failure.exchange.and_then(|exchange| exchange.status),
            };
            statuses.push(status);
            if status == Some(200) {
                break;
            }
        }
        Ok(Sent { event_id, statuses })
    }

    /// Sends the ping that Greenhouse sends when a webhook is saved: once, and a webhook that does not answer 200 is
    /// stored disabled.
    pub async fn ping(&self, url: &str) -> Result<Sent, Failure> {
        let now = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let ping = json!({
            "action": "ping",
            "payload": {
                "web_hook_id": 4_001_693_002_u64,
                "endpoint_url": url,
                "created_at": now,
                "updated_at": now,
                "name": "recipe-runner",
                "event": "Candidate Hired",
                "active": true,
                "content-type": "application/json",
            },
        });
        Self { attempts: 1, ..self.clone() }.send(url, &ping).await
    }

    /// Returns the value of the `Signature` header for a body.
    pub fn signature(&self, body: &[u8]) -> String {
        format!("sha256 {}", hmac::sign_sha256_hex(&self.secret, body))
    }
}

/// Returns an event as Greenhouse writes it: `<`, `>`, `&`, `'` and everything beyond ASCII escaped.
///
/// All of these can only stand inside texts, so the escapes can be put into the written JSON.
pub fn escaped(event: &Value) -> String {
    let written = event.to_string();
    let mut body = String::with_capacity(written.len());
    for letter in written.chars() {
        if letter.is_ascii() && !matches!(letter, '<' | '>' | '&' | '\'') {
            body.push(letter);
        } else {
            let mut units = [0; 2];
            body.extend(
                letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")),
            );
        }
    }
    body
}

/// Returns an id that no other event has: made from the body's signature and the moment.
fn event_id(signature: &str, clock: &dyn Clock) -> String {
    let moment = clock.now().as_nanosecond().to_string();
    let hash = hmac::sign_sha256_hex(&Secret::new(moment), signature.as_bytes());
    format!("{}-{}-{}-{}-{}", &hash[..8], &hash[8..12], &hash[12..16], &hash[16..20], &hash[20..32])
}

#[cfg(test)]
mod tests {
    use connector::SystemClock;

    use super::*;

    #[test]
    fn events_are_escaped_and_signed_like_greenhouses() {
        let event = json!({
            "action": "hire_candidate",
            "payload": { "application": { "id": 1, "candidate": { "first_name": "Zoë", "last_name": "O'Neil & Sons" } } },
        });
        let body = escaped(&event);
        assert!(
            body.ends_with(r#""first_name":"Zo\u00eb","last_name":"O\u0027Neil \u0026 Sons"}}}}"#),
            "{body}"
        );
        let sender = Sender::new("test-secret", Arc::new(SystemClock));
        let expected = "sha256 b8d32c0ebbee0cfba45255be86454add6704ec37fb10bd13f0d851a0bdffef3c";
        assert_eq!(sender.signature(body.as_bytes()), expected);
        let read: Value = serde_json::from_str(&body).expect("escapes leave it JSON");
        assert_eq!(read, event);
        let far = json!({ "name": "龍 𝒵 \"quoted\" <p>" });
        let body = escaped(&far);
        assert_eq!(body, r#"{"name":"\u9f8d \ud835\udcb5 \"quoted\" \u003cp\u003e"}"#);
    }
}
