//! How a GoCo tenant answers: envelopes, spelling, pages, errors.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::{Map, Value, json};

use super::switches::{Envelope, Naming, Paging, Switches};

/// An answer before it is written.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Content,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Empty,
    Json(Value),
    Html(&'static str),
}

/// What a list request asks for, and where.
pub(super) struct Asked<'a> {
    pub(super) switches: &'a Switches,
    /// `employees`.
    pub(super) resource: &'static str,
    /// The URL without its query.
    pub(super) url: String,
    pub(super) query: &'a [(String, String)],
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Content::Json(body) }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Content::Empty }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// An error with a sentence.
    pub(super) fn error(status: u16, message: &str) -> Self {
        Self::json(status, json!({ "message": message }))
    }

    /// A refused body: each property with what is wrong about it.
    pub(super) fn invalid(errors: &Map<String, Value>) -> Self {
        Self::json(422, json!({ "message": "Validation failed", "errors": errors }))
    }

    /// An object in the tenant's envelope and spelling.
    pub(super) fn object(status: u16, switches: &Switches, singular: &str, object: Value) -> Self {
        let object = respell(switches.naming, object);
        let body = match switches.envelope {
            Envelope::Bare => object,
            Envelope::Data => json!({ "data": object }),
            Envelope::Named => json!({ singular: object }),
        };
        Self::json(status, body)
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.status).unwrap_or(StatusCode::IM_A_TEAPOT));
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let response = match self.body {
            Content::Empty => response.body(Body::empty()),
            Content::Json(body) => response
                .header("content-type", "application/json")
                .body(Body::from(body.to_string())),
            Content::Html(page) => {
                response.header("content-type", "text/html; charset=utf-8").body(Body::from(page))
            }
        };
        response.expect("headers are made here, of visible characters")
    }
}

impl Asked<'_> {
    /// Returns the asked page of `entries`.
    pub(super) fn page(&self, entries: Vec<Value>) -> Answer {
        let total = entries.len();
        let largest = self.switches.page_size.max(1);
        let size = match self.switches.paging {
            Paging::None => total,
            Paging::Offset => self.number("limit").unwrap_or(largest).clamp(1, largest),
            _ => self.number("per_page").unwrap_or(largest).clamp(1, largest),
        };
        let first = match self.first(size, total) {
            Ok(first) => first,
            Err(refusal) => return refusal,
        };
        let page: Vec<Value> = entries
            .into_iter()
            .skip(first)
            .take(size)
            .map(|entry| respell(self.switches.naming, entry))
            .collect();
        let next = (first + page.len() < total).then_some(first + page.len());

        let mut around = Map::new();
        let mut headers = Vec::new();
        if self.switches.totals {
            headers.push(("x-total-count", total.to_string()));
            if self.switches.envelope != Envelope::Bare {
                around.insert("meta".into(), json!({ "total": total }));
            }
        }
        match self.switches.paging {
            Paging::Cursor => {
                around
                    .insert("next_cursor".into(), json!(next.map(|next| format!("after-{next}"))));
            }
            Paging::NextUrl => {
                around.insert(
                    "links".into(),
                    json!({ "next": next.map(|next| self.url_of(next, size)) }),
                );
            }
            Paging::Link => {
                if let Some(next) = next {
                    headers.push(("link", format!("<{}>; rel=\"next\"", self.url_of(next, size))));
                }
            }
            Paging::None | Paging::Page | Paging::PageFromZero | Paging::Offset => {}
        }
        Answer { status: 200, headers, body: Content::Json(self.around(page, around)) }
    }

    /// Returns the index of the first entry asked for.
    fn first(&self, size: usize, total: usize) -> Result<usize, Answer> {
        let page = self.number("page");
        Ok(match self.switches.paging {
            Paging::None => 0,
            Paging::Page | Paging::Link | Paging::NextUrl => (page.unwrap_or(1).max(1) - 1) * size,
            Paging::PageFromZero => page.unwrap_or(0) * size,
            Paging::Offset => self.number("offset").unwrap_or(0),
            Paging::Cursor => match self.text("cursor") {
                None => 0,
                Some(cursor) => cursor
                    .strip_prefix("after-")
                    .and_then(|first| first.parse().ok())
                    .filter(|first| *first < total)
                    .ok_or_else(|| Answer::error(400, "cursor is invalid"))?,
            },
        })
    }

    fn around(&self, page: Vec<Value>, mut around: Map<String, Value>) -> Value {
        let key = match self.switches.envelope {
            Envelope::Bare if around.is_empty() => return Value::Array(page),
            Envelope::Bare => "items",
            Envelope::Data => "data",
            Envelope::Named => self.resource,
        };
        around.insert(key.into(), Value::Array(page));
        Value::Object(around)
    }

    fn url_of(&self, first: usize, size: usize) -> String {
        format!("{}?page={}", self.url, first / size + 1)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }
}

/// Spells the keys of an object the way the tenant does.
fn respell(naming: Naming, value: Value) -> Value {
    match value {
        Value::Object(fields) if naming == Naming::Camel => {
            fields.into_iter().map(|(key, value)| (camel(&key), value)).collect()
        }
        other => other,
    }
}

/// Returns the key that the tenant uses for the snake-case `key`.
pub(super) fn spelled(naming: Naming, key: &str) -> String {
    match naming {
        Naming::Snake => key.to_owned(),
        Naming::Camel => camel(key),
    }
}

fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
