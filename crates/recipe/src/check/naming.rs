//! The names in a recipe: ids, `as` names and variables, and the segment each step has in a step path.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    diagnostic::{Diagnostic, Source, Span},
    document::{Document, Kind, Rounds, Step},
    fields::{Report, Word},
    yaml::Key,
};

/// Names that mean something in every expression.
const RESERVED: &[&str] = &[
    "event",
    "steps",
    "vars",
    "loop",
    "input",
    "error",
    "outcome",
    "job",
    "properties",
    "now",
    "lookup",
    "find_row",
    "true",
    "false",
    "none",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
];

/// Counts steps by kind, in the order of the text, to name those without an id.
#[derive(Debug, Default)]
pub(super) struct Counter {
    seen: BTreeMap<&'static str, usize>,
}

impl Counter {
    /// Returns the name of the next step in the order of the text (a step before those inside it): its id, else the
    /// name of its rounds' item, else its kind with its number among all steps of that kind.
    pub(super) fn name(&mut self, step: &Step) -> String {
        let kind = match step.kind {
            Kind::Action(_) => "action",
            Kind::If { .. } => "if",
            Kind::ForEach(_) => "for_each",
            Kind::RepeatWhile { .. } => "repeat_while",
            Kind::Call(_) => "call",
            Kind::Wait(_) => "wait",
            Kind::WaitFor(_) => "wait_for",
            Kind::Try { .. } => "try",
            Kind::Set(_) => "set",
            Kind::Stop { .. } => "stop",
            Kind::Broken => "step",
        };
        let number = self.seen.entry(kind).or_default();
        *number += 1;
        match (&step.id, &step.kind) {
            (Some(id), _) => id.text.clone(),
            (None, Kind::ForEach(Rounds { variable: Some(variable), .. })) => variable.text.clone(),
            _ => format!("{kind}_{number}"),
        }
    }
}

/// Reports names that cannot be names, and names given twice.
pub(super) fn check(document: &Document, source: &Arc<Source>, out: &mut Vec<Diagnostic>) {
    let mut check = Check { counter: Counter::default(), taken: BTreeMap::new(), source, out };
    check.block(&document.steps, &mut Vec::new());
    check.block(&document.finally, &mut Vec::new());
    for output in document.output.iter().flat_map(|(_, output)| output) {
        check.is_name("the name of an output", &output.key.text, output.key.span);
    }
}

struct Check<'a> {
    counter: Counter,
    /// The place of each name, and whether a person gave it.
    taken: BTreeMap<String, (Span, bool)>,
    source: &'a Arc<Source>,
    out: &'a mut Vec<Diagnostic>,
}

impl Check<'_> {
    fn block(&mut self, steps: &[Step], rounds: &mut Vec<String>) {
        for step in steps {
            self.step(step, rounds);
        }
    }

    fn step(&mut self, step: &Step, rounds: &mut Vec<String>) {
        if let Some(id) = &step.id {
            self.is_name("an id", &id.text, id.span);
        }
        // An item named like the one around it is reported as that.
        let shadows = matches!(&step.kind, Kind::ForEach(Rounds { variable: Some(item), .. }) if rounds.contains(&item.text));
        if step.id.is_some() || !shadows {
            self.take(step);
        }
        match &step.kind {
            Kind::If { then, otherwise, .. } => {
                self.block(then, rounds);
                self.block(otherwise, rounds);
            }
            Kind::Try { steps, catch } => {
                self.block(steps, rounds);
                self.block(catch, rounds);
            }
            Kind::ForEach(Rounds { variable, steps, .. }) => {
                let name = variable.as_ref().map_or("item", |variable| &variable.text).to_owned();
                let span = variable.as_ref().map_or(step.key, |variable| variable.span);
                self.item(&name, span, rounds);
                rounds.push(name);
                self.block(steps, rounds);
                rounds.pop();
            }
            Kind::Set(variables) => {
                for variable in variables {
                    self.is_name("a variable's name", &variable.key.text, variable.key.span);
                }
            }
            Kind::RepeatWhile { steps, .. } => self.block(steps, rounds),
            Kind::Action(_)
            | Kind::Stop { .. }
            | Kind::Call(_)
            | Kind::Wait(_)
            | Kind::WaitFor(_)
            | Kind::Broken => {}
        }
    }

    fn item(&mut self, name: &str, span: Span, rounds: &[String]) {
        if RESERVED.contains(&name) {
            let message = format!("`{name}` already means something in every expression");
            self.out.push(
                Diagnostic::error("reserved-name", self.source, span, message)
                    .help("choose another name for the item, such as `document`"),
            );
        } else if rounds.iter().any(|outer| outer == name) {
            let message = format!("`{name}` is the item of the loop around this one as well");
            self.out.push(
                Diagnostic::error("reserved-name", self.source, span, message)
                    .help("give this loop's item a name of its own with `as`"),
            );
        } else {
            self.is_name("the name of an item", name, span);
        }
    }

    fn is_name(&mut self, what: &str, name: &str, span: Span) {
        self.out.extend(misnamed(what, name, span, self.source));
    }

    fn take(&mut self, step: &Step) {
        let name = self.counter.name(step);
        let (span, given) = match (&step.id, &step.kind) {
            (Some(id), _) => (id.span, true),
            (None, Kind::ForEach(Rounds { variable: Some(variable), .. })) => (variable.span, true),
            _ => (step.key, false),
        };
        let Some((first, first_given)) = self.taken.get(&name).copied() else {
            self.taken.insert(name, (span, given));
            return;
        };
        let loops = step.id.is_none() && given;
        let diagnostic = if given && first_given {
            let message = format!("two steps are named `{name}`");
            Diagnostic::error("duplicate-id", self.source, span, message)
                .label("the second")
                .also(first, "the first")
        } else {
            // One of them has no id and is named by its kind and number.
            let (span, unnamed) = if given { (span, first) } else { (first, span) };
            let message = format!("`{name}` is what the step without an id is called");
            Diagnostic::error("duplicate-id", self.source, span, message).also(unnamed, "this one")
        };
        self.out.push(diagnostic.help(if loops {
            "a loop without an `id` is named by its `as`: give one of the two an `id`"
        } else {
            "choose another id: every step has one name in the whole recipe"
        }));
    }
}

/// Reports a key that cannot be a name.
pub(crate) fn is_name(report: &mut Report<'_>, what: &str, key: &Key) {
    report.out.extend(misnamed(what, &key.text, key.span, report.source));
}

/// Reports a word that cannot be a name.
pub(super) fn is_a_name(what: &str, word: &Word, source: &Arc<Source>, out: &mut Vec<Diagnostic>) {
    out.extend(misnamed(what, &word.text, word.span, source));
}

fn misnamed(what: &str, name: &str, span: Span, source: &Arc<Source>) -> Option<Diagnostic> {
    let fine = |at: usize, next: char| {
        next == '_' || next.is_ascii_lowercase() || (at > 0 && next.is_ascii_digit())
    };
    if !name.is_empty() && name.chars().enumerate().all(|(at, next)| fine(at, next)) {
        return None;
    }
    let message = format!("`{name}` cannot be {what}");
    let better: String = name
        .to_lowercase()
        .chars()
        .map(|next| if next.is_ascii_alphanumeric() { next } else { '_' })
        .collect();
    let diagnostic = Diagnostic::error("bad-name", source, span, message)
        .help("a name has lower-case letters, digits and `_`, and begins with a letter");
    let usable = better.starts_with(|first: char| first.is_ascii_lowercase());
    Some(if usable { diagnostic.label(format!("write `{better}`")) } else { diagnostic })
}
