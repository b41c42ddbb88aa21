//! Events that nobody sends: timetables, polls, what was missed.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use connector::{
    Call, Clock, Connection, Connector, Delivery, Event, Failure, Found, From, ManualClock, Missed,
    Page, SameAs, Timetable, Trigger,
    jiff::{Timestamp, tz::TimeZone},
    schemars::{self, JsonSchema},
};
use engine::{Deployment, Engine, JobQuery, Settings, Status, Store};
use recipe::{ProjectFiles, Source};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A vendor whose list can be read.
#[derive(Default, Clone)]
struct Listing {
    entries: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<Vec<Option<Value>>>>,
    down: Arc<AtomicU32>,
}

#[derive(Deserialize, JsonSchema)]
struct With {
    /// What becomes of what was missed.
    #[serde(default)]
    missed: Missed,
}

#[derive(Serialize, JsonSchema)]
struct Entry {
    /// What it says.
    text: String,
}

fn decode(_: &With, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
    let text = String::from_utf8_lossy(&delivery.body).into_owned();
    Ok(vec![Event::new(text.clone(), format!("{text}/fact"), &Entry { text })?])
}

/// Two entries a page, with the last of the page before once more: an overlap.
async fn read(listing: Arc<Listing>, _: Call, _: With, from: From) -> Result<Page, Failure> {
    listing.asked.lock().unwrap().push(from.cursor.clone());
    if listing.down.load(Ordering::SeqCst) > 0 {
        listing.down.fetch_sub(1, Ordering::SeqCst);
        return Err(Failure::transient("down", "the vendor is down"));
    }
    let at = usize::try_from(from.cursor.and_then(|at| at.as_u64()).unwrap_or(0)).unwrap();
    let entries = listing.entries.lock().unwrap().clone();
    let end = (at + 2).min(entries.len());
    let found = entries[at.saturating_sub(1)..end].iter();
    Ok(Page {
        found: found
            .map(|text| Found {
                body: text.clone().into_bytes(),
                same_as: text.strip_prefix("late ").map(|subject| SameAs {
                    subject: subject.into(),
                    since: Timestamp::UNIX_EPOCH,
                }),
            })
            .collect(),
        cursor: json!(end),
        more: end < entries.len(),
    })
}

fn hourly(_: &With, after: Timestamp, _: &TimeZone) -> Result<Option<Timestamp>, Failure> {
    let next = Timestamp::from_second(after.as_second().div_euclid(3600) * 3600 + 3600);
    next.map(Some).map_err(|error| Failure::permanent("no_moment", error.to_string()))
}

fn due(_: &With, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
    let text = Timetable::moment(&delivery.body)?.to_string();
    Ok(vec![Event::new(text.clone(), text.clone(), &Entry { text })?])
}

fn connectors() -> Vec<Connector> {
    let mut listing = Connector::new::<With, Listing, _>(
        "listing",
        "A list.",
        |_, _| Ok(Listing::default()),
        |_, _| async { Vec::new() },
    );
    listing.triggers = vec![
        Trigger::polled::<Listing, With, Entry, _>(
            "entry",
            "An entry.",
            Duration::from_mins(10),
            read,
            decode,
        ),
        Trigger::scheduled::<With, Entry>(
            "hour",
            "An hour.",
            Timetable::new::<With>(hourly, |with| with.missed),
            due,
        ),
    ];
    vec![listing]
}

struct Bench {
    clock: Arc<ManualClock>,
    listing: Listing,
    dir: tempfile::TempDir,
    trigger: &'static str,
    engine: Option<Engine>,
}

impl Bench {
    async fn new(trigger: &'static str) -> Self {
        let clock = ManualClock::new("2026-11-23T00:10:00Z".parse().unwrap());
        let mut bench = Self {
            clock: Arc::new(clock),
            listing: Listing::default(),
            dir: tempfile::tempdir().unwrap(),
            trigger,
            engine: None,
        };
        bench.begin().await;
        bench.engine().switch("read", true).await.unwrap();
        bench
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    async fn begin(&mut self) {
        let text = format!("title: Read\ntrigger: {}\nsteps:\n  - stop: succeeded\n", self.trigger);
        let files = ProjectFiles {
            runner: None,
            connections: Some(Source::new("connections.yaml", "listing: {}\n")),
            recipes: vec![Source::new("recipes/read.yaml", &text)],
            tables: Vec::new(),
        };
        let connectors = connectors();
        let (project, found) = recipe::check(&files, &connector::catalogue(&connectors));
        assert!(project.recipes.contains_key("read"), "{found:?}");
        let connection = Connection::new("listing", self.listing.clone());
        let deployment = Deployment {
            files,
            project: Arc::new(project),
            connectors: connectors.into(),
            connections: [("listing".to_owned(), Ok(connection))].into(),
        };
        let store = Store::open(self.dir.path()).unwrap();
        let settings = Settings { public_url: "http://127.0.0.1:1".into() };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let engine = Engine::open(store, clock, deployment, settings).await.unwrap();
        engine.resume();
        self.engine = Some(engine);
    }

    /// The process ends and another begins, at that moment.
    async fn restart(&mut self, at: &str) {
        self.engine.take().unwrap().stop().await;
        self.clock.set(at.parse().unwrap());
        self.begin().await;
    }

    fn entries(&self, entries: &[&str]) {
        let mut all = self.listing.entries.lock().unwrap();
        all.extend(entries.iter().map(ToString::to_string));
    }

    /// Returns the labels of the jobs, oldest first.
    async fn jobs(&self) -> Vec<String> {
        let query = JobQuery { limit: 2000, ..JobQuery::default() };
        let rows = self.engine().jobs(query).await.unwrap();
        rows.into_iter().rev().map(|row| row.label).collect()
    }

    /// Waits until so many jobs are there and done.
    async fn until(&self, jobs: usize) -> Vec<String> {
        self.wait(async || {
            let query = JobQuery { limit: 2000, ..JobQuery::default() };
            let rows = self.engine().jobs(query).await.unwrap();
            rows.len() >= jobs && rows.iter().all(|row| row.standing.status == Status::Succeeded)
        })
        .await;
        self.jobs().await
    }

    async fn source(&self) -> engine::SourceStatus {
        self.engine().recipes().await.unwrap().remove(0).source.unwrap()
    }

    async fn wait(&self, is: impl AsyncFn() -> bool) {
        // Each turn asks the store, which takes its time: no sleep is needed for others to get on.
        let come = tokio::time::timeout(Duration::from_secs(20), async {
            while !is().await {
                tokio::task::yield_now().await;
            }
        });
        let come = come.await;
        assert!(come.is_ok(), "it does not come: {:?}", self.jobs().await);
    }
}

#[tokio::test]
async fn a_moment_fires_once_whatever_restarts() {
    let mut bench = Bench::new("listing.hour").await;
    bench.wait(async || bench.engine().store().sources().await.unwrap().len() == 1).await;
    assert_eq!(bench.source().await.next_at[0].to_string(), "2026-11-23T01:00:00Z");
    bench.clock.set("2026-11-23T01:00:00Z".parse().unwrap());
    assert_eq!(bench.until(1).await, ["2026-11-23T01:00:00Z"]);
    bench.restart("2026-11-23T01:00:30Z").await;
    bench.clock.set("2026-11-23T02:00:01Z".parse().unwrap());
    assert_eq!(bench.until(2).await, ["2026-11-23T01:00:00Z", "2026-11-23T02:00:00Z"]);
    // Off for a night: the last of what was missed fires once, late.
    bench.restart("2026-11-23T08:20:00Z").await;
    assert_eq!(bench.until(3).await[2], "2026-11-23T08:00:00Z");
    // Switched off by a person: nothing was missed.
    bench.engine().switch("read", false).await.unwrap();
    bench.restart("2026-11-24T08:20:00Z").await;
    bench.engine().switch("read", true).await.unwrap();
    bench.clock.set("2026-11-24T09:00:00Z".parse().unwrap());
    assert_eq!(bench.until(4).await[3], "2026-11-24T09:00:00Z");
    assert_eq!(bench.jobs().await.len(), 4);
}

#[tokio::test]
async fn whatever_the_clock_does_a_moment_fires_once() {
    let bench = Bench::new("{ on: listing.hour, with: { missed: all } }").await;
    bench.wait(async || bench.engine().store().sources().await.unwrap().len() == 1).await;
    let set = |to: &str| bench.clock.set(to.parse().unwrap());
    set("2026-11-23T02:00:00Z");
    bench.until(2).await;
    // Set back by hours, and on again past what has fired: only the new hour fires.
    set("2026-11-22T22:30:00Z");
    set("2026-11-23T01:30:00Z");
    set("2026-11-23T03:00:00Z");
    let fired = ["2026-11-23T01:00:00Z", "2026-11-23T02:00:00Z", "2026-11-23T03:00:00Z"];
    assert_eq!(bench.until(3).await, fired);
    assert_eq!(bench.source().await.next_at[0].to_string(), "2026-11-23T04:00:00Z");
}

#[tokio::test]
async fn a_clock_that_was_wrong_by_years_holds_nothing_up_once_it_is_right() {
    for (trigger, entries) in [("listing.hour", 0), ("listing.entry", 2)] {
        let mut bench = Bench::new(trigger).await;
        bench.wait(async || bench.engine().store().sources().await.unwrap().len() == 1).await;
        // A machine without a battery for its clock begins anywhere.
        bench.restart("2031-05-05T10:30:00Z").await;
        bench
            .wait(async || bench.source().await.last_at > "2031-05-05T00:00:00Z".parse().ok())
            .await;
        let before = bench.jobs().await.len();
        bench.restart("2026-11-23T05:30:00Z").await;
        bench.entries(&["a", "b"][..entries]);
        bench
            .wait(async || {
                // As it is stored: a timetable's status is worked out, whatever the watch has seen.
                let stored = bench.engine().store().sources().await.unwrap().remove(0);
                stored.next_at < "2026-11-24T00:00:00Z".parse().ok()
            })
            .await;
        bench.clock.set("2026-11-23T06:00:00Z".parse().unwrap());
        bench.until(before + entries.max(1)).await;
    }
}

#[tokio::test]
async fn every_missed_moment_fires_when_the_recipe_says_so() {
    let mut bench = Bench::new("{ on: listing.hour, with: { missed: all } }").await;
    bench.wait(async || bench.engine().store().sources().await.unwrap().len() == 1).await;
    bench.restart("2026-11-23T03:20:00Z").await;
    assert_eq!(
        bench.until(3).await,
        ["2026-11-23T01:00:00Z", "2026-11-23T02:00:00Z", "2026-11-23T03:00:00Z"]
    );
}

#[tokio::test]
async fn a_poll_reads_each_entry_once_and_keeps_its_cursor_through_failures() {
    let mut bench = Bench::new("listing.entry").await;
    bench.entries(&["a", "b", "c", "d", "e"]);
    bench.clock.set("2026-11-23T00:20:00Z".parse().unwrap());
    assert_eq!(bench.until(5).await, ["a", "b", "c", "d", "e"]);
    bench.listing.down.store(1, Ordering::SeqCst);
    bench.entries(&["f"]);
    bench.clock.set("2026-11-23T00:30:00Z".parse().unwrap());
    bench.wait(async || bench.source().await.failures == 1).await;
    let source = bench.source().await;
    assert_eq!(source.error.as_deref(), Some("the vendor is down"));
    assert_eq!(source.next_at[0].to_string(), "2026-11-23T00:31:00Z");
    bench.restart("2026-11-23T00:31:00Z").await;
    assert_eq!(bench.until(6).await, ["a", "b", "c", "d", "e", "f"]);
    let source = bench.source().await;
    assert_eq!((source.failures, source.error), (0, None));
    let asked = bench.listing.asked.lock().unwrap().clone();
    assert_eq!(asked.last().unwrap(), &Some(json!(5)), "{asked:?}");
    // An entry that was read twice is no repeat by the vendor.
    let rows = bench.engine().jobs(JobQuery { limit: 9, ..JobQuery::default() }).await.unwrap();
    assert!(rows.iter().all(|row| row.repeats == 0));
}

#[tokio::test]
async fn what_came_another_way_is_the_same_and_what_is_off_is_not_read() {
    let bench = Bench::new("listing.entry").await;
    bench.entries(&["a", "late a", "late z"]);
    bench.clock.set("2026-11-23T00:20:00Z".parse().unwrap());
    assert_eq!(bench.until(2).await, ["a", "late z"]);
    bench.engine().switch("read", false).await.unwrap();
    let asked = bench.listing.asked.lock().unwrap().len();
    bench.entries(&["b"]);
    bench.clock.set("2026-11-24T00:20:00Z".parse().unwrap());
    bench.engine().store().flush().await.unwrap();
    assert_eq!(bench.listing.asked.lock().unwrap().len(), asked);
    assert_eq!(bench.source().await.next_at, []);
    bench.engine().switch("read", true).await.unwrap();
    assert_eq!(bench.until(3).await, ["a", "late z", "b"]);
}
