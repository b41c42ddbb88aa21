//! The folders under `examples/`: each is a project that checks without a word, whose cases hold, and that says when to
//! use it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn every_example_is_right_and_its_cases_hold() {
    let folders = folders();
    assert!(folders.len() >= 8, "an example is gone: {folders:?}");
    for folder in folders {
        let checked = run(&folder, "check");
        // Without hints, too: what an example uses it declares.
        assert!(checked.0 && checked.1.ends_with("no mistakes\n"), "{folder:?}:\n{}", checked.1);
        let tested = run(&folder, "test");
        assert!(tested.0 && tested.1.contains(": all ok;"), "{folder:?}:\n{}", tested.1);
    }
}

#[test]
fn every_recipe_of_an_example_has_cases_and_says_when_to_use_it() {
    for folder in folders() {
        for recipe in recipes(&folder) {
            let text = fs::read_to_string(&recipe).unwrap();
            let comment: Vec<&str> =
                text.lines().skip(1).map_while(|line| line.strip_prefix("# ")).collect();
            let comment = comment.join(" ");
            assert!(comment.starts_with("Use this "), "{recipe:?} does not say when to use it");
            let sentences = comment.matches(". ").count() + usize::from(comment.ends_with('.'));
            assert!(sentences >= 2, "{recipe:?} says it in fewer than two sentences: {comment}");
            let cases = recipe.with_extension("test.yaml");
            assert!(cases.exists(), "{recipe:?} has no cases");
        }
    }
}

#[test]
fn the_list_of_examples_is_whole() {
    let list = fs::read_to_string(root().join("examples/README.md")).unwrap();
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(list.contains(&format!("]({name})")), "examples/README.md does not name `{name}`");
    }
}

fn run(folder: &Path, command: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_recipe-runner"))
        .args(["--project".as_ref(), folder.as_os_str(), command.as_ref()])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn folders() -> Vec<PathBuf> {
    let all = fs::read_dir(root().join("examples")).unwrap();
    let mut folders: Vec<PathBuf> = all
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("recipes").is_dir())
        .collect();
    folders.sort();
    folders
}

fn recipes(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder.join("recipes")).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    all.filter(|path| !path.to_string_lossy().ends_with(".test.yaml")).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
