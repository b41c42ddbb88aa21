//! `doctor`: looks whether connections, recipes and the service are as they should be, each red line with its cure.

use std::path::Path;

use connector::{Call, Finding, Identity};
use engine::FileState;
use futures_util::future::join_all;

use crate::{
    args::Format,
    check,
    code::Code,
    desk::{Desk, query},
    disk,
    exit::{Exit, Trouble},
    live::ago,
    references::Lookup,
    request::{Search, Section},
    service::{self, Service},
    start,
    terminal::{self, BAD, FAINT, GOOD, NAME, STRONG, count, paint},
};

/// Runs the command.
pub async fn run(dir: &Path, name: Option<String>, format: Format) -> Result<Exit, Trouble> {
    let desk = Desk::open(dir).await?;
    terminal::talk(paint(FAINT, "asking the vendors; this may take a few seconds …"));
    let sections = desk.get(&format!("check{}", query(&[("name", name)]))).await;
    desk.close().await;
    let sections: Vec<Section> = sections?;
    match format {
        Format::Json => terminal::json(&sections),
        Format::Text => sections.iter().for_each(|section| terminal::data(text(section))),
    }
    let red =
        sections.iter().flat_map(|section| &section.findings).filter(|one| one.cure.is_some());
    let red = red.count();
    if red == 0 {
        terminal::talk(paint(GOOD, "all is well"));
        return Ok(Exit::Good);
    }
    terminal::talk(paint(BAD, format!("{} to cure", count(red, "thing"))));
    Ok(Exit::Found)
}

fn text(section: &Section) -> String {
    let mut lines = vec![paint(STRONG, &section.about)];
    for Finding { what, seen, cure } in &section.findings {
        let mark = if cure.is_some() { paint(BAD, "✗") } else { paint(GOOD, "✓") };
        lines.push(format!("  {mark} {what}  {}", paint(FAINT, seen)));
        if let Some(cure) = cure.as_ref().filter(|cure| !cure.is_empty()) {
            lines.push(format!("    {} {cure}", paint(NAME, "cure:")));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Examines a connection, a recipe, or everything.
pub async fn examine(service: &Service, name: Option<&str>) -> Result<Vec<Section>, Trouble> {
    take_up_secrets(service).await;
    let deployment = service.engine.deployment();
    let mut connections: Vec<String> = deployment.project.connections.keys().cloned().collect();
    let mut recipes = deployment.project.recipe_names.clone();
    let mut sections = Vec::new();
    match name {
        None => {
            sections.push(files(service));
            sections.push(machine(service).await?);
        }
        Some(name) if recipes.iter().any(|recipe| recipe == name) => {
            let used = deployment.project.recipes.get(name).map(|one| start::connections(one));
            recipes.retain(|recipe| recipe == name);
            connections.retain(|one| used.as_ref().is_none_or(|used| used.contains(one)));
        }
        Some(name) if connections.iter().any(|connection| connection == name) => {
            connections.retain(|connection| connection == name);
            recipes.clear();
        }
        Some(name) => {
            let known = connections.iter().chain(&recipes).map(String::as_str).collect::<Vec<_>>();
            return Err(Trouble::of(
                Code::NoConnection,
                format!("there is no connection or recipe `{name}`"),
            )
            .cure(format!("there is: {}", known.join(", "))));
        }
    }
    // At once: one vendor that does not answer keeps nobody waiting for the others.
    sections.extend(join_all(connections.iter().map(|name| connection(service, name))).await);
    for name in &recipes {
        sections.push(recipe(service, name).await?);
    }
    Ok(sections)
}

/// Looks again for secrets that were missing: a file that holds one is none of the project's, so nobody watches it.
async fn take_up_secrets(service: &Service) {
    let closed = !service.wrong().closed.is_empty();
    // What is wrong with the project is told by what is found of it.
    if closed && let Err(trouble) = service.reload().await {
        tracing::debug!(%trouble, "the project was not taken up");
    }
}

fn files(service: &Service) -> Section {
    let wrong = service.wrong();
    let errors = check::errors(&wrong.diagnostics);
    let seen = count(wrong.diagnostics.len(), "diagnostic");
    let finding = if errors == 0 {
        Finding::good("the project's files are right", seen)
    } else {
        Finding::bad("the project's files are right", seen, "see `recipe-runner check`")
    };
    Section { about: format!("project {}", service.dir.display()), findings: vec![finding] }
}

async fn machine(service: &Service) -> Result<Section, Trouble> {
    let mut findings = Vec::new();
    let now = service.engine.clock().now();
    let newest = service.jobs(Search { limit: 1, ..Search::default() }).await?;
    let what = "the clock goes forward";
    findings.push(match newest.first() {
        Some(job) if job.accepted_at > now => Finding::bad(
            what,
            format!("it is {now:.0}, but job {} was accepted at {:.0}", job.job, job.accepted_at),
            "set the clock of this machine; keep it right with NTP",
        ),
        _ => Finding::good(what, format!("it is {now:.0}")),
    });
    let what = "the disk of the data folder has room";
    findings.extend(match disk::little(&service.data_dir) {
        Some(free) => Some(Finding::bad(
            what,
            format!("{free} free at {}", service.data_dir.display()),
            "make room: once it is full, webhooks are answered 503",
        )),
        None => disk::free(&service.data_dir)
            .map(|free| Finding::good(what, format!("{} free", disk::words(free)))),
    });
    match service.running() {
        None => findings.push(Finding::bad(
            "the service runs",
            "it does not",
            "start it: `recipe-runner start`",
        )),
        Some(running) => {
            let since = format!("process {}, began {}", running.process, ago(now, running.since));
            findings.push(Finding::good("the service runs", since));
            let what = "the webhooks can be reached from outside over https";
            findings.push(if running.public_url.starts_with("https://") {
                Finding::good(what, running.public_url)
            } else {
                Finding::bad(
                    what,
                    format!("the public address is {}", running.public_url),
                    "put an https proxy in front, and write its address as `public_url` into runner.yaml",
                )
            });
        }
    }
    Ok(Section { about: "service".into(), findings })
}

async fn connection(service: &Service, name: &str) -> Section {
    let about = format!("connection {name}");
    let deployment = service.engine.deployment();
    let closed = service.wrong().closed.iter().find(|one| one.connection == name).cloned();
    if let Some(closed) = closed {
        let cure = |place: usize| closed.cures.get(place).cloned().unwrap_or_default();
        let findings = closed
            .reasons
            .iter()
            .enumerate()
            .map(|(place, reason)| Finding::bad("it can be opened", reason, cure(place)))
            .collect();
        return Section { about, findings };
    }
    let settings = deployment.project.connections.get(name);
    let connector = settings.and_then(|settings| deployment.connector(&settings.connector));
    let opened = deployment.connections.get(name);
    let (Some(settings), Some(connector), Some(Ok(open))) = (settings, connector, opened) else {
        let cure = "see `recipe-runner check`";
        return Section {
            about,
            findings: vec![Finding::bad("it can be opened", "it cannot", cure)],
        };
    };
    let mut findings = vec![Finding::good("every secret is there", connector.summary)];
    let lookup = Lookup { dir: &service.dir, variable: &service.variable };
    if let Ok(resolved) = lookup.settings(&settings.settings) {
        findings.extend(connector.lint(&resolved));
    }
    let call = Call::new(Identity::default(), service.engine.clock().clone());
    findings.extend(connector.check(open, call).await);
    Section { about, findings }
}

async fn recipe(service: &Service, name: &str) -> Result<Section, Trouble> {
    let about = format!("recipe {name}");
    let all = service.recipes().await?;
    let Some(recipe) = all.iter().find(|recipe| recipe.name == name) else {
        return Err(service::unknown_recipe(name, all.iter().map(|recipe| recipe.name.as_str())));
    };
    let now = service.engine.clock().now();
    let mut findings = Vec::new();
    findings.push(match (recipe.file, &recipe.version) {
        (FileState::Good, Some(version)) => Finding::good("its file is right", version),
        (FileState::Missing, _) => Finding::bad(
            "its file is right",
            "it is gone",
            format!("put it back, or `recipe-runner forget {name}`"),
        ),
        (_, version) => Finding::bad(
            "its file is right",
            if version.is_some() { "the last good version goes on" } else { "it never was" },
            "see `recipe-runner check`",
        ),
    });
    findings.push(if recipe.on {
        Finding::good("it is on", "")
    } else {
        Finding::bad("it is on", "it is off", format!("`recipe-runner start {name}`"))
    });
    let what = "its webhook has been seen";
    let seen = [(recipe.last_event_at, "an event"), (recipe.last_ping_at, "a ping")];
    let latest = seen.into_iter().filter_map(|(at, what)| Some((at?, what))).max();
    findings.push(match (latest, &recipe.last_refusal) {
        (Some((at, what_came)), refusal) if refusal.as_ref().is_none_or(|(then, _)| *then < at) => {
            Finding::good(what, format!("{what_came} {}", ago(now, at)))
        }
        (_, Some((at, reason))) => Finding::bad(
            what,
            format!("a delivery was refused {}: {reason}", ago(now, *at)),
            "make the secret the same on both sides; then have the vendor send a test",
        ),
        _ => {
            let url = service.switched(name).url;
            Finding::bad(
                what,
                "nothing has come yet",
                format!("have the vendor send a test to {url}"),
            )
        }
    });
    Ok(Section { about, findings })
}
