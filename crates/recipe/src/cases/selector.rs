//! Names of steps in a test file: `upload`, `upload[2]`, `document[2].upload`.

use std::{fmt, sync::Arc};

use crate::recipe::{Block, Recipe, Step, StepKind};

/// A step of the recipe, in every round of the loops around it or in one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The step's segment in a step path.
    pub step: Arc<str>,
    /// The round of each loop around it, outermost first; `None` means every round.
    pub rounds: Vec<Option<u32>>,
}

impl Selector {
    /// Returns whether it covers the step path `path`, such as `document[2].upload`.
    pub fn covers(&self, path: &str) -> bool {
        let Some((rounds, step)) = parse(path) else { return false };
        *step == *self.step
            && rounds.len() == self.rounds.len()
            && self
                .rounds
                .iter()
                .zip(rounds)
                .all(|(wanted, (_, round))| wanted.is_none_or(|wanted| Some(wanted) == round))
    }

    /// Returns whether it covers every call that `other` covers.
    pub fn includes(&self, other: &Self) -> bool {
        self.step == other.step
            && self.rounds.len() == other.rounds.len()
            && self
                .rounds
                .iter()
                .zip(&other.rounds)
                .all(|(own, other)| own.is_none() || own == other)
    }

    /// Returns how many loops it names a round of; of two selectors the more specific one wins.
    pub fn specificity(&self) -> usize {
        self.rounds.iter().flatten().count()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.step)?;
        // Only the named rounds, and only as far as they can be said after the step's own name.
        for round in self.rounds.iter().skip_while(|round| round.is_none()).flatten() {
            write!(f, "[{round}]")?;
        }
        Ok(())
    }
}

/// A step of the recipe with the loops around it.
#[derive(Debug, Clone)]
pub(super) struct Place<'r> {
    pub(super) step: &'r Step,
    /// The loops around it, outermost first: the segment in a step path, and the name of the item.
    pub(super) loops: Vec<(&'r str, &'r str)>,
}

/// Returns all steps of the recipe, in the order of the text.
pub(super) fn places(recipe: &Recipe) -> Vec<Place<'_>> {
    let mut found = Vec::new();
    walk(&recipe.steps, &[], &mut found);
    walk(&recipe.finally, &[], &mut found);
    found
}

/// Returns the step that `text` names; the error is a message.
pub(super) fn resolve<'p, 'r>(
    text: &str,
    places: &'p [Place<'r>],
) -> Result<(Selector, &'p Place<'r>), Unresolved> {
    let (loops, own) = split(text).ok_or(Unresolved::Unreadable)?;
    let (name, own_rounds) = own;
    let place =
        places.iter().find(|place| *place.step.name == *name).ok_or(Unresolved::NoSuchStep)?;
    let mut rounds = vec![None; place.loops.len()];
    let mut next = 0;
    for (name, round) in loops {
        let at = place.loops[next..]
            .iter()
            .position(|(segment, variable)| *segment == name || *variable == name)
            .ok_or_else(|| Unresolved::NotInLoop(name.into()))?;
        rounds[next + at] = round;
        next += at + 1;
    }
    // `upload[2]`: rounds after the step's own name are those of the innermost loops.
    if own_rounds.len() > rounds.len() {
        return Err(if rounds.is_empty() { Unresolved::NoLoop } else { Unresolved::TooManyRounds });
    }
    let first = rounds.len() - own_rounds.len();
    for (at, round) in own_rounds.into_iter().enumerate() {
        rounds[first + at] = Some(round);
    }
    Ok((Selector { step: place.step.name.clone(), rounds }, place))
}

/// Why a name is not that of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unresolved {
    /// It is not written like one.
    Unreadable,
    /// The recipe has no such step.
    NoSuchStep,
    /// The step is not inside a loop of that name.
    NotInLoop(String),
    /// The step is in no loop.
    NoLoop,
    /// The step is in fewer loops.
    TooManyRounds,
}

fn walk<'r>(block: &'r Block, loops: &[(&'r str, &'r str)], found: &mut Vec<Place<'r>>) {
    for step in block.iter() {
        found.push(Place { step, loops: loops.to_vec() });
        match &step.kind {
            StepKind::If { then, otherwise, .. } => {
                walk(then, loops, found);
                walk(otherwise, loops, found);
            }
            StepKind::ForEach { variable, steps, .. } => {
                let inner: Vec<_> =
                    loops.iter().copied().chain([(&*step.name, variable.as_str())]).collect();
                walk(steps, &inner, found);
            }
            StepKind::Try { steps, catch } => {
                walk(steps, loops, found);
                walk(catch, loops, found);
            }
            StepKind::RepeatWhile { steps, .. } => {
                let inner: Vec<_> =
                    loops.iter().copied().chain([(&*step.name, &*step.name)]).collect();
                walk(steps, &inner, found);
            }
            StepKind::Action(_)
            | StepKind::Set(_)
            | StepKind::Stop { .. }
            | StepKind::Call(_)
            | StepKind::Wait(_)
            | StepKind::WaitFor(_) => {}
        }
    }
}

type Segment<'t> = (&'t str, Option<u32>);
type Named<'t> = (&'t str, Vec<u32>);

/// Splits a step path into the rounds around it and the step's own segment.
fn parse(path: &str) -> Option<(Vec<Segment<'_>>, &str)> {
    let (loops, (step, rounds)) = split(path)?;
    rounds.is_empty().then_some((loops, step))
}

/// Splits `a[1].b[2][3]` into loops with their round, and the last name with all its rounds.
fn split(text: &str) -> Option<(Vec<Segment<'_>>, Named<'_>)> {
    let mut segments = text.split('.').map(|segment| {
        let (name, rounds) = segment.find('[').map_or((segment, ""), |at| segment.split_at(at));
        let rounds = rounds
            .split_terminator(']')
            .map(|round| round.strip_prefix('[')?.parse().ok())
            .collect::<Option<Vec<u32>>>()?;
        let closed = !segment.contains('[') || segment.ends_with(']');
        (!name.is_empty() && closed).then_some((name, rounds))
    });
    let last = segments.next_back()??;
    let loops = segments
        .map(|segment| match segment? {
            (name, rounds) if rounds.len() <= 1 => Some((name, rounds.first().copied())),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    Some((loops, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_every_round_or_the_one_it_names() {
        let all = Selector { step: "upload".into(), rounds: vec![None] };
        let second = Selector { step: "upload".into(), rounds: vec![Some(1)] };
        assert!(all.covers("documents[0].upload") && all.covers("documents[1].upload"));
        assert!(second.covers("documents[1].upload") && !second.covers("documents[0].upload"));
        for other in [
            "upload",
            "documents[1]",
            "documents[1].uploads",
            "a[0].documents[1].upload",
            "",
            "x[",
            "a[1]b",
        ] {
            assert!(!all.covers(other), "{other}");
        }
        assert!(second.specificity() > all.specificity());
        assert!(all.includes(&second) && all.includes(&all) && !second.includes(&all));
        assert_eq!((all.to_string(), second.to_string()), ("upload".into(), "upload[1]".into()));
    }
}
