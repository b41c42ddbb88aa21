//! What handlers are given beside a permission: the parts of an address, a query, JSON, a form. What cannot be read is a
//! problem that says why.

use axum::{
    Form, Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Site, access::Person, permission::is_api, problem::Problem};
use crate::code::Code;

/// The named parts of the address.
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Site> for At<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        let api = is_api(parts.uri.path());
        match Path::from_request_parts(parts, site).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) if !api => {
                Err((StatusCode::NOT_FOUND, "there is no such page\n").into_response())
            }
            Err(error) => Err(Problem::new(Code::NotFound, error.body_text()).into_response()),
        }
    }
}

/// What the query asks for.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Site> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        Query::from_request_parts(parts, site)
            .await
            .map(|Query(value)| Self(value))
            .map_err(|error| Problem::unreadable(error.body_text()).into_response())
    }
}

/// A body of JSON.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequest<Site> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Problem> {
        // An object first: read as what it is to become, a list of its fields would do as well.
        match Json::<Map<String, Value>>::from_request(request, site).await {
            Ok(Json(fields)) => serde_json::from_value(Value::Object(fields))
                .map(Self)
                .map_err(|error| Problem::unreadable(error.to_string())),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Problem::new(Code::NoJson, "the body is not said to be JSON")
                    .hint("send `Content-Type: application/json`"))
            }
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::new(Code::TooLarge, "the body is too large"))
            }
            Err(error) => Err(Problem::unreadable(error.body_text())),
        }
    }
}

/// A form of one of our pages, sent by whoever the page was made for.
pub struct Posted<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequest<Site> for Posted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        let person = request.extensions().get::<Person>().cloned();
        let body = Bytes::from_request(request, site).await.map_err(IntoResponse::into_response)?;
        let wrong = |words: &'static str| (StatusCode::UNPROCESSABLE_ENTITY, words).into_response();
        // Read twice, because a struct of ours cannot name the fields of all forms.
        let fields: Vec<(String, String)> =
            read(&body).await.ok_or_else(|| wrong("the form cannot be read\n"))?;
        let sent = fields.iter().find(|(name, _)| name == "csrf").map(|(_, value)| value.as_str());
        if let Some(wanted) = person.and_then(|person| person.csrf)
            && sent != Some(wanted.as_str())
        {
            let words = "the form is not of one of our pages, or you have signed in anew since: load the page again\n";
            return Err((StatusCode::FORBIDDEN, words).into_response());
        }
        read(&body)
            .await
            .map(Self)
            .ok_or_else(|| wrong("the form lacks something, or says something it cannot\n"))
    }
}

/// A form that asks for nothing but to be sent.
#[derive(Debug, serde::Deserialize)]
pub struct Nothing {}

async fn read<T: DeserializeOwned>(body: &Bytes) -> Option<T> {
    let mut request = Request::new(axum::body::Body::from(body.clone()));
    *request.method_mut() = Method::POST;
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    let form = Form::<T>::from_request(request, &()).await;
    form.ok().map(|Form(value)| value)
}
