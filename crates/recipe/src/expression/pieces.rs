//! Splits a text into what stands as written and what stands between `{{` and `}}`.

use std::sync::Arc;

use serde_json::Value;

use super::{Part, Place, Template, reader};
use crate::diagnostic::{Diagnostic, Source, Span};

/// The longest text with expressions in it, in bytes.
pub(crate) const MAX_BYTES: usize = 16 * 1024;

/// Reads `text`, reporting everything that is wrong with it.
pub(crate) fn read(
    text: &str,
    place: Place,
    source: &Arc<Source>,
) -> Result<Template, Vec<Diagnostic>> {
    let report = |code, at, message: &str| Diagnostic::error(code, source, place.of(at), message);
    if !text.contains("{{") && !text.contains("{%") && !text.contains("{#") {
        return Ok(Template::Constant(Value::String(text.into())));
    }
    if text.len() > MAX_BYTES {
        let message = format!(
            "a text with expressions of {} bytes; at most {MAX_BYTES} are allowed",
            text.len()
        );
        return Err(vec![report("too-long", Span::new(0, text.len()), &message)]);
    }
    let mut out = Vec::new();
    let mut parts = Vec::new();
    let (mut at, mut searched) = (0, place.span.start);
    while at < text.len() {
        let rest = &text[at..];
        let Some((start, sign)) = next_sign(rest) else {
            parts.push(Part::Text(rest.into()));
            break;
        };
        if start > 0 {
            parts.push(Part::Text(rest[..start].into()));
        }
        let open = Span::new(at + start, at + start + 2);
        if sign != "{{" {
            let what = if sign == "{%" { "statements" } else { "comments" };
            let mut diagnostic = report(
                "syntax",
                open,
                &format!("`{sign}` begins one of a template's {what}, which recipes do not have"),
            );
            if sign == "{%" {
                diagnostic = diagnostic.help("choose with `{{ a if condition else b }}`, or use the steps `if` and `for_each`");
            } else {
                diagnostic = diagnostic.help("write a YAML comment: `# …` on a line of its own");
            }
            out.push(diagnostic.help(format!(
                "if the text itself has `{sign}` in it, write `{{{{ '{sign}' }}}}`"
            )));
            at = open.end;
            continue;
        }
        let Some(length) = inner_length(&text[open.end..]) else {
            out.push(
                report("syntax", open, "`{{` is never closed")
                    .help("close the expression with `}}`")
                    .help("if the text itself has `{{` in it, write `{{ '{{' }}`"),
            );
            break;
        };
        let inner = &text[open.end..open.end + length];
        at = open.end + length + 2;
        let whole = Span::new(open.start, at);
        if inner.starts_with(['-', '+']) && inner[1..].starts_with(char::is_whitespace) {
            out.push(report("syntax", open, "`{{-` is not supported").help("write `{{`"));
            continue;
        }
        let trimmed = inner.trim();
        if trimmed.is_empty() {
            out.push(
                report("syntax", whole, "nothing stands between `{{` and `}}`").help(
                    "write what should stand here, such as `{{ event.candidate.first_name }}`",
                ),
            );
            continue;
        }
        let start = open.end + (inner.len() - inner.trim_start().len());
        let inside = match found_after(&mut searched, trimmed, place, source) {
            Some(found) => found,
            None => place.inside(Span::new(start, start + trimmed.len())),
        };
        match reader::read(trimmed, inside, source) {
            Ok(expression) => parts.push(Part::Expression(expression)),
            Err(mistakes) => out.extend(mistakes),
        }
    }
    if !out.is_empty() {
        return Err(out);
    }
    Ok(match <[Part; 1]>::try_from(parts) {
        Ok([Part::Expression(expression)]) => Template::Value(expression),
        Ok(parts) => Template::Text(parts.into()),
        Err(parts) => Template::Text(parts),
    })
}

/// Finds an expression in a text that was folded or has escapes, where its offsets are not those of the source.
fn found_after(
    searched: &mut usize,
    expression: &str,
    place: Place,
    source: &Source,
) -> Option<Place> {
    if place.exact {
        return None;
    }
    loop {
        let rest = source.text.get(*searched..place.span.end)?;
        let open = rest.find("{{")? + 2;
        *searched += open;
        let start = *searched + (rest[open..].len() - rest[open..].trim_start().len());
        if rest[open..].trim_start().starts_with(expression) {
            return Some(Place { span: Span::new(start, start + expression.len()), exact: true });
        }
    }
}

fn next_sign(text: &str) -> Option<(usize, &str)> {
    let start =
        text.as_bytes().windows(2).position(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))?;
    Some((start, &text[start..start + 2]))
}

/// Returns how long the expression is before its `}}`, not counting one inside quotes or the end of a map in it.
fn inner_length(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    let mut maps = 0_usize;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), character) if character == open => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '{') => maps += 1,
            (None, '}') if maps > 0 => maps -= 1,
            (None, '}') if text[index..].starts_with("}}") => return Some(index),
            _ => {}
        }
    }
    // An apostrophe too many must not hide the end.
    if quote.is_some() { text.find("}}") } else { None }
}
