//! Changes that put a mistake right by themselves: a span of a text and what should stand there.
//!
//! A diagnostic carries one only where a person would make the same change without thinking, and where nothing but that
//! span changes: comments and layout stay as they are.

use crate::{
    diagnostic::{Diagnostic, Source, Span},
    suggest,
};

/// A change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced.
    pub span: Span,
    /// What stands there then.
    pub text: String,
}

/// Returns the text with the fixes of these diagnostics, and the fixes that were made, in the order of the text.
///
/// Of fixes that overlap the first is made; the others are found again by the next check.
pub fn fixed<'a>(
    source: &Source,
    diagnostics: impl IntoIterator<Item = &'a Diagnostic>,
) -> (String, Vec<Fix>) {
    let mut fixes: Vec<&Fix> = diagnostics.into_iter().filter_map(|one| one.fix.as_ref()).collect();
    fixes.sort_by_key(|fix| (fix.span, fix.text.as_str()));
    let (mut text, mut made, mut at) = (String::with_capacity(source.text.len()), Vec::new(), 0);
    for fix in fixes {
        let Some(kept) = source.text.get(at..fix.span.start) else { continue };
        let Some(old) = source.text.get(fix.span.start..fix.span.end) else { continue };
        if old == fix.text {
            continue;
        }
        text.push_str(kept);
        text.push_str(&fix.text);
        at = fix.span.end;
        made.push(fix.clone());
    }
    text.push_str(&source.text[at..]);
    (text, made)
}

impl Fix {
    /// Returns the change of a misspelt name into the one that was meant, if that is clear: one known name is nearest,
    /// one or two letters away, and `word` is what stands at `span`, alone or as one part of a path.
    pub(crate) fn name<'a>(
        source: &Source,
        span: Span,
        word: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        let meant = suggest::clear(word, names)?;
        Some(Self { span: part(source, span, word)?, text: meant.to_owned() })
    }

    /// Returns the change that puts a plain scalar into quotes.
    pub(crate) fn quote(source: &Source, span: Span) -> Option<Self> {
        let text = source.text.get(span.start..span.end)?;
        let quote = match (text.contains(['"', '\\']), text.contains('\'')) {
            (false, _) => '"',
            (true, false) => '\'',
            (true, true) => return None,
        };
        (!text.is_empty() && !text.contains('\n'))
            .then(|| Self { span, text: format!("{quote}{text}{quote}") })
    }

    /// Returns the change that writes `text`, as a plain scalar if it can be one, for the scalar whose content is at
    /// `span`.
    pub(crate) fn value(source: &Source, span: Span, text: &str) -> Option<Self> {
        let before = source.text.get(..span.start)?.chars().next_back();
        let after = source.text.get(span.end..)?.chars().next();
        match before {
            Some(quote @ ('"' | '\'')) if after == Some(quote) => {
                if is_plain(text) {
                    Some(Self { span: Span::new(span.start - 1, span.end + 1), text: text.into() })
                } else {
                    Some(Self { span, text: text.into() })
                }
            }
            _ => Some(Self { span, text: text.into() }),
        }
    }
}

/// Returns whether a text needs no quotes, wherever it stands.
fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && !text.contains([':', '#', ',', '[', ']', '{', '}', '\n', '\\', '"', '\''])
}

/// Returns where `word` stands in the span: all of it, or one part of a dotted path.
fn part(source: &Source, span: Span, word: &str) -> Option<Span> {
    let text = source.text.get(span.start..span.end)?;
    if text == word {
        return Some(span);
    }
    let path = |next: char| next.is_alphanumeric() || next == '_' || next == '-' || next == '.';
    if word.contains('.') || !text.chars().all(path) {
        return None;
    }
    let mut at = span.start;
    let mut found = None;
    for segment in text.split('.') {
        if segment == word {
            // Twice the same part: which one is meant is not said.
            if found.is_some() {
                return None;
            }
            found = Some(Span::new(at, at + segment.len()));
        }
        at += segment.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn at(source: &Source, word: &str) -> Span {
        let start = source.text.find(word).unwrap();
        Span::new(start, start + word.len())
    }

    fn name(text: &str, within: &str, word: &str, names: &[&str]) -> Option<String> {
        let source = Source::new("a.yaml", text);
        let span = at(&source, within);
        let fix = Fix::name(&source, span, word, names.iter().copied())?;
        let wrong = Diagnostic::error("unknown-field", &source, span, "x").fix(Some(fix));
        Some(fixed(&source, [&wrong]).0)
    }

    #[test]
    fn a_clear_name_is_written_where_it_stands() {
        let goco = ["goco"];
        assert_eq!(
            name("on: goco.find", "goco.find", "find", &["fund"]),
            Some("on: goco.fund".into())
        );
        assert_eq!(
            name("on: gocco.find", "gocco.find", "gocco", &goco),
            Some("on: goco.find".into())
        );
        assert_eq!(
            name("a: frist_name # x", "frist_name", "frist_name", &["first_name"]),
            Some("a: first_name # x".into())
        );
    }

    #[test]
    fn what_is_not_clear_is_left_alone() {
        assert_eq!(name("a: job_3", "job_3", "job_3", &["job_1"]), None, "another number");
        assert_eq!(name("a: nome", "nome", "nome", &["name", "home"]), None, "two are as near");
        assert_eq!(name("a: salary", "salary", "salary", &["first_name"]), None, "none is near");
        assert_eq!(name("a: x.x_a.x_a", "x.x_a.x_a", "x_a", &["x_b"]), None, "it is there twice");
        assert_eq!(
            name("a: f(frist)", "f(frist)", "frist", &["first"]),
            None,
            "it is inside something else"
        );
    }

    #[test]
    fn quotes_are_those_that_the_text_does_not_hold() {
        let quoted = |text: &str| {
            let source = Source::new("a.yaml", text);
            Fix::quote(&source, Span::new(0, text.len())).map(|fix| fix.text)
        };
        assert_eq!(quoted("{{ a }}").as_deref(), Some("\"{{ a }}\""));
        assert_eq!(quoted("{{ a[\"b\"] }}").as_deref(), Some("'{{ a[\"b\"] }}'"));
        assert_eq!(quoted("{{ a[\"b\"]['c'] }}"), None);
    }

    #[test]
    fn of_fixes_that_overlap_the_first_is_made() {
        let source = Source::new("a.yaml", "nmae: 1\nnaem: 2\n");
        let wrong = |start: usize, end: usize, text: &str| {
            let span = Span::new(start, end);
            Diagnostic::error("unknown-key", &source, span, "x")
                .fix(Some(Fix { span, text: text.into() }))
        };
        let wrongs = [wrong(8, 12, "name"), wrong(0, 4, "name")];
        let (text, made) = fixed(&source, &wrongs);
        assert_eq!((text.as_str(), made.len()), ("name: 1\nname: 2\n", 2));
        let wrongs = [wrong(0, 4, "name"), wrong(2, 6, "x")];
        let (text, made) = fixed(&source, &wrongs);
        assert_eq!((text.as_str(), made.len()), ("name: 1\nnaem: 2\n", 1));
        let wrongs = [wrong(0, 400, "x")];
        let (text, made) = fixed(&source, &wrongs);
        assert_eq!((text.as_str(), made.len()), ("nmae: 1\nnaem: 2\n", 0), "out of the text");
    }
}
