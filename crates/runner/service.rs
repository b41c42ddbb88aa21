//! The service behind every command: an engine over one project, in the running service or inside one command.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use connector::{Clock, Connector, SystemClock};
use engine::{
    CommandError, ConnectionHealth, Engine, JobId, JobQuery, JobRow, RecipeStatus, Settings,
    Status, Store, StoreError,
};
use recipe::Diagnostic;
use tokio_util::sync::CancellationToken;

use crate::{
    backup, check,
    code::Code,
    connectors,
    deployment::{self, Prepared},
    disk,
    exit::Trouble,
    http::access::{Access, Role},
    mask,
    references::Closed,
    reload,
    request::{FirstSignIn, JobLine, RecipeLine, Running, Search, ServiceStatus, Switched},
    story::Story,
};

/// The name of the token that the first start makes.
const FIRST_TOKEN: &str = "first";
/// How many jobs that need attention a status names.
const MOST_ATTENTION: usize = 100;

/// Who does something, and through which door.
#[derive(Debug, Clone)]
pub struct By {
    /// The name of their token, or of the user at the command line.
    pub who: String,
    /// The door.
    pub via: &'static str,
}

impl By {
    /// Somebody at the command line.
    pub fn command_line(who: &str) -> Self {
        Self { who: who.into(), via: "command line" }
    }

    /// Somebody with a program.
    pub fn api(who: &str) -> Self {
        Self { who: who.into(), via: "api" }
    }

    /// Somebody with a browser.
    pub fn page(who: &str) -> Self {
        Self { who: who.into(), via: "page" }
    }
}

/// Reads an environment variable.
pub type Variable = fn(&str) -> Option<String>;

/// An engine over one project.
pub struct Service {
    /// The engine.
    pub engine: Engine,
    /// The project folder.
    pub dir: PathBuf,
    /// Where its data is.
    pub data_dir: PathBuf,
    /// Where the environment is read.
    pub variable: Variable,
    /// Who may come in over HTTP.
    pub access: Access,
    /// Ends everything.
    pub stop: CancellationToken,
    connectors: Arc<[Connector]>,
    running: Mutex<Option<Running>>,
    wrong: Mutex<Wrong>,
}

/// What is wrong with the project folder as it was last read.
#[derive(Debug, Default, Clone)]
pub struct Wrong {
    /// Mistakes in its files.
    pub diagnostics: Vec<Diagnostic>,
    /// Connections that cannot be opened.
    pub closed: Vec<Closed>,
}

/// Where a project keeps its data, without opening anything.
pub fn data_dir(dir: &Path) -> Result<PathBuf, Trouble> {
    let catalogue = connector::catalogue(&connectors::all());
    let checked = check::check(dir, &catalogue)?;
    Ok(dir.join(&checked.project.runner.data_dir))
}

impl Service {
    /// Opens the store of a project, whose lock it takes, and an engine over it. Nothing is driven until the engine
    /// resumes.
    pub async fn open(dir: &Path, variable: Variable) -> Result<Arc<Self>, Trouble> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let connectors: Arc<[Connector]> = connectors::all().into();
        let Prepared { deployment, checked, closed } =
            deployment::prepare(dir, &connectors, &clock, &variable)?;
        let runner = &checked.project.runner;
        let data_dir = dir.join(&runner.data_dir);
        make_private(&data_dir)?;
        let public_url =
            runner.public_url.clone().unwrap_or_else(|| format!("http://{}", runner.listen));
        let settings = Settings { public_url: public_url.trim_end_matches('/').to_owned() };
        let store = Store::open(&data_dir).map_err(|error| store_trouble(&error))?;
        backup::clear(&data_dir);
        let access = Access::open(&data_dir, clock.clone())?;
        let engine = Engine::open(store, clock, deployment, settings)
            .await
            .map_err(|error| store_trouble(&error))?;
        let wrong = Wrong { diagnostics: checked.diagnostics, closed };
        Ok(Arc::new(Self {
            engine,
            dir: dir.into(),
            data_dir,
            variable,
            access,
            stop: CancellationToken::new(),
            connectors,
            running: Mutex::default(),
            wrong: Mutex::new(wrong),
        }))
    }

    /// Says that it runs, and where.
    pub fn set_running(&self, running: Running) {
        *self.running.lock().expect("no panic while the lock is held") = Some(running);
    }

    /// Returns where it runs, if it does.
    pub fn running(&self) -> Option<Running> {
        self.running.lock().expect("no panic while the lock is held").clone()
    }

    /// Returns what is wrong with the project folder.
    pub fn wrong(&self) -> MutexGuard<'_, Wrong> {
        self.wrong.lock().expect("no panic while the lock is held")
    }

    /// Reads the folder again and deploys what is right in it; returns what is wrong with it now.
    pub async fn reload(&self) -> Result<Wrong, Trouble> {
        let Prepared { deployment, checked, closed } =
            deployment::prepare(&self.dir, &self.connectors, self.engine.clock(), &self.variable)?;
        let wrong = Wrong { diagnostics: checked.diagnostics, closed };
        *self.wrong() = wrong.clone();
        if let Some(refusal) = reload::refusal(self, &deployment, &wrong) {
            return Err(refusal);
        }
        self.engine.deploy(deployment).await.map_err(|error| store_trouble(&error))?;
        Ok(wrong)
    }

    /// Returns what whoever begins to use the pages needs: a token, if there is none yet, and a link that signs in.
    pub async fn first_sign_in(&self, by: &By) -> Result<FirstSignIn, Trouble> {
        let token = if self.access.tokens().is_empty() {
            Some(self.add_token(by, FIRST_TOKEN, Role::Admin).await?)
        } else {
            None
        };
        let pages = self.running().map(|running| running.page).unwrap_or_default();
        let admin = self.access.tokens().into_iter().find(|token| token.role == Role::Admin);
        let link = match admin {
            Some(admin) => Some(format!("{pages}sign-in?code={}", self.access.link(&admin.name)?)),
            None => None,
        };
        Ok(FirstSignIn { token, link })
    }

    /// Returns how recipes stand, by name.
    pub async fn recipes(&self) -> Result<Vec<RecipeStatus>, Trouble> {
        self.engine.recipes().await.map_err(|error| store_trouble(&error))
    }

    /// Returns one job with everything that happened to it.
    pub async fn story(&self, job: i64) -> Result<Story, Trouble> {
        let view = self.view(job).await?;
        let story = Story::of(&view);
        let hidden = self.hidden_in(&view, &story).await?;
        Ok(mask::apply(mask::links(story), &hidden))
    }

    /// Returns jobs, newest first.
    pub async fn jobs(&self, search: Search) -> Result<Vec<JobLine>, Trouble> {
        let query = JobQuery {
            recipe: search.recipe,
            statuses: search.statuses,
            search: search.text,
            since: search.since,
            until: search.until,
            before: search.before.map(JobId),
            limit: search.limit,
        };
        let rows = self.engine.jobs(query).await.map_err(|error| store_trouble(&error))?;
        self.lines(rows).await
    }

    /// Returns jobs as lists show them: one that waits for another says so.
    async fn lines(&self, rows: Vec<JobRow>) -> Result<Vec<JobLine>, Trouble> {
        let mut lines = self.masked_lines(rows).await?;
        for line in &mut lines {
            if let Some(other) = self.engine.blocked_by(JobId(line.job)) {
                line.note = format!("waits for job {other}");
            }
        }
        Ok(lines)
    }

    /// Returns how the service and its recipes stand.
    pub async fn status(&self) -> Result<ServiceStatus, Trouble> {
        let attention = Search {
            statuses: vec![Status::NeedsAttention],
            limit: MOST_ATTENTION,
            ..Search::default()
        };
        let mut attention = self.jobs(attention).await?;
        attention.reverse();
        let blocked = self.engine.blocked_long().await.map_err(|error| store_trouble(&error))?;
        attention.extend(self.lines(blocked.into_iter().map(|(row, _)| row).collect()).await?);
        let wrong = self.wrong().clone();
        Ok(ServiceStatus {
            running: self.running(),
            store_trouble: self.engine.store().check().await.err().map(|error| error.to_string()),
            nearly_full: disk::nearly_full(&self.data_dir),
            recipes: self.recipes().await?.into_iter().map(RecipeLine::of).collect(),
            attention,
            mistakes: wrong
                .diagnostics
                .iter()
                .map(|one| recipe::render(std::slice::from_ref(one), false))
                .collect(),
            closed: wrong
                .closed
                .iter()
                .map(|one| format!("`{}`: {}", one.connection, one.reasons.join("; ")))
                .collect(),
            held_up: self
                .engine
                .health()
                .into_iter()
                .filter(ConnectionHealth::is_held_up)
                .collect(),
        })
    }

    /// Switches recipes, without keeping who did.
    pub(crate) async fn switch_recipes(
        &self,
        recipes: Vec<String>,
        on: bool,
    ) -> Result<Vec<Switched>, Trouble> {
        let known = self.recipes().await?;
        let names: Vec<String> = if recipes.is_empty() {
            known.iter().map(|recipe| recipe.name.clone()).collect()
        } else {
            recipes
        };
        // All or nothing: a typing mistake in the second name should not leave the first switched.
        for name in &names {
            let Some(recipe) = known.iter().find(|recipe| &recipe.name == name) else {
                return Err(unknown_recipe(name, known.iter().map(|recipe| recipe.name.as_str())));
            };
            if on && recipe.version.is_none() {
                return Err(self.never_good(name));
            }
        }
        for name in &names {
            self.engine.switch(name, on).await.map_err(|error| command_trouble(&error))?;
        }
        Ok(names.iter().map(|name| self.switched(name)).collect())
    }

    /// Returns how events reach a recipe.
    pub fn switched(&self, name: &str) -> Switched {
        let deployment = self.engine.deployment();
        let base = self.running().map_or_else(
            || {
                let runner = &deployment.project.runner;
                runner.public_url.clone().unwrap_or_else(|| format!("http://{}", runner.listen))
            },
            |running| running.hooks,
        );
        let url = format!("{}/hooks/{name}", base.trim_end_matches('/'));
        let set_up = deployment
            .project
            .recipes
            .get(name)
            .and_then(|recipe| deployment.trigger(recipe))
            .map(|trigger| trigger.spec.set_up.replace("{url}", &url))
            .unwrap_or_default();
        Switched { recipe: name.into(), url, set_up }
    }

    pub(crate) fn never_good(&self, name: &str) -> Trouble {
        let path = format!("recipes/{name}.yaml");
        let wrong = self.wrong();
        let its = |one: &&Diagnostic| one.source.path == path;
        let mut found: Vec<Diagnostic> = wrong.diagnostics.iter().filter(its).cloned().collect();
        if found.is_empty() {
            found.clone_from(&wrong.diagnostics);
        }
        let drawn = recipe::render(&found, false);
        let told = format!("`{name}` was never right, so it cannot start\n\n{}", drawn.trim_end());
        Trouble::of(Code::NeverRight, told)
            .cure("correct it; `recipe-runner check` shows every mistake in every file")
    }
}

/// Returns the trouble of a recipe that does not exist.
pub fn unknown_recipe<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Trouble {
    let known: Vec<_> = known.collect();
    let trouble = Trouble::of(Code::NoRecipe, format!("there is no recipe `{name}`"));
    if known.is_empty() {
        trouble.cure("put one into `recipes/`, one file each")
    } else {
        trouble.cure(format!("there is: {}", known.join(", ")))
    }
}

/// Returns the trouble of a version that a recipe did not have.
pub fn no_version(recipe: &str, version: &str) -> Trouble {
    Trouble::of(Code::NoVersion, format!("`{recipe}` has no version `{version}`"))
}

/// Returns what a command that was refused tells people.
pub fn command_trouble(error: &CommandError) -> Trouble {
    let code = match error {
        CommandError::Store(error) => return store_trouble(error),
        CommandError::NoRecipe(_) => Code::NoRecipe,
        CommandError::NeverGood(_) => Code::NeverRight,
        CommandError::NotGone(_) => Code::NotGone,
        CommandError::JobsLeft { recipe, .. } => {
            return Trouble::of(Code::JobsLeft, error.to_string())
                .cure(format!("`recipe-runner jobs list --recipe {recipe}` shows them; `--cancel-jobs` ends them"))
                .cure(format!("or put `recipes/{recipe}.yaml` back and start it, and they go on"));
        }
        CommandError::NoJob(_) => Code::NoJob,
        CommandError::Cut(_) => Code::Cut,
        CommandError::Busy(_) => Code::Busy,
        CommandError::NoPlan(_) => Code::NoPlan,
        CommandError::NoCatchUp(_) => Code::NoCatchUp,
        CommandError::Vendor(_) => Code::Vendor,
        CommandError::Over { .. } => Code::WrongState,
        CommandError::Overtaken { .. } => Code::Overtaken,
        CommandError::NotUnknown { .. } => Code::NotUnknown,
        CommandError::NoQuestion { .. } => Code::NoQuestion,
        CommandError::Answered { .. } => Code::Answered,
        CommandError::TooLate { .. } => Code::TooLate,
        CommandError::WrongAnswer { .. } => Code::WrongAnswer,
        CommandError::DoesNotFit { .. } => Code::DoesNotFit,
        CommandError::NoEvent(_) => Code::NoEvent,
        CommandError::WrongInput { .. } => Code::WrongInput,
        CommandError::Broken(..) => Code::Broken,
        CommandError::Stopping => Code::Stopping,
    };
    Trouble::of(code, error.to_string())
}

/// Returns what a store that does not open or answer tells people.
pub fn store_trouble(error: &StoreError) -> Trouble {
    let code = match error {
        StoreError::Unavailable(_) => Code::Store,
        StoreError::Locked { .. } | StoreError::Newer { .. } => Code::Cannot,
        _ => Code::Broken,
    };
    Trouble::of(code, error.to_string())
}

/// Makes the data folder for its owner only: it holds people's data.
pub fn make_private(dir: &Path) -> Result<(), Trouble> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Trouble::file("make", dir, &error))
}
