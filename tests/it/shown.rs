//! What the documents show of the program, against the program: its commands, its demo, a mistake it draws, settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use recipe::{ProjectFiles, Severity, Source};

const README: &str = "README.md";
const RECIPE: &str = "recipes/greenhouse-hired-to-goco.yaml";
const PAGES: &[&str] = &[
    README,
    "docs/recipes.md",
    "docs/operations.md",
    "docs/connectors/greenhouse.md",
    "docs/connectors/goco.md",
    "crates/runner/template/README.md",
];

#[test]
fn every_command_that_is_shown_exists_with_its_options() {
    let mut helps = BTreeMap::new();
    let mut wrong = BTreeSet::new();
    for page in PAGES {
        for line in text(page).lines() {
            // A unit for systemd gives the path, a user's name comes before `recipe-runner` itself.
            for after in line.split("recipe-runner ").skip(1).filter(|_| !line.starts_with("User="))
            {
                let mut words =
                    after.split(|next: char| next.is_whitespace() || "`;)".contains(next));
                let Some(command) = words.next().filter(|word| is_command(word)) else { continue };
                let mut path = vec![command];
                let rest: Vec<&str> = words.collect();
                path.extend(
                    rest.first()
                        .filter(|word| matches!(command, "jobs" | "tokens") && is_command(word)),
                );
                let help = helps.entry(path.join(" ")).or_insert_with(|| help(&path));
                let Some(help) = help else {
                    // Prose about the program, such as "recipe-runner in front of", is no command.
                    if line.trim_start().starts_with("recipe-runner")
                        || line.contains("`recipe-runner")
                    {
                        wrong.insert(format!(
                            "{page}: there is no `recipe-runner {}`",
                            path.join(" ")
                        ));
                    }
                    continue;
                };
                for option in rest.iter().filter(|word| word.starts_with("--")) {
                    if !help.contains(option.trim_end_matches([',', '.'])) {
                        wrong.insert(format!("{page}: `{}` has no `{option}`", path.join(" ")));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(helps.len() >= 12, "few commands are shown: {:?}", helps.keys());
}

#[test]
fn the_demo_is_as_the_readme_shows_it() {
    let output = runner(&["demo", "--once"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = String::from_utf8(output.stdout).unwrap();
    let readme = text(README);
    let shown = block(&readme, "A company with a Greenhouse");
    let (seen, shown): (Vec<_>, Vec<_>) =
        (seen.trim().lines().map(settled).collect(), shown.trim().lines().map(settled).collect());
    assert!(seen == shown, "the demo says now, in {README}'s place:\n{}", seen.join("\n"));
}

#[test]
fn a_mistake_is_drawn_as_the_readme_shows_it() {
    let right = text(RECIPE);
    let (before, create) = right.split_once("action: goco.create_employee").unwrap();
    let wrong = create.replacen("first_name:", "frist_name:", 1);
    let files = ProjectFiles {
        recipes: vec![Source::new(RECIPE, format!("{before}action: goco.create_employee{wrong}"))],
        ..project("connections.yaml", &text("connections.yaml"))
    };
    let drawn = check(&files);
    let readme = text(README);
    let shown = block(&readme, "error[unknown-field]");
    assert!(drawn.contains(shown.trim()), "it is drawn now, in {README}'s place:\n{drawn}");
}

#[test]
fn every_example_of_a_connection_is_right() {
    let mut examples = 0;
    for page in PAGES {
        let text = text(page);
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let other = match block.split(':').next() {
                Some("goco") => {
                    "greenhouse: { client_id: a, client_secret: env:B, webhook_secret: env:C }\n"
                }
                Some("greenhouse") => "goco: { company: a, api_key: env:B }\n",
                _ => continue,
            };
            let drawn = check(&project("connections.yaml", &format!("{block}{other}")));
            assert!(drawn.is_empty(), "{page}:\n{drawn}");
            examples += 1;
        }
    }
    assert!(examples >= 3, "only {examples} examples were found");
}

/// Checks a project and draws what is wrong.
fn check(files: &ProjectFiles) -> String {
    let mut connectors = vec![connector_greenhouse::connector(), connector_goco::connector()];
    connectors.extend(connector_standard::connectors());
    let (_, diagnostics) = recipe::check(files, &connector::catalogue(&connectors));
    let wrong: Vec<_> =
        diagnostics.into_iter().filter(|one| one.severity == Severity::Error).collect();
    recipe::render(&wrong, false)
}

/// Returns the shipped project with other connections.
fn project(path: &str, connections: &str) -> ProjectFiles {
    let read = |path: &str| Source::new(path, text(path));
    ProjectFiles {
        runner: Some(read("runner.yaml")),
        connections: Some(Source::new(path, connections)),
        recipes: vec![read(RECIPE)],
        tables: vec![read("tables/employment_types.csv")],
    }
}

/// Returns the block of code that begins with these words.
fn block<'a>(page: &'a str, begin: &str) -> &'a str {
    let at = page
        .find(&format!("```text\n{begin}"))
        .unwrap_or_else(|| panic!("no block begins `{begin}`"));
    page[at..].trim_start_matches("```text\n").split("```").next().unwrap()
}

/// Returns a line of the demo without what differs from one time to the next: ports, folders, durations, marks.
fn settled(line: &str) -> String {
    let step = line.starts_with("✓ ") || line.starts_with("– ");
    let words: Vec<String> = line
        .split_whitespace()
        .take(if step && !line.contains(" is in GoCo") { 3 } else { usize::MAX })
        .map(|word| match word {
            _ if word.starts_with("http://127.0.0.1:") => {
                word.chars().filter(|next| !next.is_ascii_digit()).collect()
            }
            _ if word.contains("recipe-runner-demo-") => "FOLDER".into(),
            _ if word.ends_with(']') => "MARK]".into(),
            _ => word.to_owned(),
        })
        .collect();
    words.join(" ")
}

fn is_command(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|next| next.is_ascii_lowercase())
}

/// Returns the help of a command, if there is such a command.
fn help(path: &[&str]) -> Option<String> {
    let output = runner(&[path, &["--help"]].concat());
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

fn runner(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_recipe-runner")).args(arguments).output().unwrap()
}

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
