//! Hires as Greenhouse sends them: the sandbox's event of its documented sample, with a person of its own each.

use connector::{Secret, hmac::sign_sha256_hex};
use sandbox::{
    escaped,
    greenhouse::{GreenhouseTenant, Switches},
};
use serde_json::json;

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
const JOHNNY: u64 = 35_897_443;

/// Where hires come from.
#[derive(Clone)]
pub(crate) struct Hires {
    text: String,
    application: String,
    secret: Secret,
}

impl Hires {
    /// Takes the event of a person who was hired now, without documents.
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut event = runtime.block_on(async {
            GreenhouseTenant::start(Switches::default()).await.unwrap().hire(JOHNNY).unwrap()
        });
        let application = event["payload"]["application"]["id"].to_string();
        // Attachments are links: the recipe of the measurement sends none, and the body keeps its size.
        event["payload"]["application"]["candidate"]["title"] = json!("Hired by a measurement");
        Self { text: escaped(&event), application, secret: Secret::new(SECRET) }
    }

    /// Returns the first name of the person with that number.
    pub(crate) fn name(number: usize) -> String {
        format!("P{number:07}")
    }

    /// Returns the body of the hire with that number, and its signature.
    pub(crate) fn hire(&self, number: usize) -> (Vec<u8>, String) {
        self.hire_of(number, number)
    }

    /// Returns the hire with that number of the candidate with another one.
    fn hire_of(&self, number: usize, candidate: usize) -> (Vec<u8>, String) {
        let body = self
            .text
            .replace(&JOHNNY.to_string(), &format!("4{candidate:07}"))
            .replace(&self.application, &format!("5{number:07}"))
            .replace("Johnny", &Self::name(number));
        let signature = sign_sha256_hex(&self.secret, body.as_bytes());
        (body.into_bytes(), signature)
    }

    /// Returns how many bytes the body of a hire has.
    pub(crate) fn bytes(&self) -> usize {
        self.hire(0).0.len()
    }

    /// Returns the whole request of a hire.
    pub(crate) fn request(&self, number: usize, recipe: &str) -> Vec<u8> {
        self.request_of(number, number, recipe)
    }

    /// Returns the whole request of a hire of the candidate with another number: hires of one candidate wait for each
    /// other.
    pub(crate) fn request_of(&self, number: usize, candidate: usize, recipe: &str) -> Vec<u8> {
        let (body, signature) = self.hire_of(number, candidate);
        let mut request = format!(
            "POST /hooks/{recipe} HTTP/1.1\r\nhost: bench\r\nsignature: sha256 {signature}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body);
        request
    }
}

/// Returns a request to a recipe of the `webhook` connector.
pub(crate) fn webhook(recipe: &str, key: usize, body: &str) -> Vec<u8> {
    format!(
        "POST /hooks/{recipe} HTTP/1.1\r\nhost: bench\r\nx-webhook-token: {SECRET}\r\nidempotency-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
