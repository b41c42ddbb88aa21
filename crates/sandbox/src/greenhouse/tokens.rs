//! The token endpoint and bearer tokens: OAuth client credentials, with the errors that have been observed.

use connector::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    account::Account,
    answer::Answer,
    switches::{Switches, TokenSays},
};

/// A token that was given out.
#[derive(Debug, Clone)]
pub(super) struct Token {
    text: String,
    /// In whose name; the credential's own user when nobody is named.
    sub: Option<u64>,
    good_until: Timestamp,
}

const GRANTS: [&str; 4] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

/// Answers a request for a token. `credential` is what Basic authentication carried.
pub(super) fn mint(
    account: &mut Account,
    switches: &Switches,
    credential: Option<(&str, &str)>,
    form: &[(String, String)],
    now: Timestamp,
) -> Answer {
    let Some((id, secret)) = credential else {
        return Answer::json(401, &json!({ "message": "Unauthorized", "errorId": "err-1" }));
    };
    if !id.contains('.') {
        let message = format!("client_id={id} does not contain a valid client ID suffix");
        return Answer::json(400, &json!({ "message": message, "errorId": "err-2" }));
    }
    if id != switches.client_id || secret != switches.client_secret {
        return Answer::json(401, &json!({ "error": "invalid_client" }));
    }
    let field =
        |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match field("grant_type") {
        None => {
            return Answer::message(400, "Must include `grant_type` parameter in /token request");
        }
        Some("client_credentials") => {}
        Some(grant) => {
            let grants = GRANTS.join(", ");
            let message = format!("grant_type={grant} is invalid, please use one of: {grants}");
            return Answer::message(400, &message);
        }
    }
    let sub = match field("sub").map(str::parse::<u64>) {
        None => None,
        Some(Ok(id)) if account.users.iter().any(|user| user.id == id && !user.deactivated) => {
            Some(id)
        }
        Some(_) => return Answer::message(400, "sub is not an active user of this organization"),
    };
    if switches.one_token {
        account.tokens.clear();
    }
    let number = account.requests.len();
    let text = format!("sandbox.{}.{number}", sub.unwrap_or(0));
    let good_until =
        Timestamp::from_second(now.as_second() + switches.token_seconds).unwrap_or(Timestamp::MAX);
    account.tokens.push(Token { text: text.clone(), sub, good_until });

    let mut answer = Map::new();
    answer.insert("access_token".into(), text.into());
    answer.insert("token_type".into(), "Bearer".into());
    if matches!(switches.token_says, TokenSays::Both | TokenSays::ExpiresAt) {
        let moment = good_until.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string();
        answer.insert("expires_at".into(), moment.into());
    }
    if matches!(switches.token_says, TokenSays::Both | TokenSays::ExpiresIn) {
        answer.insert("expires_in".into(), switches.token_seconds.into());
    }
    Answer::json(200, &Value::Object(answer))
}

/// Returns in whose name a bearer token speaks, or the refusal.
pub(super) fn bearer(
    account: &Account,
    authorization: Option<&str>,
    now: Timestamp,
) -> Result<Option<u64>, Answer> {
    let unauthorized =
        |why| Answer::json(401, &json!({ "message": "Unauthorized", "errors": [why] }));
    let Some(text) = authorization.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(unauthorized("Token could not be decoded."));
    };
    if !text.starts_with("sandbox.") {
        return Err(unauthorized("Token could not be decoded."));
    }
    match account.tokens.iter().find(|token| token.text == text) {
        Some(token) if now < token.good_until => Ok(token.sub),
        Some(_) => Err(unauthorized("Token has expired.")),
        None => Err(unauthorized(
            "Token has already been refreshed or revoked. Please generate a new token.",
        )),
    }
}
