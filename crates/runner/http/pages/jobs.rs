//! The list of jobs: filters, search, pages, and having many go on.

use axum::response::{IntoResponse, Response};
use engine::Status;
use jiff::{Timestamp, ToSpan as _};
use serde::Deserialize;

use super::{
    Fault, PAGE, back,
    render::{self, shown},
};
use crate::{
    code::Code,
    http::{
        access::Role,
        extract::{Asked, Posted},
        permission::{Operator, Viewer},
        problem::Problem,
    },
    mask,
    request::Search,
    service::By,
};

/// How many jobs one press has go on.
const MOST_RETRIED: usize = 500;

#[derive(Deserialize)]
pub struct Filter {
    recipe: Option<String>,
    status: Option<String>,
    since: Option<String>,
    search: Option<String>,
    before: Option<i64>,
}

#[derive(Deserialize)]
pub struct Retry {
    recipe: Option<String>,
    status: Option<String>,
    search: Option<String>,
    newest: Option<String>,
}

/// The periods that can be chosen, in days.
const PERIODS: [(&str, i64, &str); 3] =
    [("1", 1, "the last 24 hours"), ("7", 7, "the last 7 days"), ("30", 30, "the last 30 days")];

pub async fn list(may: Viewer, Asked(asked): Asked<Filter>) -> Result<Response, Fault> {
    let service = &may.site.service;
    let text = filled(asked.search.as_ref());
    let viewer = may.person.role == Role::Viewer;
    // Whoever sees no names must not find people by them either.
    let may_search = !viewer || text.as_ref().is_none_or(|text| text.parse::<i64>().is_ok());
    let days =
        PERIODS.iter().find(|(word, ..)| asked.since.as_deref() == Some(*word)).map(|one| one.1);
    let search = Search {
        recipe: filled(asked.recipe.as_ref()),
        statuses: status(asked.status.as_ref())?.into_iter().collect(),
        since: days.and_then(|days| ago(service.engine.clock().now(), days)),
        text: text.clone().filter(|_| may_search),
        before: asked.before,
        limit: PAGE,
        ..Search::default()
    };
    let mut jobs = if may_search { service.jobs(search).await? } else { Vec::new() };
    if viewer {
        jobs = jobs.into_iter().map(mask::line_for_viewer).collect();
    }
    let recipes: Vec<String> =
        service.recipes().await?.into_iter().map(|recipe| recipe.name).collect();
    let next = jobs.last().filter(|_| jobs.len() == PAGE).map(|job| job.job);
    let retriable =
        asked.status.as_deref().is_some_and(|word| matches!(word, "failed" | "needs_attention"));
    let context = shown! {
        jobs, recipes, next, retriable, may_search, viewer,
        asked => shown! {
            recipe => asked.recipe, status => asked.status, since => asked.since, search => text, before => asked.before,
        },
        periods => PERIODS.map(|(word, _, title)| (word, title)),
        statuses => super::STATUSES.map(Status::word),
    };
    let page = render::Page {
        title: "Jobs",
        menu: "jobs",
        template: "jobs.html",
        live: asked.before.is_none(),
    };
    Ok(render::page(&may.site, &may.person, &page, &context))
}

pub async fn retry(may: Operator, Posted(asked): Posted<Retry>) -> Result<Response, Fault> {
    let Some(status @ (Status::Failed | Status::NeedsAttention)) = status(asked.status.as_ref())?
    else {
        return Err(Problem::unreadable(
            "choose the jobs that failed, or those that need attention, first",
        )
        .into());
    };
    let search = Search {
        recipe: filled(asked.recipe.as_ref()),
        statuses: vec![status],
        text: filled(asked.search.as_ref()),
        limit: MOST_RETRIED,
        ..Search::default()
    };
    let by = By::page(&may.person.name);
    let (going, refused) = may.site.service.retry_many(&by, search, asked.newest.is_some()).await?;
    if refused.is_empty() {
        return Ok(back("/jobs"));
    }
    let refused: Vec<_> =
        refused.into_iter().map(|(job, why)| format!("job {job}: {why}")).collect();
    let told = format!("{} go on, {} do not", going.len(), refused.len());
    let mut problem = Problem::new(Code::WrongState, told);
    problem.hints = refused;
    Ok(Fault::from(problem).into_response())
}

fn filled(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn status(word: Option<&String>) -> Result<Option<Status>, Fault> {
    match filled(word) {
        None => Ok(None),
        Some(word) => Status::from_word(&word)
            .map(Some)
            .ok_or_else(|| Problem::unreadable(format!("there is no status `{word}`")).into()),
    }
}

fn ago(now: Timestamp, days: i64) -> Option<Timestamp> {
    now.checked_sub((days * 24).hours()).ok()
}
