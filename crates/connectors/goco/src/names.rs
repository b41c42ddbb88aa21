//! When two names are the same.

use connector::normalize_name;

/// Returns a full name as it is compared: compatibility characters, case and white space make no difference, and
/// neither does where the first name ends and the last name begins.
///
/// GoCo's own recipe compares first and last name; how it treats case and space is not public.
pub(crate) fn normalise(first_name: &str, last_name: &str) -> String {
    normalize_name(&format!("{first_name} {last_name}"))
}

/// Returns an e-mail address as it is compared.
pub(crate) fn normalise_email(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_space_and_spelling_of_characters_make_no_difference() {
        let same = [
            (("Ada", "Byron"), (" ADA ", "byron")),
            (("Mary Ann", "Smith"), ("Mary", "Ann  Smith")),
            (("José", "Núñez"), ("Jose\u{301}", "Nu\u{301}n\u{303}ez")),
            (("Jürgen", "Weiß"), ("JÜRGEN", "WEISS")),
            (("Ada", "Byron"), ("Ada\u{a0}", "\u{ff22}yron")),
            (("Νίκος", "Παπάς"), ("ΝΊΚΟΣ", "ΠΑΠΆΣ")),
        ];
        for (one, other) in same {
            assert_eq!(normalise(one.0, one.1), normalise(other.0, other.1), "{one:?} {other:?}");
        }
    }

    #[test]
    fn accents_and_letters_make_a_difference() {
        let different = [
            (("Ada", "Byron"), ("Ada", "Byrón")),
            (("Ada", "Byron"), ("Adah", "Byron")),
            (("Ada", "Byron"), ("Byron", "Ada")),
        ];
        for (one, other) in different {
            assert_ne!(normalise(one.0, one.1), normalise(other.0, other.1), "{one:?} {other:?}");
        }
    }
}
