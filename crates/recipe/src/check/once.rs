//! One mistake, one report: what several places say of the same mistake is said once.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;

/// How many further places of the same mistake are shown; the others are counted.
const SHOWN: usize = 3;

/// Leaves each mistake once: about connections the first report, about a name that does not exist one with all places.
///
/// The reports are those of one file, in the order of the text.
pub(crate) fn once(found: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let mut more: BTreeMap<usize, usize> = BTreeMap::new();
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(found.len());
    for one in found.drain(..) {
        let (connection, name) = (of_connections(&one), of_names(&one));
        if !connection && !name {
            kept.push(one);
            continue;
        }
        let Some(at) = first.get(&one.message).copied() else {
            first.insert(one.message.clone(), kept.len());
            kept.push(one);
            continue;
        };
        // The same piece of text may be looked at twice.
        if name
            && kept[at].span != one.span
            && kept[at].also.iter().all(|(span, _)| *span != one.span)
        {
            let others = more.entry(at).or_default();
            *others += 1;
            if *others <= SHOWN {
                kept[at].also.push((one.span, "and here".into()));
            }
        }
    }
    for (at, others) in more {
        let one = &mut kept[at];
        // What is used several times is rather misspelt where it gets its name: only a person can say.
        one.fix = None;
        match others.saturating_sub(SHOWN) {
            0 => {}
            1 => one.help.push("and in one more place".into()),
            more => one.help.push(format!("and in {more} more places")),
        }
        one.help.push("if these are right, the name is misspelt where it is given".into());
    }
    *found = kept;
}

/// Every step that uses the same connection would draw it again.
fn of_connections(one: &Diagnostic) -> bool {
    ["missing-connection", "unknown-connection", "wrong-connection"].contains(&one.code)
}

/// Every expression that uses a name which was misspelt where it is given would draw it again.
fn of_names(one: &Diagnostic) -> bool {
    ["unknown-step", "unknown-name"].contains(&one.code)
        || (one.code == "unknown-field"
            && ["`vars` has no field", "`input` has no field"]
                .iter()
                .any(|said| one.message.starts_with(said)))
}
