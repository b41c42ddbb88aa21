//! `test`: plays the cases beside the recipes, offline.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use connector::Connector;
use engine::simulate::{
    self, Bench, Tested,
    coverage::{self, Coverage},
};
use recipe::{Cases, Catalogue, Diagnostic, Project, Recipe, Source, Span, StepKind};

use crate::{
    args::Test,
    check::{self, Checked},
    connectors,
    exit::{Exit, Trouble},
    record,
    service::unknown_recipe,
    terminal::{self, BAD, FAINT, GOOD, count, paint},
    watch,
};

/// The largest file that a case may name.
const LARGEST_FILE: u64 = 16 << 20;

/// Runs the command.
pub fn run(dir: &Path, asked: &Test) -> Result<Exit, Trouble> {
    if asked.recording.record {
        return record::run(dir, asked);
    }
    let mut read = ReadBy::new();
    if !asked.watch {
        return once(dir, asked, None, &mut read);
    }
    watch::watch(dir, |changed| {
        if let Err(trouble) = once(dir, asked, changed, &mut read) {
            terminal::trouble(&trouble);
        }
        read.keys().map(PathBuf::from).collect()
    })?;
    Ok(Exit::Good)
}

/// The files that cases name, each with the recipes whose cases do.
type ReadBy = BTreeMap<String, BTreeSet<String>>;

/// Tests once: everything, or what these changes may have affected.
fn once(
    dir: &Path,
    asked: &Test,
    changed: Option<&BTreeSet<String>>,
    read_by: &mut ReadBy,
) -> Result<Exit, Trouble> {
    let connectors = connectors::all();
    let catalogue = connector::catalogue(&connectors);
    let checked = check::check(dir, &catalogue)?;
    if let Some(name) = &asked.recipe
        && !checked.project.recipe_names.contains(name)
    {
        return Err(unknown_recipe(name, checked.project.recipe_names.iter().map(String::as_str)));
    }
    let affected = changed.and_then(|changed| affected(changed, &checked.project, read_by));
    let wanted = |recipe: &str| {
        asked.recipe.as_ref().is_none_or(|name| name == recipe)
            && affected.as_ref().is_none_or(|affected| affected.contains(recipe))
    };
    // What is wrong with another recipe is `check`'s to say; this one cannot be tested while it is wrong.
    let mut wrong: Vec<Diagnostic> = checked
        .diagnostics
        .iter()
        .filter(|one| named(&one.source.path, ".yaml").is_none_or(wanted))
        .cloned()
        .collect();
    let mut files = Vec::new();
    for source in &checked.folder.tests {
        if named(&source.path, ".test.yaml").is_some_and(wanted) {
            let (cases, mut found) = read(source, &checked, &catalogue);
            wrong.append(&mut found);
            files.extend(cases);
        }
    }
    if !wrong.is_empty() {
        terminal::talk(recipe::render(&wrong, terminal::colors_on_stderr()));
    }
    let tested = play(dir, &files, &checked, &connectors, asked, read_by);
    for file in &tested {
        terminal::data(coloured(&simulate::lines(file)));
    }
    if let Some(path) = &asked.junit {
        fs::write(path, simulate::junit(&tested))
            .map_err(|error| Trouble::file("write", path, &error))?;
    }
    terminal::talk(simulate::summary(&tested).trim_end());
    untested(&checked, wanted);
    let mut enough = true;
    if asked.coverage {
        let covered = covered(&files, &tested, &checked);
        enough = asked.fail_under.is_none_or(|least| covered.percent() >= least);
        for (place, what) in &covered.gaps {
            terminal::data(format!("{place}: {what}"));
        }
        let (total, reached) = (covered.total, covered.total - covered.gaps.len());
        let percent = covered.percent();
        let line = format!("coverage: {percent} % ({reached} of {total} reached)");
        terminal::talk(if enough { line } else { paint(BAD, line) });
    }
    let errors = check::errors(&wrong);
    if errors > 0 {
        terminal::talk(paint(
            BAD,
            format!("{}; what is wrong was not tested", count(errors, "error")),
        ));
    }
    let failed = !enough || errors > 0 || tested.iter().any(|file| file.failures() > 0);
    Ok(if failed { Exit::Found } else { Exit::Good })
}

/// Returns the diagnostics of every test file.
pub fn diagnostics(checked: &Checked, catalogue: &Catalogue) -> Vec<Diagnostic> {
    let tests = checked.folder.tests.iter().collect();
    let found = recipe::on_every_core(tests, |source| read(source, checked, catalogue).1);
    found.into_iter().flatten().collect()
}

/// Reads a test file with the recipe it tests, if that one is right.
pub fn read(
    source: &Arc<Source>,
    checked: &Checked,
    catalogue: &Catalogue,
) -> (Option<(Cases, Arc<Recipe>)>, Vec<Diagnostic>) {
    let name = named(&source.path, ".test.yaml").unwrap_or_default();
    let project = &checked.project;
    let Some(recipe) = project.recipes.get(name) else {
        if project.recipe_names.iter().any(|known| known == name) {
            return (None, Vec::new());
        }
        let message = format!("there is no recipe `{name}` to test");
        let found = Diagnostic::error("unknown-recipe", source, Span::default(), message)
            .help(format!("the tests of `recipes/NAME.yaml` are in `recipes/NAME.test.yaml`; there is no `recipes/{name}.yaml`"));
        return (None, vec![found]);
    };
    let (cases, found) = recipe::read_cases(source, recipe, catalogue, project);
    (cases.map(|cases| (cases, recipe.clone())), found)
}

fn play(
    dir: &Path,
    files: &[(Cases, Arc<Recipe>)],
    checked: &Checked,
    connectors: &[Connector],
    asked: &Test,
    read_by: &mut ReadBy,
) -> Vec<Tested> {
    let mut all = Vec::new();
    for (cases, recipe) in files {
        let named: Mutex<BTreeSet<String>> = Mutex::default();
        let read = |path: &str| {
            named.lock().expect("no panic while the lock is held").insert(path.into());
            file(dir, path)
        };
        let crash = asked.crash;
        let bench = Bench { crash, ..Bench::new(&checked.project, connectors, &read) };
        let tested = simulate::test(cases, recipe, &bench, asked.filter.as_deref());
        for path in named.lock().expect("no panic while the lock is held").iter() {
            read_by.entry(path.clone()).or_default().insert(recipe.name.clone());
        }
        if !tested.cases.is_empty() {
            all.push(tested);
        }
    }
    all
}

/// Returns the recipes whose cases may come out differently after these changes; `None` for all of them.
fn affected(
    changed: &BTreeSet<String>,
    project: &Project,
    read_by: &ReadBy,
) -> Option<BTreeSet<String>> {
    let mut affected = BTreeSet::new();
    for path in changed {
        if let Some(recipes) = read_by.get(path) {
            affected.extend(recipes.iter().cloned());
        } else {
            // Settings and tables are everybody's.
            let name = named(path, ".test.yaml").or_else(|| named(path, ".yaml"))?;
            affected.insert(name.to_owned());
        }
    }
    // What a recipe takes and gives is its callers' as well.
    let calls = |recipe: &Recipe| {
        recipe.all_steps().any(
            |step| matches!(&step.kind, StepKind::Call(call) if affected.contains(&call.recipe)),
        )
    };
    let callers = project.recipes.values().filter(|recipe| calls(recipe));
    let callers: Vec<String> = callers.map(|recipe| recipe.name.clone()).collect();
    affected.extend(callers);
    // What is wrong now, perhaps because of it, has to be said.
    let wrong = project.recipe_names.iter().filter(|name| !project.recipes.contains_key(*name));
    affected.extend(wrong.cloned());
    Some(affected)
}

/// Reads a file that a case names, relative to the project folder.
pub fn file(dir: &Path, path: &str) -> Result<Vec<u8>, String> {
    let path = dir.join(path);
    let length = fs::metadata(&path).map_err(|error| error.to_string())?.len();
    if length > LARGEST_FILE {
        return Err(format!(
            "it has {} MB, and at most {} are read",
            length >> 20,
            LARGEST_FILE >> 20
        ));
    }
    fs::read(&path).map_err(|error| error.to_string())
}

/// Returns what the cases reached of their recipes and of the tables.
fn covered(files: &[(Cases, Arc<Recipe>)], tested: &[Tested], checked: &Checked) -> Coverage {
    let mut covered = Coverage::default();
    for file in tested {
        if let Some((_, recipe)) = files.iter().find(|(cases, _)| cases.recipe == file.recipe) {
            covered.add(coverage::of_recipe(recipe, file));
        }
    }
    covered.add(coverage::of_tables(&checked.project.tables, tested));
    covered
}

/// Says which recipes have no tests.
fn untested(checked: &Checked, wanted: impl Fn(&str) -> bool) {
    let tested: Vec<_> = checked
        .folder
        .tests
        .iter()
        .filter_map(|source| named(&source.path, ".test.yaml"))
        .collect();
    for name in &checked.project.recipe_names {
        if wanted(name) && !tested.contains(&name.as_str()) {
            terminal::talk(paint(
                FAINT,
                format!("`{name}` has no tests: write recipes/{name}.test.yaml"),
            ));
        }
    }
}

/// Returns `hire` for `recipes/hire.test.yaml` and `.test.yaml`.
fn named<'a>(path: &'a str, ending: &str) -> Option<&'a str> {
    path.strip_prefix("recipes/")?.strip_suffix(ending)
}

/// Colours the marks of cases.
fn coloured(lines: &str) -> String {
    let line = |line: &str| {
        let mark = |mark: &str, style| {
            let rest = line.trim_start().strip_prefix(mark)?.strip_prefix(' ')?;
            let pad = " ".repeat(4 - mark.len());
            Some(format!("  {}{pad} {}", paint(style, mark), rest.trim_start()))
        };
        mark("ok", GOOD).or_else(|| mark("FAIL", BAD)).unwrap_or_else(|| line.to_owned())
    };
    lines.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_file_belongs_to_the_recipe_of_its_name() {
        assert_eq!(named("recipes/hire.test.yaml", ".test.yaml"), Some("hire"));
        assert_eq!(named("tables/hire.csv", ".test.yaml"), None);
    }
}
