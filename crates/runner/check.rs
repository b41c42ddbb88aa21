//! `check`: every mistake in every file of a project, at once.

use std::path::Path;

use recipe::{Catalogue, Diagnostic, Project, Severity};
use serde_json::{Value, json};

use crate::{
    args::Format,
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
pub fn run(dir: &Path, format: Format) -> Result<Exit, Trouble> {
    let catalogue = connector::catalogue(&connectors::all());
    let mut checked = check(dir, &catalogue)?;
    checked.diagnostics.append(&mut test::diagnostics(&checked, &catalogue));
    let errors = errors(&checked.diagnostics);
    let warnings = checked.diagnostics.len() - errors;
    match format {
        Format::Json => terminal::json(&json!({
            "recipes": checked.project.recipe_names,
            "errors": errors,
            "warnings": warnings,
            "diagnostics": checked.diagnostics.iter().map(as_json).collect::<Vec<_>>(),
        })),
        Format::Text => {
            if !checked.diagnostics.is_empty() {
                terminal::data(recipe::render(&checked.diagnostics, terminal::colors_on_stdout()));
            }
            terminal::talk(summary(&checked, errors, warnings));
        }
    }
    Ok(if errors > 0 { Exit::Found } else { Exit::Good })
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
    format!("checked {checked_files}: {}", wrong.join(", "))
}

fn as_json(diagnostic: &Diagnostic) -> Value {
    let place = |offset: usize| {
        let (line, column) = diagnostic.source.line_col(offset);
        json!({ "line": line, "column": column })
    };
    json!({
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "code": diagnostic.code,
        "message": diagnostic.message,
        "path": diagnostic.source.path,
        "start": place(diagnostic.span.start),
        "end": place(diagnostic.span.end),
        "label": diagnostic.label,
        "also": diagnostic.also.iter().map(|(span, text)| json!({
            "start": place(span.start), "end": place(span.end), "label": text,
        })).collect::<Vec<_>>(),
        "help": diagnostic.help,
    })
}

#[cfg(test)]
mod tests {
    use recipe::{Source, Span};

    use super::*;

    #[test]
    fn programs_get_places_as_lines_and_columns() {
        let source = Source::new("recipes/a.yaml", "title: x\nfrist: y\n");
        let diagnostic = Diagnostic::error("unknown-key", &source, Span::new(9, 14), "no `frist`")
            .label("did you mean `first`?")
            .help("keys: first");
        assert_eq!(
            as_json(&diagnostic),
            json!({
                "severity": "error", "code": "unknown-key", "message": "no `frist`",
                "path": "recipes/a.yaml",
                "start": { "line": 2, "column": 1 }, "end": { "line": 2, "column": 6 },
                "label": "did you mean `first`?", "also": [], "help": ["keys: first"],
            })
        );
        let warning = Diagnostic { severity: Severity::Warning, ..diagnostic.clone() };
        assert_eq!(errors(&[diagnostic, warning]), 1);
    }
}
