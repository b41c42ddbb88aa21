//! Deaths: a case is cut at every entry of its journal, and a new machine goes on from there. What comes of it must be
//! the same.

use std::collections::BTreeMap;

use recipe::Case;
use serde_json::Value;

use super::{
    Bench,
    drive::{Driver, End, Stage},
};
use crate::journal::{Entry, Kind, Outcome, Verdict};

/// Cuts a case at every entry; the error says where it went another way.
pub(super) fn cut(
    bench: &Bench<'_>,
    case: &Case,
    stage: &Stage,
    whole: &Driver<'_>,
) -> Result<(), String> {
    let expected = Remains::of(whole);
    for at in 0..whole.journal.len() {
        let died = |what: &str| {
            let entry = &whole.journal[at];
            let (path, next) = (&entry.path, word(&entry.kind));
            format!("cut before entry {} (`{next}` at `{path}`), {what}", entry.seq)
        };
        let mut driver = Driver::resume(bench, case, stage, whole, at)
            .map_err(|why| died(&format!("it does not go on: {why}")))?;
        match driver.run().map_err(|why| died(&format!("it does not go on: {why}")))? {
            End::Over | End::Attention(_) => {}
            End::Stuck(stuck) => {
                return Err(died(&format!("`{}` is called once more", stuck.path)));
            }
            End::Broken(broken) => return Err(died(&broken.message)),
        }
        let got = Remains::of(&driver);
        if got.outcome != expected.outcome {
            return Err(died("it ends in another way"));
        }
        if let Some(path) = differing(&expected.outputs, &got.outputs) {
            return Err(died(&format!("`{path}` gives something else")));
        }
        if let Some(path) = differing(&expected.effects, &got.effects) {
            return Err(died(&format!("`{path}` writes something else")));
        }
    }
    Ok(())
}

/// What is left of a job: how it ended, what its steps gave, what they called and with what.
struct Remains {
    outcome: Option<Outcome>,
    outputs: BTreeMap<String, Value>,
    effects: BTreeMap<String, Value>,
}

impl Remains {
    fn of(driver: &Driver<'_>) -> Self {
        let mut remains = Self {
            outcome: driver.machine.outcome().cloned(),
            outputs: BTreeMap::new(),
            effects: BTreeMap::new(),
        };
        for Entry { path, kind, .. } in &driver.journal {
            match kind {
                Kind::Started { input, .. } => {
                    remains.effects.insert(path.to_string(), (**input).clone());
                }
                Kind::Succeeded { output, .. }
                | Kind::Resolved { verdict: Verdict::Happened { output }, .. }
                | Kind::Signalled { answer: output, .. } => {
                    remains.outputs.insert(path.to_string(), (**output).clone());
                }
                _ => {}
            }
        }
        remains
    }
}

fn differing<'a>(
    one: &'a BTreeMap<String, Value>,
    other: &'a BTreeMap<String, Value>,
) -> Option<&'a str> {
    let in_one = one.iter().find(|(path, value)| other.get(*path) != Some(value));
    let differs = in_one.or_else(|| other.iter().find(|(path, _)| !one.contains_key(*path)));
    differs.map(|(path, _)| path.as_str())
}

fn word(kind: &Kind) -> String {
    let value = serde_json::to_value(kind).unwrap_or_default();
    value["kind"].as_str().unwrap_or("entry").to_owned()
}
