//! Signing in and out.

use std::net::IpAddr;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    back,
    render::{self, shown},
};
use crate::{
    exit::Trouble,
    http::{
        Site,
        access::Refused,
        extract::{Asked, Nothing, Posted},
        guard,
        permission::{Anyone, COOKIE, Viewer, cookie},
        problem::Problem,
    },
    service::By,
};

#[derive(Deserialize)]
pub struct Wanted {
    to: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
pub struct Form {
    token: String,
    to: Option<String>,
}

/// How the request came.
pub struct Came {
    from: Option<IpAddr>,
    cookie: Option<String>,
    /// Whether it came over https.
    by_https: bool,
}

impl FromRequestParts<Site> for Came {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Self::Rejection> {
        Ok(Self {
            from: guard::from(parts, &site.hosts),
            cookie: cookie(&parts.headers).map(Into::into),
            by_https: guard::by_https(parts, &site.hosts),
        })
    }
}

/// `GET /sign-in`: the form; or, with the code of a link, in at once.
pub async fn ask(door: Anyone, came: Came, Asked(wanted): Asked<Wanted>) -> Response {
    let Some(code) = wanted.code else { return form(wanted.to.as_deref(), None) };
    let begun = door.site.service.access.follow(&code, came.from);
    match begun {
        Err(Refused::Wrong) => {
            form(None, Some("This link has been used, or it is too old. Sign in with a token."))
        }
        begun => signed_in(&door.site, &came, begun, None).await,
    }
}

/// `POST /sign-in`.
pub async fn begin(door: Anyone, came: Came, Posted(sent): Posted<Form>) -> Response {
    let begun = door.site.service.access.sign_in(sent.token.trim(), came.from);
    match begun {
        Err(Refused::Wrong) => form(sent.to.as_deref(), Some("This is not a token of ours.")),
        begun => signed_in(&door.site, &came, begun, sent.to.as_deref()).await,
    }
}

/// `POST /sign-out`.
pub async fn end(may: Viewer, came: Came, Posted(Nothing {}): Posted<Nothing>) -> Response {
    if let Some(cookie) = &came.cookie
        && let Err(trouble) = may.site.service.access.sign_out(cookie)
    {
        return super::Fault::from(trouble).into_response();
    }
    signed_out()
}

/// `POST /sign-out/everywhere`.
pub async fn end_everywhere(may: Viewer, Posted(Nothing {}): Posted<Nothing>) -> Response {
    match may.site.service.sign_out_everywhere(&may.person.by()).await {
        Ok(()) => signed_out(),
        Err(trouble) => super::Fault::from(trouble).into_response(),
    }
}

async fn signed_in(
    site: &Site,
    came: &Came,
    begun: Result<Result<String, Trouble>, Refused>,
    to: Option<&str>,
) -> Response {
    let cookie = match begun {
        Ok(Ok(cookie)) => cookie,
        Ok(Err(trouble)) => return super::Fault::from(trouble).into_response(),
        Err(refused) => return super::Fault::from(Problem::refused(refused)).into_response(),
    };
    if let Some(person) = site.service.access.session(&cookie) {
        let kept = site
            .service
            .keep(&By::page(&person.name), "session.begin", &person.name, String::new())
            .await;
        if let Err(trouble) = kept {
            return super::Fault::from(trouble).into_response();
        }
    }
    // A browser shows no page in a session it began with a link of another site (SameSite); one of ours follows.
    let mut response = back(local(to));
    set_cookie(&mut response, &cookie, 7 * 24 * 3600, came.by_https);
    response
}

fn signed_out() -> Response {
    let mut response = back("/sign-in");
    set_cookie(&mut response, "", 0, false);
    response
}

fn set_cookie(response: &mut Response, value: &str, seconds: u32, by_https: bool) {
    let secure = if by_https { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let value = HeaderValue::from_str(&cookie).expect("hex digits and our own words");
    response.headers_mut().insert(header::SET_COOKIE, value);
}

fn form(to: Option<&str>, wrong: Option<&str>) -> Response {
    let mut response = render::bare("sign_in.html", "Sign in", &shown! { to => local(to), wrong });
    if wrong.is_some() {
        *response.status_mut() = axum::http::StatusCode::UNAUTHORIZED;
    }
    response
}

/// Returns where to go on this site, and nowhere else.
fn local(to: Option<&str>) -> &str {
    let plain = |to: &&str| {
        to.starts_with('/')
            && !to.starts_with("//")
            && !to.contains(['\\', '\r', '\n'])
            && to.is_ascii()
    };
    to.filter(plain).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        assert_eq!(local(Some("/jobs/7?x=1")), "/jobs/7?x=1");
        for to in ["https://a.example/", "//a.example", "/\\a.example", "jobs", ""] {
            assert_eq!(local(Some(to)), "/", "{to}");
        }
    }
}
