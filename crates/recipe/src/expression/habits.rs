//! Signs of other languages in an expression that cannot be read, and what they are called here.

use super::elsewhere;
use crate::diagnostic::Span;

/// Returns the first such sign, and what to write instead.
pub(super) fn habit(text: &str) -> Option<(Span, &'static str)> {
    question(text).or_else(|| {
        HABITS.iter().find_map(|(wrong, right)| {
            let start = find_outside_quotes(text, wrong)?;
            Some((Span::new(start, start + wrong.len()), *right))
        })
    })
}

/// A method of Ruby that asks, such as `name.blank?`.
fn question(text: &str) -> Option<(Span, &'static str)> {
    let end = find_outside_quotes(text, "?")?;
    let word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let letters = text[..end].char_indices().rev();
    let start = letters.take_while(|(_, letter)| word(*letter)).last().map_or(end, |(at, _)| at);
    let after_point = text[..start].ends_with('.');
    elsewhere::cure(&text[start..end])
        .filter(|_| after_point)
        .map(|cure| (Span::new(start, end + 1), cure))
}

/// What people write out of habit from other languages, and what it is called here; the first that is found is shown.
const HABITS: [(&str, &str); 12] = [
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("===", "write `==`"),
    ("!==", "write `!=`"),
    ("??", "write `| default(…)`"),
    ("?.", "write `.`: reading through null gives null"),
    ("?", "write `a if condition else b`"),
    ("“", "use straight quotes: `'text'`"),
    ("‘", "use straight quotes: `'text'`"),
    ("’", "use straight quotes: `'text'`"),
    ("{{", "an expression here is written without braces"),
    ("!", "write `not`"),
];

/// Returns where `sign` stands outside quoted texts.
fn find_outside_quotes(text: &str, sign: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            None if text[index..].starts_with(sign)
                && !(sign == "!" && text[index..].starts_with("!=")) =>
            {
                return Some(index);
            }
            None if matches!(character, '\'' | '"') => quote = Some(character),
            _ => {}
        }
    }
    None
}
