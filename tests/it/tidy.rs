//! The tidiness of the tree: what files are called, how long they are, how they begin, and which words they avoid.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files that may be longer than 500 lines, because each is a table.
const TABLES: &[&str] = &[];

/// Names that name nothing.
const NAMELESS: &[&str] =
    &["utils", "util", "common", "helpers", "helper", "misc", "types", "models", "shared"];

#[test]
fn no_source_file_is_long() {
    let long: Vec<_> = sources()
        .filter(|(path, _)| !TABLES.iter().any(|table| path.ends_with(table)))
        .filter(|(path, text)| !is_test(path) && text.lines().count() > 500)
        .map(|(path, text)| format!("{}: {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "over 500 lines:\n{}", long.join("\n"));
}

#[test]
fn every_source_file_says_first_what_it_owns() {
    let silent: Vec<_> = sources()
        .filter(|(path, text)| {
            path.components().any(|part| part.as_os_str() == "src") && !text.starts_with("//!")
        })
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "these do not begin with `//!`:\n{}", silent.join("\n"));
}

#[test]
fn no_file_has_a_name_that_names_nothing() {
    let stem = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let nameless: Vec<_> = sources()
        .filter(|(path, _)| NAMELESS.contains(&stem(path).as_str()))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(nameless.is_empty(), "{}", nameless.join("\n"));
}

#[test]
fn doors_are_only_doors() {
    for (path, text) in sources().filter(|(path, _)| path.ends_with("lib.rs")) {
        assert!(text.lines().count() <= 80, "{}: a door of more than 80 lines", path.display());
        let code: Vec<_> = text.lines().filter(|line| !line.starts_with("//!")).collect();
        assert!(
            !code.iter().any(|line| line.contains("fn ")),
            "{}: a door has no functions",
            path.display()
        );
    }
}

#[test]
fn nothing_unfinished_or_silenced_is_left() {
    // Written in two parts so that this file does not find itself.
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("#[ig", "nore"),
        concat!("#[al", "low("),
        concat!("should_", "panic"),
        concat!("db", "g!("),
    ];
    let mut found = Vec::new();
    for (path, text) in sources() {
        for (line, words) in text.lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| words.contains(**mark)) {
                found.push(format!("{}:{}: {mark}", path.display(), line + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn sql_stays_in_the_store_and_outgoing_connections_in_the_http_client() {
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        let place = path.to_string_lossy().replace('\\', "/");
        // One compares with a loop written by hand, one damages the file, one dates a history back: all come to the store
        // from outside.
        let outside = ["benches/speed/", "tests/it/disk.rs", "tests/it/acme.rs"];
        if outside.iter().any(|one| place.contains(one)) {
            continue;
        }
        if text.contains(concat!("rusq", "lite::")) && !place.contains("crates/engine/src/store") {
            breaches.push(format!("{place} knows SQL"));
        }
        if text.contains(concat!("req", "west::")) && !place.contains("crates/connector/src/http") {
            breaches.push(format!("{place} opens outgoing connections"));
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// Every Rust file of the tree, by its path in it, with its text.
pub fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["crates", "tests", "benches"] {
        collect(&root.join(folder), &mut files);
    }
    assert!(files.len() > 20, "the tree was not found");
    files.into_iter().map(move |path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root).unwrap().to_owned(), text)
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
