//! Draws diagnostics the way people know them from compilers: message, place, source line, carets, help.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};

use crate::diagnostic::{Diagnostic, Severity, Span};

/// The columns that a drawing may take; longer source lines are cut around the carets.
const WIDTH: usize = 140;

/// Returns all diagnostics as text, with an empty line between them.
pub fn render(diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(WIDTH);
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        push_without_spacer(&mut text, &renderer.render(&[group(diagnostic)]));
    }
    text
}

/// The renderer puts an empty margin between the source and the first help; the help belongs to the line above it.
fn push_without_spacer(text: &mut String, drawn: &str) {
    let mut lines = drawn.trim_end().lines().peekable();
    while let Some(line) = lines.next() {
        let helps = lines.peek().is_some_and(|next| bare(next).starts_with("= help"));
        if !(helps && bare(line) == "|") {
            text.push_str(line);
            text.push('\n');
        }
    }
}

/// Returns a line without colours and outer spaces.
fn bare(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or("").to_owned();
    let rest = parts.map(|part| part.split_once('m').map_or("", |(_, text)| text));
    rest.fold(first, |text, part| text + part).trim().to_owned()
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Hint => Level::NOTE.with_name("hint"),
    };
    let source = &diagnostic.source;
    let window = Window::around(diagnostic);
    let primary = AnnotationKind::Primary.span(window.drawn(diagnostic.span));
    let primary = match &diagnostic.label {
        Some(label) => primary.label(label),
        None => primary,
    };
    let snippet =
        Snippet::source(window.text)
            .line_start(window.line)
            .path(&source.path)
            .annotation(primary)
            .annotations(diagnostic.also.iter().map(|(span, label)| {
                AnnotationKind::Context.span(window.drawn(*span)).label(label)
            }));
    let group = level.primary_title(&diagnostic.message).id(diagnostic.code).element(snippet);
    diagnostic.help.iter().fold(group, |group, help| group.element(Level::HELP.message(help)))
}

/// The lines of a source that a diagnostic is about. The rest is left out: drawing takes time by the length of the text.
struct Window<'a> {
    text: &'a str,
    start: usize,
    line: usize,
}

impl<'a> Window<'a> {
    fn around(diagnostic: &'a Diagnostic) -> Self {
        /// How much of a line is kept behind the last place in it; more is not drawn anyway.
        const BEHIND: usize = 400;
        let text = diagnostic.source.text.as_str();
        let places =
            || diagnostic.also.iter().map(|(span, _)| span.start).chain([diagnostic.span.start]);
        let first = text.floor_char_boundary(places().min().unwrap_or(0));
        let last = text.floor_char_boundary(places().max().unwrap_or(0));
        let start = text[..first].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[last..].find('\n').map_or(text.len(), |at| last + at);
        let end = text.floor_char_boundary(line_end.min(last + BEHIND));
        Self { text: &text[start..end], start, line: text[..start].matches('\n').count() + 1 }
    }

    /// A place over several lines is drawn by its first line: a person looks for where it begins.
    fn drawn(&self, span: Span) -> Range<usize> {
        let start = self.text.floor_char_boundary(span.start.saturating_sub(self.start));
        let end = self.text.ceil_char_boundary(span.end.saturating_sub(self.start).max(start));
        let line = self.text[start..end].find('\n').map_or(end, |at| start + at);
        start..start + self.text[start..line].trim_end().len()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnostic::{Diagnostic, Source, Span},
        render::render,
    };

    #[test]
    fn colours_change_nothing_else() {
        let source = Source::new("recipes/hire.yaml", "steps: []\n");
        let diagnostic =
            Diagnostic::error("missing-value", &source, Span::new(0, 5), "`steps` has no steps")
                .help("add one");
        let colored = render(std::slice::from_ref(&diagnostic), true);
        assert!(colored.contains('\u{1b}'));
        let plain: Vec<String> = colored.lines().map(super::bare).collect();
        let wanted = render(&[diagnostic], false);
        assert_eq!(plain, wanted.lines().map(str::trim).collect::<Vec<_>>());
    }

    #[test]
    fn draws_message_place_carets_and_help() {
        let source = Source::new(
            "recipes/hire.yaml",
            "steps:\n  - action: goco.create\n    with:\n      frist_name: x\n",
        );
        let start = source.text.find("frist").expect("it is there");
        let diagnostic = Diagnostic::error(
            "unknown-field",
            &source,
            Span::new(start, start + "frist_name".len()),
            "`goco.create` has no input `frist_name`",
        )
        .label("did you mean `first_name`?")
        .help("inputs: first_name, last_name");
        assert_eq!(
            render(&[diagnostic], false),
            "\
error[unknown-field]: `goco.create` has no input `frist_name`
 --> recipes/hire.yaml:4:7
  |
4 |       frist_name: x
  |       ^^^^^^^^^^ did you mean `first_name`?
  = help: inputs: first_name, last_name
"
        );
    }
}
