//! Hot reload: a changed project folder is checked and takes effect for new jobs; a broken one is refused with its
//! diagnostics, and what was good goes on.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal},
    sync::Arc,
    time::Duration,
};

use engine::Deployment;
use recipe::{Diagnostic, Severity};

use crate::{
    exit::Trouble,
    project::{self, Fingerprint},
    service::{Service, Wrong},
    terminal::{self, BAD, GOOD, paint},
};

/// How often the folder is looked at. Polling sees what every editor, `git pull` and network drive does.
const INTERVAL: Duration = Duration::from_secs(1);

/// Watches the folder until the service stops.
pub async fn watch(service: Arc<Service>) {
    let mut seen = project::fingerprint(&service.dir).ok();
    loop {
        tokio::select! {
            () = service.stop.cancelled() => return,
            () = service.engine.clock().sleep(INTERVAL) => {}
        }
        let Some(now) = changed(&service, seen.as_ref()) else { continue };
        seen = Some(now);
        take_up(&service).await;
    }
}

/// Returns the new state of the folder if it has changed. A folder that cannot be read is left for the next look.
fn changed(service: &Service, seen: Option<&Fingerprint>) -> Option<Fingerprint> {
    let now = project::fingerprint(&service.dir).ok()?;
    (Some(&now) != seen).then_some(now)
}

async fn take_up(service: &Service) {
    let outcome = service.reload().await;
    let at_terminal = io::stderr().is_terminal();
    match outcome {
        Err(trouble) if at_terminal => terminal::trouble(&trouble),
        Err(trouble) => tracing::error!(%trouble, "the changed project was not taken up"),
        Ok(Wrong { diagnostics, .. }) => {
            let broken: BTreeSet<&str> = diagnostics
                .iter()
                .filter(|one| one.severity == Severity::Error)
                .map(|one| one.source.path.as_str())
                .collect();
            let files = broken.into_iter().collect::<Vec<_>>().join("`, `");
            match (files.is_empty(), at_terminal) {
                (true, true) => {
                    terminal::talk(format!("{} the changed project", paint(GOOD, "took up")));
                }
                (true, false) => tracing::info!("took up the changed project"),
                (false, true) => {
                    terminal::talk(recipe::render(&diagnostics, terminal::colors_on_stderr()));
                    let refused = paint(BAD, "refused");
                    terminal::talk(format!("{refused} `{files}`; the last good version goes on"));
                }
                (false, false) => {
                    let mistakes = recipe::render(&diagnostics, false);
                    tracing::error!(
                        files,
                        mistakes,
                        "refused broken files; the last good version goes on"
                    );
                }
            }
        }
    }
}

/// Returns why a changed folder must not be taken up at all: what every recipe stands on is broken.
pub fn refusal(service: &Service, changed: &Deployment, wrong: &Wrong) -> Option<Trouble> {
    let shared = |one: &&Diagnostic| {
        one.severity == Severity::Error
            && matches!(one.source.path.as_str(), "connections.yaml" | "runner.yaml")
    };
    if let Some(one) = wrong.diagnostics.iter().find(shared) {
        return Some(Trouble::found(format!(
            "`{}` is broken, so nothing of the changed project is taken up\n\n{}",
            one.source.path,
            recipe::render(&wrong.diagnostics, false).trim_end()
        )));
    }
    let without = service.engine.left_without_version(changed);
    if !without.is_empty() {
        // A changed table or property can break the last good version, too; then nothing would answer its webhook.
        return Some(Trouble::found(format!(
            "with this change no version of `{}` holds, so nothing of the changed project is taken up\n\n{}",
            without.join("`, `"),
            recipe::render(&wrong.diagnostics, false).trim_end()
        )));
    }
    let deployment = service.engine.deployment();
    let lost = wrong
        .closed
        .iter()
        .find(|one| deployment.connections.get(&one.connection).is_some_and(Result::is_ok))?;
    Some(Trouble::found(format!(
        "the connection `{}` would be closed, so nothing of the changed project is taken up: {}",
        lost.connection,
        lost.reasons.join("; ")
    )))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use engine::FileState;

    use super::*;
    use crate::{exit::Exit, init};

    const RECIPE: &str = "recipes/greenhouse-hired-to-goco.yaml";

    #[tokio::test]
    async fn a_broken_recipe_is_refused_and_the_last_good_version_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        init::write(dir.path()).unwrap();
        let service = Service::open(dir.path(), |_| Some("x".repeat(32))).await.unwrap();
        let good = service.recipes().await.unwrap().remove(0);

        fs::write(dir.path().join(RECIPE), "titel: x\n").unwrap();
        let wrong = service.reload().await.unwrap();
        assert!(crate::check::errors(&wrong.diagnostics) > 0);
        let broken = service.recipes().await.unwrap().remove(0);
        assert_eq!((broken.file, &broken.version), (FileState::Broken, &good.version));

        init_again(dir.path());
        assert!(service.reload().await.unwrap().diagnostics.is_empty());
        assert_eq!(service.recipes().await.unwrap()[0].file, FileState::Good);
        service.engine.stop().await;
    }

    #[tokio::test]
    async fn a_broken_table_is_not_taken_up_and_the_recipe_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        init::write(dir.path()).unwrap();
        let service = Service::open(dir.path(), |_| Some("x".repeat(32))).await.unwrap();
        let good = service.recipes().await.unwrap().remove(0);
        fs::write(dir.path().join("tables/employment_types.csv"), "a,b\n1,2\n").unwrap();
        let trouble = service.reload().await.unwrap_err();
        assert!(trouble.message.starts_with("with this change no version of"), "{trouble}");
        assert!(trouble.message.contains("has no column `greenhouse`"), "{trouble}");
        let kept = service.recipes().await.unwrap().remove(0);
        assert_eq!((kept.file, &kept.version), (FileState::Good, &good.version));
        init_again(dir.path());
        assert!(service.reload().await.unwrap().diagnostics.is_empty());
        service.engine.stop().await;
    }

    #[tokio::test]
    async fn broken_connections_are_not_taken_up_at_all() {
        let dir = tempfile::tempdir().unwrap();
        init::write(dir.path()).unwrap();
        let service = Service::open(dir.path(), |_| Some("x".repeat(32))).await.unwrap();
        fs::write(dir.path().join("connections.yaml"), "gocoo: {}\n").unwrap();
        let trouble = service.reload().await.unwrap_err();
        assert_eq!(trouble.exit, Exit::Found);
        assert!(trouble.message.starts_with("`connections.yaml` is broken"), "{trouble}");
        assert_eq!(service.recipes().await.unwrap()[0].file, FileState::Good);
        assert!(service.engine.deployment().connections["goco"].is_ok());
        service.engine.stop().await;
    }

    fn init_again(dir: &std::path::Path) {
        for (name, text) in init::TEMPLATE {
            fs::write(dir.join(name), text).unwrap();
        }
    }
}
