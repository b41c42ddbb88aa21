//! `tokens`: who may come in over HTTP.

use std::path::Path;

use crate::{
    args::{Format, Tokens},
    desk::{self, Desk},
    exit::{Exit, Trouble},
    http::access::Role,
    jobs::unexpected,
    request::{Reply, Request},
    terminal::{self, FAINT, GOOD, NAME, STRONG, paint},
};

/// Runs the command.
pub async fn run(dir: &Path, asked: Tokens) -> Result<Exit, Trouble> {
    let desk = Desk::open(dir).await?;
    let done = act(&desk, asked).await;
    desk.close().await;
    done
}

async fn act(desk: &Desk, asked: Tokens) -> Result<Exit, Trouble> {
    let by = desk::person();
    match asked {
        Tokens::Add { name, role } => {
            let Reply::Token(text) =
                desk.ask(Request::AddToken { name: name.clone(), role, by }).await?
            else {
                return Err(unexpected());
            };
            terminal::talk(format!(
                "{} for {}, {}; this is the only time it is shown:",
                paint(GOOD, "a token"),
                paint(STRONG, name),
                may(role)
            ));
            terminal::data(text);
        }
        Tokens::Revoke { name } => {
            desk.ask(Request::RevokeToken { name: name.clone(), by }).await?;
            terminal::talk(format!(
                "{} {}; whoever was signed in with it is out",
                paint(GOOD, "took back"),
                paint(STRONG, name)
            ));
        }
        Tokens::List(output) => {
            let Reply::Tokens(tokens) = desk.ask(Request::Tokens).await? else {
                return Err(unexpected());
            };
            if output.format == Format::Json {
                let line = |one: &crate::http::access::Token| serde_json::json!({ "name": one.name, "role": one.role, "made_at": one.made_at });
                terminal::json(&tokens.iter().map(line).collect::<Vec<_>>());
                return Ok(Exit::Good);
            }
            for one in &tokens {
                let made = paint(FAINT, format!("made {:.0}", one.made_at));
                terminal::data(format!(
                    "{:8}  {}  {made}",
                    one.role.word(),
                    paint(STRONG, &one.name)
                ));
            }
            if tokens.is_empty() {
                let add = paint(NAME, "recipe-runner tokens add NAME");
                terminal::talk(format!("there is no token; make one with {add}"));
            }
        }
    }
    Ok(Exit::Good)
}

fn may(role: Role) -> &'static str {
    match role {
        Role::Viewer => "who sees how things stand, without personal data",
        Role::Operator => "who sees all, retries, resolves and switches",
        Role::Admin => "who may do everything",
    }
}
