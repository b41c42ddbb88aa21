//! An open connection: Harvest with its credentials, and the few users it needs to know, each looked up once.

use std::time::Duration;

use connector::{
    Call, Failure, Opening, Secret,
    http::{Client, ClientSettings},
};
use futures_util::lock::Mutex;

use crate::{
    harvest::{Credentials, Harvest},
    settings::{Environment, Kind, Settings},
    tokens::Tokens,
    users::{self, Who},
};

/// An open connection.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) harvest: Harvest,
    pub(crate) environment: Environment,
    /// How long Greenhouse may take to show a note.
    pub(crate) settle: Duration,
    pub(crate) webhook_secret: Option<Secret>,
    /// The author of notes, when the settings name one; in v1 the user of the connection otherwise.
    pub(crate) note_author: Option<Named>,
    /// The user of the connection: `On-Behalf-Of` in v1, the subject of tokens in v3.
    pub(crate) user: Option<Named>,
}

/// A user named by a setting, whose id is looked up once.
#[derive(Debug)]
pub(crate) struct Named {
    setting: &'static str,
    who: Who,
    /// Locked while it is looked up, so that it is looked up once.
    id: Mutex<Option<String>>,
}

/// Opens a connection, without any I/O.
pub(crate) fn open(settings: Settings, opening: &Opening) -> Result<Account, Failure> {
    let name = &opening.name;
    let (version, user) = match settings.kind {
        Kind::HarvestV3 => ("v3", named("acting_user", settings.acting_user.as_deref())?),
        Kind::HarvestV1 => ("v1", named("user_email", settings.user_email.as_deref())?),
    };
    let base_url = format!("{}/{version}", settings.base_url.trim_end_matches('/'));
    let client = client(&base_url, &settings, opening)?;
    let credentials = match settings.kind {
        Kind::HarvestV3 => {
            let client_id = settings.client_id.clone().filter(|id| !id.trim().is_empty());
            let client_id = client_id.ok_or_else(|| missing(name, "client_id", "harvest_v3"))?;
            let secret = settings.client_secret.clone();
            let secret = secret.ok_or_else(|| missing(name, "client_secret", "harvest_v3"))?;
            // Greenhouse's own pages write the address with `/token`.
            let auth_url = settings.auth_url.trim_end_matches('/').trim_end_matches("/token");
            let auth = self::client(auth_url, &settings, opening)?;
            let acting_user = user.as_ref().map(|user| user.who.clone());
            Credentials::Tokens(Box::new(Tokens::new(
                auth,
                client.clone(),
                client_id,
                secret,
                acting_user,
            )))
        }
        Kind::HarvestV1 => {
            let key =
                settings.api_key.clone().ok_or_else(|| missing(name, "api_key", "harvest_v1"))?;
            if user.is_none() {
                return Err(missing(name, "user_email", "harvest_v1"));
            }
            Credentials::Key(key)
        }
    };
    Ok(Account {
        harvest: Harvest::new(client, credentials),
        environment: settings.environment,
        settle: Duration::from_secs(settings.settle_seconds.into()),
        webhook_secret: settings.webhook_secret.filter(|secret| !secret.expose().trim().is_empty()),
        note_author: named("note_author", settings.note_author.as_deref())?,
        user,
    })
}

impl Account {
    /// Returns the id of the author of notes, when the connection names one.
    pub(crate) async fn author_id(&self, call: &Call) -> Result<Option<String>, Failure> {
        match (&self.note_author, &self.user) {
            (Some(author), _) => author.id(&self.harvest, call).await.map(Some),
            // v1 takes no note without an author; v3 takes whom the token is minted for.
            (None, Some(user)) if self.harvest.is_v1() => {
                user.id(&self.harvest, call).await.map(Some)
            }
            (None, _) => Ok(None),
        }
    }

    /// Returns the id for `On-Behalf-Of`, which v1 needs for writes.
    pub(crate) async fn on_behalf_of(&self, call: &Call) -> Result<Option<String>, Failure> {
        match &self.user {
            Some(user) if self.harvest.is_v1() => user.id(&self.harvest, call).await.map(Some),
            _ => Ok(None),
        }
    }
}

impl Named {
    /// Returns the user's id.
    pub(crate) async fn id(&self, harvest: &Harvest, call: &Call) -> Result<String, Failure> {
        let mut known = self.id.lock().await;
        if let Some(id) = &*known {
            return Ok(id.clone());
        }
        let id = match &self.who {
            Who::Id(id) => id.clone(),
            Who::Email(email) => {
                let user = users::by_email(harvest, email, call).await?;
                user.ok_or_else(|| users::unknown(self.setting, email))?.id
            }
        };
        Ok(known.insert(id).clone())
    }
}

fn client(base_url: &str, settings: &Settings, opening: &Opening) -> Result<Client, Failure> {
    let mut http = ClientSettings::new(base_url)?;
    http.allow_private_addresses = settings.allow_private_addresses;
    http.max_in_flight = settings.limits.in_flight.max(1);
    http.timeout = Duration::from_secs(settings.limits.timeout_seconds.max(1));
    // What exactly is wrong with a body stands in `errors`, under the general remark of `message`.
    http.error_pointers =
        ["/errors", "/message", "/error_description", "/error"].map(String::from).to_vec();
    Client::new(http, opening)
}

fn named(setting: &'static str, text: Option<&str>) -> Result<Option<Named>, Failure> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    Ok(Some(Named { setting, who: Who::read(setting, text)?, id: Mutex::default() }))
}

fn missing(connection: &str, setting: &str, kind: &str) -> Failure {
    Failure::permanent(
        "invalid_setting",
        format!("the connection `{connection}` has no `{setting}`, which `kind: {kind}` needs"),
    )
    .hint(format!("Give `{setting}` to the connection in `connections.yaml`."))
}
