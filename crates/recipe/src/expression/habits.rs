//! Signs of other languages in an expression that cannot be read, and what they are called here.

use crate::diagnostic::Span;

/// Returns the first such sign, and what to write instead.
pub(super) fn habit(text: &str) -> Option<(Span, &'static str)> {
    HABITS.iter().find_map(|(wrong, right)| {
        let start = find_outside_quotes(text, wrong)?;
        Some((Span::new(start, start + wrong.len()), *right))
    })
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
