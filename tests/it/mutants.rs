//! Mutants of the shipped recipes: each is the recipe with one edit that somebody might make by mistake. The check or the
//! recipe's own cases must notice.
//!
//! `cargo nextest run --features crash-points mutants` looks at every recipe of the repository; with `UPDATE=1` it writes
//! `docs/mutants.md`. A mutant that nobody noticed stands in `tests/it/mutants/survivors.tsv` with the reason why.

mod edits;
mod lines;
mod trial;

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, sync::Mutex, thread};

use edits::Mutant;
use trial::{Fate, Trial};

const SURVIVORS: &str = "tests/it/mutants/survivors.tsv";
const PAGE: &str = "docs/mutants.md";
/// How many mutants each recipe gets at least, and how many of those that change something must be noticed.
const LEAST: usize = 200;
const PER_CENT: usize = 95;
/// How many of the misspelt words that the check finds must draw one report and no more.
const ONE_REPORT: usize = 98;

/// Why a mutant lives.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reason {
    /// Whether it does the same as the recipe, so that nobody could notice.
    same: bool,
    words: String,
}

/// What became of the mutants of one recipe.
#[derive(Default)]
struct Tally {
    check: usize,
    cases: usize,
    /// Misspelt words that the check finds.
    misspelt: usize,
    /// Those of them that draw more than one report.
    several: Vec<String>,
    survivors: Vec<String>,
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that writes is told so by its environment")]
fn nearly_every_mistake_in_a_shipped_recipe_is_noticed() {
    let update = std::env::var_os("UPDATE").is_some();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut reasons = read_reasons(&fs::read_to_string(root.join(SURVIVORS)).unwrap_or_default());
    let mut page = String::from(
        "# Mutants\n\nEach shipped recipe is changed in one place, as somebody might by mistake: a misspelt key, field or id; \
         an input, guard or step left out; another constant, unit, operator or type; braces, quotes or a colon \
         forgotten; a line indented differently; two inputs exchanged; a step twice, or two steps swapped. The check, or \
         the recipe's own cases, should notice. Of the mutants that change what happens, at least 95 % must be \
         noticed.\n\n\
         This page is made by `UPDATE=1 cargo nextest run --features crash-points mutants`.\n\n\
         | recipe | mutants | found by the check | found by its cases | do the same | not noticed | noticed |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let (mut lists, mut unexplained, mut weak) = (String::new(), Vec::new(), Vec::new());
    let mut short = Vec::new();
    let (mut misspelt, mut several) = (0, Vec::new());
    let mut seen: BTreeMap<(String, String), Reason> = BTreeMap::new();
    for (project, name) in recipes(root) {
        let trial = Trial::new(&root.join(&project), &name);
        let mut mutants = edits::mutants(trial.text(), false);
        if mutants.len() < LEAST {
            short.push(format!("`{name}`"));
            mutants = edits::mutants(trial.text(), true);
        }
        assert!(mutants.len() >= LEAST, "{name} has only {} mutants", mutants.len());
        let tally = tally(&trial, &mutants);
        let (mut same, mut missed) = (Vec::new(), Vec::new());
        for what in &tally.survivors {
            let key = (name.clone(), what.clone());
            let reason = reasons.remove(&key).unwrap_or_else(|| {
                unexplained.push(format!("{name}: {what}"));
                Reason { same: false, words: "?".into() }
            });
            if reason.same { &mut same } else { &mut missed }.push((what, reason.words.clone()));
            seen.insert(key, reason);
        }
        let noticed = tally.check + tally.cases;
        let changing = noticed + missed.len();
        writeln!(
            page,
            "| {name} | {} | {} | {} | {} | {} | {}.{} % |",
            mutants.len(),
            tally.check,
            tally.cases,
            same.len(),
            missed.len(),
            noticed * 1000 / changing / 10,
            noticed * 1000 / changing % 10,
        )
        .unwrap();
        misspelt += tally.misspelt;
        several.extend(tally.several.iter().map(|what| format!("{name}: {what}")));
        if noticed * 100 < changing * PER_CENT {
            weak.push(format!("{name}: {noticed} of {changing}"));
        }
        write!(lists, "\n## {name}\n").unwrap();
        for (heading, list) in [("Not noticed", missed), ("Do the same", same)] {
            if !list.is_empty() {
                write!(lists, "\n{heading}:\n\n| mutant | why |\n|---|---|\n").unwrap();
                for (what, why) in list {
                    writeln!(lists, "| {} | {} |", cell(what), why.replace('|', "\\|")).unwrap();
                }
            }
        }
    }
    write!(
        page,
        "\nWhere that makes fewer than {LEAST} of a short recipe, its words are misspelt at every letter: {}.\n",
        short.join(", ")
    )
    .unwrap();
    writeln!(
        page,
        "\nOf the {misspelt} misspelt words that the check finds, {} draw one report and no more.",
        misspelt - several.len()
    )
    .unwrap();
    page += &lists;
    if update {
        fs::create_dir_all(root.join(SURVIVORS).parent().unwrap()).unwrap();
        fs::write(root.join(SURVIVORS), write_reasons(&seen)).unwrap();
        fs::write(root.join(PAGE), &page).unwrap();
    }
    assert!(
        unexplained.is_empty(),
        "say in {SURVIVORS} why these live, or add cases that notice them:\n{}",
        unexplained.join("\n")
    );
    assert!(
        (misspelt - several.len()) * 100 >= misspelt * ONE_REPORT,
        "one mistake draws several reports:\n{}",
        several.join("\n")
    );
    assert!(weak.is_empty(), "fewer than {PER_CENT} % are noticed: {weak:?}");
    assert!(
        update || reasons.is_empty(),
        "these do not live any more; run with UPDATE=1: {:?}",
        reasons.keys()
    );
    let written = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    assert!(written == page, "{PAGE} is old: run with UPDATE=1");
}

/// Every recipe of the project at the root and of the examples.
fn recipes(root: &Path) -> Vec<(String, String)> {
    let examples = fs::read_dir(root.join("examples")).unwrap();
    let examples = examples.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut projects: Vec<String> = examples.map(|name| format!("examples/{name}")).collect();
    projects.sort();
    projects.insert(0, ".".to_owned());
    let mut all = Vec::new();
    for project in projects {
        let entries = fs::read_dir(root.join(&project).join("recipes")).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let names = names.filter(|name| !name.ends_with(".test.yaml"));
        let mut names: Vec<String> =
            names.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned)).collect();
        names.sort();
        all.extend(names.into_iter().map(|name| (project.clone(), name)));
    }
    all
}

/// Tries all mutants, on every core.
fn tally(trial: &Trial, mutants: &[Mutant]) -> Tally {
    let left = Mutex::new(mutants.iter().enumerate());
    let fates = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some((index, mutant)) = next else { break };
                    let fate = trial.fate(&mutant.text);
                    fates.lock().unwrap().push((index, fate));
                }
            });
        }
    });
    let mut fates = fates.into_inner().unwrap();
    fates.sort_by_key(|(index, _)| *index);
    let mut tally = Tally::default();
    for (index, fate) in fates {
        match fate {
            Fate::Refused(reports) => {
                tally.check += 1;
                if mutants[index].misspelt {
                    tally.misspelt += 1;
                    if reports > 1 {
                        tally.several.push(mutants[index].what.clone());
                    }
                }
            }
            Fate::Failed => tally.cases += 1,
            Fate::Survived => tally.survivors.push(mutants[index].what.clone()),
        }
    }
    tally
}

fn read_reasons(text: &str) -> BTreeMap<(String, String), Reason> {
    let line = |line: &str| {
        let mut parts = line.split('\t');
        let (recipe, what) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let same = parts.next()? == "same";
        let words = parts.next()?.to_owned();
        (words != "?").then_some(((recipe, what), Reason { same, words }))
    };
    text.lines().filter_map(line).collect()
}

fn write_reasons(reasons: &BTreeMap<(String, String), Reason>) -> String {
    let mut text = String::new();
    for ((recipe, what), Reason { same, words }) in reasons {
        let kind = if *same { "same" } else { "missed" };
        writeln!(text, "{recipe}\t{what}\t{kind}\t{words}").unwrap();
    }
    text
}

fn cell(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
