//! The check-up of a connection: accepted, permitted, the right people, a strong secret, the right time.

use std::sync::Arc;

use connector::{Call, Failure, Finding, http::Request, jiff::fmt::rfc2822};

use crate::{
    account::{Account, Named},
    harvest::Harvest,
    rights::{self, Right},
    settings::{self, Environment},
    users::{self, User},
};

/// How far clocks may differ: tokens are replaced a minute before their end.
const TOLERATED_SKEW_SECONDS: i64 = 30;

/// Looks whether the connection works, line by line.
pub(crate) async fn check(account: Arc<Account>, call: Call) -> Vec<Finding> {
    let mut findings = vec![
        environment(account.environment),
        settings::webhook_secret(account.webhook_secret.as_ref()),
    ];
    let (accepted, usable) = accepted(&account, &call).await;
    findings.push(accepted);
    if !usable {
        return findings;
    }
    for (what, request, right) in reads(&account.harvest) {
        findings.push(permitted(&account.harvest, what, request, right, &call).await);
    }
    findings.push(acting_user(&account, &call).await);
    findings.push(note_author(&account, &call).await);
    findings.push(Finding::good(
        "notes can be written",
        format!(
            "not tried, since a note cannot be taken back: it needs `{}`",
            if account.harvest.is_v1() {
                rights::ADD_NOTE.endpoint
            } else {
                rights::ADD_NOTE.scope
            }
        ),
    ));
    findings.push(clock(&account.harvest, &call).await);
    findings
}

/// Says whether the credential is accepted, and whether anything else is worth asking.
async fn accepted(account: &Account, call: &Call) -> (Finding, bool) {
    let (what, tried) = if let Some(tokens) = account.harvest.tokens() {
        ("a token is given for the credential", tokens.current(call).await.map(drop))
    } else {
        let request = account.harvest.get("users").query("per_page", 1).doing("trying the API key");
        let answer = account.harvest.send(request, &rights::USERS, call).await;
        ("the API key is accepted", answer.map(drop))
    };
    match tried {
        Ok(()) => (Finding::good(what, "yes"), true),
        // The key is good, only this read is not allowed: that is a line of its own.
        Err(failure) if failure.code == "forbidden" && account.harvest.is_v1() => {
            (Finding::good(what, "yes"), true)
        }
        Err(failure) => (bad(what, failure), false),
    }
}

/// Returns one harmless read for each right the connector needs. In v1 each path is permitted by itself, so the very
/// paths are tried, with an id that nothing has: 404 is permitted.
fn reads(harvest: &Harvest) -> Vec<(&'static str, Request, &'static Right)> {
    if harvest.is_v1() {
        let read = |path: &str| harvest.get(path).accept(&[404]);
        return vec![
            ("candidates can be read", read("candidates/0"), &rights::CANDIDATES),
            ("applications can be read", read("applications/0"), &rights::APPLICATIONS),
            ("offers can be read", read("applications/0/offers/current_offer"), &rights::OFFERS),
            ("notes can be read", read("candidates/0/activity_feed"), &rights::NOTES),
            ("users can be read", read("users").query("per_page", 1), &rights::USERS),
        ];
    }
    let read = |path: &str| harvest.get(path).query("per_page", 1);
    vec![
        ("candidates can be read", read("candidates"), &rights::CANDIDATES),
        ("applications can be read", read("applications"), &rights::APPLICATIONS),
        ("offers can be read", read("offers"), &rights::OFFERS),
        ("attachments can be read", read("attachments"), &rights::ATTACHMENTS),
        ("notes can be read", read("notes"), &rights::NOTES),
        ("users can be read", read("users"), &rights::USERS),
        ("users' e-mails can be read", read("user_emails"), &rights::USER_EMAILS),
    ]
}

async fn permitted(
    harvest: &Harvest,
    what: &str,
    request: Request,
    right: &Right,
    call: &Call,
) -> Finding {
    match harvest.send(request.doing("trying whether it is permitted"), right, call).await {
        Ok(_) => Finding::good(what, "yes"),
        Err(failure) => bad(what, failure),
    }
}

async fn acting_user(account: &Account, call: &Call) -> Finding {
    let harvest = &account.harvest;
    let what =
        if harvest.is_v1() { "`user_email` is a user" } else { "the acting user is a Site Admin" };
    let Some(user) = &account.user else {
        return Finding::good(what, "no `acting_user`: the credential's own service user acts");
    };
    let id = match harvest.tokens() {
        Some(tokens) => Ok(tokens.acting_id().await.unwrap_or_default()),
        None => user.id(harvest, call).await,
    };
    let admin = "Choose a Site Admin as `acting_user`, or make this user one (Configure › Users): lists need it.";
    match found(harvest, id, call).await {
        Err(failure) => bad(what, failure),
        Ok(user) if user.deactivated == Some(true) => {
            Finding::bad(what, format!("{} is deactivated", shown(&user)), "Choose an active user.")
        }
        Ok(user) if !harvest.is_v1() && user.site_admin == Some(false) => {
            Finding::bad(what, format!("{} is none", shown(&user)), admin)
        }
        Ok(user) => Finding::good(what, shown(&user)),
    }
}

async fn note_author(account: &Account, call: &Call) -> Finding {
    let what = "the author of notes is a user";
    let Some(author) = &account.note_author else {
        return Finding::good(what, "no `note_author`: the user of the connection writes notes");
    };
    match found(&account.harvest, Named::id(author, &account.harvest, call).await, call).await {
        Err(failure) => bad(what, failure),
        Ok(user) if user.deactivated == Some(true) => Finding::bad(
            what,
            format!("{} is deactivated", shown(&user)),
            "Choose an active user as `note_author`.",
        ),
        Ok(user) => Finding::good(what, shown(&user)),
    }
}

async fn clock(harvest: &Harvest, call: &Call) -> Finding {
    let what = "this machine's clock is right";
    let request =
        harvest.get("users").query("per_page", 1).doing("asking for the time").accept(&[403]);
    let answer = match harvest.send(request, &rights::USERS, call).await {
        Ok(answer) => answer,
        Err(failure) => return bad(what, failure),
    };
    let theirs = answer.header("date").and_then(|date| rfc2822::parse(date).ok());
    let Some(theirs) = theirs else {
        return Finding::good(what, "Greenhouse does not say the time");
    };
    let skew = call.clock.now().duration_since(theirs.timestamp()).as_secs();
    let side = if skew < 0 { "behind" } else { "ahead of" };
    let seen = format!("{} s {side} Greenhouse", skew.abs());
    if skew.abs() <= TOLERATED_SKEW_SECONDS {
        Finding::good(what, seen)
    } else {
        Finding::bad(what, seen, "Let the machine set its clock by a time server (NTP).")
    }
}

fn environment(environment: Environment) -> Finding {
    let seen = match environment {
        Environment::Production => "production",
        Environment::Sandbox => "sandbox",
    };
    Finding::good("which account this is", seen)
}

async fn found(
    harvest: &Harvest,
    id: Result<String, Failure>,
    call: &Call,
) -> Result<User, Failure> {
    let id = id?;
    let user = users::by_id(harvest, &id, call).await?;
    user.ok_or_else(|| {
        Failure::permanent("unknown_user", format!("Greenhouse has no user `{id}`"))
            .hint("Write the e-mail address or the id of an active user.")
    })
}

fn shown(user: &User) -> String {
    match &user.name {
        Some(name) => format!("{name} ({})", user.id),
        None => user.id.clone(),
    }
}

fn bad(what: &str, failure: Failure) -> Finding {
    let cure = failure
        .hint
        .unwrap_or_else(|| "Try again later; if it stays, look at status.greenhouse.io.".into());
    Finding::bad(what, failure.message, cure)
}
