//! What the tenant answers.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, header::CONTENT_TYPE},
};
use serde_json::{Value, json};

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: "application/json",
            body: body.to_string().into_bytes(),
        }
    }

    /// A refusal with one message.
    pub(super) fn message(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "message": message }))
    }

    /// A refusal of something sent: v3 has texts or maps in `errors`.
    pub(super) fn invalid(error: impl Into<Value>) -> Self {
        Self::json(422, &json!({ "errors": [error.into()] }))
    }

    pub(super) fn not_found() -> Self {
        Self::message(404, "Resource not found")
    }

    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status.try_into().expect("a status is between 100 and 999");
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        for (name, value) in self.headers {
            let value =
                HeaderValue::try_from(value).expect("header values are made here, of ASCII");
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
        response
    }
}
