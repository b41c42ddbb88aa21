//! Questions of people about jobs: lists, counts, deliveries, effects. Each costs what it shows, not what is kept.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter, types::Value as Sql};
use serde_json::Value;

use super::{
    append::value,
    error::StoreError,
    protocol::{DeliveryId, Effect, Parent, Standing},
    rows::{JOB_COLUMNS, count, effect_hash, job_row, moment, nanos},
};
use crate::journal::{JobId, Status};

#[cfg(test)]
thread_local! {
    /// How many of the database's steps the lists of this thread took.
    pub(super) static STEPS: std::cell::Cell<i32> = const { std::cell::Cell::new(0) };
}

/// A job without its journal.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// Its id; the order of ids is the order of acceptance.
    pub id: JobId,
    /// Its recipe.
    pub recipe: String,
    /// The version it pins; `None` before its first step.
    pub version: Option<String>,
    /// The delivery it came of.
    pub delivery: DeliveryId,
    /// Which event of the delivery.
    pub event_index: u32,
    /// When its delivery came.
    pub accepted_at: Timestamp,
    /// What no two jobs share at the same time, with its scope: a recipe or a group of them.
    pub order_key: Option<String>,
    /// The identity of its once keys.
    pub once_key: String,
    /// Its name in lists.
    pub label: String,
    /// Why a person had to look at it at once.
    pub attention: Option<String>,
    /// How often its event came again.
    pub repeats: u32,
    /// The number of its last entry; 0 before the first.
    pub entries: u32,
    /// Where it stands.
    pub standing: Standing,
    /// The step of another job that called it.
    pub parent: Option<Parent>,
    /// Whether what it held is cut to hashes: it cannot go on any more.
    pub cut: bool,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// Only of this recipe.
    pub recipe: Option<String>,
    /// Only in one of these statuses; all when it is empty.
    pub statuses: Vec<Status>,
    /// Only with these words, or beginnings of words, in the label or the event; or with this number.
    pub search: Option<String>,
    /// Only accepted at that moment or later.
    pub since: Option<Timestamp>,
    /// Only accepted before that moment.
    pub until: Option<Timestamp>,
    /// Only before this one in the list: the last of the page before.
    pub before: Option<JobId>,
    /// At most so many.
    pub limit: usize,
}

/// How many jobs a recipe has in a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The recipe.
    pub recipe: String,
    /// The status.
    pub status: Status,
    /// How many.
    pub jobs: u64,
}

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its id.
    pub id: DeliveryId,
    /// When it came.
    pub received_at: Timestamp,
    /// The body's length.
    pub size: u64,
    /// What became of it.
    pub verdict: String,
    /// The HTTP status of the answer.
    pub answered: u16,
    /// The jobs that were made of it and are kept.
    pub jobs: Vec<JobId>,
}

/// A write that was claimed. Its once key is kept as a hash only.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectRow {
    /// The connection.
    pub connection: String,
    /// The action.
    pub action: String,
    /// The job that claimed it, which may be purged.
    pub job: JobId,
    /// The step path.
    pub path: String,
    /// Its output, once it is done.
    pub output: Option<Arc<Value>>,
}

pub(super) fn job(database: &Connection, id: JobId) -> Result<Option<JobRow>, StoreError> {
    let sql = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE id = ?1");
    Ok(database.prepare_cached(&sql)?.query_row([id], job_row).optional()?)
}

/// Returns the jobs that are not over, in order of acceptance.
pub(super) fn unfinished(database: &Connection) -> Result<Vec<JobRow>, StoreError> {
    let sql = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE recipe = ?1 AND status = ?2");
    let mut select = database.prepare_cached(&sql)?;
    let mut jobs = Vec::new();
    for count in counts(database)?.iter().filter(|count| !count.status.is_final()) {
        for job in select.query_map(params![count.recipe, count.status], job_row)? {
            jobs.push(job?);
        }
    }
    jobs.sort_unstable_by_key(|job: &JobRow| job.id);
    Ok(jobs)
}

/// Returns the counts that are not zero.
pub(super) fn counts(database: &Connection) -> Result<Vec<Count>, StoreError> {
    let mut select = database
        .prepare_cached("SELECT recipe, status, jobs FROM counts WHERE jobs > 0 ORDER BY 1, 2")?;
    let counts = select.query_map([], |row| {
        Ok(Count {
            recipe: row.get(0)?,
            status: row.get(1)?,
            jobs: row.get::<_, i64>(2)?.unsigned_abs(),
        })
    })?;
    Ok(counts.collect::<Result<_, _>>()?)
}

/// Returns the page of jobs, newest first.
pub(super) fn jobs(database: &Connection, query: &JobQuery) -> Result<Vec<JobRow>, StoreError> {
    let Some(page) = Page::of(database, query)? else { return Ok(Vec::new()) };
    if let Some(search) = query.search.as_deref().map(str::trim)
        && !search.is_empty()
    {
        return found(database, query, search, page);
    }
    if query.recipe.is_none() && query.statuses.is_empty() {
        return page.select(database, "FROM jobs WHERE id BETWEEN ?1 AND ?2", "id", []);
    }
    // The index has each pair of recipe and status newest first, and there are few pairs: their pages are merged.
    let mut jobs = Vec::new();
    for Count { recipe, status, .. } in counts(database)? {
        if query.recipe.as_ref().is_none_or(|wanted| *wanted == recipe)
            && (query.statuses.is_empty() || query.statuses.contains(&status))
        {
            jobs.append(&mut page.select(
                database,
                "FROM jobs WHERE id BETWEEN ?1 AND ?2 AND recipe = ?6 AND status = ?7",
                "id",
                [recipe.into(), status.word().to_owned().into()],
            )?);
        }
    }
    jobs.sort_unstable_by_key(|job| std::cmp::Reverse(job.id));
    jobs.truncate(query.limit);
    Ok(jobs)
}

/// Returns the page of jobs that have all words of `search`, and before them the job of that number.
fn found(
    database: &Connection,
    query: &JobQuery,
    search: &str,
    page: Page,
) -> Result<Vec<JobRow>, StoreError> {
    let mut filter = String::new();
    let mut values = vec![Sql::from(words(search))];
    if let Some(recipe) = &query.recipe {
        values.push(recipe.clone().into());
        filter.push_str(" AND jobs.recipe = ?7");
    }
    if !query.statuses.is_empty() {
        // The words are ours, not the asker's.
        let statuses: Vec<_> = query.statuses.iter().map(|status| status.word()).collect();
        filter = format!("{filter} AND jobs.status IN ('{}')", statuses.join("', '"));
    }
    let mut jobs = if let Ok(id) = search.parse::<i64>() {
        let this = Page { first: page.first.max(id), last: page.last.min(id), ..page };
        let from = format!("FROM jobs WHERE jobs.id BETWEEN ?1 AND ?2 AND ?6 <> '' {filter}");
        this.select(database, &from, "id", values.clone())?
    } else {
        Vec::new()
    };
    let from = format!(
        "FROM search CROSS JOIN jobs ON jobs.id = search.rowid
         WHERE search MATCH ?6 AND search.rowid BETWEEN ?1 AND ?2{filter}"
    );
    let by_words = page.select(database, &from, "search.rowid", values)?;
    let this = jobs.first().map(|job| job.id);
    jobs.extend(by_words.into_iter().filter(|job| Some(job.id) != this));
    jobs.sort_unstable_by_key(|job| std::cmp::Reverse(job.id));
    jobs.truncate(query.limit);
    Ok(jobs)
}

/// Returns the search as the index wants it: each word, or beginning of a word, in quotes.
fn words(search: &str) -> String {
    let words: Vec<_> = search
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("\"{word}\"*"))
        .collect();
    // Nothing but signs: a word that nothing has.
    if words.is_empty() { "\"\"".to_owned() } else { words.join(" ") }
}

pub(super) fn deliveries(
    database: &Connection,
    recipe: &str,
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT id, received_at, size, verdict, answered FROM deliveries
         WHERE recipe = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )?;
    let before = before.map_or(i64::MAX, |id| id.0);
    let rows = select.query_map(params![recipe, before, count(limit)], |row| {
        Ok(DeliveryRow {
            id: row.get(0)?,
            received_at: moment(row.get(1)?),
            size: row.get::<_, i64>(2)?.unsigned_abs(),
            verdict: row.get(3)?,
            answered: row.get(4)?,
            jobs: Vec::new(),
        })
    })?;
    let mut deliveries = rows.collect::<Result<Vec<_>, _>>()?;
    let mut jobs =
        database.prepare_cached("SELECT id FROM jobs WHERE delivery = ?1 ORDER BY id")?;
    for delivery in &mut deliveries {
        delivery.jobs =
            jobs.query_map([delivery.id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    }
    Ok(deliveries)
}

pub(super) fn effects(database: &Connection, job: JobId) -> Result<Vec<EffectRow>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT connection, action, job, path, output FROM effects WHERE job = ?1 ORDER BY path, action",
    )?;
    let mut rows = select.query([job])?;
    let mut effects = Vec::new();
    while let Some(row) = rows.next()? {
        effects.push(effect_row(row)?);
    }
    Ok(effects)
}

pub(super) fn effect(
    database: &Connection,
    effect: &Effect,
) -> Result<Option<EffectRow>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT connection, action, job, path, output FROM effects WHERE hash = ?1",
    )?;
    let mut rows = select.query([effect_hash(effect)])?;
    rows.next()?.map(effect_row).transpose()
}

fn effect_row(row: &rusqlite::Row<'_>) -> Result<EffectRow, StoreError> {
    Ok(EffectRow {
        connection: row.get(0)?,
        action: row.get(1)?,
        job: row.get(2)?,
        path: row.get(3)?,
        output: row.get::<_, Option<String>>(4)?.map(|output| value(&output)).transpose()?,
    })
}

/// What every list is cut by: ids, of which lists are in order, and moments.
#[derive(Debug, Clone, Copy)]
struct Page {
    first: i64,
    last: i64,
    limit: i64,
    since: i64,
    until: i64,
}

impl Page {
    /// Turns the query's moments into ids; `None` when no job is of that time.
    ///
    /// Clocks step back, so jobs are only nearly in the order of time: the ids hold all of the period, and [`select`]
    /// leaves out those between them that are not of it.
    ///
    /// [`select`]: Self::select
    fn of(database: &Connection, query: &JobQuery) -> Result<Option<Self>, StoreError> {
        let mut page = Self {
            first: 0,
            last: query.before.map_or(i64::MAX, |before| before.0.saturating_sub(1)),
            limit: count(query.limit),
            since: query.since.map_or(i64::MIN, nanos),
            until: query.until.map_or(i64::MAX, nanos),
        };
        if query.since.is_none() && query.until.is_none() {
            return Ok(Some(page));
        }
        let (first, last) = database
            .prepare_cached(
                "SELECT min(id), max(id) FROM jobs WHERE accepted_at >= ?1 AND accepted_at < ?2",
            )?
            .query_row([page.since, page.until], |row| {
                Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
            })?;
        let Some((first, last)) = first.zip(last) else { return Ok(None) };
        page.first = first;
        page.last = page.last.min(last);
        Ok(Some(page))
    }

    /// Returns the newest jobs of `from`, whose own values begin with `?6`.
    fn select(
        self,
        database: &Connection,
        from: &str,
        id: &str,
        values: impl IntoIterator<Item = Sql>,
    ) -> Result<Vec<JobRow>, StoreError> {
        // The sign keeps SQLite from going by time, which would have it sort the whole period by id.
        let sql = format!(
            "SELECT {JOB_COLUMNS} {from} AND +jobs.accepted_at >= ?4 AND +jobs.accepted_at < ?5
             ORDER BY {id} DESC LIMIT ?3"
        );
        let Self { first, last, limit, since, until } = self;
        let own = [first, last, limit, since, until].map(Sql::from);
        let mut select = database.prepare_cached(&sql)?;
        let jobs = select
            .query_map(params_from_iter(own.into_iter().chain(values)), job_row)?
            .collect::<Result<_, _>>()?;
        #[cfg(test)]
        STEPS.set(STEPS.get() + select.reset_status(rusqlite::StatementStatus::VmStep));
        Ok(jobs)
    }
}
