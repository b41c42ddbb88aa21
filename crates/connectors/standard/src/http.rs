//! The `http` connector: requests to any HTTP service that has no connector of its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use connector::{
    Action, Call, Connector, Declared, Failure, Finding, Opening, Secret,
    http::{Answer, Client, ClientSettings, Method, Request},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::poll;

pub(crate) fn connector() -> Connector {
    Connector::new("http", "Any HTTP service that has no connector of its own.", open, check)
        .action(Action::read("get", "Reads something.", get))
        .action(Action::write("request", "Sends something that changes something.", request))
        .trigger(poll::trigger())
}

/// How to reach an HTTP service.
#[derive(Deserialize, JsonSchema)]
struct Settings {
    /// Where paths begin, such as `https://api.example.com/v1`.
    #[schemars(extend("format" = "uri"))]
    base_url: String,
    /// A token, sent as `Authorization: Bearer`.
    bearer: Option<Secret>,
    /// A user and a password, sent as `Authorization: Basic`.
    basic: Option<Basic>,
    /// Secret headers, such as an API key's; the recipe cannot change them.
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    /// Whether the service may be on this machine or in this network.
    #[serde(default)]
    allow_private_addresses: bool,
    /// How many seconds a request may take.
    #[serde(default = "thirty")]
    timeout_seconds: u64,
    /// How many requests may be under way at once.
    #[serde(default = "four")]
    max_in_flight: usize,
    /// The least number of milliseconds between the starts of two requests.
    #[serde(default)]
    min_interval_ms: u64,
}

#[derive(Deserialize, JsonSchema)]
struct Basic {
    /// The user.
    user: String,
    /// The password.
    password: Secret,
}

pub(crate) struct Service {
    client: Client,
    bearer: Option<Secret>,
    basic: Option<Basic>,
    headers: BTreeMap<String, Secret>,
}

fn open(settings: Settings, opening: &Opening) -> Result<Service, Failure> {
    let mut client = ClientSettings::new(&settings.base_url)?;
    client.allow_private_addresses = settings.allow_private_addresses;
    client.timeout = Duration::from_secs(settings.timeout_seconds);
    client.max_in_flight = settings.max_in_flight;
    client.min_interval = Duration::from_millis(settings.min_interval_ms);
    let Settings { bearer, basic, headers, .. } = settings;
    Ok(Service { client: Client::new(client, opening)?, bearer, basic, headers })
}

async fn check(service: Arc<Service>, call: Call) -> Vec<Finding> {
    const WHAT: &str = "the service answers";
    // Any answer shows that somebody is there; only those about credentials say that something is wrong.
    let every: Vec<u16> = (300..600).filter(|status| ![401, 403].contains(status)).collect();
    let request = service.with_credentials(service.client.get(""));
    vec![match request.doing("asking for the base URL").accept(&every).send(&call).await {
        Ok(answer) => Finding::good(WHAT, format!("the base URL answered {}", answer.status)),
        Err(failure) => {
            let cure = failure.hint.unwrap_or_else(|| {
                "Look whether the base URL is right and the service is up.".into()
            });
            Finding::bad(WHAT, failure.message, cure)
        }
    }]
}

#[derive(Deserialize, JsonSchema)]
struct Get {
    /// The path below the base URL.
    #[schemars(example = "/employees/{{ steps.employee.id }}")]
    path: String,
    /// The query: texts, numbers, true or false, or lists of them.
    #[serde(default)]
    #[schemars(example = json!({ "email": "{{ event.candidate.email_addresses | pluck('value') | first }}" }))]
    query: Map<String, Value>,
    /// Headers beside the connection's.
    #[serde(default)]
    #[schemars(example = json!({ "Accept-Language": "en" }))]
    headers: BTreeMap<String, String>,
    /// Statuses to take as success beside 2xx.
    #[serde(default)]
    #[schemars(example = [404])]
    expect: Vec<u16>,
    /// What the body of the answer holds, as a declared shape: the check then knows its fields. An answer that is not so
    /// fails the step; fields that are not declared may be there, and cannot be used.
    #[serde(default)]
    #[schemars(
        with = "Value",
        extend("x-declares" = true),
        example = json!({ "id": "text", "tags": ["text"] })
    )]
    reply: Option<Declared>,
}

#[derive(Deserialize, JsonSchema)]
struct Send {
    /// The method.
    #[serde(default)]
    method: Verb,
    /// The path below the base URL.
    #[schemars(example = "/tickets")]
    path: String,
    /// The query: texts, numbers, true or false, or lists of them.
    #[serde(default)]
    #[schemars(example = json!({ "notify": true }))]
    query: Map<String, Value>,
    /// Headers beside the connection's.
    #[serde(default)]
    #[schemars(example = json!({ "Accept-Language": "en" }))]
    headers: BTreeMap<String, String>,
    /// What to send, as JSON; a text is sent as it is when a `content-type` other than JSON is among the headers.
    #[schemars(example = json!({ "title": "{{ event.candidate.last_name }} was hired", "urgent": true }))]
    body: Option<Value>,
    /// What to send, as a form, in the place of `body`.
    #[schemars(example = json!({ "title": "{{ event.candidate.last_name }} was hired" }))]
    form: Option<BTreeMap<String, String>>,
    /// Statuses to take as success beside 2xx.
    #[serde(default)]
    #[schemars(example = [409])]
    expect: Vec<u16>,
    /// What the body of the answer holds, as a declared shape: the check then knows its fields. An answer that is not so
    /// fails the step; fields that are not declared may be there, and cannot be used.
    #[serde(default)]
    #[schemars(
        with = "Value",
        extend("x-declares" = true),
        example = json!({ "id": "text", "tags": ["text"] })
    )]
    reply: Option<Declared>,
}

#[derive(Deserialize, Serialize, JsonSchema, Default, Clone, Copy)]
#[serde(rename_all = "UPPERCASE")]
enum Verb {
    #[default]
    Post,
    Put,
    Patch,
    Delete,
}

/// What came back.
#[derive(Serialize, JsonSchema)]
struct Came {
    /// The status.
    status: u16,
    /// The headers, names in lower case.
    headers: BTreeMap<String, String>,
    /// The body: read as JSON when it says that it is JSON, else as text; null when there is none.
    #[schemars(extend("x-declared-in" = "with.reply"))]
    body: Value,
}

async fn get(service: Arc<Service>, call: Call, get: Get) -> Result<Came, Failure> {
    let request = service.request(Method::GET, &get.path, &get.query, &get.headers)?;
    came(&request.accept(&get.expect).send(&call).await?, get.reply.as_ref())
}

async fn request(service: Arc<Service>, call: Call, send: Send) -> Result<Came, Failure> {
    let method = match send.method {
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
        Verb::Patch => Method::PATCH,
        Verb::Delete => Method::DELETE,
    };
    let mut request = service.request(method, &send.path, &send.query, &send.headers)?;
    let content_type =
        send.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    request = match (send.form, send.body) {
        (Some(_), Some(_)) => {
            return Err(Failure::permanent(
                "invalid_input",
                "expected `body` or `form`, found both",
            ));
        }
        (Some(form), None) => {
            let fields: Vec<_> =
                form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            request.form(&fields)
        }
        (None, Some(Value::String(text)))
            if content_type.is_some_and(|(_, kind)| !kind.contains("json")) =>
        {
            request.bytes(content_type.map_or("text/plain", |(_, kind)| kind), text.into_bytes())
        }
        (None, Some(body)) => request.json(&body),
        (None, None) => request,
    };
    came(&request.accept(&send.expect).send(&call).await?, send.reply.as_ref())
}

impl Service {
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        query: &Map<String, Value>,
        headers: &BTreeMap<String, String>,
    ) -> Result<Request, Failure> {
        let mut request = self.client.request(method, path);
        for (name, value) in query {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values {
                request = match value {
                    Value::Null => request,
                    Value::String(text) => request.query(name, text),
                    Value::Number(_) | Value::Bool(_) => request.query(name, value),
                    Value::Array(_) | Value::Object(_) => {
                        return Err(Failure::permanent(
                            "invalid_input",
                            format!(
                                "input `query.{name}`: expected a text, a number, true or false, or a list of them"
                            ),
                        ));
                    }
                };
            }
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Ok(self.with_credentials(request))
    }

    /// Adds the credentials, after the recipe's headers, so that they win.
    fn with_credentials(&self, mut request: Request) -> Request {
        if let Some(Basic { user, password }) = &self.basic {
            request = request.basic(user, password);
        }
        if let Some(token) = &self.bearer {
            request = request.bearer(token);
        }
        self.headers
            .iter()
            .fold(request, |request, (name, value)| request.secret_header(name, value))
    }
}

fn came(answer: &Answer, reply: Option<&Declared>) -> Result<Came, Failure> {
    let is_json = answer.header("content-type").is_some_and(|kind| kind.contains("json"));
    let body = match std::str::from_utf8(&answer.body) {
        _ if is_json || answer.body.is_empty() => answer.value()?,
        Ok(text) => text.into(),
        Err(_) => return Err(answer.unreadable("a body that is neither JSON nor text")),
    };
    let body = match reply {
        None => body,
        Some(declared) => declared.fit("body", body).map_err(|why| {
            answer.unreadable(&format!("a body that `reply` does not declare: {why}"))
        })?,
    };
    // A session's cookie is a secret of the exchange, nothing for a recipe.
    let headers = answer.headers.iter().filter(|(name, _)| *name != "set-cookie");
    let headers = headers
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    Ok(Came { status: answer.status, headers: headers.collect(), body })
}

fn thirty() -> u64 {
    30
}

fn four() -> usize {
    4
}

#[cfg(test)]
mod tests;
