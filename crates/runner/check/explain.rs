//! `check --explain CODE`: the entry of the index of mistakes, which is part of the program.

use crate::{
    exit::{Exit, Trouble},
    terminal,
};

/// The page that is made from the gallery of refused recipes.
const PAGE: &str = include_str!("../../../docs/mistakes.md");

/// What the page says about one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The code.
    pub code: &'static str,
    /// What stands below its heading.
    pub markdown: &'static str,
}

/// Prints the entry of a code.
pub fn run(code: &str) -> Result<Exit, Trouble> {
    let Some(entry) = entry(code.trim_matches(['[', ']', '`'])) else {
        let known: Vec<&str> = entries().map(|entry| entry.code).collect();
        return Err(Trouble::usage(format!("there is no mistake with the code `{code}`"))
            .cure(format!("codes: {}", known.join(", "))));
    };
    terminal::data(format!("{}\n\n{}", entry.code, entry.text()));
    Ok(Exit::Good)
}

/// Returns the entry of a code.
pub fn entry(code: &str) -> Option<Entry> {
    entries().find(|entry| entry.code == code)
}

fn entries() -> impl Iterator<Item = Entry> {
    PAGE.split("\n## ").skip(1).filter_map(|part| {
        let (code, markdown) = part.split_once('\n')?;
        Some(Entry { code, markdown: markdown.trim() })
    })
}

impl Entry {
    /// Returns what the mistake is, in one paragraph.
    pub fn meaning(&self) -> &'static str {
        self.markdown.split("\n\n").next().unwrap_or(self.markdown)
    }

    /// Returns the entry without the fences of Markdown.
    pub fn text(&self) -> String {
        let lines = self.markdown.lines().filter(|line| !line.starts_with("```"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_meaning_an_example_and_a_cure() {
        assert!(entries().count() > 50);
        for entry in entries() {
            let Entry { code, markdown } = entry;
            let meaning = entry.meaning();
            assert!(meaning.ends_with('.') && !meaning.starts_with("```"), "{code}: {meaning}");
            assert!(markdown.contains(&format!("[{code}]: ")), "{code} has no example");
            assert!(markdown.ends_with("```"), "{code}");
            assert!(!entry.text().contains("```"), "{code}");
        }
    }

    #[test]
    fn an_unknown_code_is_a_mistake_of_the_command_line() {
        assert_eq!(run("nonsense").map_err(|trouble| trouble.exit), Err(Exit::Usage));
    }
}
