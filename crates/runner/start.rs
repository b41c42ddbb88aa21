//! `start`: switches recipes on, and becomes the service unless one runs.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use connector::{Clock, SystemClock};
use recipe::{Recipe, Step, StepKind};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::Start,
    control::Client,
    desk::{self, Desk},
    exit::{Exit, Trouble},
    live::Live,
    logs, references,
    request::{FirstSignIn, ServiceStatus, Switched},
    service::{self, By, Service},
    terminal::{self, BAD, FAINT, GOOD, NAME, STRONG, WARN, paint},
};

/// How often a detached service is asked whether it is ready.
const LOOK: Duration = Duration::from_millis(20);

/// Runs the command.
pub async fn run(dir: &Path, asked: Start) -> Result<Exit, Trouble> {
    if asked.detached {
        // Fails only for the leader of a group, which is free of the terminal already.
        rustix::process::setsid().ok();
    }
    let data_dir = service::data_dir(dir)?;
    if let Some(client) = Client::find(&data_dir).await? {
        if !asked.all && asked.recipes.is_empty() {
            terminal::talk(paint(WARN, "the service runs already"));
        }
        return tell_running(&Desk::Running(client), &asked).await;
    }
    if asked.detach {
        return detach(dir, &data_dir, &asked).await;
    }
    logs::begin(&asked.log, asked.log_format)?;
    survive_limits()?;
    let service = Service::open(dir, references::environment).await?;
    // What cannot start is refused before a door is open.
    if let Err(trouble) = switch_on(&service, &asked).await {
        service.engine.stop().await;
        return Err(trouble);
    }
    let live = Live::begin(service, None).await?;
    if !asked.detached {
        // Of a detached service the process that started it tells: the page's token stays out of the log.
        tell_all(&live.service).await?;
        if terminal::shows_data() {
            tell_sign_in(live.service.first_sign_in(&here()).await?);
        }
    }
    wait_for_the_end(&live.service).await?;
    terminal::talk(paint(FAINT, "stopping: calls in flight end, jobs pause …"));
    tokio::select! {
        () = live.end() => terminal::talk(paint(GOOD, "stopped")),
        // A second Ctrl-C does not wait: what is in flight is settled at the next start.
        _ = tokio::signal::ctrl_c() => terminal::talk(paint(WARN, "stopped at once")),
    }
    Ok(Exit::Good)
}

/// Returns who sits at this terminal.
fn here() -> By {
    By::command_line(&desk::person())
}

/// Switches on what was asked for.
async fn switch_on(service: &Service, asked: &Start) -> Result<(), Trouble> {
    if asked.all || !asked.recipes.is_empty() {
        refuse_closed(service, &asked.recipes)?;
        service.switch(&here(), asked.recipes.clone(), true).await?;
    }
    Ok(())
}

/// Says which recipes are on and how events reach them.
async fn tell_all(service: &Service) -> Result<(), Trouble> {
    let recipes = service.recipes().await?;
    let on: Vec<Switched> =
        recipes.iter().filter(|recipe| recipe.on).map(|one| service.switched(&one.name)).collect();
    tell(&service.status().await?, &on);
    Ok(())
}

/// Refuses to switch on a recipe whose connections cannot be opened; names everything that is missing at once.
fn refuse_closed(service: &Service, recipes: &[String]) -> Result<(), Trouble> {
    let deployment = service.engine.deployment();
    let used: BTreeSet<String> = deployment
        .project
        .recipes
        .values()
        .filter(|recipe| recipes.is_empty() || recipes.contains(&recipe.name))
        .flat_map(|recipe| connections(recipe))
        .collect();
    let closed: Vec<_> = service
        .wrong()
        .closed
        .iter()
        .filter(|one| used.contains(&one.connection))
        .cloned()
        .collect();
    if closed.is_empty() { Ok(()) } else { Err(references::trouble(&closed)) }
}

/// Returns the connections that a recipe uses.
pub fn connections(recipe: &Recipe) -> BTreeSet<String> {
    let of_step = |step: &Step| match &step.kind {
        StepKind::Action(action) => action.connection.clone(),
        _ => None,
    };
    let of_trigger = recipe.trigger().and_then(|trigger| trigger.connection.clone());
    recipe.all_steps().filter_map(of_step).chain(of_trigger).collect()
}

/// Has the running service switch recipes on.
async fn tell_running(desk: &Desk, asked: &Start) -> Result<Exit, Trouble> {
    let mut on: Vec<Switched> = Vec::new();
    if asked.all || !asked.recipes.is_empty() {
        on = desk.post("switch", &json!({ "recipes": asked.recipes, "on": true })).await?;
    }
    tell(&desk.get("status").await?, &on);
    Ok(Exit::Good)
}

/// Starts this program again, free of the terminal, and returns when it is ready.
async fn detach(dir: &Path, data_dir: &Path, asked: &Start) -> Result<Exit, Trouble> {
    service::make_private(data_dir)?;
    let log = data_dir.join("service.log");
    let open = || {
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| Trouble::file("write", &log, &error))
    };
    let begins = fs::metadata(&log).map_or(0, |metadata| metadata.len());
    let program = std::env::current_exe()
        .map_err(|error| Trouble::cannot(format!("cannot find this program: {error}")))?;
    let mut child = Command::new(&program)
        .arg("start")
        .args(&asked.recipes)
        .args(asked.all.then_some("--all"))
        .args(["--detached", "--log-format", "json", "--log", &asked.log])
        .arg("--project")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::from(open()?))
        .stderr(Stdio::from(open()?))
        .spawn()
        .map_err(|error| Trouble::file("start", &program, &error))?;
    let desk = loop {
        if let Some(client) = Client::find(data_dir).await? {
            break Desk::Running(client);
        }
        if let Ok(Some(_)) = child.try_wait() {
            let said = fs::read(&log).unwrap_or_default();
            let said = said.get(usize::try_from(begins).unwrap_or(0)..).unwrap_or_default();
            let said = String::from_utf8_lossy(said);
            let said = said.trim().strip_prefix("error: ").unwrap_or(said.trim()).to_owned();
            return Err(Trouble::cannot(format!("the service did not start\n{said}")));
        }
        SystemClock.sleep(LOOK).await;
    };
    // Switched on by the new service already; asked again for the addresses, and for what it refuses.
    let told = tell_running(
        &desk,
        &Start { recipes: asked.recipes.clone(), log: asked.log.clone(), ..*asked },
    )
    .await?;
    if terminal::shows_data() {
        tell_sign_in(desk.post("first-sign-in", &json!({})).await?);
    }
    terminal::talk(format!(
        "the service runs in the background; it writes to {}; end it with {}",
        paint(NAME, log.display()),
        paint(NAME, "recipe-runner stop")
    ));
    Ok(told)
}

/// Says which recipes are on and how events reach them, which are off, and what is wrong.
fn tell(status: &ServiceStatus, on: &[Switched]) {
    for mistake in &status.mistakes {
        terminal::talk(mistake.trim_end());
    }
    for closed in &status.closed {
        terminal::talk(format!("{} {closed}", paint(BAD, "closed connection")));
    }
    for one in on {
        let title = status.recipes.iter().find(|recipe| recipe.name == one.recipe);
        let title = title.map(|recipe| recipe.title.as_str()).unwrap_or_default();
        terminal::data(format!(
            "{} {}  {}",
            paint(GOOD, "● on "),
            paint(STRONG, &one.recipe),
            paint(FAINT, title)
        ));
        terminal::data(format!("  webhook  {}", paint(NAME, &one.url)));
        for line in one.set_up.trim().lines() {
            terminal::data(format!("  {line}"));
        }
        terminal::data("");
    }
    for recipe in status.recipes.iter().filter(|recipe| !recipe.on) {
        terminal::data(format!(
            "{} {}  {}",
            paint(FAINT, "○ off"),
            recipe.name,
            paint(FAINT, format!("switch it on: recipe-runner start {}", recipe.name))
        ));
    }
    if let Some(running) = &status.running {
        terminal::data(format!("pages      {}", paint(NAME, &running.page)));
        if running.public_url == format!("http://{}", running.listen) {
            let words = "the webhook can be reached from this machine only: set `public_url` in runner.yaml to \
                         the https address of the proxy in front of it";
            terminal::talk(format!("{} {words}", paint(WARN, "note:")));
        }
    }
}

/// Says how to sign in. It belongs on a person's screen, not in the log that a supervisor makes of this output.
fn tell_sign_in(FirstSignIn { token, link }: FirstSignIn) {
    if let Some(link) = link {
        let once = paint(FAINT, "(good once, for 10 minutes)");
        terminal::data(format!("sign in    {} {once}", paint(NAME, link)));
    }
    if let Some(token) = token {
        let words = "or with this token, which is shown this once; keep it, or take it back with";
        terminal::talk(format!("{words} {}:", paint(NAME, "recipe-runner tokens revoke first")));
        terminal::data(token);
    }
}

/// Has a write beyond the limit on the size of files fail like one to a full disk, and not end the process.
fn survive_limits() -> Result<(), Trouble> {
    let too_large = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // Once somebody listens, the signal does nothing else any more.
    signal(too_large).map(drop).map_err(|error| unheard(&error))
}

fn unheard(error: &std::io::Error) -> Trouble {
    Trouble::cannot(format!("cannot listen to signals: {error}"))
}

/// Waits for Ctrl-C, SIGTERM, or a command to stop.
pub async fn wait_for_the_end(service: &Service) -> Result<(), Trouble> {
    let mut terminated = signal(SignalKind::terminate()).map_err(|error| unheard(&error))?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
        () = service.stop.cancelled() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::init;

    #[tokio::test]
    async fn a_recipe_does_not_start_while_secrets_are_missing() {
        let dir = tempfile::tempdir().unwrap();
        init::write(dir.path()).unwrap();
        let service = Service::open(dir.path(), |_| None).await.unwrap();
        let trouble = refuse_closed(&service, &[]).unwrap_err();
        assert_eq!(trouble.exit, Exit::Cannot);
        for name in ["GOCO_API_KEY", "GREENHOUSE_CLIENT_SECRET", "GREENHOUSE_WEBHOOK_SECRET"] {
            assert!(trouble.message.contains(name), "{trouble}");
        }
        service.engine.stop().await;
    }

    #[tokio::test]
    async fn a_recipe_that_was_never_right_does_not_start() {
        let dir = tempfile::tempdir().unwrap();
        init::write(dir.path()).unwrap();
        fs::write(dir.path().join("recipes/broken.yaml"), "titel: x\n").unwrap();
        let service = Service::open(dir.path(), |_| None).await.unwrap();
        let by = By::command_line("ann");
        let trouble = service.switch(&by, vec!["broken".into()], true).await.unwrap_err();
        assert_eq!(trouble.exit, Exit::Found);
        assert!(trouble.message.starts_with("`broken` was never right"), "{trouble}");
        assert!(trouble.message.contains("recipes/broken.yaml:1:1"), "{trouble}");
        service.engine.stop().await;
    }
}
