//! The permissions that a handler asks for by its first argument. There is no other way to a handler: a route without
//! one does not compile, see [`Door`](super::door::Door).

use std::{convert::Infallible, fmt::Display};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    Site,
    access::{Person, Refused, Role},
    guard,
    problem::Problem,
};

/// The name of the cookie of a session.
pub const COOKIE: &str = "recipe_runner";
/// The header in which a script of ours sends what a form carries in its field `csrf`.
pub const CSRF: &str = "x-csrf-token";

/// What a handler asks for first.
pub trait Permission: FromRequestParts<Site> {
    /// What somebody must be; `None` lets in whoever comes.
    const ROLE: Option<Role>;
}

/// Whoever comes.
pub struct Anyone {
    /// Where they came.
    pub site: Site,
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        pub struct $name {
            /// Who it is.
            pub person: Person,
            /// Where they came.
            pub site: Site,
        }

        impl Permission for $name {
            const ROLE: Option<Role> = Some(Role::$name);
        }

        impl FromRequestParts<Site> for $name {
            type Rejection = Response;

            async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
                let person = admit(parts, site, Role::$name).map_err(|told| *told)?;
                Ok(Self { person, site: site.clone() })
            }
        }
    )*};
}

permissions! {
    /// Somebody who may see how things stand.
    Viewer,
    /// Somebody who may see and settle all.
    Operator,
    /// Somebody who may also say who may.
    Admin
}

impl Permission for Anyone {
    const ROLE: Option<Role> = None;
}

impl FromRequestParts<Site> for Anyone {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        Ok(Self { site: site.clone() })
    }
}

/// Whether a request is one of a program, which wants a problem in JSON and not a page.
pub fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

/// Returns the cookie of a session.
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|one| one.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn admit(parts: &mut Parts, site: &Site, role: Role) -> Result<Person, Box<Response>> {
    let api = is_api(parts.uri.path());
    let person = match known(parts, site) {
        Ok(Some(person)) => person,
        Ok(None) if api => return Err(Box::new(Problem::unauthorized().into_response())),
        Ok(None) => return Err(Box::new(Redirect::to(&sign_in(parts)).into_response())),
        Err(refused) => return Err(Box::new(Problem::refused(refused).into_response())),
    };
    if person.role < role {
        let problem = Problem::forbidden(&person, role);
        return Err(Box::new(if api {
            problem.into_response()
        } else {
            plain(problem.status(), &problem.detail)
        }));
    }
    let changes = !matches!(parts.method, Method::GET | Method::HEAD);
    if changes && api && person.csrf.is_some() {
        // Of a page, the form's own field is compared, see `extract::Posted`.
        let sent = parts.headers.get(CSRF).and_then(|value| value.to_str().ok());
        if sent != person.csrf.as_deref() {
            let problem = Problem::new(
                StatusCode::FORBIDDEN,
                "csrf",
                "the request does not come from one of our pages",
            )
            .hint(format!("a program sends its token as `Authorization: Bearer …`; a page's script sends `{CSRF}`"));
            return Err(Box::new(problem.into_response()));
        }
    }
    parts.extensions.insert(person.clone());
    Ok(person)
}

/// Returns who it is: by the token in the request, else by the browser's session.
fn known(parts: &Parts, site: &Site) -> Result<Option<Person>, Refused> {
    let access = &site.service.access;
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let token =
            text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = token else { return Ok(None) };
        return access.bearer(token.trim(), guard::from(parts, &site.hosts)).map(Some);
    }
    Ok(cookie(&parts.headers).and_then(|cookie| access.session(cookie)))
}

/// Returns where somebody signs in and is then sent on to what they wanted to see.
fn sign_in(parts: &Parts) -> String {
    let wanted = parts.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    if parts.method != Method::GET || wanted == "/" {
        return "/sign-in".into();
    }
    let escaped =
        wanted.replace('%', "%25").replace('&', "%26").replace('+', "%2B").replace('#', "%23");
    format!("/sign-in?to={escaped}")
}

fn plain(status: StatusCode, words: impl Display) -> Response {
    (status, format!("{words}\n")).into_response()
}
