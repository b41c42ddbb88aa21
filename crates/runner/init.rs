//! `init`: a project folder from the template, which is this repository's own folder.

use std::{fs, path::Path};

use crate::{
    exit::{Exit, Trouble},
    schema::{self, Kind},
    terminal::{self, FAINT, GOOD, NAME, paint},
};

/// Path and text of every file of the template, but for the schemas, which the program makes.
pub const TEMPLATE: &[(&str, &str)] = &[
    ("README.md", include_str!("template/README.md")),
    (".gitignore", include_str!("template/gitignore")),
    ("runner.yaml", include_str!("../../runner.yaml")),
    ("connections.yaml", include_str!("../../connections.yaml")),
    (
        "recipes/greenhouse-hired-to-goco.yaml",
        include_str!("../../recipes/greenhouse-hired-to-goco.yaml"),
    ),
    (
        "recipes/greenhouse-hired-to-goco.test.yaml",
        include_str!("../../recipes/greenhouse-hired-to-goco.test.yaml"),
    ),
    ("tables/employment_types.csv", include_str!("../../tables/employment_types.csv")),
    (
        "examples/events/hire_candidate.json",
        include_str!("../../examples/events/hire_candidate.json"),
    ),
];

/// Runs the command.
pub fn run(dir: &Path) -> Result<Exit, Trouble> {
    write(dir)?;
    terminal::talk(format!("{} `{}`", paint(GOOD, "made"), dir.display()));
    let schemas = Kind::ALL.map(Kind::file);
    for name in TEMPLATE.iter().map(|(name, _)| *name).chain(schemas) {
        terminal::talk(format!("  {}", paint(FAINT, name)));
    }
    let shown = dir.display();
    terminal::talk(format!(
        "\nNext:\n  1. {}   the recipe holds, offline\n  2. {}   then fill in connections.yaml; README.md says what goes where\n  3. {}   it prints the webhook's address and where to paste it",
        paint(NAME, format!("recipe-runner test --project {shown}")),
        paint(NAME, format!("recipe-runner doctor --project {shown}")),
        paint(NAME, format!("recipe-runner start --all --project {shown}")),
    ));
    Ok(Exit::Good)
}

/// Writes the template into a folder that is empty or absent.
pub fn write(dir: &Path) -> Result<(), Trouble> {
    if dir.is_dir() {
        let mut entries = fs::read_dir(dir).map_err(|error| Trouble::file("read", dir, &error))?;
        if entries.next().is_some() {
            return Err(Trouble::cannot(format!("`{}` is not empty", dir.display()))
                .cure("name a folder that is empty or does not exist yet"));
        }
    }
    for (name, text) in TEMPLATE {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Trouble::file("make", folder, &error))?;
        }
        fs::write(&path, text).map_err(|error| Trouble::file("write", &path, &error))?;
    }
    schema::write(dir)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::{check, connectors};

    #[test]
    fn the_template_is_a_project_without_mistakes() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("acme");
        write(&project).unwrap();
        let checked = check::all(&project, &connector::catalogue(&connectors::all())).unwrap();
        // Hints, too: what the recipe uses of the company's own fields is declared.
        assert!(checked.diagnostics.is_empty(), "{}", recipe::render(&checked.diagnostics, false));
        assert_eq!(checked.project.recipe_names, ["greenhouse-hired-to-goco"]);
        for (name, text) in TEMPLATE.iter().filter(|(name, _)| name.contains(".yaml")) {
            let line = text.lines().next().unwrap();
            let schema = line.strip_prefix("# yaml-language-server: $schema=");
            let schema = schema.unwrap_or_else(|| panic!("{name} names no schema"));
            assert!(project.join(name).parent().unwrap().join(schema).is_file(), "{name}: {line}");
        }
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine.txt"), "x").unwrap();
        let trouble = write(dir.path()).unwrap_err();
        assert!(trouble.message.ends_with("is not empty"), "{trouble}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
