//! What a program is told when something is not done: `application/problem+json` (RFC 9457), with what to do.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::StoreError;
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{Person, Refused, Role};
use crate::exit::{Exit, Trouble};

/// Why something was not done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: String,
    /// The status in words.
    pub title: String,
    /// What happened.
    pub detail: String,
    /// What to do about it.
    pub hints: Vec<String>,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    /// Returns a problem.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            code: code.into(),
            title: status.canonical_reason().unwrap_or("problem").into(),
            detail: detail.into(),
            hints: Vec::new(),
            retry_after: None,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says that what was asked for cannot be, rather than that it is not there.
    #[must_use]
    pub fn unprocessable(self) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let title = status.canonical_reason().unwrap_or("problem").into();
        Self { status: status.as_u16(), code: "cannot_be".into(), title, ..self }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the problem of a request that cannot be read.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unreadable", detail)
    }

    /// Returns the problem of something that is not there.
    pub fn absent(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// Returns the problem of who shows no token.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "this needs a token").hint(
            "send one as `Authorization: Bearer …`; `recipe-runner tokens add NAME` makes one",
        )
    }

    /// Returns the problem of who shows a token that is not ours, or guesses.
    pub fn refused(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "this is not a token of ours")
                    .hint("`recipe-runner tokens list` names those there are; a lost one is revoked and made anew")
            }
            Refused::TooMany(seconds) => Self {
                retry_after: Some(seconds),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too_many",
                    format!("too many wrong tokens came from this address; try again in {seconds} s"),
                )
            },
        }
    }

    /// Returns the problem of who may not do this.
    pub fn forbidden(person: &Person, needed: Role) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!(
                "`{}` is {}, and this is for the role {}",
                person.name,
                person.role.word(),
                needed.word()
            ),
        )
        .hint(format!(
            "an admin can make another token: `recipe-runner tokens add NAME --role {}`",
            needed.word()
        ))
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        let (status, code) = match trouble.exit {
            Exit::Usage => (StatusCode::NOT_FOUND, "not_found"),
            Exit::Found => (StatusCode::CONFLICT, "found_wrong"),
            Exit::Good | Exit::Cannot => (StatusCode::CONFLICT, "cannot"),
        };
        Self { hints: trouble.cures, ..Self::new(status, code, trouble.message) }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let told = Self::new(StatusCode::SERVICE_UNAVAILABLE, "store", error.to_string());
        match error {
            StoreError::Unavailable(_) => Self { retry_after: Some(30), ..told },
            _ => Self { status: 500, ..told },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("our own values serialise");
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status(), kind, body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
