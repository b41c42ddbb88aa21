//! A project folder: `runner.yaml`, `connections.yaml`, recipes and tables, read and checked together.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    catalogue::Catalogue,
    check::{self, World},
    connections,
    diagnostic::{Diagnostic, Source, Span},
    recipe::Recipe,
    runner_settings,
    schema::Shape,
    table::{self, Tables},
};

/// The texts of a project folder. Whoever reads files (the runner) fills it.
#[derive(Debug, Clone, Default)]
pub struct ProjectFiles {
    /// `runner.yaml`, if there is one.
    pub runner: Option<Arc<Source>>,
    /// `connections.yaml`, if there is one.
    pub connections: Option<Arc<Source>>,
    /// `recipes/NAME.yaml`, by path.
    pub recipes: Vec<Arc<Source>>,
    /// `tables/NAME.csv`, by path.
    pub tables: Vec<Arc<Source>>,
}

/// What a project folder says, as far as it is right.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The recipes without an error, by name.
    pub recipes: BTreeMap<String, Arc<Recipe>>,
    /// The names of all recipe files, right or wrong.
    pub recipe_names: Vec<String>,
    /// The connections, by name.
    pub connections: BTreeMap<String, Connection>,
    /// `runner.yaml`, with defaults.
    pub runner: RunnerSettings,
    /// The lookup tables.
    pub tables: Arc<Tables>,
}

/// One entry of `connections.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// Its name, as recipes use it.
    pub name: String,
    /// The connector it is for; the key `connector`, by default the name itself.
    pub connector: String,
    /// Its settings without `connector`. A text `env:NAME` or `file:PATH` stands for what is there; secrets are
    /// always such references.
    pub settings: Value,
    /// Where it stands in `connections.yaml`.
    pub span: Span,
}

/// `runner.yaml`, with defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct RunnerSettings {
    /// The address of the hooks, `host:port`; `127.0.0.1:7117` by default.
    pub listen: String,
    /// A listener for the hooks alone; `None` means that they share `listen`.
    pub listen_hooks: Option<String>,
    /// The address the outside world reaches the hooks at, such as `https://hooks.acme.example`.
    pub public_url: Option<String>,
    /// Whether a proxy that speaks TLS stands in front, so that an address which others can reach may be listened at.
    pub behind_proxy: bool,
    /// Where the store lives, relative to the project folder; `.recipe-runner` by default.
    pub data_dir: String,
    /// The zone of dates without one; `UTC` by default.
    pub time_zone: String,
    /// How many days of finished jobs are kept; 365 by default.
    pub keep_days: u32,
    /// After how many days what finished jobs held is cut to hashes; `None` keeps it as long as the jobs.
    pub keep_payload_days: Option<u32>,
    /// How many megabytes finished jobs may take; 1024 by default.
    pub keep_megabytes: u64,
    /// A URL (or `env:`/`file:` reference) that is told of jobs that need attention.
    pub notify_webhook: Option<String>,
    /// Properties by name.
    pub properties: BTreeMap<String, Property>,
}

/// A named constant of a project that recipes read as `properties.NAME`.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// What it holds.
    pub shape: crate::schema::Shape,
    /// Its value.
    pub value: Value,
    /// What it is for.
    pub summary: String,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7117".into(),
            listen_hooks: None,
            public_url: None,
            behind_proxy: false,
            data_dir: ".recipe-runner".into(),
            time_zone: "UTC".into(),
            keep_days: 365,
            keep_payload_days: None,
            keep_megabytes: 1024,
            notify_webhook: None,
            properties: BTreeMap::new(),
        }
    }
}

impl RunnerSettings {
    /// Returns the properties as the object that expressions see.
    pub fn property_values(&self) -> Value {
        self.properties
            .iter()
            .map(|(name, property)| (name.clone(), property.value.clone()))
            .collect()
    }
}

/// Reads and checks a whole project: everything that is right, and everything that is wrong, in one go.
///
/// Diagnostics come in the order of the files and, within a file, of the text.
///
/// ```
/// use recipe::{Catalogue, ProjectFiles, Source};
///
/// let text = "trigger: greenhouse.hired\nsteps:\n  - stop: skiped\n";
/// let files = ProjectFiles { recipes: vec![Source::new("recipes/hire.yaml", text)], ..ProjectFiles::default() };
/// let (project, diagnostics) = recipe::check(&files, &Catalogue::default());
/// assert!(project.recipes.is_empty());
/// assert_eq!(diagnostics.len(), 2); // no such connector, no such word
/// assert!(recipe::render(&diagnostics, false).contains("did you mean `skipped`?"));
/// ```
pub fn check(files: &ProjectFiles, catalogue: &Catalogue) -> (Project, Vec<Diagnostic>) {
    checked(files, catalogue, true)
}

/// Reads and checks a project with recipes from an earlier day, which jobs hold on to: what `connections.yaml` declares
/// today about fields that an account has made itself cannot make them wrong.
pub fn check_again(files: &ProjectFiles, catalogue: &Catalogue) -> (Project, Vec<Diagnostic>) {
    checked(files, catalogue, false)
}

fn checked(
    files: &ProjectFiles,
    catalogue: &Catalogue,
    with_declared: bool,
) -> (Project, Vec<Diagnostic>) {
    let mut out = Vec::new();
    let runner = match &files.runner {
        Some(source) => runner_settings::read(source, &mut out),
        None => Some(RunnerSettings::default()),
    };
    // Properties that cannot be read are not unknown ones.
    let properties = runner.as_ref().map_or_else(Shape::any, runner_settings::shape);
    let connections = files
        .connections
        .as_ref()
        .map(|source| connections::read(source, catalogue, &mut out))
        .unwrap_or_default();
    let tables = read_tables(&files.tables, &mut out);
    let mut world = World {
        catalogue,
        connections: connections.declared,
        settings: connections
            .right
            .iter()
            .filter(|_| with_declared)
            .map(|(name, connection)| (name.clone(), connection.settings.clone()))
            .collect(),
        connections_unreadable: connections.unreadable,
        recipes: BTreeMap::new(),
        properties: Shape { nullable: false, ..properties },
        tables: Arc::new(tables),
    };
    let mut project = Project {
        connections: connections.right,
        runner: runner.unwrap_or_default(),
        tables: world.tables.clone(),
        ..Project::default()
    };
    let recipes = check::recipes(&files.recipes, &mut world, &mut out);
    for (source, recipe) in files.recipes.iter().zip(recipes) {
        let name = check::name_of(source).to_owned();
        if let Some(recipe) = recipe {
            project.recipes.insert(name.clone(), Arc::new(recipe));
        }
        project.recipe_names.push(name);
    }
    (project, out)
}

fn read_tables(files: &[Arc<Source>], out: &mut Vec<Diagnostic>) -> Tables {
    let mut tables = Tables::default();
    for source in files {
        let file = source.path.rsplit('/').next().unwrap_or(&source.path);
        let name = file.strip_suffix(".csv").unwrap_or(file);
        if let Some(table) = table::read(source, out) {
            tables.tables.insert(name.to_owned(), Arc::new(table));
        }
    }
    tables
}
