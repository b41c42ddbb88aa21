//! `test --record`: plays a case on real connections, and keeps it as a case that passes offline.

mod written;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use connector::{Clock, Connector, SystemClock};
use engine::simulate::{
    self, Bench, Problem,
    record::{Recorder, Recording},
};
use recipe::{
    Case, Cases, Catalogue, EffectSpec, EventFrom, Expect, Recipe, Severity, Source, StepKind,
};
use serde_json::Value;

use self::written::Written;
use crate::{
    args::Test,
    check::{self, Checked},
    connectors,
    exit::{Exit, Trouble},
    references::{self, Lookup},
    service::unknown_recipe,
    terminal::{self, FAINT, GOOD, STRONG, WARN, paint},
    test,
};

/// What is asked of a recording.
#[derive(Debug, Args)]
pub struct Asked {
    /// Play an event, or the one case that `--filter` names, on real connections, and keep it as a case
    #[arg(long, requires = "recipe")]
    #[arg(conflicts_with_all = ["junit", "coverage", "crash", "watch"])]
    pub record: bool,
    /// The event to record: a file with the body as the vendor sends it
    #[arg(long, value_name = "FILE", requires = "record", conflicts_with = "filter")]
    pub event: Option<PathBuf>,
    /// What the recorded case is called
    #[arg(long = "as", value_name = "NAME", requires = "record")]
    pub called: Option<String>,
    /// Leave what stands under this name as it is, such as `gender`; may be given again
    #[arg(long, value_name = "NAME", requires = "record")]
    pub keep: Vec<String>,
    /// Replace this text too, wherever it stands; may be given again
    #[arg(long, value_name = "TEXT", requires = "record")]
    pub replace: Vec<String>,
    /// Do not ask before real systems are written to
    #[arg(long, short, requires = "record")]
    pub yes: bool,
}

/// Runs the command.
pub fn run(dir: &Path, asked: &Test) -> Result<Exit, Trouble> {
    let connectors = connectors::all();
    let catalogue = connector::catalogue(&connectors);
    let checked = check::check(dir, &catalogue)?;
    let recipe = asked_recipe(asked, &checked)?;
    let source = checked.folder.tests.iter().find(|source| source.path == tests_of(&recipe.name));
    let cases = source.map(|source| read(source, &checked, &catalogue)).transpose()?;
    let case = chosen(asked, &recipe, cases.as_ref())?;
    let name = match (&asked.recording.called, &asked.recording.event) {
        (Some(name), _) => name.clone(),
        (None, Some(file)) => {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            format!("recorded from {}", stem.replace('_', " "))
        }
        (None, None) => format!("{}, recorded", case.name),
    };
    let written = Written::new(dir, &recipe.name, &name);
    if cases.as_ref().is_some_and(|cases| cases.cases.iter().any(|case| case.name == name)) {
        let path = tests_of(&recipe.name);
        return Err(Trouble::usage(format!("`{path}` has a case `{name}` already"))
            .cure("take that one out, or give this one another name: `--as NAME`"));
    }
    written.is_free()?;

    let settings = settings(dir, &checked, &connectors, &recipe)?;
    agreed(&recipe, asked.recording.yes)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::cannot(format!("cannot start the runtime: {error}")))?;
    let files = |path: &str| test::file(dir, path);
    let recorder = Recorder {
        project: &checked.project,
        connectors: &connectors,
        files: &files,
        settings: &settings,
        keep: &asked.recording.keep,
        replace: &asked.recording.replace,
        clock: Arc::new(SystemClock),
        runtime: runtime.handle().clone(),
    };
    let recording = recorder.record(&case, &recipe).map_err(trouble)?;
    let text = written.case(&recipe, &case, &recording);
    let before = source.map(|source| source.text.as_str());
    let source = written.write(&recording, before, &text)?;
    match verified(dir, &source, &checked, &connectors, &catalogue, &name) {
        Ok(()) => {
            told(&written, &recording, &name);
            Ok(Exit::Good)
        }
        Err(why) => {
            written.take_back(before);
            terminal::data(text.trim_end());
            Err(Trouble::cannot(format!(
                "the recorded case does not pass offline, so it is not kept: {why}"
            ))
            .cure("the case is printed above, for you to look at"))
        }
    }
}

fn asked_recipe(asked: &Test, checked: &Checked) -> Result<Arc<Recipe>, Trouble> {
    let name = asked.recipe.as_deref().unwrap_or_default();
    if let Some(recipe) = checked.project.recipes.get(name) {
        return Ok(recipe.clone());
    }
    if checked.project.recipe_names.iter().any(|known| known == name) {
        return Err(Trouble::found(format!(
            "`{name}` has mistakes, so it is not played on real systems"
        ))
        .cure("see them: `recipe-runner check`"));
    }
    Err(unknown_recipe(name, checked.project.recipe_names.iter().map(String::as_str)))
}

fn tests_of(recipe: &str) -> String {
    format!("recipes/{recipe}.test.yaml")
}

/// Reads the test file; a recording is not put into one that is wrong.
fn read(source: &Arc<Source>, checked: &Checked, catalogue: &Catalogue) -> Result<Cases, Trouble> {
    let (cases, found) = test::read(source, checked, catalogue);
    match cases {
        Some((cases, _)) if found.iter().all(|one| one.severity != Severity::Error) => Ok(cases),
        _ => {
            terminal::talk(recipe::render(&found, terminal::colors_on_stderr()));
            Err(Trouble::found(format!("`{}` has mistakes; put them right first", source.path)))
        }
    }
}

/// Returns the case to record: that of an event, or the one whose name holds the filter.
fn chosen(asked: &Test, recipe: &Recipe, cases: Option<&Cases>) -> Result<Case, Trouble> {
    if let Some(file) = &asked.recording.event {
        if recipe.trigger().is_none() {
            let message =
                format!("`{}` is called by other recipes, so it has no events", recipe.name);
            return Err(Trouble::usage(message)
                .cure("write a case with an `input`, and record that: `--record --filter NAME`"));
        }
        let path = fs::canonicalize(file).map_err(|error| Trouble::file("read", file, &error))?;
        let now = SystemClock.now();
        let mut case = Case::of_event("", Value::Null, whole_second(now));
        let path = path.to_string_lossy().into_owned();
        case.event.from = EventFrom::File { path, span: recipe::Span::default() };
        return Ok(case);
    }
    let Some(filter) = &asked.filter else {
        return Err(Trouble::usage("`--record` does not say what to record")
            .cure("name an event: `--event FILE`")
            .cure("or one of the recipe's cases: `--filter NAME`"));
    };
    let cases = cases.map(|cases| cases.cases.as_slice()).unwrap_or_default();
    let found: Vec<&Case> = match cases.iter().find(|case| case.name == *filter) {
        Some(exactly) => vec![exactly],
        None => cases.iter().filter(|case| case.name.contains(filter.as_str())).collect(),
    };
    match found.as_slice() {
        [case] => Ok(without_expectations(case)),
        [] => {
            Err(Trouble::usage(format!("no case of `{}` has `{filter}` in its name", recipe.name)))
        }
        several => {
            let names: Vec<_> = several.iter().map(|case| format!("`{}`", case.name)).collect();
            Err(Trouble::usage(format!("`{filter}` is in the names of {} cases", several.len()))
                .cure(format!("record one of them: {}", names.join(", "))))
        }
    }
}

fn without_expectations(case: &Case) -> Case {
    Case {
        name: case.name.clone(),
        span: case.span,
        event: case.event.clone(),
        now: case.now,
        replies: case.replies.clone(),
        properties: case.properties.clone(),
        tables: case.tables.clone(),
        expect: Expect::default(),
    }
}

fn whole_second(now: connector::jiff::Timestamp) -> connector::jiff::Timestamp {
    connector::jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Returns the settings of the connections that the recipe's actions use, secrets included.
fn settings(
    dir: &Path,
    checked: &Checked,
    connectors: &[Connector],
    recipe: &Recipe,
) -> Result<BTreeMap<String, Value>, Trouble> {
    let used: BTreeSet<&str> = recipe
        .all_steps()
        .filter_map(|step| match &step.kind {
            StepKind::Action(action) => action.connection.as_deref(),
            _ => None,
        })
        .collect();
    let lookup = Lookup { dir, variable: &references::environment };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (_, mut closed) =
        references::open_connections(&checked.project, connectors, &clock, &lookup);
    closed.retain(|one| used.contains(one.connection.as_str()));
    if !closed.is_empty() {
        return Err(references::trouble(&closed));
    }
    let of = |name: &str| {
        let connection = checked.project.connections.get(name)?;
        Some((name.to_owned(), lookup.settings(&connection.settings).ok()?))
    };
    Ok(used.into_iter().filter_map(of).collect())
}

/// Asks whether real systems may be written to, if they would be.
fn agreed(recipe: &Recipe, yes: bool) -> Result<(), Trouble> {
    let writes: Vec<String> = recipe
        .all_steps()
        .filter_map(|step| match &step.kind {
            StepKind::Action(action) if action.effect != EffectSpec::Read => {
                Some(format!("`{}` ({}.{})", step.name, action.connector, action.action))
            }
            _ => None,
        })
        .collect();
    if yes || writes.is_empty() {
        return Ok(());
    }
    let writes = writes.join(", ");
    if terminal::is_interactive() {
        let question =
            format!("this works on real systems, and these steps write: {writes}. Go on?");
        return if terminal::confirm(&paint(STRONG, question)) {
            Ok(())
        } else {
            Err(Trouble::usage("nothing was done"))
        };
    }
    Err(Trouble::usage(format!("this works on real systems, and these steps write: {writes}"))
        .cure("use the connections of a test account, and say `--yes`"))
}

/// Plays the recorded case as `test` does.
fn verified(
    dir: &Path,
    source: &Arc<Source>,
    checked: &Checked,
    connectors: &[Connector],
    catalogue: &Catalogue,
    name: &str,
) -> Result<(), String> {
    let (cases, found) = test::read(source, checked, catalogue);
    if let Some(wrong) = found.iter().find(|one| one.severity == Severity::Error) {
        return Err(wrong.message.clone());
    }
    let (cases, recipe) = cases.ok_or("the test file cannot be read any more")?;
    let files = |path: &str| test::file(dir, path);
    let bench = Bench::new(&checked.project, connectors, &files);
    let tested = simulate::test(&cases, &recipe, &bench, Some(name));
    let case = tested.cases.iter().find(|case| case.name == name).ok_or("it is not there")?;
    if case.is_ok() {
        return Ok(());
    }
    let problem = case.problem.as_ref().map(|problem| problem.message.clone());
    let difference = || {
        case.differences
            .first()
            .map(|one| format!("{}: expected {}, got {}", one.path, one.expected, one.got))
    };
    Err(problem.or_else(difference).unwrap_or_default())
}

fn told(written: &Written<'_>, recording: &Recording, name: &str) {
    terminal::data(format!("{}: {}", paint(GOOD, "new case"), paint(STRONG, name)));
    terminal::data(format!("  it ended as {}", recording.played.status));
    terminal::data(format!("  the case is in {}, and passes offline", written.tests));
    terminal::data(format!("  the exchanges are in {}/", written.folder));
    let replaced = match recording.replaced.as_slice() {
        [] => "nothing".into(),
        several => several.join(", "),
    };
    terminal::data(format!("  replaced: {replaced}"));
    terminal::talk(paint(WARN, "look through the files before you commit them"));
    let kept = "ids, dates, titles and what people wrote in sentences are as they were; `--replace TEXT` replaces more";
    terminal::talk(paint(FAINT, kept));
}

fn trouble(problem: Problem) -> Trouble {
    let trouble = Trouble::found(problem.message);
    problem.help.into_iter().fold(trouble, Trouble::cure)
}
