//! The `http` connector: requests to any HTTP service that has no connector of its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use connector::{
    Action, Call, Connector, Failure, Finding, Opening, Secret,
    http::{Answer, Client, ClientSettings, Method, Request},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) fn connector() -> Connector {
    Connector::new("http", "Any HTTP service that has no connector of its own.", open, check)
        .action(Action::read("get", "Reads something.", get))
        .action(Action::write("request", "Sends something that changes something.", request))
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

struct Service {
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
    path: String,
    /// The query: texts, numbers, true or false, or lists of them.
    #[serde(default)]
    query: Map<String, Value>,
    /// Headers beside the connection's.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Statuses to take as success beside 2xx.
    #[serde(default)]
    expect: Vec<u16>,
}

#[derive(Deserialize, JsonSchema)]
struct Send {
    /// The method.
    #[serde(default)]
    method: Verb,
    /// The path below the base URL.
    path: String,
    /// The query: texts, numbers, true or false, or lists of them.
    #[serde(default)]
    query: Map<String, Value>,
    /// Headers beside the connection's.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What to send, as JSON; a text is sent as it is when a `content-type` other than JSON is among the headers.
    body: Option<Value>,
    /// What to send, as a form, in the place of `body`.
    form: Option<BTreeMap<String, String>>,
    /// Statuses to take as success beside 2xx.
    #[serde(default)]
    expect: Vec<u16>,
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
    body: Value,
}

async fn get(service: Arc<Service>, call: Call, get: Get) -> Result<Came, Failure> {
    let request = service.request(Method::GET, &get.path, &get.query, &get.headers)?;
    came(&request.accept(&get.expect).send(&call).await?)
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
    came(&request.accept(&send.expect).send(&call).await?)
}

impl Service {
    fn request(
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

fn came(answer: &Answer) -> Result<Came, Failure> {
    let is_json = answer.header("content-type").is_some_and(|kind| kind.contains("json"));
    let body = match std::str::from_utf8(&answer.body) {
        _ if is_json || answer.body.is_empty() => answer.value()?,
        Ok(text) => text.into(),
        Err(_) => return Err(answer.unreadable("a body that is neither JSON nor text")),
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use axum::{Json, extract::Request, http::StatusCode, response::IntoResponse};
    use connector::{Connection, EffectSpec, FailureKind, Identity, SystemClock};
    use serde_json::json;

    use super::*;

    /// Answers with what it was sent.
    async fn echo() -> String {
        let app = axum::Router::new()
            .route("/v1/text", axum::routing::get(|| async { ([("set-cookie", "a=b"), ("x-mode", "m")], "plain") }))
            .route("/v1/refused", axum::routing::any(|| async { (StatusCode::CONFLICT, Json(json!({ "error": "twice" }))) }))
            .fallback(async |request: Request| {
                let (head, body) = request.into_parts();
                let header = |name| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
                let said = json!({
                    "line": format!("{} {}", head.method, head.uri),
                    "authorization": header("authorization"),
                    "key": header("x-key"),
                    "kind": header("content-type"),
                    "body": String::from_utf8(axum::body::to_bytes(body, 9999).await.unwrap().into()).unwrap(),
                });
                Json(said).into_response()
            });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        url
    }

    fn opening() -> Opening {
        Opening { name: "service".into(), clock: Arc::new(SystemClock) }
    }

    async fn opened(more: Value) -> Connection {
        let mut settings = json!({ "base_url": echo().await, "allow_private_addresses": true });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        connector().open(settings, &opening()).unwrap()
    }

    async fn send(connection: &Connection, action: &str, input: Value) -> Result<Value, Failure> {
        let connector = connector();
        let action = connector.actions.iter().find(|one| one.name == action).unwrap();
        let call = Call::new(Identity::default(), Arc::new(SystemClock));
        let prepared = action.prepare(connection, &call, input.clone()).await?;
        action.run(connection, &call, input, prepared).await
    }

    #[tokio::test]
    async fn what_a_recipe_gives_is_sent_with_the_connections_credentials() {
        let connection = opened(json!({ "bearer": "canary", "headers": { "X-Key": "key" } })).await;
        let input = json!({
            "path": "/people",
            "query": { "page": 2, "all": true, "id": ["a", "b c"], "none": null },
            "headers": { "Authorization": "mine", "x-key": "mine" },
        });
        let came = send(&connection, "get", input).await.unwrap();
        assert_eq!(came["status"], 200);
        assert_eq!(came["headers"]["content-type"], "application/json");
        assert_eq!(
            came["body"],
            json!({
                "line": "GET /v1/people?page=2&all=true&id=a&id=b+c",
                "authorization": "Bearer canary",
                "key": "key",
                "kind": null,
                "body": "",
            })
        );
    }

    #[tokio::test]
    async fn bodies_are_json_forms_or_texts() {
        let connection = opened(json!({ "basic": { "user": "u", "password": "p" } })).await;
        let table = [
            (json!({ "body": { "a": 1 } }), "POST", json!("application/json"), r#"{"a":1}"#),
            (json!({ "body": "a" }), "POST", json!("application/json"), r#""a""#),
            (
                json!({ "form": { "a": "b c" }, "method": "PUT" }),
                "PUT",
                json!("application/x-www-form-urlencoded"),
                "a=b+c",
            ),
            (
                json!({ "body": "<a/>", "headers": { "Content-Type": "text/xml" } }),
                "POST",
                json!("text/xml"),
                "<a/>",
            ),
            (json!({ "method": "DELETE" }), "DELETE", json!(null), ""),
        ];
        for (mut input, method, kind, body) in table {
            input["path"] = json!("x");
            let came = send(&connection, "request", input).await.unwrap();
            let expected = json!({
                "line": format!("{method} /v1/x"), "authorization": "Basic dTpw", "key": null, "kind": kind, "body": body,
            });
            assert_eq!(came["body"], expected);
        }
    }

    #[tokio::test]
    async fn answers_are_json_or_text_and_unexpected_statuses_are_failures() {
        let connection = opened(json!({})).await;
        let came = send(&connection, "get", json!({ "path": "text" })).await.unwrap();
        assert_eq!(came["body"], "plain");
        assert_eq!(
            (&came["headers"]["x-mode"], came["headers"].get("set-cookie")),
            (&json!("m"), None)
        );
        let failure = send(&connection, "request", json!({ "path": "refused" })).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permanent, "conflict"));
        assert!(failure.message.ends_with("409 Conflict: twice"), "{failure}");
        let came = send(&connection, "request", json!({ "path": "refused", "expect": [409] }))
            .await
            .unwrap();
        assert_eq!((&came["status"], &came["body"]["error"]), (&json!(409), &json!("twice")));
        for input in [
            json!({ "path": "x", "body": 1, "form": {} }),
            json!({ "path": "x", "query": { "a": {} } }),
        ] {
            assert_eq!(
                send(&connection, "request", input).await.unwrap_err().code,
                "invalid_input"
            );
        }
    }

    #[tokio::test]
    async fn a_check_up_says_whether_somebody_answers() {
        let call = || Call::new(Identity::default(), Arc::new(SystemClock));
        let findings = connector().check(&opened(json!({})).await, call()).await;
        assert_eq!(findings, [Finding::good("the service answers", "the base URL answered 200")]);
        let gone =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let settings =
            json!({ "base_url": format!("http://{gone}"), "allow_private_addresses": true });
        let connection = connector().open(settings, &opening()).unwrap();
        assert!(connector().check(&connection, call()).await[0].cure.is_some());
    }

    #[test]
    fn effects_and_refused_settings() {
        let effects: Vec<_> =
            connector().actions.iter().map(|one| (one.name, one.spec.effect)).collect();
        let write = EffectSpec::Write { looks_up: false, settle: Duration::ZERO };
        assert_eq!(effects, [("get", EffectSpec::Read), ("request", write)]);
        for base_url in ["", "api.example.com", "http://api.example.com", "https://127.0.0.1"] {
            assert!(
                connector().open(json!({ "base_url": base_url }), &opening()).is_err(),
                "{base_url}"
            );
        }
    }
}
