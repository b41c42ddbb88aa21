//! What a program is told when something is not done: `application/problem+json` (RFC 9457), with what to do.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::StoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::{Person, Refused, Role};
use crate::{code::Code, exit::Trouble, service::store_trouble};

/// When to ask again for what cannot be done just now.
const LATER: u64 = 30;

/// Why something was not done.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: Code,
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
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let status = code.status();
        let title = StatusCode::from_u16(status).ok().and_then(|one| one.canonical_reason());
        Self {
            status,
            code,
            title: title.unwrap_or("problem").into(),
            detail: detail.into(),
            hints: Vec::new(),
            retry_after: (status == 503).then_some(LATER),
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the problem of a request that cannot be read.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(Code::Unreadable, detail)
    }

    /// Returns the problem of who shows no token.
    pub fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "this needs a token").hint(
            "send one as `Authorization: Bearer …`; `recipe-runner tokens add NAME` makes one",
        )
    }

    /// Returns the problem of who shows a token that is not ours, or guesses.
    pub fn refused(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => {
                Self::new(Code::Unauthorized, "this is not a token of ours")
                    .hint("`recipe-runner tokens list` names those there are; a lost one is revoked and made anew")
            }
            Refused::TooMany(seconds) => Self {
                retry_after: Some(seconds),
                ..Self::new(
                    Code::TooMany,
                    format!("too many wrong tokens came from this address; try again in {seconds} s"),
                )
            },
        }
    }

    /// Returns the problem of who comes over the network for what is done at the machine alone.
    pub fn not_here(person: &Person) -> Self {
        let words =
            format!("`{}` comes over the network, and this is for the command line", person.name);
        Self::new(Code::Forbidden, words)
            .hint("run `recipe-runner` on the machine, as the user the service runs as")
    }

    /// Returns the problem of who may not do this.
    pub fn forbidden(person: &Person, needed: Role) -> Self {
        Self::new(
            Code::Forbidden,
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
        Self { hints: trouble.cures, ..Self::new(trouble.code, trouble.message) }
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self { cures: problem.hints, ..Self::of(problem.code, problem.detail) }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        store_trouble(&error).into()
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
