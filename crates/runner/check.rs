//! `check`: every mistake in every file of a project, at once.

mod explain;
mod fix;
mod formats;
mod sarif;

use std::path::{Component, Path, PathBuf};

use recipe::{Catalogue, Diagnostic, Project, Severity};

use crate::{
    args::{Check, CheckFormat},
    connectors,
    exit::{Exit, Trouble},
    project::{self, Folder},
    terminal::{self, BAD, FAINT, GOOD, WARN, count, paint},
    test,
};

/// What a project folder says, right and wrong.
pub struct Checked {
    /// The files as they were read.
    pub folder: Folder,
    /// What is right.
    pub project: Project,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks a project folder for what is wrong with it. Hints are for those who ask for a check.
pub fn check(dir: &Path, catalogue: &Catalogue) -> Result<Checked, Trouble> {
    let mut checked = with_hints(dir, catalogue)?;
    checked.diagnostics.retain(|one| one.severity != Severity::Hint);
    Ok(checked)
}

fn with_hints(dir: &Path, catalogue: &Catalogue) -> Result<Checked, Trouble> {
    let mut folder = project::read(dir)?;
    let (project, mut diagnostics) = recipe::check(&folder.files, catalogue);
    diagnostics.append(&mut folder.overlooked);
    Ok(Checked { folder, project, diagnostics })
}

/// Runs the command.
pub fn run(dir: &Path, asked: &Check) -> Result<Exit, Trouble> {
    if let Some(code) = &asked.explain {
        return explain::run(code);
    }
    let catalogue = connector::catalogue(&connectors::all());
    let mut checked = all(dir, &catalogue)?;
    if asked.fix {
        checked = fix::run(dir, checked, || all(dir, &catalogue))?;
    }
    let found = Counts::of(&checked.diagnostics);
    match asked.format {
        CheckFormat::Json => terminal::json(&formats::json(&checked, &found)),
        CheckFormat::Sarif => terminal::json(&sarif::log(&checked.diagnostics, &prefix(dir))),
        CheckFormat::Github => {
            for diagnostic in &checked.diagnostics {
                terminal::data(formats::annotation(diagnostic, &prefix(dir)));
            }
            terminal::talk(summary(&checked, &found));
        }
        CheckFormat::Text => {
            if !checked.diagnostics.is_empty() {
                terminal::data(recipe::render(&checked.diagnostics, terminal::colors_on_stdout()));
            }
            terminal::talk(summary(&checked, &found));
        }
    }
    Ok(if found.errors > 0 { Exit::Found } else { Exit::Good })
}

/// Reads and checks a project folder, the test files included.
pub fn all(dir: &Path, catalogue: &Catalogue) -> Result<Checked, Trouble> {
    let mut checked = with_hints(dir, catalogue)?;
    checked.diagnostics.append(&mut test::diagnostics(&checked, catalogue));
    Ok(checked)
}

/// Returns what stands before a project's paths for those who look from the working folder, such as `acme/`.
fn prefix(dir: &Path) -> String {
    // A path's components leave `./` out.
    let dir: PathBuf = dir.components().filter(|part| *part != Component::CurDir).collect();
    if dir.as_os_str().is_empty() { String::new() } else { format!("{}/", dir.display()) }
}

/// Returns how many of them are errors.
pub fn errors(diagnostics: &[Diagnostic]) -> usize {
    Counts::of(diagnostics).errors
}

/// How much was found, by how bad it is.
struct Counts {
    errors: usize,
    warnings: usize,
    hints: usize,
}

impl Counts {
    fn of(diagnostics: &[Diagnostic]) -> Self {
        let of = |severity| diagnostics.iter().filter(|one| one.severity == severity).count();
        Self {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            hints: of(Severity::Hint),
        }
    }
}

fn summary(checked: &Checked, found: &Counts) -> String {
    let names = &checked.project.recipe_names;
    let checked_files = format!(
        "{}, {}, {}",
        count(names.len(), "recipe"),
        count(checked.project.connections.len(), "connection"),
        count(checked.folder.files.tables.len(), "table")
    );
    let mut words = Vec::new();
    if found.errors > 0 {
        words.push(paint(BAD, count(found.errors, "error")));
    }
    if found.warnings > 0 {
        words.push(paint(WARN, count(found.warnings, "warning")));
    }
    if words.is_empty() {
        words.push(paint(GOOD, "no mistakes"));
    }
    if found.hints > 0 {
        words.push(paint(FAINT, count(found.hints, "hint")));
    }
    let fixable = checked.diagnostics.iter().filter(|one| one.fix.is_some()).count();
    let cure = match fixable {
        0 => String::new(),
        fixable => format!("; `recipe-runner check --fix` puts {fixable} of them right"),
    };
    format!("checked {checked_files}: {}{cure}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_working_folder() {
        assert_eq!(prefix(Path::new(".")), "");
        assert_eq!(prefix(Path::new("./acme")), "acme/");
        assert_eq!(prefix(Path::new("/srv/acme")), "/srv/acme/");
    }
}
