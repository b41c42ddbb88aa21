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
    terminal::{self, BAD, GOOD, WARN, count, paint},
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

/// Reads and checks a project folder.
pub fn check(dir: &Path, catalogue: &Catalogue) -> Result<Checked, Trouble> {
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
    let errors = errors(&checked.diagnostics);
    let warnings = checked.diagnostics.len() - errors;
    match asked.format {
        CheckFormat::Json => terminal::json(&formats::json(&checked, errors, warnings)),
        CheckFormat::Sarif => terminal::json(&sarif::log(&checked.diagnostics, &prefix(dir))),
        CheckFormat::Github => {
            for diagnostic in &checked.diagnostics {
                terminal::data(formats::annotation(diagnostic, &prefix(dir)));
            }
            terminal::talk(summary(&checked, errors, warnings));
        }
        CheckFormat::Text => {
            if !checked.diagnostics.is_empty() {
                terminal::data(recipe::render(&checked.diagnostics, terminal::colors_on_stdout()));
            }
            terminal::talk(summary(&checked, errors, warnings));
        }
    }
    Ok(if errors > 0 { Exit::Found } else { Exit::Good })
}

/// Reads and checks a project folder, the test files included.
fn all(dir: &Path, catalogue: &Catalogue) -> Result<Checked, Trouble> {
    let mut checked = check(dir, catalogue)?;
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
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
}

fn summary(checked: &Checked, errors: usize, warnings: usize) -> String {
    let names = &checked.project.recipe_names;
    let checked_files = format!(
        "{}, {}, {}",
        count(names.len(), "recipe"),
        count(checked.project.connections.len(), "connection"),
        count(checked.folder.files.tables.len(), "table")
    );
    let mut wrong = Vec::new();
    if errors > 0 {
        wrong.push(paint(BAD, count(errors, "error")));
    }
    if warnings > 0 {
        wrong.push(paint(WARN, count(warnings, "warning")));
    }
    if wrong.is_empty() {
        wrong.push(paint(GOOD, "no mistakes"));
    }
    let fixable = checked.diagnostics.iter().filter(|one| one.fix.is_some()).count();
    let hint = match fixable {
        0 => String::new(),
        fixable => format!("; `recipe-runner check --fix` puts {fixable} of them right"),
    };
    format!("checked {checked_files}: {}{hint}", wrong.join(", "))
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
