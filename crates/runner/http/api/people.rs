//! People: who somebody is, what they did, and the tokens they come with.

use axum::Json;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Names, limit, page};
use crate::http::{
    access::Role,
    extract::{Asked, At, Body},
    openapi::{Done, Made},
    permission::{Admin, Operator, Viewer},
    problem::Problem,
};

#[derive(Serialize, JsonSchema)]
pub struct Me {
    /// The name of the token.
    name: String,
    /// What it may.
    role: Role,
}

/// A page of tokens.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// The tokens, in the order they were made.
    pub tokens: Vec<TokenLine>,
    /// The `cursor` of the next page; none when this is the last.
    pub next: Option<String>,
}

/// A token, without its text.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenLine {
    /// Whose it is.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// When it was made.
    pub made_at: Timestamp,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Whose it is: up to 60 letters, digits, blanks and any of `. - _ @ '`.
    name: String,
    /// What it may.
    role: Role,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MadeToken {
    /// Whose it is.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// Its text, which is not kept.
    pub token: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct TokenPath {
    /// The token's name.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only what was done to this: the number of a job, a recipe, a token.
    target: Option<String>,
    /// Where the page before ended: its `next`.
    cursor: Option<i64>,
    /// At most so many; 50, if it is left out.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// A page of the audit.
#[derive(Serialize, JsonSchema)]
pub struct Audit {
    /// What was done, newest first.
    actions: Vec<Action>,
    /// The `cursor` of the next page; none when this is the last.
    next: Option<i64>,
}

/// Something a person did.
#[derive(Serialize, JsonSchema)]
pub struct Action {
    /// Its number.
    id: i64,
    /// When.
    at: Timestamp,
    /// Who: the name of a token, or of a user at the command line.
    who: String,
    /// By which door: `page`, `api` or `command line`.
    via: String,
    /// What, as a stable word.
    what: String,
    /// What it was done to.
    target: String,
    /// More, in words.
    detail: String,
}

pub async fn me(may: Viewer) -> Result<Json<Me>, Problem> {
    Ok(Json(Me { name: may.person.name, role: may.person.role }))
}

pub async fn sign_out(may: Viewer) -> Result<Done, Problem> {
    may.site.service.sign_out_everywhere(&may.person.by()).await?;
    Ok(Done)
}

pub async fn audit(may: Operator, Asked(asked): Asked<Filter>) -> Result<Json<Audit>, Problem> {
    let limit = limit(asked.limit)?;
    let found = may.site.service.engine.store().audit(asked.target, asked.cursor, limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|one| one.id);
    let actions = found.into_iter().map(|one| Action {
        id: one.id,
        at: one.at,
        who: one.who,
        via: one.via,
        what: one.what,
        target: one.target,
        detail: one.detail,
    });
    Ok(Json(Audit { actions: actions.collect(), next }))
}

pub async fn tokens(may: Admin, Asked(asked): Asked<Names>) -> Result<Json<Tokens>, Problem> {
    let tokens = may.site.service.access.tokens().into_iter();
    let line = |token: crate::http::access::Token| TokenLine {
        name: token.name,
        role: token.role,
        made_at: token.made_at,
    };
    let (tokens, next) = page(tokens.map(line).collect(), &asked, |one| &one.name)?;
    Ok(Json(Tokens { tokens, next }))
}

pub async fn add_token(
    may: Admin,
    Body(asked): Body<NewToken>,
) -> Result<Made<MadeToken>, Problem> {
    let NewToken { name, role } = asked;
    let token = may.site.service.add_token(&may.person.by(), &name, role).await?;
    Ok(Made(MadeToken { name: name.trim().into(), role, token }))
}

pub async fn revoke_token(may: Admin, At(path): At<TokenPath>) -> Result<Done, Problem> {
    may.site.service.revoke_token(&may.person.by(), &path.name).await?;
    Ok(Done)
}
