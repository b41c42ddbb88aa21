//! The edits: every way in which one line, word or step of a recipe is changed.

use std::collections::HashSet;

/// What stands in one place and might stand in another.
const OTHERS: [(&str, &str); 16] = [
    (" == ", " != "),
    (" != ", " == "),
    (" > ", " >= "),
    (" < ", " <= "),
    (" >= ", " > "),
    (" or ", " and "),
    (" and ", " or "),
    (" is none", " is not none"),
    (" is not none", " is none"),
    (" not ", " "),
    ("true", "false"),
    ("false", "true"),
    (": warn", ": fail"),
    (": fail", ": warn"),
    (": skipped", ": succeeded"),
    (": succeeded", ": skipped"),
];

/// A recipe with one edit.
#[derive(Debug)]
pub(super) struct Mutant {
    /// What was done, such as `department: if_missing: warn → if_missing: fail`.
    pub(super) what: String,
    /// The whole text.
    pub(super) text: String,
}

/// Returns all mutants of a recipe, each another text.
pub(super) fn mutants(text: &str) -> Vec<Mutant> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    let (mut skipped, mut step) = (None, String::from("recipe"));
    let mut prose: Option<usize> = None;
    for (index, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        if skipped.is_some_and(|outer| indent > outer) {
            continue;
        }
        skipped = None;
        if prose.is_some_and(|outer| indent <= outer) {
            prose = None;
        }
        // What people only read changes nothing.
        let key = code.trim_start_matches("- ").split(':').next().unwrap_or("");
        if ["title", "description"].contains(&key) {
            skipped = Some(indent);
            continue;
        }
        if let Some(id) = code.strip_prefix("- id: ") {
            id.clone_into(&mut step);
        } else if let Some(what) = code.strip_prefix("- ") {
            what.clone_into(&mut step);
        } else if code == "finally:" {
            code.clone_into(&mut step);
        }
        let texts = prose.is_some() || key == "reason" || key == "hint";
        for edited in edits(line, texts) {
            let mut changed = lines.clone();
            changed[index] = &edited;
            let what = format!("{step}: {code} → {}", edited.trim_start());
            all.push(Mutant { what, text: joined(&changed) });
        }
        if prose.is_none()
            && !code.starts_with("- ")
            && !code.ends_with(':')
            && !code.ends_with(">-")
        {
            let mut changed = lines.clone();
            changed.remove(index);
            all.push(Mutant { what: format!("{step}: without {code}"), text: joined(&changed) });
        }
        if code.ends_with(">-") && key == "reason" {
            prose = Some(indent);
        }
    }
    all.extend(steps(&lines));
    let mut texts = HashSet::from([text.to_owned()]);
    let mut names = HashSet::new();
    all.retain(|mutant| texts.insert(mutant.text.clone()));
    for mutant in &mut all {
        while !names.insert(mutant.what.clone()) {
            mutant.what += " (again)";
        }
    }
    all
}

fn joined(lines: &[&str]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// Every change of one line. In prose, only what stands in braces is code.
fn edits(line: &str, prose: bool) -> Vec<String> {
    let mut all = Vec::new();
    for (start, end) in words(line) {
        let word = &line[start..end];
        if prose && !in_braces(line, start) && !is_key(line, start, end) {
            continue;
        }
        // The words of one text in quotes are one constant: its last word stands for it.
        if in_text(line, start) && line[end..].starts_with(' ') {
            continue;
        }
        for other in misspelt(word) {
            all.push(format!("{}{other}{}", &line[..start], &line[end..]));
        }
    }
    for (start, end) in numbers(line) {
        if !prose || in_braces(line, start) {
            let number: u64 = line[start..end].parse().unwrap_or(0);
            all.push(format!("{}{}{}", &line[..start], number + 1, &line[end..]));
        }
    }
    for (this, other) in OTHERS {
        for (at, _) in line.match_indices(this) {
            if !prose || in_braces(line, at) {
                all.push(format!("{}{other}{}", &line[..at], &line[at + this.len()..]));
            }
        }
    }
    for (start, end) in filters(line) {
        all.push(format!("{}{}", &line[..start], &line[end..]));
    }
    // What a reason says is changed as a whole, not letter by letter.
    if let (true, Some((key, value))) = (prose, line.split_once(": "))
        && !value.starts_with('>')
    {
        all.push(format!("{key}: Something else"));
    }
    if let Some((key, value)) = line.split_once(": ")
        && !prose
        && !key.trim_start().starts_with("- ")
        && !value.starts_with(['>', '{', '['])
    {
        all.push(format!("{key}: 7"));
        all.push(format!("{key}: [{value}]"));
        if key.trim() == "when" {
            all.push(format!("{key}: not ({value})"));
        }
    }
    all
}

/// Swaps two letters, and leaves the last one out.
fn misspelt(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut all = Vec::new();
    let swap = (1..letters.len() - 1).find(|at| letters[*at] != letters[at + 1]);
    if let Some(at) = swap {
        let mut swapped = letters.clone();
        swapped.swap(at, at + 1);
        all.push(swapped.into_iter().collect());
    }
    all.push(letters[..letters.len() - 1].iter().collect());
    all
}

/// The words of at least three letters that are not operators.
fn words(line: &str) -> Vec<(usize, usize)> {
    const OPERATORS: [&str; 6] = ["and", "not", "none", "true", "false", "clear"];
    let part = |next: char| next.is_ascii_alphanumeric() || next == '_';
    let mut all = Vec::new();
    let mut start = None;
    for (at, next) in line.char_indices().chain([(line.len(), ' ')]) {
        match (start, part(next)) {
            (None, true) => start = Some(at),
            (Some(begin), false) => {
                let word = &line[begin..at];
                if word.len() >= 3
                    && word.starts_with(|first: char| first.is_ascii_alphabetic())
                    && !OPERATORS.contains(&word)
                {
                    all.push((begin, at));
                }
                start = None;
            }
            _ => {}
        }
    }
    all
}

fn numbers(line: &str) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let begins = bytes[at].is_ascii_digit()
            && (at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_'));
        if begins {
            let end =
                (at..bytes.len()).find(|end| !bytes[*end].is_ascii_digit()).unwrap_or(bytes.len());
            all.push((at, end));
            at = end;
        }
        at += 1;
    }
    all
}

/// Each ` | filter(…)` of a line.
fn filters(line: &str) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for (at, _) in line.match_indices("| ") {
        let rest = &line[at + 2..];
        let name = rest.find(|next: char| !(next.is_ascii_alphanumeric() || next == '_'));
        let mut end = at + 2 + name.unwrap_or(rest.len());
        if line[end..].starts_with('(') {
            let mut depth = 0;
            for (offset, next) in line[end..].char_indices() {
                depth += i32::from(next == '(') - i32::from(next == ')');
                if depth == 0 {
                    end += offset + 1;
                    break;
                }
            }
        }
        if end > at + 2 {
            all.push((at, end));
        }
    }
    all
}

/// Whether a word is the key that the line begins with.
fn is_key(line: &str, start: usize, end: usize) -> bool {
    line[..start].trim_start_matches([' ', '-']).is_empty() && line[end..].starts_with(':')
}

/// Whether a place stands in a text in quotes inside `{{ }}`.
fn in_text(line: &str, at: usize) -> bool {
    in_braces(line, at)
        && line[..at].rfind("{{").is_some_and(|open| line[open..at].matches('\'').count() % 2 == 1)
}

/// Whether a place stands inside `{{ }}`.
fn in_braces(line: &str, at: usize) -> bool {
    let before = &line[..at];
    before.rfind("{{").is_some_and(|open| before.rfind("}}").is_none_or(|close| close < open))
}

/// Steps left out, swapped with the next, worked twice.
fn steps(lines: &[&str]) -> Vec<Mutant> {
    let mut all = Vec::new();
    let starts: Vec<(usize, usize)> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with("- "))
        .map(|(index, line)| (index, line.len() - line.trim_start().len()))
        .collect();
    for (index, indent) in &starts {
        let end = end_of(lines, *index, *indent);
        let name = lines[*index].trim();
        let mut without = lines.to_vec();
        without.drain(*index..end);
        all.push(Mutant { what: format!("without the step {name}"), text: joined(&without) });
        // The next step at the same depth, before anything less deep.
        let next = starts
            .iter()
            .skip_while(|(start, _)| *start < end)
            .take_while(|(_, other)| other >= indent)
            .find(|(_, other)| other == indent);
        let between = next.map(|(start, _)| &lines[end..*start]);
        let sisters = between.is_some_and(|between| {
            between.iter().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        });
        if let (Some((start, _)), true) = (next, sisters) {
            let mut swapped = lines[..*index].to_vec();
            swapped.extend(&lines[*start..end_of(lines, *start, *indent)]);
            swapped.extend(&lines[end..*start]);
            swapped.extend(&lines[*index..end]);
            swapped.extend(&lines[end_of(lines, *start, *indent)..]);
            let what = format!("{name} and {} swapped", lines[*start].trim());
            all.push(Mutant { what, text: joined(&swapped) });
        }
    }
    all
}

/// The line behind a step: everything that is indented deeper belongs to it.
fn end_of(lines: &[&str], start: usize, indent: usize) -> usize {
    let mut end = start + 1;
    for (index, line) in lines.iter().enumerate().skip(start + 1) {
        let code = line.trim_start();
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        if line.len() - code.len() <= indent {
            break;
        }
        end = index + 1;
    }
    end
}
