//! The description of the API (OpenAPI 3.1), made from the types of its handlers: their schemas come from `schemars`,
//! whose dialect is the one that OpenAPI 3.1 speaks.

use std::future::Future;

use axum::{
    Json,
    handler::Handler,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Site,
    access::Role,
    extract::{Asked, At, Body},
    permission::Permission,
    problem::Problem,
};

/// One operation.
pub struct Operation {
    method: Method,
    path: &'static str,
    about: &'static str,
    role: Option<Role>,
    at_the_machine: bool,
    describe: fn(&mut SchemaGenerator) -> Map<String, Value>,
}

impl Operation {
    /// Returns the operation of a handler.
    pub fn of<H: ApiHandler<T>, T>(
        method: Method,
        path: &'static str,
        about: &'static str,
        role: Option<Role>,
        at_the_machine: bool,
    ) -> Self {
        Self { method, path, about, role, at_the_machine, describe: H::describe }
    }
}

/// A handler whose arguments and answer have schemas.
pub trait ApiHandler<T>: Handler<T, Site> {
    /// Describes its parameters, body and answer.
    fn describe(generator: &mut SchemaGenerator) -> Map<String, Value>;
}

/// An argument that has a schema.
pub trait Described {
    /// Adds itself to an operation.
    fn describe(generator: &mut SchemaGenerator, operation: &mut Map<String, Value>);
}

/// An answer that has a schema.
pub trait Answer: IntoResponse {
    /// Returns the status and the description of the answer.
    fn describe(generator: &mut SchemaGenerator) -> (&'static str, Value);
}

impl<F, Fut, M, P, R> ApiHandler<(M, P)> for F
where
    F: Fn(P) -> Fut + Handler<(M, P), Site>,
    Fut: Future<Output = Result<R, Problem>>,
    P: Permission,
    R: Answer,
{
    fn describe(generator: &mut SchemaGenerator) -> Map<String, Value> {
        answered::<R>(generator, Map::new())
    }
}

impl<F, Fut, M, P, A, R> ApiHandler<(M, P, A)> for F
where
    F: Fn(P, A) -> Fut + Handler<(M, P, A), Site>,
    Fut: Future<Output = Result<R, Problem>>,
    P: Permission,
    A: Described,
    R: Answer,
{
    fn describe(generator: &mut SchemaGenerator) -> Map<String, Value> {
        let mut operation = Map::new();
        A::describe(generator, &mut operation);
        answered::<R>(generator, operation)
    }
}

impl<F, Fut, M, P, A, B, R> ApiHandler<(M, P, A, B)> for F
where
    F: Fn(P, A, B) -> Fut + Handler<(M, P, A, B), Site>,
    Fut: Future<Output = Result<R, Problem>>,
    P: Permission,
    A: Described,
    B: Described,
    R: Answer,
{
    fn describe(generator: &mut SchemaGenerator) -> Map<String, Value> {
        let mut operation = Map::new();
        A::describe(generator, &mut operation);
        B::describe(generator, &mut operation);
        answered::<R>(generator, operation)
    }
}

impl<T: JsonSchema> Described for At<T> {
    fn describe(generator: &mut SchemaGenerator, operation: &mut Map<String, Value>) {
        parameters::<T>(generator, operation, "path");
    }
}

impl<T: JsonSchema> Described for Asked<T> {
    fn describe(generator: &mut SchemaGenerator, operation: &mut Map<String, Value>) {
        parameters::<T>(generator, operation, "query");
    }
}

impl<T: JsonSchema> Described for Body<T> {
    fn describe(generator: &mut SchemaGenerator, operation: &mut Map<String, Value>) {
        let schema = generator.subschema_for::<T>();
        let body =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        operation.insert("requestBody".into(), body);
    }
}

impl<T: JsonSchema + Serialize> Answer for Json<T> {
    fn describe(generator: &mut SchemaGenerator) -> (&'static str, Value) {
        let schema = generator.subschema_for::<T>();
        (
            "200",
            json!({ "description": "done", "content": { "application/json": { "schema": schema } } }),
        )
    }
}

/// Something new, with what there is to say of it.
pub struct Made<T>(pub T);

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema + Serialize> Answer for Made<T> {
    fn describe(generator: &mut SchemaGenerator) -> (&'static str, Value) {
        let schema = generator.subschema_for::<T>();
        (
            "201",
            json!({ "description": "made", "content": { "application/json": { "schema": schema } } }),
        )
    }
}

/// It is done, and there is nothing to say.
pub struct Done;

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Answer for Done {
    fn describe(_: &mut SchemaGenerator) -> (&'static str, Value) {
        ("204", json!({ "description": "done" }))
    }
}

/// News as they come.
pub struct News(pub Response);

impl IntoResponse for News {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Answer for News {
    fn describe(_: &mut SchemaGenerator) -> (&'static str, Value) {
        let stream = json!({ "text/event-stream": { "schema": { "type": "string" } } });
        ("200", json!({ "description": "a stream without an end", "content": stream }))
    }
}

/// Returns the whole description.
pub fn document(operations: &[Operation]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let generator = &mut settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths = Map::new();
    for Operation { method, path, about, role, at_the_machine, describe } in operations {
        let mut operation = describe(generator);
        let (summary, more) = about.split_once('\n').unwrap_or((about, ""));
        operation.insert("summary".into(), summary.into());
        let who = match (role, at_the_machine) {
            (None, _) => "Whoever comes.".into(),
            (_, true) => "Through the control socket alone.".into(),
            (Some(role), false) => format!("From the role {} on.", role.word()),
        };
        if role.is_none() {
            operation.insert("security".into(), json!([]));
        }
        operation.insert("description".into(), format!("{more} {who}").trim().into());
        operation.insert("operationId".into(), id(method, path).into());
        let responses = operation["responses"].as_object_mut().expect("it was made as one");
        responses.insert(
            "default".into(),
            json!({
                "description": "why it was not done",
                "content": { "application/problem+json": { "schema": problem } },
            }),
        );
        let at = paths.entry(*path).or_insert_with(|| json!({}));
        at[method.as_str().to_ascii_lowercase()] = operation.into();
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "recipe-runner",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Everything the pages do.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    });
    bound(&mut document);
    document
}

/// Says of every whole number how far it goes; its format alone binds nobody.
fn bound(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let (least, most) = match fields.get("format").and_then(Value::as_str) {
                Some("int64") => (json!(i64::MIN), json!(i64::MAX)),
                Some("uint64") => (json!(0), json!(u64::MAX)),
                Some("uint32") => (json!(0), json!(u32::MAX)),
                Some("uint16") => (json!(0), json!(u16::MAX)),
                _ => (Value::Null, Value::Null),
            };
            for (name, limit) in [("minimum", least), ("maximum", most)] {
                if !limit.is_null() && !fields.contains_key(name) {
                    fields.insert(name.into(), limit);
                }
            }
            fields.values_mut().for_each(bound);
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        _ => {}
    }
}

fn answered<R: Answer>(
    generator: &mut SchemaGenerator,
    mut operation: Map<String, Value>,
) -> Map<String, Value> {
    let (status, answer) = R::describe(generator);
    operation.insert("responses".into(), json!({ status: answer }));
    operation
}

/// Adds the fields of an object as parameters.
fn parameters<T: JsonSchema>(
    generator: &mut SchemaGenerator,
    operation: &mut Map<String, Value>,
    place: &str,
) {
    let schema = T::json_schema(generator);
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let fields = schema.get("properties").and_then(Value::as_object);
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    let parameters = parameters.as_array_mut().expect("it was made as one");
    for (name, field) in fields.into_iter().flatten() {
        let mut field = field.clone();
        let about = field.as_object_mut().and_then(|field| field.remove("description"));
        parameters.push(json!({
            "name": name,
            "in": place,
            "required": place == "path" || required.contains(&name.as_str()),
            "description": about.unwrap_or_default(),
            "schema": field,
        }));
    }
}

/// Returns a name for programs: `get_jobs_job_journal`.
fn id(method: &Method, path: &str) -> String {
    let path =
        path.trim_start_matches("/api/v1/").replace(['{', '}'], "").replace(['/', '.', '-'], "_");
    format!("{}_{path}", method.as_str().to_ascii_lowercase())
}
