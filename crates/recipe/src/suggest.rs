//! "Did you mean": the known name closest to a mistyped one, and lists of names for help lines.

use crate::{diagnostic::Diagnostic, fix::Fix};

/// Returns the name that `word` is most likely a misspelling of, if one is near enough.
pub(crate) fn closest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // A third of the letters may be wrong, but of a short word at least one and of a long word at most four.
    let allowed = (word.chars().count() / 3).clamp(1, 4);
    let names: Vec<&str> = names.into_iter().collect();
    let near = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&word, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| *name);
    // A word cut short, such as `bool` for `boolean`.
    near.or_else(|| {
        names.into_iter().find(|name| word.len() > 2 && name.to_lowercase().starts_with(&word))
    })
}

/// Returns the name that was clearly meant: one or two letters away, and no other is as near.
///
/// Names that differ in their digits are different names, and so are very short ones.
pub(crate) fn clear<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let allowed = match length {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        [(_, name)] if digits(name) == digits(word) => Some(name),
        [(first, name), (second, _), ..] if first < second && digits(name) == digits(word) => {
            Some(name)
        }
        _ => None,
    }
}

/// Returns the name that a misspelt one is read as, so that nothing is said to be missing as well: the one that was
/// clearly meant, or the only one that is a letter away from a very short one.
pub(crate) fn meant<'a>(
    word: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    clear(word, names.clone()).or_else(|| {
        let mut near =
            names.into_iter().filter(|name| strsim::damerau_levenshtein(word, name) == 1);
        near.next().filter(|_| word.len() == 2 && near.next().is_none())
    })
}

/// Says under the caret which known name was meant, and offers to write it where that is clear.
pub(crate) fn propose<'a>(
    diagnostic: &mut Diagnostic,
    word: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) {
    diagnostic.label = closest(word, names.clone()).map(did_you_mean);
    diagnostic.fix = Fix::name(&diagnostic.source, diagnostic.span, word, names);
}

/// The same for a key of a map whose keys are `given`: no key may be there twice, nor two be made the same.
pub(crate) fn propose_key<'a>(
    diagnostic: &mut Diagnostic,
    word: &str,
    names: impl IntoIterator<Item = &'a str>,
    given: &[&str],
) {
    let names: Vec<&str> = names.into_iter().collect();
    propose(diagnostic, word, names.iter().copied());
    diagnostic.fix.take_if(|fix| {
        let same = |key: &&&str| {
            **key == fix.text
                || clear(key, names.iter().copied()).is_some_and(|name| name == fix.text)
        };
        given.iter().filter(same).count() > 1
    });
}

/// Returns the question under the caret.
pub(crate) fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// Returns the names in a row, cut where a person stops reading: "a, b, c".
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 24;
    let mut names: Vec<&str> = names.into_iter().collect();
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    let text = names.join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}

#[cfg(test)]
mod tests {
    use super::{closest, list};

    #[test]
    fn finds_the_name_that_was_meant() {
        let names = ["first_name", "last_name", "start_date"];
        assert_eq!(closest("frist_name", names), Some("first_name"));
        assert_eq!(closest("salary", names), None);
        assert_eq!(closest("a", ["b"]), Some("b"));
        assert_eq!(closest("bool", ["boolean", "text"]), Some("boolean"));
    }

    #[test]
    fn cuts_a_long_list() {
        let names: Vec<String> = (0..30).map(|number| format!("n{number}")).collect();
        assert!(list(names.iter().map(String::as_str)).ends_with("n23 and 6 more"));
        assert_eq!(list(["a", "b"]), "a, b");
    }
}
