//! The settings of a connection, as they stand in `connections.yaml`, and what is unwise in them.

use connector::{Finding, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::custom_fields::CustomFieldTypes;

/// The settings of a connection to Greenhouse Recruiting.
///
/// Needed for Harvest v3: `client_id` and `client_secret`; for Harvest v1: `api_key` and `user_email`; for webhooks:
/// `webhook_secret`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which API the connection uses. Greenhouse announced that v1 goes away on 31 August 2026.
    #[serde(default)]
    pub kind: Kind,
    /// Harvest v3: the client id of the credential (Configure › Dev Center › API Credential Management, Harvest V3).
    pub client_id: Option<String>,
    /// Harvest v3: the client secret, shown once when the credential is made.
    pub client_secret: Option<Secret>,
    /// Harvest v3: the user in whose name the connection acts, by e-mail or numeric id: a Site Admin, because lists
    /// need one. Without it the credential's own service user acts.
    pub acting_user: Option<String>,
    /// Harvest v1: the API key.
    pub api_key: Option<Secret>,
    /// Harvest v1: the e-mail of the user in whose name the connection writes, usually the one who made the key.
    pub user_email: Option<String>,
    /// The user who appears as the author of notes, by e-mail or numeric id. Without it, the acting user.
    pub note_author: Option<String>,
    /// The secret key of the webhooks, the same as in Greenhouse: 16 characters or more that nobody can guess. Needed
    /// before the webhook is saved there, because Greenhouse tries it at once.
    pub webhook_secret: Option<Secret>,
    /// Where Harvest answers, without the version.
    #[serde(default = "harvest")]
    #[schemars(extend("format" = "uri"))]
    pub base_url: String,
    /// Where tokens for Harvest v3 are made, with or without `/token` at its end.
    #[serde(default = "auth")]
    #[schemars(extend("format" = "uri"))]
    pub auth_url: String,
    /// Which of the company's accounts this is; `doctor` shows it. Both kinds have the same addresses.
    #[serde(default)]
    pub environment: Environment,
    /// Allows loopback and private addresses: only for a sandbox on this machine.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// How many seconds Greenhouse may take to show a note after it was written. A note whose fate is unknown is written
    /// again only if it is still not there after that.
    #[serde(default = "settle")]
    pub settle_seconds: u32,
    /// What the company's own fields hold, so that recipes which use them can be checked. An event is read the same with
    /// or without it.
    #[serde(default)]
    pub custom_fields: CustomFieldTypes,
    /// How fast Greenhouse is asked. What it allows is learnt from its answers; this is the outer bound.
    #[serde(default)]
    pub limits: Limits,
}

/// Which API a connection uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Harvest v3, with OAuth client credentials.
    #[default]
    HarvestV3,
    /// Harvest v1, with an API key.
    HarvestV1,
}

/// Which of a company's accounts a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// The one where people are hired.
    #[default]
    Production,
    /// One for trying things out.
    Sandbox,
}

/// How fast Greenhouse is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How many requests may be under way at once.
    #[schemars(range(min = 1, max = 50))]
    pub in_flight: usize,
    /// How many seconds an answer may take.
    #[schemars(range(min = 1, max = 600))]
    pub timeout_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 4, timeout_seconds: 30 }
    }
}

/// The least length of a webhook secret that is not called weak.
const SHORTEST_SECRET: usize = 16;

/// Looks for what is unwise: Greenhouse's webhooks have no other protection than the secret, and none against replay.
pub(crate) fn lints(settings: &Settings) -> Vec<Finding> {
    vec![webhook_secret(settings.webhook_secret.as_ref())]
        .into_iter()
        .filter(|found| found.cure.is_some())
        .collect()
}

/// Says whether the webhook secret is there and strong.
pub(crate) fn webhook_secret(secret: Option<&Secret>) -> Finding {
    let what = "the webhook secret is strong";
    let cure = "Make a secret of 32 random characters (`openssl rand -hex 16`), give it to the connection as \
                `webhook_secret` by reference (`env:` or `file:`), and write the same one in the webhook's Secret key \
                in Greenhouse (Configure › Dev Center › Web Hooks).";
    let Some(secret) =
        secret.map(|secret| secret.expose().trim()).filter(|secret| !secret.is_empty())
    else {
        return Finding::bad(what, "`webhook_secret` is missing: every webhook is refused", cure);
    };
    let mut letters: Vec<char> = secret.chars().collect();
    let length = letters.len();
    letters.sort_unstable();
    letters.dedup();
    if secret == "123" {
        Finding::bad(
            what,
            "it is `123`, the one from the public instructions: anybody can forge a hire",
            cure,
        )
    } else if length < SHORTEST_SECRET {
        Finding::bad(
            what,
            format!("it has {length} characters, fewer than {SHORTEST_SECRET}"),
            cure,
        )
    } else if letters.len() < 6 {
        Finding::bad(what, format!("it has only {} different characters", letters.len()), cure)
    } else {
        Finding::good(what, format!("{length} characters"))
    }
}

fn harvest() -> String {
    "https://harvest.greenhouse.io".into()
}

fn settle() -> u32 {
    60
}

fn auth() -> String {
    "https://auth.greenhouse.io".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_weak_webhook_secret_is_called_out() {
        let table = [
            (None, Some("missing")),
            (Some(""), Some("missing")),
            (Some("123"), Some("public instructions")),
            (Some("changeme"), Some("8 characters")),
            (Some("aaaaaaaaaaaaaaaaaaaaaaaa"), Some("only 1 different")),
            (Some("3f9a1c77e0b24d5f86a1c77e0b24d5f8"), None),
        ];
        for (secret, expected) in table {
            let found = webhook_secret(secret.map(Secret::new).as_ref());
            assert_eq!(found.cure.is_some(), expected.is_some(), "{secret:?}: {}", found.seen);
            assert!(
                found.seen.contains(expected.unwrap_or("characters")),
                "{secret:?}: {}",
                found.seen
            );
        }
    }
}
