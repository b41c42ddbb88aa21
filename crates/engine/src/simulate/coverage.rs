//! Coverage: what of a recipe, and of the tables, no case reached.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use recipe::{Recipe, Span, Step, StepKind, Tables, steps_in};

use super::Tested;
use crate::{
    journal::{Choice, Entry, Kind},
    machine::names,
};

/// What the cases reached.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// How many things there are to reach.
    pub total: usize,
    /// What was not reached: the place (`recipes/hire.yaml:12`) and what is missing, in the order of the text.
    pub gaps: Vec<(String, String)>,
}

impl Coverage {
    /// Returns how much was reached, in whole percent, rounded down.
    pub fn percent(&self) -> usize {
        ((self.total - self.gaps.len()) * 100).checked_div(self.total).unwrap_or(100)
    }

    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.total += other.total;
        self.gaps.extend(other.gaps);
    }
}

/// Returns what the cases of a recipe reached of it.
pub fn of_recipe(recipe: &Recipe, tested: &Tested) -> Coverage {
    let mut seen = Seen::default();
    for played in tested.cases.iter().filter_map(|case| case.played.as_ref()) {
        if played.status == "filtered" {
            seen.filtered = true;
        } else {
            seen.worked = true;
        }
        played.journal.iter().for_each(|entry| seen.take(entry));
    }
    let mut found = Found { recipe, coverage: Coverage::default() };
    if let Some(trigger) = recipe.trigger().filter(|trigger| trigger.when.is_some()) {
        found.look(seen.worked, trigger.span, || "the trigger's `when` is never true".into());
        found.look(seen.filtered, trigger.span, || "the trigger's `when` is never false".into());
    }
    for step in recipe.all_steps() {
        found.step(step, &seen);
    }
    found.coverage
}

/// Returns what all cases reached of the tables they looked into.
pub fn of_tables(tables: &Tables, tested: &[Tested]) -> Coverage {
    let rows: BTreeSet<&(String, usize)> = tested
        .iter()
        .flat_map(|file| &file.cases)
        .filter_map(|case| case.played.as_ref())
        .flat_map(|played| &played.rows)
        .collect();
    let names: BTreeSet<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    let mut coverage = Coverage::default();
    for name in names {
        let Some(table) = tables.tables.get(name) else { continue };
        for (at, row) in table.rows.iter().enumerate() {
            coverage.total += 1;
            if !rows.contains(&(name.to_owned(), at)) {
                let cells = row.join(", ");
                coverage
                    .gaps
                    .push((table.path.clone(), format!("the row `{cells}` is never found")));
            }
        }
    }
    coverage
}

/// What the journals of all cases say, by step.
#[derive(Default)]
struct Seen {
    worked: bool,
    filtered: bool,
    /// Steps that did something.
    ran: BTreeSet<String>,
    left_out: BTreeSet<String>,
    then: BTreeSet<String>,
    otherwise: BTreeSet<String>,
    /// Of loops: whether there were no rounds, one, several.
    rounds: BTreeMap<String, [bool; 3]>,
    /// Of repeats: how many rounds there were in each place.
    repeats: HashMap<String, usize>,
    timed_out: BTreeSet<String>,
    answered: BTreeSet<String>,
}

impl Seen {
    fn take(&mut self, entry: &Entry) {
        if entry.path.0.is_empty() {
            return;
        }
        let name = names::last_name(&entry.path);
        let (name, in_round) = name.split_once('[').map_or((name, false), |(name, _)| (name, true));
        let name = name.to_owned();
        match &entry.kind {
            Kind::Chose { choice } => match choice {
                Choice::LeftOut => {
                    self.left_out.insert(name);
                    return;
                }
                Choice::Then => drop(self.then.insert(name.clone())),
                Choice::Else => drop(self.otherwise.insert(name.clone())),
                Choice::Items(items) => {
                    self.rounds.entry(name.clone()).or_default()[items.len().min(2)] = true;
                }
                _ => {}
            },
            Kind::Fired => drop(self.timed_out.insert(name.clone())),
            Kind::Signalled { .. } => drop(self.answered.insert(name.clone())),
            Kind::Succeeded { .. } if in_round => {
                let round = entry
                    .path
                    .0
                    .rsplit('[')
                    .next()
                    .and_then(|round| round.trim_end_matches(']').parse::<usize>().ok());
                let most = self.repeats.entry(name.clone()).or_default();
                *most = (*most).max(round.map_or(0, |round| round + 1));
            }
            _ => {}
        }
        self.ran.insert(name);
    }

    /// Returns whether a step, or one inside it, did something.
    fn ran(&self, step: &Step) -> bool {
        self.ran.contains(&*step.name)
            || step
                .kind
                .blocks()
                .any(|block| steps_in(block).any(|step| self.ran.contains(&*step.name)))
    }

    /// Returns whether a block was reached: one of its steps did something, or was left out.
    fn reached(&self, block: &[Step]) -> bool {
        steps_in(block).any(|step| self.ran(step) || self.left_out.contains(&*step.name))
    }
}

struct Found<'r> {
    recipe: &'r Recipe,
    coverage: Coverage,
}

impl Found<'_> {
    fn look(&mut self, reached: bool, span: Span, what: impl FnOnce() -> String) {
        self.coverage.total += 1;
        if !reached {
            let source = &self.recipe.source;
            let (line, _) = source.line_col(span.start);
            self.coverage.gaps.push((format!("{}:{line}", source.path), what()));
        }
    }

    fn step(&mut self, step: &Step, seen: &Seen) {
        let (name, span) = (&*step.name, step.span);
        let ran = seen.ran(step);
        if !ran && !seen.left_out.contains(name) {
            // What is in it cannot have been reached either: it is said where it stands.
            self.look(false, span, || format!("`{name}` is never reached"));
            return;
        }
        if step.when.is_some() {
            self.look(ran, span, || format!("`when` of `{name}` is never true"));
            let left_out = seen.left_out.contains(name);
            self.look(left_out, span, || format!("`when` of `{name}` is never false"));
        } else {
            self.look(true, span, String::new);
        }
        if !ran {
            return;
        }
        match &step.kind {
            StepKind::If { .. } => {
                self.look(seen.then.contains(name), span, || format!("`{name}` is never true"));
                let otherwise = seen.otherwise.contains(name);
                self.look(otherwise, span, || format!("`{name}` is never false"));
            }
            StepKind::ForEach { .. } => {
                let rounds = seen.rounds.get(name).copied().unwrap_or_default();
                for (reached, how) in rounds.into_iter().zip(["no", "one", "several"]) {
                    let noun = if how == "one" { "round" } else { "rounds" };
                    self.look(reached, span, || format!("`{name}` never has {how} {noun}"));
                }
            }
            StepKind::RepeatWhile { .. } => {
                let most = seen.repeats.get(name).copied().unwrap_or(0);
                self.look(most > 1, span, || format!("`{name}` never repeats"));
            }
            StepKind::Try { catch, .. } => {
                self.look(seen.reached(catch), span, || {
                    format!("`catch` of `{name}` is never reached")
                });
            }
            StepKind::WaitFor(wait) => {
                let answered = seen.answered.contains(name);
                self.look(answered, span, || format!("`{name}` is never answered"));
                if wait.timeout.is_some() {
                    let timed_out = seen.timed_out.contains(name);
                    self.look(timed_out, span, || format!("`{name}` never times out"));
                }
            }
            StepKind::Action(_)
            | StepKind::Set(_)
            | StepKind::Stop { .. }
            | StepKind::Call(_)
            | StepKind::Wait(_) => {}
        }
    }
}
