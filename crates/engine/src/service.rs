//! The engine's door: what the runner asks of it, and the state its parts share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use connector::Clock;
use jiff::Timestamp;
use recipe::Recipe;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::{
    command::{Command, CommandError},
    deployment::{Deployment, PinCache, StoredText},
    dispatch::Dispatch,
    fresh::FreshJobs,
    journal::{Entry, JobId, Status},
    refused::Gathered,
    resting::Resting,
    retry,
    room::Room,
    sources::{self, Sources},
    store::{JobQuery, JobRow, Pin, Store, StoreError},
    take_up, upkeep,
    worker::{self, Mail},
};

/// How many notices a slow listener may fall behind before it misses some.
const NOTICES: usize = 4096;

/// How long a service that stops waits for a store that takes nothing: what its calls gave is in memory only.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a job may wait for another before a person should look.
const LONG: Duration = Duration::from_hours(1);

/// What the engine is told when it opens.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address people reach the service at, without a slash at the end.
    pub public_url: String,
}

/// Something happened to a job.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The job.
    pub job: JobId,
    /// Its recipe.
    pub recipe: String,
    /// Its name in lists.
    pub label: String,
    /// Where it stands now.
    pub status: Status,
    /// Why, in a line.
    pub note: String,
    /// What was added to its journal.
    pub entries: Arc<[Entry]>,
}

/// How a recipe's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// It is right.
    Good,
    /// It has mistakes; the last good version goes on.
    Broken,
    /// It is gone; the recipe is off and keeps accepting.
    Missing,
}

/// The engine: accepts deliveries, drives jobs, answers for their history. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pins: PinCache,
    pub(crate) fresh: FreshJobs,
    pub(crate) resting: Resting,
    /// Wakes the worker: something may be ready, or a timer changed.
    pub(crate) changed: Notify,
    pub(crate) stop_asked: Notify,
    /// Wakes the upkeep: finished jobs take more than their budget.
    pub(crate) over_budget: Notify,
    pub(crate) sources: Arc<Sources>,
    pub(crate) tasks: TaskTracker,
    /// Where each job that is driven hears what people ask.
    pub(crate) mail: Mutex<HashMap<JobId, mpsc::UnboundedSender<Mail>>>,
    /// How much room unfinished jobs take, as last read.
    pub(crate) room: Mutex<Room>,
    pub(crate) recipes: RwLock<HashMap<String, Known>>,
    settings: Settings,
    deployment: RwLock<Arc<Deployment>>,
    dispatch: Mutex<Dispatch>,
    notices: broadcast::Sender<Notice>,
    stopping: AtomicBool,
    /// Until when a store that takes nothing is waited for, once the service stops.
    stop_by: OnceLock<Timestamp>,
    pub(crate) refusals: Mutex<HashMap<String, (Timestamp, String)>>,
    /// Refused deliveries that are not written yet.
    pub(crate) gathered: Mutex<Gathered>,
    /// Held while what the engine knows of recipes is made anew: no switch is lost between reading and writing.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

/// A recipe the engine knows.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The version new jobs take.
    pub(crate) current: Option<Arc<Recipe>>,
    pub(crate) on: bool,
    pub(crate) file: FileState,
}

impl Engine {
    /// Opens the engine over a store: knows its recipes and unfinished jobs, accepts deliveries, drives nothing yet.
    pub async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        deployment: Deployment,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared {
            store,
            clock,
            pins: PinCache::default(),
            fresh: FreshJobs::default(),
            resting: Resting::default(),
            changed: Notify::new(),
            stop_asked: Notify::new(),
            over_budget: Notify::new(),
            sources: Arc::default(),
            tasks: TaskTracker::new(),
            mail: Mutex::default(),
            room: Mutex::default(),
            recipes: RwLock::default(),
            settings,
            deployment: RwLock::new(Arc::new(deployment)),
            dispatch: Mutex::default(),
            notices: broadcast::channel(NOTICES).0,
            stopping: AtomicBool::new(false),
            stop_by: OnceLock::new(),
            refusals: Mutex::default(),
            gathered: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        });
        let engine = Self { shared };
        engine.shared.store.begin(engine.shared.clock.now()).await?;
        engine.take_up_deployment().await?;
        take_up::unfinished(&engine.shared).await?;
        Ok(engine)
    }

    /// Begins to drive jobs: what was left unfinished, and what comes.
    pub fn resume(&self) {
        self.shared.tasks.spawn(worker::work(self.shared.clone()));
        self.shared.tasks.spawn(upkeep::keep_up(self.shared.clone()));
        self.shared.tasks.spawn(sources::watch(self.shared.clone()));
    }

    /// Takes another project: new jobs take its recipes, jobs that have begun keep their version.
    pub async fn deploy(&self, deployment: Deployment) -> Result<(), StoreError> {
        *self.shared.deployment.write().expect("no panic while the lock is held") =
            Arc::new(deployment);
        self.take_up_deployment().await?;
        self.shared.changed.notify_one();
        self.shared.sources.changed.notify_one();
        Ok(())
    }

    /// Switches a recipe on or off, for good. Off: a call in flight ends, its jobs pause, deliveries are held.
    pub async fn switch(&self, recipe: &str, on: bool) -> Result<(), CommandError> {
        let _changing = self.shared.changing.lock().await;
        let known =
            self.shared.known(recipe).ok_or_else(|| CommandError::NoRecipe(recipe.into()))?;
        if on && known.current.is_none() {
            return Err(CommandError::NeverGood(recipe.into()));
        }
        if on && known.on {
            return Ok(());
        }
        if on {
            self.begin_source(recipe, known.current.as_ref()).await?;
            self.shared.store.start_recipe(recipe, self.shared.clock.now()).await?;
        } else {
            self.shared.store.stop_recipe(recipe, self.shared.clock.now()).await?;
        }
        if let Some(known) = self.shared.write_recipes().get_mut(recipe) {
            known.on = on;
        }
        self.shared.set_lanes();
        self.shared.changed.notify_one();
        self.shared.sources.changed.notify_one();
        Ok(())
    }

    /// Has a job go on, ends it, or settles one of its steps.
    pub async fn command(
        &self,
        job: JobId,
        by: &str,
        command: Command,
    ) -> Result<(), CommandError> {
        let (reply, answer) = oneshot::channel();
        worker::command(&self.shared, job, by, command, reply).await?;
        answer.await.unwrap_or(Err(CommandError::Stopping))
    }

    /// Returns jobs of the history, the newest first.
    pub async fn jobs(&self, query: JobQuery) -> Result<Vec<JobRow>, StoreError> {
        let mut rows = self.shared.store.jobs(query).await?;
        let dispatch = self.shared.dispatch();
        for row in &mut rows {
            dispatch.say_when(row);
        }
        Ok(rows)
    }

    /// Returns the version of a recipe that new jobs take.
    pub(crate) fn current(&self, recipe: &str) -> Result<Arc<Recipe>, CommandError> {
        let known =
            self.shared.known(recipe).ok_or_else(|| CommandError::NoRecipe(recipe.into()))?;
        known.current.ok_or_else(|| CommandError::NeverGood(recipe.into()))
    }

    /// Returns the version of a recipe that new jobs take, also when its file is broken or gone; `None` when it was never
    /// right.
    pub fn recipe(&self, name: &str) -> Option<Arc<Recipe>> {
        self.current(name).ok()
    }

    /// Whether the version that new jobs take masks something, of any recipe.
    pub fn anything_is_masked(&self) -> bool {
        let recipes = self.shared.recipes.read().expect("no panic while the lock is held");
        let mut current = recipes.values().filter_map(|known| known.current.as_ref());
        current.any(|recipe| !recipe.settings.mask.is_empty())
    }

    /// Returns the job that this one waits for.
    pub fn blocked_by(&self, job: JobId) -> Option<JobId> {
        self.shared.dispatch().blocked_by(job)
    }

    /// Returns the jobs that came more than an hour ago and wait for another one, with that one: a person should look
    /// what keeps the other.
    pub async fn blocked_long(&self) -> Result<Vec<(JobRow, JobId)>, StoreError> {
        let blocked = self.shared.dispatch().blocked();
        let since = retry::before(self.shared.clock.now(), LONG);
        let mut long = Vec::new();
        for (id, holder) in blocked {
            if let Some(row) = self.shared.store.job(id).await?
                && row.accepted_at < since
            {
                long.push((row, holder));
            }
        }
        Ok(long)
    }

    /// Returns a listener to what happens from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.subscribe()
    }

    /// Returns the deployment in force.
    pub fn deployment(&self) -> Arc<Deployment> {
        self.shared.deployment()
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Stops gracefully: nothing new starts, calls in flight end and are journaled. Returns when all is on disk.
    pub async fn stop(&self) {
        self.shared.stop_by.get_or_init(|| retry::later(self.shared.clock.now(), PATIENCE));
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.dispatch().stop_listening();
        self.shared.changed.notify_one();
        self.shared.stop_asked.notify_one();
        self.shared.sources.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        // They hold the engine as it holds them.
        self.shared.resting.clear();
        // Where it cannot be kept, the next start goes by the last that was.
        if let Err(error) = self.shared.store.end(self.shared.clock.now()).await {
            tracing::debug!(%error, "the end of the service is not kept");
        }
    }

    /// Returns the recipes that a deployment would leave without any version: their file is broken, and the version at
    /// work now does not hold either with its tables, properties and connections.
    pub fn left_without_version(&self, deployment: &Deployment) -> Vec<String> {
        let project = &deployment.project;
        let broken =
            project.recipe_names.iter().filter(|name| !project.recipes.contains_key(*name));
        broken
            .filter(|name| {
                let current = self.shared.known(name).and_then(|known| known.current);
                current.is_some_and(|recipe| {
                    let text = StoredText::of_recipe(name, recipe.source.text.as_bytes());
                    deployment.compile(&text, None, None).is_err()
                })
            })
            .cloned()
            .collect()
    }

    /// Compares the deployment with what the store knows: keeps new versions, finds the last good one of a broken
    /// file, and keeps accepting for a file that is gone.
    async fn take_up_deployment(&self) -> Result<(), StoreError> {
        let _changing = self.shared.changing.lock().await;
        let shared = &self.shared;
        let deployment = shared.deployment();
        let states = shared.store.recipe_states().await?;
        shared.store.save_pin(Pin::Tables, deployment.tables_text().as_bytes()).await?;
        let properties = deployment.project.runner.property_values().to_string();
        shared.store.save_pin(Pin::Properties, properties.as_bytes()).await?;
        let texts = deployment.project.recipes.iter();
        let texts =
            texts.map(|(name, recipe)| (name.clone(), recipe.source.text.clone())).collect();
        shared.store.keep_versions(texts, shared.clock.now()).await?;
        let mut known = HashMap::new();
        for (name, recipe) in &deployment.project.recipes {
            let on = states.iter().any(|state| &state.name == name && state.on);
            known.insert(
                name.clone(),
                Known { current: Some(recipe.clone()), on, file: FileState::Good },
            );
        }
        let broken = deployment.project.recipe_names.iter().map(|name| (name, FileState::Broken));
        let gone = states.iter().map(|state| (&state.name, FileState::Missing));
        for (name, file) in broken.chain(gone) {
            if known.contains_key(name) {
                continue;
            }
            let state = states.iter().find(|state| &state.name == name);
            let current = match state.and_then(|state| state.version.clone()) {
                Some(version) => self.last_good(&deployment, name, &version).await?,
                None => None,
            };
            let on = file == FileState::Broken
                && current.is_some()
                && state.is_some_and(|state| state.on);
            known.insert(name.clone(), Known { current, on, file });
        }
        *shared.write_recipes() = known;
        shared.set_lanes();
        Ok(())
    }

    async fn last_good(
        &self,
        deployment: &Deployment,
        name: &str,
        version: &str,
    ) -> Result<Option<Arc<Recipe>>, StoreError> {
        let Some(text) = self.shared.store.load_pin(Pin::Recipe, version).await? else {
            return Ok(None);
        };
        let text = StoredText::of_recipe(name, &text);
        Ok(deployment.compile(&text, None, None).ok().map(|pinned| pinned.recipe))
    }
}

impl Shared {
    pub(crate) fn deployment(&self) -> Arc<Deployment> {
        self.deployment.read().expect("no panic while the lock is held").clone()
    }

    pub(crate) fn dispatch(&self) -> MutexGuard<'_, Dispatch> {
        self.dispatch.lock().expect("no panic while the lock is held")
    }

    pub(crate) fn known(&self, recipe: &str) -> Option<Known> {
        self.recipes.read().expect("no panic while the lock is held").get(recipe).cloned()
    }

    pub(crate) fn write_recipes(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Known>> {
        self.recipes.write().expect("no panic while the lock is held")
    }

    /// Returns whether jobs of this recipe may make calls now.
    pub(crate) fn may_go_on(&self, recipe: &str) -> bool {
        !self.stopping() && self.known(recipe).is_some_and(|known| known.on)
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Returns whether the service stops and has waited long enough for its store.
    pub(crate) fn is_overdue(&self) -> bool {
        self.stop_by.get().is_some_and(|by| *by <= self.clock.now())
    }

    pub(crate) fn job_url(&self, job: JobId) -> String {
        format!("{}/jobs/{job}", self.settings.public_url)
    }

    pub(crate) fn notify(&self, notice: impl FnOnce() -> Notice) {
        // Nobody may be listening; the history has it all the same.
        if self.notices.receiver_count() > 0 {
            drop(self.notices.send(notice()));
        }
    }

    /// Gives the slot of a job back that is driven and waits for the disk.
    pub(crate) fn free_slot(&self, job: JobId) {
        self.dispatch().free_slot(job);
        self.changed.notify_one();
    }

    /// Returns once a job that gave its slot back has one again.
    pub(crate) async fn take_slot(&self, job: JobId) {
        let free = self.dispatch().take_slot(job);
        if let Some(free) = free {
            // It is sent before the dispatch is gone.
            free.await.unwrap_or_default();
        }
    }

    /// Has a job hear something while it is driven; gives it back when it is not.
    pub(crate) fn send(&self, job: JobId, mail: Mail) -> Result<(), Mail> {
        let drives = self.mail.lock().expect("no panic while the lock is held");
        match drives.get(&job) {
            Some(sender) => sender.send(mail).map_err(|mail| mail.0),
            None => Err(mail),
        }
    }

    /// Returns the recipes that say how long their jobs are kept, with since when.
    pub(crate) fn kept_by_recipes(&self) -> Vec<(String, Timestamp)> {
        let now = self.clock.now();
        let recipes = self.recipes.read().expect("no panic while the lock is held");
        let own = recipes.iter().filter_map(|(name, known)| {
            Some((name.clone(), retry::before(now, known.current.as_ref()?.settings.keep?)))
        });
        own.collect()
    }

    pub(crate) fn refused(&self, recipe: &str, at: Timestamp, reason: &str) {
        let mut refusals = self.refusals.lock().expect("no panic while the lock is held");
        refusals.insert(recipe.into(), (at, reason.into()));
    }

    fn set_lanes(&self) {
        self.fresh.clear();
        let recipes = self.recipes.read().expect("no panic while the lock is held");
        let mut dispatch = self.dispatch();
        let mut switched = false;
        for (name, known) in &*recipes {
            let slots = known.current.as_ref().map_or(16, |recipe| recipe.settings.concurrency);
            switched |= dispatch.set_lane(name, known.on, slots);
        }
        if switched {
            dispatch.reorder();
        }
    }
}
