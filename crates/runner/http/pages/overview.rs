//! The overview: do hires arrive, and what needs a person first.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::response::Response;
use engine::{DayCount, FileState, Status, StoreError};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::Value;

use super::{
    Fault,
    render::{self, shown},
};
use crate::{
    http::{access::Role, permission::Viewer},
    live::ago,
    mask,
    request::Search,
    service::Service,
};

/// How old the counts of days may be; counting reads every job of a month.
const FRESH: SignedDuration = SignedDuration::from_secs(20);
/// What takes no longer than this to count is counted for whoever asks.
const QUICK: SignedDuration = SignedDuration::from_millis(10);
/// How long the page waits for them.
const MOMENT: Duration = Duration::from_millis(20);
const DAYS: i64 = 30;
/// How many jobs that need attention are shown here.
const MOST_ATTENTION: usize = 12;
/// How many of the last failed jobs are, and of how long.
const MOST_FAILURES: usize = 6;
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The counts of the last days, made anew now and then.
#[derive(Default)]
pub struct Days {
    kept: Mutex<Option<Counted>>,
    /// Held while they are counted for the first time: whoever comes meanwhile need not count as well.
    first: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Counted {
    at: Timestamp,
    took: SignedDuration,
    days: Arc<[DayCount]>,
}

impl Days {
    /// Returns the counts. What takes long to count is made anew beside, and meanwhile what is there is given; only who
    /// asks before there is anything waits for it.
    pub async fn get(
        self: &Arc<Self>,
        service: &Arc<Service>,
    ) -> Result<Arc<[DayCount]>, StoreError> {
        let Some(kept) = self.kept() else {
            let _first = self.first.lock().await;
            return match self.kept() {
                Some(kept) => Ok(kept.days),
                None => self.count(service).await,
            };
        };
        if kept.took <= QUICK {
            return self.count(service).await;
        }
        let now = service.engine.clock().now();
        if now.duration_since(kept.at) > FRESH {
            // Whoever comes meanwhile need not count as well.
            self.keep(Counted { at: now, ..kept.clone() });
            let (days, service) = (self.clone(), service.clone());
            tokio::spawn(async move { drop(days.count(&service).await) });
        }
        Ok(kept.days)
    }

    /// Returns the counts if they are there in a moment; what a page waits for does not depend on how long a month was.
    async fn soon(
        self: &Arc<Self>,
        service: &Arc<Service>,
    ) -> Result<Option<Arc<[DayCount]>>, StoreError> {
        let (days, own) = (self.clone(), service.clone());
        let counted = tokio::spawn(async move { days.get(&own).await });
        tokio::select! {
            counted = counted => counted.map_or(Ok(None), |counted| counted.map(Some)),
            () = service.engine.clock().sleep(MOMENT) => Ok(None),
        }
    }

    async fn count(&self, service: &Service) -> Result<Arc<[DayCount]>, StoreError> {
        let clock = service.engine.clock();
        let at = clock.now();
        let since = at.checked_sub((DAYS * 24).hours()).unwrap_or(at);
        let days: Arc<[DayCount]> = service.engine.store().days(since).await?.into();
        self.keep(Counted { at, took: clock.now().duration_since(at), days: days.clone() });
        Ok(days)
    }

    fn kept(&self) -> Option<Counted> {
        self.kept.lock().expect("no panic while the lock is held").clone()
    }

    fn keep(&self, counted: Counted) {
        *self.kept.lock().expect("no panic while the lock is held") = Some(counted);
    }
}

pub async fn show(may: Viewer) -> Result<Response, Fault> {
    let service = &may.site.service;
    let now = service.engine.clock().now();
    let days = may.site.days.soon(service).await?;
    let status = service.status().await?;
    let viewer = may.person.role == Role::Viewer;
    let all = status.attention.len();
    let mut attention = status.attention;
    attention.truncate(MOST_ATTENTION);
    if viewer {
        attention = attention.into_iter().map(mask::line_for_viewer).collect();
    }
    let failures =
        Search { statuses: vec![Status::Failed], limit: MOST_FAILURES, ..Search::default() };
    let mut failures = service.jobs(failures).await?;
    // Left out here and not by the search, which would go through all that came in that time.
    let recent = now.checked_sub(RECENT).unwrap_or(now);
    failures.retain(|job| job.accepted_at >= recent);
    if viewer {
        failures = failures.into_iter().map(mask::line_for_viewer).collect();
    }
    let recipes: Vec<Value> = status
        .recipes
        .iter()
        .map(|recipe| {
            let count = |status| recipe.count(status);
            let open: u64 = [Status::Queued, Status::Running, Status::Waiting].into_iter().map(count).sum();
            let chart = chart(days.as_deref().unwrap_or_default(), &recipe.name, now);
            shown! {
                name => recipe.name, title => recipe.title, on => recipe.on,
                broken => recipe.file == FileState::Broken, missing => recipe.file == FileState::Missing,
                version => recipe.version, last_event_at => recipe.last_event_at.map(|at| at.to_string()),
                last_event => recipe.last_event_at.map(|at| ago(now, at)),
                refusal => recipe.last_refusal.as_ref().filter(|one| Some(one.at) > recipe.last_event_at.max(recipe.last_ping_at)).map(|one| shown! { at => one.at.to_string(), reason => one.reason }),
                attention => count(Status::NeedsAttention), failed => count(Status::Failed), open,
                succeeded => count(Status::Succeeded), ..chart
            }
        })
        .collect();
    let context = shown! {
        counted => days.is_some(), recipes, attention, failures, more => all.saturating_sub(MOST_ATTENTION), store_trouble => status.store_trouble, nearly_full => status.nearly_full, mistakes => status.mistakes, closed => status.closed,
        running => status.running.map(|running| shown! { since => running.since.to_string(), version => running.version }),
    };
    let page =
        render::Page { title: "Overview", menu: "overview", template: "overview.html", live: true };
    Ok(render::page(&may.site, &may.person, &page, &context))
}

/// Returns the bars of a recipe's last days: well and badly ended ones, at most forty units high.
fn chart(days: &[DayCount], recipe: &str, now: Timestamp) -> Value {
    let today = now.as_second().div_euclid(86_400);
    let mut counts: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for one in days.iter().filter(|one| one.recipe == recipe) {
        let count = counts.entry(one.day).or_default();
        match one.status {
            Status::Failed | Status::NeedsAttention => count.1 += one.jobs,
            _ => count.0 += one.jobs,
        }
    }
    let highest = counts.values().map(|(good, bad)| good + bad).max().unwrap_or(0).max(1);
    let bars: Vec<Value> = (0..DAYS)
        .map(|place| {
            let (good, bad) = counts.get(&(today - DAYS + 1 + place)).copied().unwrap_or_default();
            // A day with one job among days with thousands is seen all the same.
            let height = |jobs: u64| if jobs == 0 { 0 } else { (jobs * 40 / highest).max(2) };
            let (up, red) = (height(good), height(bad));
            shown! { x => place * 10, good => up, bad => red, y => 42 - up.min(40), y_bad => 42 - (up + red).min(42) }
        })
        .collect();
    let month: u64 = counts.values().map(|(good, bad)| good + bad).sum();
    let (good, bad) = counts.get(&today).copied().unwrap_or_default();
    shown! { bars, month, today => good + bad }
}
