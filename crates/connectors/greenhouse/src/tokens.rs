//! Tokens of Harvest v3: OAuth client credentials, minted once for everybody who waits.
//!
//! <https://harvestdocs.greenhouse.io/docs/authentication>. Minting may revoke the token before it (reported, neither
//! confirmed nor denied by the vendor), so one connection has one token, shared by all its calls: a second one is
//! never asked for while the first is good.

use std::time::Duration;

use connector::{
    Call, Failure, Secret,
    http::Client,
    jiff::{SignedDuration, Timestamp},
};
use futures_util::lock::Mutex;
use serde_json::Value;

use crate::{
    harvest::{Credentials, Harvest},
    place::moment,
    users::{self, Who},
};

/// How long before its end a token is replaced, so that it does not end on the way.
const EARLY: SignedDuration = SignedDuration::from_secs(60);
/// How long a token lives when the answer does not say.
const DEFAULT_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// The source of a connection's tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    auth: Client,
    harvest: Client,
    client_id: String,
    client_secret: Secret,
    acting_user: Option<Who>,
    /// The lock is held while a token is minted: whoever comes meanwhile waits and takes that one.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    acting_id: Option<String>,
    token: Option<Token>,
}

#[derive(Debug, Clone)]
struct Token {
    text: Secret,
    good_until: Timestamp,
}

impl Tokens {
    /// Returns a source of tokens; `harvest` is needed to find the acting user by e-mail.
    pub(crate) fn new(
        auth: Client,
        harvest: Client,
        client_id: String,
        client_secret: Secret,
        acting_user: Option<Who>,
    ) -> Self {
        Self { auth, harvest, client_id, client_secret, acting_user, kept: Mutex::default() }
    }

    /// Returns a token that is good for another minute, minted if need be.
    pub(crate) async fn current(&self, call: &Call) -> Result<Secret, Failure> {
        let mut kept = self.kept.lock().await;
        match &kept.token {
            Some(token) if call.clock.now() < token.good_until => Ok(token.text.clone()),
            _ => self.mint(&mut kept, call).await,
        }
    }

    /// Returns another token than the one that was refused; one that somebody else minted meanwhile will do.
    pub(crate) async fn instead_of(
        &self,
        refused: &Secret,
        call: &Call,
    ) -> Result<Secret, Failure> {
        let mut kept = self.kept.lock().await;
        match &kept.token {
            Some(token) if token.text != *refused && call.clock.now() < token.good_until => {
                Ok(token.text.clone())
            }
            _ => self.mint(&mut kept, call).await,
        }
    }

    /// Returns the id of the user in whose name tokens are minted, once one has been.
    pub(crate) async fn acting_id(&self) -> Option<String> {
        self.kept.lock().await.acting_id.clone()
    }

    async fn mint(&self, kept: &mut Kept, call: &Call) -> Result<Secret, Failure> {
        kept.token = None;
        if let (None, Some(who)) = (&kept.acting_id, &self.acting_user) {
            kept.acting_id = Some(self.acting_user_id(who, call).await?);
        }
        let token = self.ask(kept.acting_id.as_deref(), call).await?;
        kept.token = Some(token.clone());
        Ok(token.text)
    }

    /// Returns the acting user's id; an e-mail is looked up with a token of the integration's own service user.
    async fn acting_user_id(&self, who: &Who, call: &Call) -> Result<String, Failure> {
        let email = match who {
            Who::Id(id) => return Ok(id.clone()),
            Who::Email(email) => email,
        };
        let token = self.ask(None, call).await?;
        let harvest = Harvest::new(self.harvest.clone(), Credentials::Token(token.text));
        let found = users::by_email(&harvest, email, call).await.map_err(|failure| match failure.code.as_str() {
            "forbidden" => failure.hint(
                "The e-mail of `acting_user` is looked up as the integration's own service user, which may not list \
                 users. Write the user's numeric id instead: it is at the end of the address of the user's page in \
                 Configure › Users.",
            ),
            _ => failure,
        })?;
        let user = found.ok_or_else(|| users::unknown("acting_user", email))?;
        Ok(user.id)
    }

    async fn ask(&self, sub: Option<&str>, call: &Call) -> Result<Token, Failure> {
        // A call apart: the answer holds the token, and no exchange of it may be kept in the history.
        let call = call.apart();
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(sub.map(|sub| ("sub", sub)));
        let request =
            self.auth.post("token").basic(&self.client_id, &self.client_secret).form(&form);
        let answer = request
            .read()
            .doing("getting a token")
            .send(&call)
            .await
            .map_err(|failure| self.refused(failure))?;
        let answer = answer.value().map_err(|failure| self.scrub(failure))?;
        let text = answer
            .get("access_token")
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                Failure::permanent(
                    "unexpected_answer",
                    "getting a token: the answer has no `access_token`",
                )
                .hint("Check `auth_url`: something else than Greenhouse may be answering there.")
            })?;
        let now = call.clock.now();
        let life = life(&answer, now);
        // A very short life leaves a token good for this call, never one that is asked for in an endless loop.
        let good_for = life.saturating_sub(EARLY).max(SignedDuration::ZERO);
        let good_until = now.checked_add(good_for).unwrap_or(Timestamp::MAX);
        Ok(Token { text: Secret::new(text), good_until })
    }

    fn refused(&self, failure: Failure) -> Failure {
        let failure = self.scrub(failure);
        match failure.code.as_str() {
            "unauthorized" | "invalid" | "forbidden" => failure.hint(
                "Greenhouse does not accept the credential: compare `client_id` and `client_secret` with those in \
                 Configure › Dev Center › API Credential Management (type Harvest V3, OAuth); the secret is shown \
                 only once, so create a new credential if it is lost. A numeric `acting_user` must be an active user.",
            ),
            _ => failure,
        }
    }

    /// Removes the client id, which the token endpoint repeats in its errors.
    fn scrub(&self, mut failure: Failure) -> Failure {
        failure.message = failure.message.replace(&self.client_id, "***");
        if let Some(exchange) = &mut failure.exchange {
            exchange.answer =
                exchange.answer.take().map(|answer| answer.replace(&self.client_id, "***"));
        }
        failure
    }
}

/// Returns how long a token lives. `expires_at` has been seen without a colon in its offset; one that lies in the past
/// tells of a wrong clock, not of a dead token, and the next word counts.
fn life(answer: &Value, now: Timestamp) -> SignedDuration {
    let moment = match answer.get("expires_at").or_else(|| answer.get("expires")) {
        Some(Value::String(text)) => match text.trim().parse() {
            Ok(epoch) => Timestamp::from_second(epoch).ok(),
            Err(_) => moment(text),
        },
        Some(Value::Number(number)) => {
            number.as_i64().and_then(|epoch| Timestamp::from_second(epoch).ok())
        }
        _ => None,
    };
    if let Some(left) =
        moment.map(|moment| moment.duration_since(now)).filter(SignedDuration::is_positive)
    {
        return left;
    }
    let seconds = match answer.get("expires_in") {
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_u64(),
        None => None,
    };
    seconds
        .and_then(|seconds| SignedDuration::try_from(Duration::from_secs(seconds)).ok())
        .filter(SignedDuration::is_positive)
        .unwrap_or(DEFAULT_LIFE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_life_of_a_token_is_read_from_whatever_says_it() {
        let now: Timestamp = "2026-11-23T16:30:00Z".parse().expect("a moment");
        let table = [
            (json!({ "expires_at": "2026-11-23T17:30:00+0000", "expires_in": 5 }), 3600),
            (json!({ "expires_at": "2026-11-23T17:00:00Z" }), 1800),
            (json!({ "expires_at": 1_795_453_500 }), 2100),
            (json!({ "expires_at": "1795453500" }), 2100),
            (json!({ "expires_at": "2026-11-23T16:00:00Z", "expires_in": 900 }), 900),
            (json!({ "expires_at": "soon", "expires_in": "900" }), 900),
            (json!({ "expires": "2026-11-23T17:00:00Z" }), 1800),
            (json!({ "expires_in": 0 }), 3600),
            (json!({ "expires_in": -5 }), 3600),
            (json!({}), 3600),
        ];
        for (answer, expected) in table {
            assert_eq!(life(&answer, now).as_secs(), expected, "{answer}");
        }
    }
}
