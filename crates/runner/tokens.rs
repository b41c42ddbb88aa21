//! `tokens`: who may come in over HTTP.

use std::path::Path;

use crate::{
    args::{self, Format},
    desk::{Desk, escaped, query},
    exit::{Exit, Trouble},
    http::{
        access::Role,
        api::{MadeToken, TokenLine, Tokens},
    },
    terminal::{self, FAINT, GOOD, NAME, STRONG, paint},
};

/// Runs the command.
pub async fn run(dir: &Path, asked: args::Tokens) -> Result<Exit, Trouble> {
    let desk = Desk::open(dir).await?;
    let done = act(&desk, asked).await;
    desk.close().await;
    done
}

async fn act(desk: &Desk, asked: args::Tokens) -> Result<Exit, Trouble> {
    match asked {
        args::Tokens::Add { name, role } => {
            let body = serde_json::json!({ "name": name, "role": role });
            let made: MadeToken = desk.post("tokens", &body).await?;
            terminal::talk(format!(
                "{} for {}, {}; this is the only time it is shown:",
                paint(GOOD, "a token"),
                paint(STRONG, name),
                may(role)
            ));
            terminal::data(made.token);
        }
        args::Tokens::Revoke { name } => {
            desk.delete(&format!("tokens/{}", escaped(&name))).await?;
            terminal::talk(format!(
                "{} {}; whoever was signed in with it is out",
                paint(GOOD, "took back"),
                paint(STRONG, name)
            ));
        }
        args::Tokens::List(output) => {
            let tokens = all(desk).await?;
            if output.format == Format::Json {
                terminal::json(&tokens);
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

async fn all(desk: &Desk) -> Result<Vec<TokenLine>, Trouble> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page: Tokens = desk.get(&format!("tokens{}", query(&[("cursor", cursor)]))).await?;
        all.extend(page.tokens);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

fn may(role: Role) -> &'static str {
    match role {
        Role::Viewer => "who sees how things stand, without personal data",
        Role::Operator => "who sees all, retries, resolves and switches",
        Role::Admin => "who may do everything",
    }
}
