//! Whether the galleries are whole: which keys were read from them, and which of those were refused there.
//!
//! Whoever reads a map with known keys tells of it here, in tests alone. So the lists that are held against the galleries
//! are those that recipes and test files are read with; a key that is added is missed until a case has it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use regex::Regex;

use crate::{
    self as api, Cases, Diagnostic, Reply,
    cases::known::STEP,
    check,
    diagnostic::{Source, Span},
    read_cases, render,
    yaml::{Node, Value},
};

#[path = "../tests/check/support.rs"]
mod support;

/// A map that was read.
struct Read {
    what: String,
    known: Vec<String>,
    path: String,
    entries: Vec<Entry>,
}

struct Entry {
    key: String,
    key_at: Span,
    at: Span,
    /// Whether it holds no map, so that a mistake inside it is one of its own.
    plain: bool,
}

thread_local! {
    static READ: RefCell<Vec<Read>> = const { RefCell::new(Vec::new()) };
}

/// Notes that a map was read, and which keys it may have.
pub(crate) fn map(what: &str, known: &[&str], node: &Node, source: &Arc<Source>) {
    let Value::Map(entries) = &node.value else { return };
    let entry = |(key, node): &(crate::yaml::Key, Node)| Entry {
        key: key.text.clone(),
        key_at: key.span,
        at: node.span,
        plain: is_plain(node),
    };
    READ.with_borrow_mut(|all| {
        all.push(Read {
            what: what.into(),
            known: known.iter().map(|key| (*key).to_owned()).collect(),
            path: source.path.clone(),
            entries: entries.iter().map(entry).collect(),
        });
    });
}

fn is_plain(node: &Node) -> bool {
    match &node.value {
        Value::Map(_) => false,
        Value::List(items) => items.iter().all(is_plain),
        _ => true,
    }
}

/// The key of a map, where the map is called the same whatever step it is about.
type Place = (String, String);

fn place(read: &Read, key: &str) -> Place {
    let of_every_step = ["id", "title", "when"].contains(&key) && read.what.ends_with(" step");
    let what = if of_every_step { "a step" } else { called(read) };
    (what.into(), key.into())
}

/// What a map is called: what is expected of a step is read under the step's own name.
fn called(read: &Read) -> &str {
    if read.known.iter().any(|key| key == "count") { STEP.what } else { &read.what }
}

/// Every key that a map which was read may have.
fn known(read: &[Read]) -> BTreeSet<Place> {
    read.iter().flat_map(|read| read.known.iter().map(|key| place(read, key))).collect()
}

/// Reads each folder of a gallery; hands over what was read, what was found wrong, and the cases.
fn play(
    outcome: &str,
    mut judge: impl FnMut(&Path, &[Read], &[Diagnostic], Option<&Cases>),
) -> Vec<Read> {
    let mut all = Vec::new();
    for folder in folders(outcome) {
        READ.with_borrow_mut(Vec::clear);
        let (files, catalogue) = (support::project(&folder), support::catalogue());
        let (project, mut diagnostics) = check(&files, &catalogue);
        let mut cases = None;
        if let (Ok(text), Some(recipe)) =
            (fs::read_to_string(folder.join("recipe.test.yaml")), project.recipes.get("hire"))
        {
            let source = Source::new("recipes/hire.test.yaml", text);
            let (read, mut found) = read_cases(&source, recipe, &catalogue, &project);
            diagnostics.append(&mut found);
            cases = read;
        }
        let mut read = READ.take();
        judge(&folder, &read, &diagnostics, cases.as_ref());
        all.append(&mut read);
    }
    all
}

#[test]
fn every_key_occurs_in_an_accepted_case() {
    let mut used: BTreeSet<Place> = BTreeSet::new();
    let mut replies: BTreeSet<&str> = BTreeSet::new();
    let read = play("accepted", |folder, read, diagnostics, cases| {
        assert!(diagnostics.is_empty(), "{}\n{}", folder.display(), render(diagnostics, false));
        for read in read {
            used.extend(read.entries.iter().map(|entry| place(read, &entry.key)));
        }
        for case in cases.iter().flat_map(|cases| &cases.cases) {
            for reply in case.replies.iter().flat_map(|(_, script)| &script.replies) {
                replies.insert(match reply {
                    Reply::Output(_, warnings) if warnings.is_empty() => "an output",
                    Reply::Output(..) => "an output with warnings",
                    Reply::Fail(_) => "a failure",
                    Reply::LookUp(_) => "what a look-up finds",
                    Reply::Http(_) => "a recording",
                    Reply::Timeout => "nobody",
                });
            }
        }
    });
    let missing: Vec<_> = known(&read).difference(&used).cloned().collect();
    assert!(missing.is_empty(), "no folder of cases/accepted has these keys: {missing:#?}");
    assert_eq!(replies.len(), 6, "no case of cases/accepted answers with the others: {replies:?}");

    // A map that no case has would not be missed above.
    let named: BTreeSet<String> = read.iter().map(|read| called(read).to_owned()).collect();
    let unread: Vec<_> =
        maps_of_the_source().into_iter().filter(|map| !named.contains(map)).collect();
    assert!(unread.is_empty(), "no folder of cases/accepted has these maps: {unread:#?}");
}

#[test]
fn every_key_is_refused_in_a_rejected_case() {
    let mut refused: BTreeSet<Place> = BTreeSet::new();
    let read = play("rejected", |_, read, diagnostics, _| {
        for read in read {
            for entry in &read.entries {
                let here = |one: &&Diagnostic| {
                    one.source.path == read.path
                        && one.code != "unknown-key"
                        && (one.span == entry.key_at
                            || one.span == entry.at
                            || (entry.plain
                                && entry.at.start <= one.span.start
                                && one.span.end <= entry.at.end))
                };
                if diagnostics.iter().any(|one| here(&one)) {
                    refused.insert(place(read, &entry.key));
                }
            }
        }
    });
    let mut known = known(&read);
    known.append(&mut self::known(&play("accepted", |_, _, _, _| {})));
    let missing: Vec<_> = known
        .difference(&refused)
        .filter(|(what, key)| !(what == "a matcher" && TAKES_ANYTHING.contains(&key.as_str())))
        .cloned()
        .collect();
    assert!(missing.is_empty(), "no folder of cases/rejected has a wrong one of: {missing:#?}");
}

/// Matchers of anything at all.
const TAKES_ANYTHING: [&str; 4] = ["matches", "equals", "contains", "not"];

/// What the maps are called in the places where they are read.
fn maps_of_the_source() -> BTreeSet<String> {
    let declared = Regex::new(r#"Known\s*\{\s*what: "([^"]+)""#).expect("it is a pattern");
    let read = Regex::new(r#"\.entries\(\s*\w+,\s*"([^"]+)""#).expect("it is a pattern");
    let mut maps = BTreeSet::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("the folder is part of the repository");
            open.extend(entries.map(|entry| entry.expect("it can be read").path()));
            continue;
        }
        let text = fs::read_to_string(&path).expect("the file is part of the repository");
        for pattern in [&declared, &read] {
            maps.extend(pattern.captures_iter(&text).map(|found| found[1].to_owned()));
        }
    }
    assert!(maps.len() > 20, "the readers were not found: {maps:?}");
    maps
}

fn folders(outcome: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(outcome);
    let entries = fs::read_dir(&folder).expect("the folder is part of the repository");
    let mut folders: BTreeMap<_, _> = BTreeMap::new();
    for path in entries.map(|entry| entry.expect("it can be read").path()) {
        folders.insert(path.file_name().map(ToOwned::to_owned), path);
    }
    folders.into_values().filter(|path| path.is_dir()).collect()
}
