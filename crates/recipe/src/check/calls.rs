//! Which recipe calls which: the order they are checked in, and calls that never end.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    check::Draft,
    diagnostic::{Diagnostic, Span},
    document::{Document, Kind, for_each_step},
};

/// A call of one draft by another: the place of the called one, and where it is called.
type Edge = (usize, Span);

/// Returns for each draft in which round it is checked: after all that it calls. Those of one round know nothing of each
/// other. Reports those that call themselves.
pub(super) fn rounds(drafts: &mut [Draft<'_>]) -> Vec<usize> {
    let places: BTreeMap<&str, usize> =
        drafts.iter().enumerate().map(|(at, draft)| (draft.name.as_str(), at)).collect();
    let edges: Vec<Vec<Edge>> = drafts
        .iter()
        .map(|draft| draft.document.as_ref().map_or_else(Vec::new, |it| called(it, &places)))
        .collect();
    let mut callers = vec![Vec::new(); drafts.len()];
    let mut open: Vec<usize> = edges.iter().map(Vec::len).collect();
    for (at, edges) in edges.iter().enumerate() {
        for (called, _) in edges {
            callers[*called].push(at);
        }
    }
    let (mut rounds, mut round) = (vec![0; drafts.len()], 0);
    let mut due: Vec<usize> = (0..drafts.len()).filter(|at| open[*at] == 0).collect();
    while !due.is_empty() {
        let mut next = Vec::new();
        for done in due {
            rounds[done] = round;
            for caller in &callers[done] {
                open[*caller] -= 1;
                if open[*caller] == 0 {
                    next.push(*caller);
                }
            }
        }
        due = next;
        round += 1;
    }
    // What is left calls itself, or something that does.
    let left: Vec<usize> = (0..drafts.len()).filter(|at| open[*at] > 0).collect();
    for at in &left {
        // One by one, so that what each sees of the others does not depend on which core is faster.
        rounds[*at] = round;
        round += 1;
        let Some((span, way)) = way_back(*at, &edges) else { continue };
        let names: Vec<&str> = way.iter().map(|at| drafts[*at].name.as_str()).collect();
        let name = names[0];
        let message = if way.len() == 2 {
            format!("`{name}` calls itself")
        } else {
            format!("`{name}` calls itself through others")
        };
        let diagnostic = Diagnostic::error("call-cycle", drafts[*at].source, span, message)
            .label(shown(&names))
            .help("such calls never end; to do something again and again use `repeat_while` or `for_each`");
        drafts[*at].found.push(diagnostic);
    }
    rounds
}

/// Returns the recipes that one calls, each call once.
fn called(document: &Document, places: &BTreeMap<&str, usize>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for_each_step(document.steps.iter().chain(&document.finally), &mut |step, _| {
        if let Kind::Call(call) = &step.kind
            && let Some(target) = &call.target
            && let Some(at) = places.get(target.text.as_str())
        {
            edges.push((*at, target.span));
        }
    });
    edges
}

/// Returns the shortest way from a draft back to itself, both ends included, and where its first call stands.
fn way_back(from: usize, edges: &[Vec<Edge>]) -> Option<(Span, Vec<usize>)> {
    let mut reached: BTreeMap<usize, (usize, Span)> = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(at) = open.pop_front() {
        for (called, span) in &edges[at] {
            if reached.contains_key(called) {
                continue;
            }
            reached.insert(*called, (at, *span));
            if *called != from {
                open.push_back(*called);
                continue;
            }
            let (mut way, mut first, mut at) = (vec![from], *span, at);
            while at != from {
                way.push(at);
                (at, first) = reached[&at];
            }
            way.push(from);
            way.reverse();
            return Some((first, way));
        }
    }
    None
}

fn shown(names: &[&str]) -> String {
    const MOST: usize = 12;
    let all: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if all.len() <= MOST {
        return all.join(" → ");
    }
    format!("{} → … → {}", all[..MOST - 1].join(" → "), all[0])
}
