//! The switches of a Greenhouse tenant: its credentials, its rules, and what goes wrong in it.

use serde::Deserialize;

use crate::goco::Trouble;

/// How the tenant answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// The client id that gets tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The key of Harvest v1.
    pub api_key: String,
    /// What webhooks are signed with.
    pub webhook_secret: String,
    /// How long a token lives.
    pub token_seconds: i64,
    /// How the answer says it.
    pub token_says: TokenSays,
    /// Whether a new token makes those before it worthless, as has been reported.
    pub one_token: bool,
    /// Whether the credential's own user may read lists.
    pub service_user_is_site_admin: bool,
    /// What the credential or the key is not permitted.
    pub denied: Vec<Operation>,
    /// The most entries of a page; the real thing allows 500.
    pub page_size: usize,
    /// How many requests each window of 30 s allows.
    pub rate_limit: u32,
    /// How long a written note stays out of the lists.
    pub notes_lag_ms: u64,
    /// How long attachment links live, from when they were given out.
    pub links_live_seconds: i64,
    /// Whether the API and the token endpoint cut every connection; attachments lie elsewhere and go on.
    pub unreachable: bool,
    /// What goes wrong, in order.
    pub faults: Vec<Fault>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            client_id: "sandbox-client.acme".into(),
            client_secret: "sandbox-client-secret".into(),
            api_key: "sandbox-harvest-key".into(),
            webhook_secret: "sandbox-webhook-secret-3f9a1c77".into(),
            token_seconds: 3600,
            token_says: TokenSays::Both,
            one_token: true,
            service_user_is_site_admin: true,
            denied: Vec::new(),
            page_size: 500,
            rate_limit: 10_000,
            notes_lag_ms: 0,
            links_live_seconds: 7 * 24 * 3600,
            unreachable: false,
            faults: Vec::new(),
        }
    }
}

/// How an answer with a token says how long it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenSays {
    /// `expires_at`, its offset without a colon, and `expires_in`.
    Both,
    /// `expires_at` alone.
    ExpiresAt,
    /// `expires_in` alone.
    ExpiresIn,
    /// Not at all.
    Neither,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// At which operation.
    pub on: Operation,
    /// How many requests are spared before it.
    #[serde(default)]
    pub after: u32,
    /// How many requests it hits.
    #[serde(default = "one")]
    pub times: u32,
    /// What goes wrong.
    pub trouble: Trouble,
}

impl Fault {
    /// Returns trouble with the next request of that kind.
    pub fn once(on: Operation, trouble: Trouble) -> Self {
        Self { on, after: 0, times: 1, trouble }
    }
}

fn one() -> u32 {
    1
}

/// What a request asks for, in either version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A token.
    Token,
    /// Candidates.
    Candidates,
    /// Applications.
    Applications,
    /// Offers.
    Offers,
    /// Jobs.
    Jobs,
    /// Departments.
    Departments,
    /// Offices.
    Offices,
    /// Openings.
    Openings,
    /// Attachments.
    Attachments,
    /// Notes; in v1 the activity feed.
    Notes,
    /// A new note.
    AddNote,
    /// Users.
    Users,
    /// E-mail addresses of users.
    UserEmails,
    /// The file behind an attachment's link.
    File,
    /// Any other path or method.
    Unknown,
}

impl Operation {
    /// Returns the scope of Harvest v3 that permits it.
    pub(super) fn scope(self) -> &'static str {
        match self {
            Self::Candidates => "harvest:candidates:list",
            Self::Applications => "harvest:applications:list",
            Self::Offers => "harvest:offers:list",
            Self::Jobs => "harvest:jobs:list",
            Self::Departments => "harvest:departments:list",
            Self::Offices => "harvest:offices:list",
            Self::Openings => "harvest:openings:list",
            Self::Attachments => "harvest:attachments:list",
            Self::Notes => "harvest:notes:list",
            Self::AddNote => "harvest:notes:create",
            Self::Users => "harvest:users:list",
            Self::UserEmails => "harvest:user_emails:list",
            Self::Token | Self::File | Self::Unknown => "",
        }
    }
}
