//! What every test here stands on: a project of one recipe, a store in a temporary folder, a clock set by hand.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use connector::{Clock, Delivery, ManualClock, jiff::Timestamp};
use engine::{Answer, Deployment, Engine, Entry, JobId, JobRow, Kind, Settings, Status, Store};
use recipe::{ProjectFiles, Severity, Source, check};
use serde_json::Value;
use tempfile::TempDir;

use crate::vendor::{Vendor, connector};

/// An engine on a bench.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) vendor: Vendor,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) engine: Engine,
    recipes: Recipes,
}

/// The files of a bench: recipes by name, and `runner.yaml` and tables by path, with their texts.
type Recipes = Vec<(String, String)>;

/// The head of every recipe of these tests.
const HEAD: &str = "title: A test\nlabel: \"{{ event.name }}\"\ntrigger: vendor.happened\n";

impl Bench {
    /// Returns an engine that is on and drives jobs of a recipe with these steps (the text from `steps:` on).
    pub(crate) async fn new(steps: &str) -> Self {
        let bench = Self::off(steps).await;
        bench.engine.switch("test", true).await.unwrap();
        bench
    }

    /// Returns an engine whose recipe is off.
    pub(crate) async fn off(steps: &str) -> Self {
        Self::of(vec![("test".into(), format!("{HEAD}{steps}"))]).await
    }

    /// Returns an engine with these recipes, all on: names and whole texts.
    pub(crate) async fn with(recipes: &[(&str, &str)]) -> Self {
        let owned = |(name, text): &(&str, &str)| ((*name).to_string(), (*text).to_string());
        let bench = Self::of(recipes.iter().map(owned).collect()).await;
        for (name, _) in recipes.iter().filter(|(name, _)| !name.contains('.')) {
            bench.engine.switch(name, true).await.unwrap();
        }
        bench
    }

    async fn of(recipes: Recipes) -> Self {
        is_right(&recipes);
        let folder = tempfile::tempdir().unwrap();
        let vendor = Vendor::default();
        let clock = Arc::new(ManualClock::new("2026-11-23T09:00:00Z".parse().unwrap()));
        let engine = open(folder.path().to_path_buf(), &vendor, &clock, &recipes).await;
        Self { folder, vendor, clock, engine, recipes }
    }

    /// Stops the engine and opens it again over the same store, as after a restart.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(Duration::ZERO).await
    }

    /// Restarts it, with time passing in between.
    pub(crate) async fn restart_after(self, time: Duration) -> Self {
        self.engine.stop().await;
        self.pass(time);
        let Self { folder, vendor, clock, engine, recipes } = self;
        // It must let go of the lock before the next one takes it.
        drop(engine);
        let engine = open(folder.path().to_path_buf(), &vendor, &clock, &recipes).await;
        Self { folder, vendor, clock, engine, recipes }
    }

    /// Takes another text of the recipe.
    pub(crate) async fn deploy(&mut self, steps: &str) {
        self.recipes = vec![("test".into(), format!("{HEAD}{steps}"))];
        is_right(&self.recipes);
        self.engine.deploy(project(&self.vendor, &self.recipes)).await.unwrap();
    }

    /// Writes a file, right or not, and takes what there is now. Without a text, the file is gone.
    pub(crate) async fn write(&mut self, name: &str, text: Option<&str>) {
        self.recipes.retain(|(known, _)| known != name);
        self.recipes.extend(text.map(|text| (name.to_owned(), text.to_owned())));
        self.engine.deploy(project(&self.vendor, &self.recipes)).await.unwrap();
    }

    /// Delivers an event.
    pub(crate) async fn deliver(&self, body: &Value) -> Answer {
        self.deliver_bytes(body.to_string().as_bytes(), "good").await
    }

    pub(crate) async fn deliver_bytes(&self, body: &[u8], proof: &str) -> Answer {
        self.deliver_to("test", body, proof).await
    }

    pub(crate) async fn deliver_to(&self, recipe: &str, body: &[u8], proof: &str) -> Answer {
        let delivery = Delivery {
            headers: vec![("x-proof".into(), proof.into())],
            query: String::new(),
            body: body.into(),
            received_at: self.clock.now(),
        };
        self.engine.deliver(recipe, delivery).await
    }

    /// Delivers an event that makes one job, and returns the job.
    pub(crate) async fn job(&self, body: &Value) -> JobId {
        let answer = self.deliver(body).await;
        assert_eq!((answer.status, answer.jobs.len()), (200, 1), "{answer:?}");
        answer.jobs[0]
    }

    /// Waits until a job stands like this; fails after ten seconds, saying how it stands.
    pub(crate) async fn until(&self, job: JobId, status: Status) -> JobRow {
        let mut notices = self.engine.notices();
        let found = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                let row = self.row(job).await;
                if row.standing.status == status {
                    return row;
                }
                // Looked at again whenever something happens; the tick covers what has no notice.
                drop(tokio::time::timeout(Duration::from_millis(20), notices.recv()).await);
            }
        })
        .await;
        let Ok(row) = found else {
            panic!("job {job} is not {status:?} but {:?}", self.row(job).await.standing);
        };
        row
    }

    /// Waits until nothing is being done for a job: it waits, or is over.
    pub(crate) async fn until_settled(&self, job: JobId) {
        let settled = tokio::time::timeout(Duration::from_secs(10), async {
            while matches!(self.row(job).await.standing.status, Status::Running | Status::Queued) {
                tokio::task::yield_now().await;
            }
        });
        settled.await.unwrap();
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, time: Duration) {
        let time = connector::jiff::SignedDuration::try_from(time).unwrap();
        self.clock.set(self.clock.now().checked_add(time).unwrap());
    }

    /// Moves the clock to where a waiting job goes on.
    pub(crate) async fn pass_wait(&self, job: JobId) -> Timestamp {
        let row = self.until(job, Status::Waiting).await;
        let at = row.standing.wake_at.unwrap();
        self.clock.set(at);
        at
    }

    /// Waits until calls of an action have begun that many times.
    pub(crate) async fn until_called(&self, action: &str, times: usize) {
        let called = tokio::time::timeout(Duration::from_secs(10), async {
            while self.vendor.calls(action).len() < times {
                tokio::task::yield_now().await;
            }
        });
        assert!(called.await.is_ok(), "`{action}` was called for {:?}", self.vendor.calls(action));
    }

    /// Has the job go on, moving the clock to whatever it waits for, until it stands like this.
    pub(crate) async fn through(&self, job: JobId, status: Status) -> JobRow {
        let found = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                let row = self.row(job).await;
                if row.standing.status == status {
                    return row;
                }
                if let Some(at) = row.standing.wake_at.filter(|at| *at > self.clock.now()) {
                    self.clock.set(at);
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        let Ok(row) = found else { panic!("job {job} is {:?}", self.row(job).await.standing) };
        row
    }

    pub(crate) async fn row(&self, job: JobId) -> JobRow {
        self.engine.store().job(job).await.unwrap().unwrap()
    }

    pub(crate) async fn entries(&self, job: JobId) -> Vec<Entry> {
        self.engine.job(job).await.unwrap().unwrap().entries
    }

    /// Returns the journal in short: `path:kind`.
    pub(crate) async fn story(&self, job: JobId) -> Vec<String> {
        self.entries(job).await.iter().map(word).collect()
    }
}

/// Returns an entry in short.
pub(crate) fn word(entry: &Entry) -> String {
    let kind = match &entry.kind {
        Kind::Opened { .. } => "opened",
        Kind::Chose { .. } => "chose",
        Kind::Started { .. } => "started",
        Kind::Succeeded { recovered: true, .. } => "recovered",
        Kind::Succeeded { .. } => "succeeded",
        Kind::Failed { .. } => "failed",
        Kind::Fired => "fired",
        Kind::Paused { .. } => "paused",
        Kind::Resolved { .. } => "resolved",
        Kind::CancelRequested { .. } => "cancel",
        Kind::Reopened { .. } => "reopened",
        Kind::Finished { .. } => "finished",
        Kind::Signalled { .. } => "signalled",
        Kind::Child { .. } => "child",
    };
    if entry.path.0.is_empty() { kind.into() } else { format!("{}:{kind}", entry.path) }
}

/// Returns the checked recipe with these steps.
pub(crate) fn deployment(vendor: &Vendor, steps: &str) -> Deployment {
    let recipes = [("test".into(), format!("{HEAD}{steps}"))];
    is_right(&recipes);
    project(vendor, &recipes)
}

fn is_right(recipes: &[(String, String)]) {
    let (_, found) = check(&files(recipes), &connector::catalogue(&[connector()]));
    let errors: Vec<_> = found.iter().filter(|one| one.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn files(recipes: &[(String, String)]) -> ProjectFiles {
    let mut files = ProjectFiles {
        connections: Some(Source::new("connections.yaml", "vendor: {}\n")),
        ..ProjectFiles::default()
    };
    for (name, text) in recipes {
        match name.as_str() {
            "runner.yaml" => files.runner = Some(Source::new(name, text)),
            table if table.starts_with("tables/") => files.tables.push(Source::new(table, text)),
            name => files.recipes.push(Source::new(format!("recipes/{name}.yaml"), text)),
        }
    }
    files
}

/// Returns the checked project with these files.
fn project(vendor: &Vendor, recipes: &[(String, String)]) -> Deployment {
    let connectors: Arc<[_]> = [connector()].into();
    let files = files(recipes);
    let (project, _) = check(&files, &connector::catalogue(&connectors));
    let connections = HashMap::from([("vendor".to_string(), Ok(vendor.connection()))]);
    Deployment { files, project: Arc::new(project), connectors, connections }
}

async fn open(
    path: PathBuf,
    vendor: &Vendor,
    clock: &Arc<ManualClock>,
    recipes: &[(String, String)],
) -> Engine {
    let store = Store::open(&path).unwrap();
    let settings = Settings { public_url: "http://127.0.0.1".into() };
    let engine =
        Engine::open(store, clock.clone(), project(vendor, recipes), settings).await.unwrap();
    engine.resume();
    engine
}
