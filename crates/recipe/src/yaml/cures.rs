//! What people meant when YAML read something else: a diagnostic with the cure for each error of the YAML crate.

use std::sync::Arc;

use crate::{
    diagnostic::{Diagnostic, Source, Span},
    fix::Fix,
};

/// Returns the diagnostic of an error of the YAML crate.
pub(super) fn diagnose(source: &Arc<Source>, error: &serde_yaml::Error) -> Diagnostic {
    let place = place(source, error);
    let line = Line::at(source, place.start);
    let text = error.to_string();
    let said = text.split(" at line ").next().unwrap_or(&text);
    let syntax = |message: String| Diagnostic::error("yaml-syntax", source, place, message);
    if said.starts_with("budget breached: Anchors")
        || said.starts_with("budget breached: Aliases")
        || said.contains("unknown anchor")
    {
        return Diagnostic::error(
            "anchor",
            source,
            token_before(source, place, ['&', '*']),
            "anchors and aliases (`&name`, `*name`) are not allowed",
        )
        .help("write the value out, or keep it in a variable with `set`");
    }
    if said.starts_with("budget breached: Documents") {
        return Diagnostic::error(
            "second-document",
            source,
            place,
            "`---` begins a second document",
        )
        .help("one recipe a file: move the rest into a file of its own");
    }
    if said.starts_with("budget breached: Depth")
        || said.contains("recursion limit")
        || said.contains("nest")
    {
        return Diagnostic::error(
            "too-deep",
            source,
            place,
            "this is nested more than 32 levels deep",
        )
        .help("move the inner part into steps of its own");
    }
    if said.starts_with("budget breached") {
        return Diagnostic::error("too-large", source, place, "this file has too many values")
            .help("20 000 values are the most that are read; data belongs into `tables/` or the event");
    }
    if said.contains("merge key") {
        return Diagnostic::error("merge-key", source, place, "merge keys (`<<`) are not allowed")
            .help("write the keys out");
    }
    if said.starts_with("unsupported tag `") {
        let place = token_before(source, place, ['!']);
        return tag(source, place, &source.text[place.start..place.end]);
    }
    if said.starts_with("non-finite float") {
        return syntax("infinity and not-a-number are not values a recipe can hold".into());
    }
    if said.contains("trailing content after") {
        return trailing_content(source, place, &line);
    }
    if said.starts_with("mapping values are not allowed") {
        return mapping_value(source, place, &line);
    }
    if said.contains("tab") {
        let place = indenting_tab(source, place);
        return Diagnostic::error("indentation", source, place, "a tab indents this line")
            .help("YAML wants spaces: two for each level");
    }
    if said.starts_with("unclosed bracket") {
        return syntax(format!("this `{}` is never closed", line.char_at())).label("opened here");
    }
    if said.starts_with("unclosed quote") {
        return syntax("this quote is never closed".into()).label("opened here");
    }
    if said.contains("while scanning a block scalar") && line.value().starts_with('[') {
        return syntax("YAML reads a list here, then finds more".into())
            .label("after the list")
            .help(format!("quote the expression: `{}: \"{}\"`", line.key(), line.value()));
    }
    if said.starts_with("unexpected character") && line.before().ends_with('{') {
        return syntax("statements (`{% … %}`) are not part of the recipe language".into())
            .help("use an expression: `{{ a if condition else b }}`, or an `if` step");
    }
    if said.starts_with("unexpected character") {
        let found = line.char_at();
        return syntax(format!("an unquoted text cannot begin with `{found}`"))
            .help("quote the text");
    }
    if said.contains("unknown escape character") {
        return syntax(
            "a backslash in double quotes begins an escape, and this one does not exist".into(),
        )
        .help("use single quotes, or write the backslash twice");
    }
    if said.contains("alias") && line.char_at() == '*' {
        return syntax("an unquoted text cannot begin with `*`".into()).help("quote the text");
    }
    if said.contains("did not find expected '-' indicator")
        || said.contains("did not find expected key")
    {
        return indentation(source, place);
    }
    syntax(format!("this is not YAML: {said}"))
        .help("look at the indentation, quotes and brackets just above")
}

/// Returns the diagnostic of `{{ x }}` outside quotes.
pub(super) fn unquoted_expression(source: &Arc<Source>, span: Span) -> Diagnostic {
    let text = &source.text[span.start..span.end];
    let cure = if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") };
    Diagnostic::error(
        "unquoted-expression",
        source,
        span,
        "YAML reads `{{ … }}` without quotes as a map",
    )
    .label("quote the expression")
    .help(format!("write `{cure}`"))
    .fix(text.ends_with("}}").then(|| Fix::quote(source, span)).flatten())
}

/// Returns the diagnostic of a tag such as `!!binary`.
pub(super) fn tag(source: &Arc<Source>, span: Span, tag: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "tag",
        source,
        span,
        format!("YAML reads `{tag}` as a tag, and tags are not allowed"),
    );
    if tag.starts_with("!!") {
        diagnostic
            .help("leave it out; quotes make a text, `| int` and the like convert in an expression")
    } else {
        diagnostic.help(format!(
            "for a negation write `not {}`; a text that begins with `!` needs quotes",
            &tag[1..]
        ))
    }
}

/// The crate points at what follows a tag or an anchor; people look for the mark itself.
fn token_before<const N: usize>(source: &Source, place: Span, marks: [char; N]) -> Span {
    let start = source.text[..place.end].rfind(marks).unwrap_or(place.start);
    let length =
        source.text[start..].find(|next: char| next.is_whitespace() || ",]}".contains(next));
    Span::new(start, length.map_or(source.text.len(), |length| start + length))
}

/// The crate may point at the text that the line with the tab would have continued.
fn indenting_tab(source: &Source, place: Span) -> Span {
    let mut start = source.text[..place.start].rfind('\n').map_or(0, |at| at + 1);
    for line in source.text[start..].split_inclusive('\n') {
        let lead = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        if let Some(tab) = lead.find('\t') {
            return Span::new(start + tab, start + tab + 1);
        }
        start += line.len();
    }
    place
}

fn trailing_content(source: &Arc<Source>, place: Span, line: &Line<'_>) -> Diagnostic {
    let (key, value) = (line.key(), line.value());
    if value.starts_with('"') && value.contains("{{") {
        let inner = value.trim_matches('"').replace('"', "'");
        return Diagnostic::error(
            "quotes-in-quotes",
            source,
            place,
            "these double quotes end the text early",
        )
        .label("YAML sees the end of the text before this")
        .help(format!("use single quotes inside: `{key}: \"{inner}\"`"));
    }
    if value.starts_with('\'') && value.contains("{{") {
        let inner = value.trim_matches('\'').replace('\'', "\"");
        return Diagnostic::error(
            "quotes-in-quotes",
            source,
            place,
            "these single quotes end the text early",
        )
        .label("YAML sees the end of the text before this")
        .help(format!("use double quotes inside: `{key}: '{inner}'`"));
    }
    let cure = if value.contains('"') {
        format!("'{}'", value.replace('\'', "\""))
    } else {
        format!("\"{value}\"")
    };
    Diagnostic::error(
        "quotes-in-quotes",
        source,
        place,
        "YAML reads a text in quotes here, then finds more",
    )
    .label("after the text")
    .help(format!("put quotes around the whole: `{key}: {cure}`"))
}

fn mapping_value(source: &Arc<Source>, place: Span, line: &Line<'_>) -> Diagnostic {
    // `key: a: b` has a colon before the one complained about; `  key: b` under `key: a` has none.
    let before = line.before().trim_end_matches(':');
    let colon = before.find(": ").is_some();
    if !colon {
        return indentation(source, place);
    }
    let (key, value) = (line.key(), line.value());
    let cure = if value.contains('"') {
        format!("'{}'", value.replace('\'', "''"))
    } else {
        format!("\"{value}\"")
    };
    Diagnostic::error("yaml-syntax", source, place, "YAML reads this colon as the end of a key")
        .label("a colon and a space in an unquoted text")
        .help(format!("quote the text: `{key}: {cure}`"))
}

fn indentation(source: &Arc<Source>, place: Span) -> Diagnostic {
    Diagnostic::error("indentation", source, place, "this line is not indented like its neighbours")
        .help("keys of one map, and the dashes of one list, begin in the same column")
}

/// The place of an error: the crate gives a range of bytes or else line and column.
fn place(source: &Arc<Source>, error: &serde_yaml::Error) -> Span {
    let Some(location) = error.location() else { return Span::new(0, 0) };
    let number = |number: u64| usize::try_from(number).unwrap_or(0);
    if let Some(start) = location.span().byte_offset() {
        let start = source.text.floor_char_boundary(number(start));
        let length = number(location.span().byte_len().unwrap_or(0)).max(1);
        return Span::new(
            start,
            source.text.ceil_char_boundary(start + length).min(source.text.len()),
        );
    }
    let line = number(location.line()).saturating_sub(1);
    let start: usize = source.text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = &source.text[start..];
    let column = number(location.column()).saturating_sub(1);
    let offset = rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
    let length = rest[offset..].chars().next().map_or(0, char::len_utf8);
    Span::new(start + offset, start + offset + length)
}

/// The line around a place, taken apart as `key: value`.
struct Line<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Line<'a> {
    fn at(source: &'a Source, place: usize) -> Self {
        let start = source.text[..place].rfind('\n').map_or(0, |at| at + 1);
        let text = source.text[start..].lines().next().unwrap_or("");
        Self { text, at: (place - start).min(text.len()) }
    }

    fn before(&self) -> &'a str {
        &self.text[..self.at]
    }

    fn char_at(&self) -> char {
        self.text[self.at..].chars().next().unwrap_or(' ')
    }

    fn key(&self) -> &'a str {
        self.text.split(": ").next().unwrap_or("").trim().trim_start_matches("- ")
    }

    fn value(&self) -> &'a str {
        self.text.split_once(": ").map_or("", |(_, value)| value.trim())
    }
}
