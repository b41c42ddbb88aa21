//! The permissions that a handler asks for by its first argument. There is no other way to a handler: a route without
//! one does not compile, see [`Door`](super::door::Door).

use std::{collections::HashMap, convert::Infallible, fmt::Display};

use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    Site,
    access::{Door, Person, Refused, Role},
    guard,
    problem::Problem,
};
use crate::{code::Code, serve::Peer};

/// The name of the cookie of a session.
pub const COOKIE: &str = "recipe_runner";
/// The header in which a script of ours sends what a form carries in its field `csrf`.
pub const CSRF: &str = "x-csrf-token";
/// The header in which a command says who sits at the terminal, escaped like a part of an address.
pub const BY: &str = "x-by";

/// What a handler asks for first.
pub trait Permission: FromRequestParts<Site> {
    /// What somebody must be; `None` lets in whoever comes.
    const ROLE: Option<Role>;
    /// Whether it is for the control socket alone.
    const AT_THE_MACHINE: bool = false;
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

/// Somebody at the machine itself, who came through the control socket.
pub struct Owner(pub Admin);

impl Permission for Owner {
    const ROLE: Option<Role> = Some(Role::Admin);
    const AT_THE_MACHINE: bool = true;
}

impl FromRequestParts<Site> for Owner {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        let may = Admin::from_request_parts(parts, site).await?;
        if may.person.door != Door::CommandLine {
            return Err(Problem::not_here(&may.person).into_response());
        }
        Ok(Self(may))
    }
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
            let problem =
                Problem::new(Code::Csrf, "the request does not come from one of our pages")
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
    if parts.extensions.get::<Peer>() == Some(&Peer::Owner) {
        return Ok(Some(owner(parts)));
    }
    Ok(cookie(&parts.headers).and_then(|cookie| access.session(cookie)))
}

/// Returns who came through the control socket: by the name the command gives, which is for the audit only.
fn owner(parts: &Parts) -> Person {
    let said = parts.headers.get(BY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = unescaped(said).filter(|name| !name.trim().is_empty());
    Person {
        name: name.unwrap_or_else(|| "someone at the command line".into()),
        role: Role::Admin,
        door: Door::CommandLine,
        csrf: None,
    }
}

fn unescaped(text: &str) -> Option<String> {
    let uri: Uri = format!("/?by={text}").parse().ok()?;
    Query::<HashMap<String, String>>::try_from_uri(&uri).ok()?.0.remove("by")
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
