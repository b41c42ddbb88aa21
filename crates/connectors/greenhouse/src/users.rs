//! Users of Greenhouse, by e-mail or id: the acting user and the author of notes.
//!
//! v3: <https://harvestdocs.greenhouse.io> (`GET /v3/users`, `GET /v3/user_emails`); v1:
//! <https://developers.greenhouse.io/harvest.html#get-list-users>.

use std::pin::Pin;

use connector::{Call, Failure};

use crate::{harvest::Harvest, place::Place, rights};

/// Who somebody is, as the connection's settings say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// By the id.
    Id(String),
    /// By an e-mail address.
    Email(String),
}

/// A user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) site_admin: Option<bool>,
    pub(crate) deactivated: Option<bool>,
}

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Finds a user by the primary or another e-mail address.
///
/// A boxed future, because minting a token for a user known by e-mail looks that user up with another token.
pub(crate) fn by_email<'a>(
    harvest: &'a Harvest,
    email: &'a str,
    call: &'a Call,
) -> Later<'a, Option<User>> {
    Box::pin(async move {
        let doing = format!("looking for the user `{email}`");
        if harvest.is_v1() {
            let request = harvest.get("users").query("email", email).doing(doing);
            return first(&harvest.list(request, &rights::USERS, call).await?);
        }
        let request = harvest.get("users").query("primary_email", email).doing(doing.as_str());
        if let Some(user) = first(&harvest.list(request, &rights::USERS, call).await?)? {
            return Ok(Some(user));
        }
        let request = harvest.get("user_emails").query("email", email).doing(doing);
        let emails = harvest.list(request, &rights::USER_EMAILS, call).await?;
        let Some(found) = emails.first() else { return Ok(None) };
        let id = Place::of_answer(found, "user_email").at("user_id").required_id()?;
        by_id(harvest, &id, call).await
    })
}

/// Finds a user by id.
pub(crate) async fn by_id(
    harvest: &Harvest,
    id: &str,
    call: &Call,
) -> Result<Option<User>, Failure> {
    let doing = format!("looking for the user `{id}`");
    if harvest.is_v1() {
        let found = harvest.one(&["users", id], &doing, &rights::USERS, call).await?;
        return first(&Vec::from_iter(found));
    }
    let request = harvest.get("users").query("ids", id).doing(doing);
    first(&harvest.list(request, &rights::USERS, call).await?)
}

/// Returns the failure of a setting that names nobody.
pub(crate) fn unknown(setting: &str, email: &str) -> Failure {
    Failure::permanent(
        "unknown_user",
        format!("Greenhouse has no user `{email}`, named by `{setting}`"),
    )
    .hint(format!(
        "Write the e-mail address of an active Greenhouse user in `{setting}` of the connection."
    ))
}

impl Who {
    /// Reads who is meant from a setting.
    pub(crate) fn read(setting: &str, text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self::Id(text.into()))
        } else if text.contains('@') {
            Ok(Self::Email(text.into()))
        } else {
            Err(Failure::permanent(
                "invalid_setting",
                format!("`{setting}` is `{text}`, expected an e-mail address or a numeric user id"),
            ))
        }
    }
}

fn first(found: &[serde_json::Value]) -> Result<Option<User>, Failure> {
    let Some(found) = found.first() else { return Ok(None) };
    let place = Place::of_answer(found, "user");
    Ok(Some(User {
        id: place.at("id").required_id()?,
        name: place.at("name").text()?,
        site_admin: place.at("site_admin").flag()?,
        deactivated: place.at_any(&["deactivated", "disabled"]).flag()?,
    }))
}
