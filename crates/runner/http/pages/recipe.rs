//! One recipe: its picture, its text with what is wrong in it, its versions, whether all is set up, and its switch.

use std::collections::HashMap;

use axum::response::Response;
use engine::{FileState, Status};
use recipe::Severity;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Fault, back, picture,
    render::{self, shown},
};
use crate::{
    doctor,
    http::{
        extract::{Asked, At, Posted},
        permission::{Operator, Viewer},
    },
    service::{self, By},
};

/// The longest text that is shown and compared line by line.
const MOST_LINES: usize = 900;

#[derive(Deserialize)]
pub struct RecipePath {
    pub recipe: String,
}

#[derive(Deserialize)]
pub struct Compared {
    /// The older version that today's text is compared with.
    with: Option<String>,
}

#[derive(Deserialize)]
pub struct Switch {
    on: String,
}

#[derive(Deserialize)]
pub struct Forget {
    /// A box that is ticked is sent, with whatever value.
    cancel_jobs: Option<String>,
}

pub async fn show(
    may: Viewer,
    At(path): At<RecipePath>,
    Asked(asked): Asked<Compared>,
) -> Result<Response, Fault> {
    page(&may.site, &may.person, &path.recipe, asked.with, None).await
}

/// The check-up asks the vendors, so it is asked for.
pub async fn check(may: Operator, At(path): At<RecipePath>) -> Result<Response, Fault> {
    let sections = doctor::examine(&may.site.service, Some(&path.recipe)).await?;
    let findings = sections.iter().flat_map(|section| &section.findings);
    let red = findings.filter(|finding| finding.cure.is_some()).count();
    page(&may.site, &may.person, &path.recipe, None, Some(shown! { sections, red })).await
}

pub async fn switch(
    may: Operator,
    At(path): At<RecipePath>,
    Posted(asked): Posted<Switch>,
) -> Result<Response, Fault> {
    let to = format!("/recipes/{}", path.recipe);
    let by = By::page(&may.person.name);
    may.site.service.switch(&by, vec![path.recipe], asked.on == "on").await?;
    Ok(back(&to))
}

pub async fn forget(
    may: Operator,
    At(path): At<RecipePath>,
    Posted(asked): Posted<Forget>,
) -> Result<Response, Fault> {
    let by = By::page(&may.person.name);
    may.site.service.forget(&by, &path.recipe, asked.cancel_jobs.is_some()).await?;
    Ok(back("/"))
}

async fn page(
    site: &super::super::Site,
    person: &super::super::access::Person,
    name: &str,
    compared: Option<String>,
    found: Option<Value>,
) -> Result<Response, Fault> {
    let service = &site.service;
    let status = service.recipe(name).await?;
    let deployment = service.engine.deployment();
    let checked = deployment.project.recipes.get(name);
    let file = format!("recipes/{name}.yaml");
    // Of a broken file its own text is shown, with what is wrong in it.
    let own = deployment
        .files
        .recipes
        .iter()
        .find(|source| source.path == file)
        .map(|one| one.text.clone());
    let kept = service.text(&status).await?;
    let text = own.or_else(|| kept.clone()).unwrap_or_default();
    let wrong: Vec<recipe::Diagnostic> =
        service.wrong().diagnostics.iter().filter(|one| one.source.path == file).cloned().collect();
    let versions = service.engine.store().versions(name).await?;
    let difference = match &compared {
        None => None,
        Some(version) => {
            let known = versions.iter().any(|one| &one.version == version);
            let older = if known { service.version(version).await? } else { None };
            let older = older.ok_or_else(|| service::no_version(name, version))?;
            Some(shown! { with => version, lines => difference(&older, &text) })
        }
    };
    let versions: Vec<Value> = versions
        .iter()
        .map(|one| shown! { version => one.version, since => one.since.to_string(), current => Some(&one.version) == status.version.as_ref() })
        .collect();
    let switched = service.switched(name);
    let open = [Status::Queued, Status::Running, Status::Waiting, Status::NeedsAttention];
    let open: u64 = open.iter().filter_map(|one| status.jobs.get(one)).sum();
    let tally = site.tallies.get(service, name).await?;
    let context = shown! {
        name, title => status.title, on => status.on, version => status.version, versions, difference, found,
        broken => status.file == FileState::Broken, missing => status.file == FileState::Missing,
        open, webhook => switched.url, set_up => switched.set_up, lines => lines(&text, &wrong),
        picture => checked.map(|recipe| picture::of(recipe, &tally)), calls => checked.is_some_and(|one| one.trigger().is_none()),
        seen => shown! {
            event => status.last_event_at.map(|at| at.to_string()), ping => status.last_ping_at.map(|at| at.to_string()),
            // One that something genuine came after is over; the deliveries tell of it.
            refusal => status.last_refusal.as_ref().filter(|one| Some(one.0) > status.last_event_at.max(status.last_ping_at)).map(|(at, why)| shown! { at => at.to_string(), why }),
        },
    };
    let title = if status.title.is_empty() { name } else { &status.title };
    let page = render::Page { title, menu: "overview", template: "recipe.html", live: false };
    Ok(render::page(site, person, &page, &context))
}

/// Returns the lines of a text, each with what is wrong in it and how its beginning is coloured.
fn lines(text: &str, wrong: &[recipe::Diagnostic]) -> Vec<Value> {
    let mut at: HashMap<usize, Vec<Value>> = HashMap::new();
    for one in wrong {
        let (line, column) = one.source.line_col(one.span.start);
        let error = one.severity == Severity::Error;
        let help: Vec<_> = one.label.iter().chain(&one.help).collect();
        at.entry(line)
            .or_default()
            .push(shown! { message => one.message, code => one.code, column, error, help });
    }
    let line = |(place, line): (usize, &str)| {
        let bare = line.trim_start();
        let indent = &line[..line.len() - bare.len()];
        let dash = if bare.starts_with("- ") { "- " } else { "" };
        let bare = &bare[dash.len()..];
        let is_key = |key: &str| {
            !key.is_empty()
                && key.bytes().all(|one| one == b'_' || one == b'-' || one.is_ascii_alphanumeric())
        };
        let (key, rest) = match bare.split_once(':') {
            Some((key, rest)) if is_key(key) && (rest.is_empty() || rest.starts_with(' ')) => {
                (format!("{key}:"), rest)
            }
            _ => (String::new(), bare),
        };
        let comment = bare.starts_with('#');
        shown! { number => place + 1, indent, dash, key, rest, comment, wrong => at.get(&(place + 1)) }
    };
    text.lines().take(MOST_LINES).enumerate().map(line).collect()
}

/// Returns the lines of two texts, each with how it changed: the longest common part stays.
pub fn difference(old: &str, new: &str) -> Vec<Value> {
    let old: Vec<&str> = old.lines().take(MOST_LINES).collect();
    let new: Vec<&str> = new.lines().take(MOST_LINES).collect();
    // `common[i][j]`: how many lines of `old[i..]` and `new[j..]` are the same at most.
    let mut common = vec![vec![0_u16; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((" ", old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(("-", old[i]));
            i += 1;
        } else {
            lines.push(("+", new[j]));
            j += 1;
        }
    }
    // Of what is the same, three lines around a change are enough.
    let near = |place: usize| {
        lines[place.saturating_sub(3)..lines.len().min(place + 4)]
            .iter()
            .any(|(mark, _)| *mark != " ")
    };
    let shown = (0..lines.len()).filter(|place| near(*place));
    shown.map(|place| shown! { mark => lines[place].0, text => lines[place].1 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_keeps_what_is_the_same() {
        let lines = difference("a\nb\nc\n", "a\nx\nc\nd\n");
        let told: Vec<String> = lines
            .iter()
            .map(|line| {
                format!(
                    "{}{}",
                    line["mark"].as_str().unwrap_or(""),
                    line["text"].as_str().unwrap_or("")
                )
            })
            .collect();
        assert_eq!(told, [" a", "-b", "+x", " c", "+d"]);
        assert!(difference("a\n", "a\n").is_empty());
    }
}
