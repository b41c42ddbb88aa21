//! Random recipes of all kinds of steps, in a random world, cut at any entry: the machine made anew is the same
//! machine, and the job ends the same.

use std::{collections::HashSet, sync::Arc, time::Duration};

use proptest::prelude::*;
use recipe::{Recipe, Step, StepKind, StopStatus, Wait};
use serde_json::json;

use crate::play::{
    Player, World, action, call, each, expression, machine, question, recipe, repeat, step,
    template, wait,
};

const ITEMS: usize = 4;

/// Makes recipes from a seed.
struct Maker {
    seed: u64,
    names: usize,
    /// Whether what fails must be caught where it fails: beside it other rounds are in progress, and which of them gets
    /// how far is a matter of time.
    careful: bool,
    /// Steps that must not fail.
    safe: HashSet<String>,
    /// Steps with an `id` in their output that can be seen.
    seen: Vec<String>,
}

impl Maker {
    fn roll(&mut self, sides: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) % sides
    }

    fn name(&mut self, safe: bool) -> String {
        self.names += 1;
        let name = format!("s{}", self.names);
        if safe {
            self.safe.insert(name.clone());
        }
        name
    }

    fn block(&mut self, depth: u64, (beside, safe): (bool, bool)) -> Vec<Step> {
        let seen = self.seen.len();
        let count = 1 + self.roll(if depth == 0 { 5 } else { 3 });
        let steps = (0..count).map(|_| self.step(depth, (beside, safe))).collect();
        // Steps inside rounds are seen there only; the others are null if they did not run.
        self.seen.truncate(seen);
        steps
    }

    /// `beside`: other rounds are in progress; `safe`: what fails here would end them.
    fn step(&mut self, depth: u64, (beside, safe): (bool, bool)) -> Step {
        let name = self.name(safe);
        let kind = if depth >= 3 { self.roll(7) } else { self.roll(13) };
        let mut made = match kind {
            0..=2 => {
                let about = match self.seen.last() {
                    Some(seen) if kind == 0 => {
                        format!("{name} {{{{ steps.{seen}.id | default('none') }}}}")
                    }
                    _ => format!("{name} of {{{{ event.name }}}}"),
                };
                let mut made = action(&name, kind != 1, &about);
                if let (StepKind::Action(action), 0) = (&mut made.kind, self.roll(4)) {
                    action.warn_on_failure = true;
                    self.safe.remove(&name);
                }
                self.seen.push(name.clone());
                made
            }
            3 => match self.roll(3) {
                0 => wait(&name, "2h"),
                1 => wait(&name, "1970-01-01T00:00:00Z"),
                _ => step(&name, StepKind::Wait(Wait::For(Duration::from_mins(1)))),
            },
            4 => {
                let default = (safe || self.roll(2) == 0).then(|| json!({ "id": "default" }));
                self.seen.push(name.clone());
                question(&name, Some(3600), default)
            }
            5 => {
                self.seen.push(name.clone());
                let background = self.roll(3) == 0;
                call(&name, background)
            }
            6 if beside && self.careful => wait(&name, "1m"),
            6 if self.roll(3) == 0 && !safe => step(
                &name,
                StepKind::Stop {
                    status: StopStatus::Skipped,
                    reason: Some(template("enough")),
                    hint: None,
                },
            ),
            6 => step(&name, StepKind::Set(vec![("last".into(), template(&name))])),
            7 | 8 => {
                let at_once = 1 + u32::try_from(self.roll(3)).unwrap();
                let beside = beside || at_once > 1;
                let safe = safe || at_once > 1 && self.careful;
                let steps = self.block(depth + 1, (beside, safe));
                let collect = match self.roll(3) {
                    0 => None,
                    1 => Some("loop.index if loop.index > 1 else none"),
                    _ => Some("{'id': 'of round'}"),
                };
                let mut made = each(&name, at_once, collect, steps);
                if let (StepKind::ForEach { batch, .. }, 0) = (&mut made.kind, self.roll(3)) {
                    *batch = Some(3);
                }
                made
            }
            9 => {
                let most = if safe { 4 } else { 2 + u32::try_from(self.roll(2)).unwrap() };
                let steps = self.block(depth + 1, (beside, safe));
                repeat(&name, "loop.index < 3", most, steps)
            }
            10 => {
                let condition =
                    expression(["event.yes", "event.no"][usize::from(self.roll(2) == 0)]);
                let then = self.block(depth + 1, (beside, safe)).into();
                let otherwise = self.block(depth + 1, (beside, safe)).into();
                step(&name, StepKind::If { condition, then, otherwise })
            }
            _ => {
                let steps = self.block(depth + 1, (beside, false));
                // `stop` is not caught.
                let steps =
                    if safe { steps.into_iter().filter(ends_nothing).collect() } else { steps };
                let mut catch = self.block(depth + 1, (beside, safe));
                let report = self.name(safe);
                catch.push(action(&report, true, "{{ error.step }}: {{ error.message }}"));
                step(&name, StepKind::Try { steps: steps.into(), catch: catch.into() })
            }
        };
        if self.roll(6) == 0 {
            made.when = Some(expression(["event.yes", "event.no"][usize::from(self.roll(3) == 0)]));
        }
        made
    }
}

/// Whether neither the step nor one inside it is a `stop`.
fn ends_nothing(step: &Step) -> bool {
    let stops = |step: &Step| matches!(step.kind, StepKind::Stop { .. });
    !stops(step) && step.kind.blocks().all(|block| !recipe::steps_in(block).any(stops))
}

fn make(seed: u64, careful: bool) -> (Arc<Recipe>, World) {
    let seed = seed | 1;
    let (safe, seen) = (HashSet::new(), Vec::new());
    let mut maker = Maker { seed, names: 0, careful, safe, seen };
    for _ in 0..4 {
        maker.roll(2);
    }
    let steps = maker.block(0, (false, false));
    let finally = vec![{
        let name = maker.name(true);
        action(&name, true, "{{ outcome.status }}")
    }];
    let mut made = recipe(steps, finally);
    made.settings.hold_writes = maker.roll(4) == 0;
    if maker.roll(2) == 0 {
        made.output.push(("name".into(), template("{{ event.name }}")));
    }
    let world = World { seed: Some(seed), safe: maker.safe, ..World::default() };
    (Arc::new(made), world)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Wherever a journal is cut, the machine made anew decides what the first one decided, and stands as it stood:
    /// also where rounds fail and stop side by side.
    #[test]
    fn a_machine_made_anew_is_the_same_machine(seed in any::<u64>()) {
        let (recipe, world) = make(seed, false);
        let mut player = Player::new(&recipe, ITEMS, world);
        let outcome = player.play().unwrap();
        let total = player.journal.len();
        for (place, (before, after, standing)) in player.decided.iter().enumerate() {
            // Every place of a short journal, and some of a long one.
            if total > 300 && place % (total / 100) != 0 {
                continue;
            }
            for cut in *before..=*after {
                let mut again = machine(&recipe, ITEMS);
                for entry in &player.journal[..cut] {
                    again.apply(entry).unwrap();
                }
                again.decide();
                let made = again.take_made();
                prop_assert_eq!(&made[..], &player.journal[cut..*after], "cut at {}", cut);
                prop_assert_eq!(&again.standing(), standing, "cut at {}", cut);
            }
        }
        let mut again = machine(&recipe, ITEMS);
        for entry in &player.journal {
            again.apply(entry).unwrap();
        }
        prop_assert_eq!(again.outcome(), Some(&outcome));
    }

    /// Wherever the process dies, the job goes on to the same outcome, the same output and the same effects.
    #[test]
    fn a_job_that_was_cut_ends_like_one_that_was_not(seed in any::<u64>(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..6)) {
        let (recipe, world) = make(seed, true);
        let mut whole = Player::new(&recipe, ITEMS, world.clone());
        let expected = whole.play().unwrap();
        let mut cut = Player::new(&recipe, ITEMS, world);
        let length = whole.journal.len();
        let mut at: Vec<usize> = cuts.iter().map(|cut| 1 + cut.index(length)).collect();
        at.sort_unstable();
        let mut outcome = None;
        for limit in at {
            if outcome.is_none() && limit > cut.journal.len() {
                cut.limit = limit;
                outcome = cut.play();
                if outcome.is_none() {
                    cut.resume(&recipe, ITEMS);
                }
            }
        }
        let outcome = outcome.or_else(|| cut.play()).unwrap();
        prop_assert_eq!(outcome.status, expected.status);
        prop_assert_eq!(&outcome.output, &expected.output);
        let error = |outcome: &engine::Outcome| {
            outcome.error.as_ref().map(|error| (error.code.clone(), error.message.clone(), error.step.clone()))
        };
        prop_assert_eq!(error(&outcome), error(&expected));
        let warnings = |outcome: &engine::Outcome| {
            let mut warnings: Vec<_> =
                outcome.warnings.iter().map(|warning| (warning.step.clone(), warning.message.clone())).collect();
            warnings.sort();
            warnings
        };
        prop_assert_eq!(warnings(&outcome), warnings(&expected));
        prop_assert_eq!(&cut.world.effects, &whole.world.effects);
    }
}
