//! Diagnostics for programs: JSON, and annotations of GitHub Actions.

use std::fmt::Write;

use recipe::{Diagnostic, Severity};
use serde_json::{Value, json};

use crate::check::{Checked, Counts};

/// Returns what `--format json` prints.
pub fn json(checked: &Checked, found: &Counts) -> Value {
    json!({
        "recipes": checked.project.recipe_names,
        "errors": found.errors,
        "warnings": found.warnings,
        "hints": found.hints,
        "diagnostics": checked.diagnostics.iter().map(as_json).collect::<Vec<_>>(),
    })
}

/// Returns the line that has GitHub Actions mark a place in a pull request.
pub fn annotation(diagnostic: &Diagnostic, prefix: &str) -> String {
    let Diagnostic { source, span, .. } = diagnostic;
    let ((line, column), (end_line, end_column)) =
        (source.line_col(span.start), source.line_col(span.end));
    let mut text = diagnostic.message.clone();
    for more in diagnostic.label.iter().chain(&diagnostic.help) {
        write!(text, "\n{more}").expect("a text takes all that is written");
    }
    let mut place = format!("file={},line={line}", property(&format!("{prefix}{}", source.path)));
    // Columns over several lines are refused.
    if end_line == line {
        write!(place, ",col={column},endColumn={end_column}")
            .expect("a text takes all that is written");
    } else {
        write!(place, ",endLine={end_line}").expect("a text takes all that is written");
    }
    format!(
        "::{} {place},title={}::{}",
        match diagnostic.severity {
            Severity::Hint => "notice",
            severity => word(severity),
        },
        property(diagnostic.code),
        data(&text)
    )
}

/// Returns the word for how bad it is.
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    }
}

fn as_json(diagnostic: &Diagnostic) -> Value {
    let place = |offset: usize| {
        let (line, column) = diagnostic.source.line_col(offset);
        json!({ "line": line, "column": column })
    };
    let (line, column) = diagnostic.source.line_col(diagnostic.span.start);
    json!({
        "code": diagnostic.code,
        "severity": word(diagnostic.severity),
        "message": diagnostic.message,
        "file": diagnostic.source.path,
        "line": line,
        "column": column,
        "end": place(diagnostic.span.end),
        "label": diagnostic.label,
        "also": diagnostic.also.iter().map(|(span, text)| json!({
            "start": place(span.start), "end": place(span.end), "label": text,
        })).collect::<Vec<_>>(),
        "help": diagnostic.help,
        "fix": diagnostic.fix.as_ref().map(|fix| json!({
            "start": place(fix.span.start), "end": place(fix.span.end), "text": fix.text,
        })),
    })
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use recipe::{Fix, Source, Span};

    use super::*;

    fn misspelt() -> Diagnostic {
        let source = Source::new("recipes/a.yaml", "title: x\nfrist: y\n");
        let span = Span::new(9, 14);
        Diagnostic::error("unknown-key", &source, span, "no `frist`")
            .label("did you mean `first`?")
            .help("keys: first, 100%")
            .fix(Some(Fix { span, text: "first".into() }))
    }

    #[test]
    fn programs_get_places_as_lines_and_columns() {
        assert_eq!(
            as_json(&misspelt()),
            json!({
                "code": "unknown-key", "severity": "error", "message": "no `frist`",
                "file": "recipes/a.yaml", "line": 2, "column": 1, "end": { "line": 2, "column": 6 },
                "label": "did you mean `first`?", "also": [], "help": ["keys: first, 100%"],
                "fix": { "start": { "line": 2, "column": 1 }, "end": { "line": 2, "column": 6 }, "text": "first" },
            })
        );
    }

    #[test]
    fn github_gets_one_line_for_each() {
        assert_eq!(
            annotation(&misspelt(), "acme/"),
            "::error file=acme/recipes/a.yaml,line=2,col=1,endColumn=6,title=unknown-key::no `frist`%0Adid you mean `first`?%0Akeys: first, 100%25"
        );
        let over_lines =
            Diagnostic { span: Span::new(0, 12), severity: Severity::Warning, ..misspelt() };
        assert!(annotation(&over_lines, "a,b:c/").starts_with(
            "::warning file=a%2Cb%3Ac/recipes/a.yaml,line=1,endLine=2,title=unknown-key::"
        ));
        let hint = Diagnostic { severity: Severity::Hint, ..misspelt() };
        assert!(annotation(&hint, "").starts_with("::notice file=recipes/a.yaml,line=2,"));
        assert_eq!(as_json(&hint)["severity"], "hint");
    }
}
