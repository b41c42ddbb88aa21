//! The mutants of a recipe: every line changed in every way, inputs and steps left out, exchanged or repeated.

use std::{cmp::Ordering, collections::HashSet};

use super::lines::{edits, misspellings, template};

/// A recipe with one edit.
#[derive(Debug)]
pub(super) struct Mutant {
    /// What was done, such as `department: if_missing: warn → if_missing: fail`.
    pub(super) what: String,
    /// The whole text.
    pub(super) text: String,
    /// Whether one word is misspelt.
    pub(super) misspelt: bool,
}

impl Mutant {
    fn new(what: String, lines: &[&str]) -> Self {
        Self { what, text: joined(lines), misspelt: false }
    }
}

/// Returns all mutants of a recipe, each another text. `thorough`: every letter of a word is misspelt.
pub(super) fn mutants(text: &str, thorough: bool) -> Vec<Mutant> {
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
        let misspelt = misspellings(line, texts, thorough).into_iter().map(|edited| (edited, true));
        let others = edits(line, texts).into_iter().map(|edited| (edited, false));
        for (edited, misspelt) in misspelt.chain(others) {
            // The one entry of a map may stand as deep as it likes.
            if only_child(&lines, index) && edited.trim_start() == code && edited.len() > line.len()
            {
                continue;
            }
            let mut changed = lines.clone();
            changed[index] = &edited;
            let deeper = edited.len() - edited.trim_start().len();
            let to = match deeper.cmp(&indent) {
                Ordering::Less => "moved to the left",
                Ordering::Equal => edited.trim_start(),
                Ordering::Greater => "moved to the right",
            };
            let what = format!("{step}: {code} → {to}");
            all.push(Mutant { what, text: joined(&changed), misspelt });
        }
        if prose.is_none()
            && !code.starts_with("- ")
            && !code.ends_with(':')
            && !code.ends_with(">-")
        {
            let mut changed = lines.clone();
            changed.remove(index);
            all.push(Mutant::new(format!("{step}: without {code}"), &changed));
        }
        if code.ends_with(">-") && key == "reason" {
            prose = Some(indent);
        }
    }
    all.extend(exchanged(&lines));
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

/// What two inputs are given exchanged, where they stand one below the other.
fn exchanged(lines: &[&str]) -> Vec<Mutant> {
    let mut all = Vec::new();
    for (index, pair) in lines.windows(2).enumerate() {
        let (this, other) = (pair[0], pair[1]);
        let depth = |line: &str| line.len() - line.trim_start().len();
        let (Some((from, _)), Some((to, _))) = (template(this), template(other)) else { continue };
        if depth(this) != depth(other) {
            continue;
        }
        let (first, second) = (
            format!("{}{}", &this[..from], &other[to..]),
            format!("{}{}", &other[..to], &this[from..]),
        );
        let mut changed = lines.to_vec();
        changed[index] = &first;
        changed[index + 1] = &second;
        let what = format!("{} and {} exchanged", this.trim(), other.trim());
        all.push(Mutant::new(what, &changed));
    }
    all
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
        all.push(Mutant::new(format!("without the step {name}"), &without));
        // What is set twice is set, and what has ended does not end again.
        if !name.starts_with("- set:") && !name.starts_with("- stop:") {
            let mut twice = lines[..end].to_vec();
            twice.extend(&lines[*index..end]);
            twice.extend(&lines[end..]);
            all.push(Mutant::new(format!("{name} twice"), &twice));
        }
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
            all.push(Mutant::new(what, &swapped));
        }
    }
    all
}

/// Whether a line is all that a key above it holds.
fn only_child(lines: &[&str], index: usize) -> bool {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let said = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let above = lines[..index].iter().rev().find(said);
    let below = lines[index + 1..].iter().find(said);
    above.is_some_and(|above| above.ends_with(':') && depth(above) < depth(lines[index]))
        && below.is_none_or(|below| depth(below) < depth(lines[index]))
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
