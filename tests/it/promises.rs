//! The promises of the documents: what they show, name and link to is there.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Above an excerpt: `<!-- lines of PATH -->`.
const EXCERPT: &str = "<!-- lines of ";
/// Inside an excerpt: something is left out here.
const LEFT_OUT: &str = "# …";

#[test]
fn the_map_is_short_and_every_invariant_and_promise_names_tests_that_exist() {
    let text = read("ARCHITECTURE.md");
    assert!(text.lines().count() <= 150, "a map of {} lines is not read", text.lines().count());
    let invariants = held(&text, "**Invariant:**");
    assert!(invariants >= 5, "only {invariants} invariants were found");
    let promises = held(&read("docs/promises.md"), "**Promise:**");
    assert!(promises >= 20, "only {promises} promises were found");
}

/// Looks whether each sentence with this mark is followed by tests that exist; returns how many there are.
fn held(text: &str, mark: &str) -> usize {
    let mut sentences = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if !line.starts_with(mark) {
            continue;
        }
        sentences += 1;
        let named: Vec<&str> =
            lines.next().unwrap_or_default().split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test holds: {line}");
        for test in named {
            let (file, name) =
                test.split_once("::").unwrap_or_else(|| panic!("`{test}` is not FILE::TEST"));
            let code = read(file);
            let declared = format!("fn {name}(");
            let place =
                code.find(&declared).unwrap_or_else(|| panic!("{file} has no test `{name}`"));
            // A property test stands in a macro, its attribute a line or two above as well.
            let above =
                code[..place].lines().rev().take(4).any(|line| line.trim().starts_with("#["));
            assert!(above, "`{name}` in {file} is no test");
        }
    }
    sentences
}

#[test]
fn every_excerpt_is_what_its_file_says() {
    let mut excerpts = 0;
    for (page, text) in pages() {
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(path) = line.strip_prefix(EXCERPT) else { continue };
            let path = path.trim_end_matches(" -->");
            assert!(
                lines.next().unwrap_or_default().starts_with("```"),
                "{page}: no code below `{line}`"
            );
            let shown: Vec<&str> =
                lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            let file = read(path);
            let mut rest: Vec<&str> = file.lines().collect();
            for part in shown.split(|line| *line == LEFT_OUT) {
                let at = rest.windows(part.len()).position(|window| window == part).unwrap_or_else(
                    || panic!("{page}: {path} does not say, in this order:\n{}", part.join("\n")),
                );
                rest.drain(..at + part.len());
            }
            excerpts += 1;
        }
    }
    assert!(excerpts >= 1, "no excerpt was found");
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for (page, text) in pages() {
        let folder = root().join(&page).parent().unwrap().to_path_buf();
        for target in targets(&text)
            .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { root().join(&page) } else { folder.join(path) };
            assert!(file.exists(), "{page} links to `{target}`, which is not there");
            if !anchor.is_empty() {
                let text = fs::read_to_string(&file).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#')).map(anchor_of);
                assert!(
                    headings.any(|heading| heading == anchor),
                    "{page}: `{target}` has no such heading"
                );
            }
            links += 1;
        }
    }
    assert!(links > 10, "only {links} links were found");
}

#[test]
fn the_environment_and_the_clock_have_one_door_each() {
    // Crash points are a feature of the test build, named by a variable.
    let environment =
        ["crates/runner/references.rs", "crates/runner/start.rs", "crates/engine/src/crash.rs"];
    let clock = ["crates/connector/src/clock.rs"];
    let mut breaches = Vec::new();
    let mut doors = 0;
    for (path, text) in code(&root().join("crates")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let reads = |marks: &[&str]| marks.iter().any(|mark| code.contains(mark));
        for (what, allowed, marks) in [
            (
                "the environment",
                &environment[..],
                &["env::var(", "env::vars(", "env::var_os(", "env::current_dir("][..],
            ),
            (
                "the clock",
                &clock[..],
                &["SystemTime::now(", "Instant::now(", "Timestamp::now(", "Zoned::now("][..],
            ),
        ] {
            match (reads(marks), allowed.contains(&path.as_str())) {
                (true, false) => breaches.push(format!("{path} reads {what}")),
                (true, true) => doors += 1,
                _ => {}
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    assert!(doors >= 2, "the doors themselves were not found");
}

/// Returns the relative and absolute targets of a page's links and images, code left out.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split("](").skip(1)).filter_map(|rest| {
        let end = rest.find(')')?;
        Some(&rest[..end])
    })
}

/// Returns a heading's anchor as GitHub makes it.
fn anchor_of(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|next| next.is_alphanumeric() || " -_".contains(*next));
    kept.map(|next| if next == ' ' { '-' } else { next }).collect()
}

/// Returns every page for readers, with its path.
fn pages() -> Vec<(String, String)> {
    let mut pages = vec![
        "README.md".to_owned(),
        "ARCHITECTURE.md".into(),
        "crates/runner/template/README.md".into(),
    ];
    let mut open = vec![PathBuf::from("docs")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let name = entry.unwrap().file_name();
            let path = folder.join(name);
            if root().join(&path).is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    pages.into_iter().map(|page| (page.clone(), read(&page))).collect()
}

/// Returns every source file that is no test, by its path from the root.
fn code(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "tests" && name != "target" {
                files.extend(code(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs"
        {
            let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            files.push((shown, fs::read_to_string(&path).unwrap()));
        }
    }
    files
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
