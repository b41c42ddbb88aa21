//! Ranges: what a count, a moment or a time that passed is held against, and what is said of it.

use std::fmt::Display;

use jiff::{SignedDuration, Timestamp};

use super::{keys::Reporter, known};
use crate::{
    diagnostic::Span,
    durations,
    yaml::{Node, Value},
};

/// Exactly one value, or all of those between two.
#[derive(Debug)]
pub struct Range<T> {
    /// Where it stands in the test file.
    pub span: Span,
    /// The least that fits, and whether it fits itself.
    least: Option<(T, bool)>,
    /// The most that fits, and whether it fits itself.
    most: Option<(T, bool)>,
}

impl<T: PartialOrd + Copy> Range<T> {
    /// Returns the range of one value.
    pub fn exactly(value: T, span: Span) -> Self {
        Self { span, least: Some((value, true)), most: Some((value, true)) }
    }

    /// Returns the one value that fits, if there is only one.
    pub fn only(&self) -> Option<T> {
        match (self.least, self.most) {
            (Some((least, true)), Some((most, true))) if least == most => Some(least),
            _ => None,
        }
    }

    /// Returns whether a value fits.
    pub fn holds(&self, value: T) -> bool {
        self.least.is_none_or(|(least, itself)| value > least || itself && value == least)
            && self.most.is_none_or(|(most, itself)| value < most || itself && value == most)
    }

    /// Says what fits, with each value as `shown` shows it.
    pub fn said<D: Display>(&self, shown: impl Fn(T) -> D) -> String {
        if let Some(only) = self.only() {
            return shown(only).to_string();
        }
        let least = self.least.map(|(least, itself)| {
            format!("{} {}", if itself { "at least" } else { "more than" }, shown(least))
        });
        let most = self.most.map(|(most, itself)| {
            format!("{} {}", if itself { "at most" } else { "less than" }, shown(most))
        });
        [least, most].into_iter().flatten().collect::<Vec<_>>().join(" and ")
    }

    /// Reads one value, or a map with its bounds. What a value is, `one` reads; an empty range is a mistake.
    fn read(
        node: &Node,
        of: &str,
        to: &mut Reporter<'_>,
        mut one: impl FnMut(&Node, &str, &mut Reporter<'_>) -> Option<T>,
    ) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            return one(node, of, to).map(|value| Self::exactly(value, node.span));
        }
        let mut range = Self { span: node.span, least: None, most: None };
        for (key, value) in to.entries(node, known::RANGE.what, known::RANGE.keys) {
            let Some(bound) = one(value, &format!("`{}`", key.text), to) else { continue };
            let (end, itself) = match key.text.as_str() {
                "at_least" => (&mut range.least, true),
                "greater" => (&mut range.least, false),
                "at_most" => (&mut range.most, true),
                _ => (&mut range.most, false),
            };
            if end.replace((bound, itself)).is_some() {
                let message = format!("{of} has two bounds on the same side");
                to.error("wrong-value", key.span, message);
            }
        }
        let empty = match (range.least, range.most) {
            (Some((least, both)), Some((most, itself))) => {
                least > most || least == most && !(both && itself)
            }
            _ => false,
        };
        if empty {
            to.error("wrong-value", node.span, format!("{of} names a range in which nothing is"));
        }
        let bounded = range.least.is_some() || range.most.is_some();
        if !bounded && matches!(&node.value, Value::Map(entries) if entries.is_empty()) {
            to.error("wrong-value", node.span, format!("{of} has no bounds"))
                .help
                .push("write `{ at_least: …, at_most: … }`, or one of them".into());
        }
        bounded.then_some(range)
    }
}

/// Reads how often something is.
pub(super) fn count(node: &Node, of: &str, to: &mut Reporter<'_>) -> Option<Range<u32>> {
    Range::read(node, of, to, |node, of, to| to.count(node, of))
}

/// Reads when something is.
pub(super) fn moment(node: &Node, of: &str, to: &mut Reporter<'_>) -> Option<Range<Timestamp>> {
    Range::read(node, of, to, |node, of, to| to.moment(node, of))
}

/// Reads how long something takes.
pub(super) fn time(node: &Node, of: &str, to: &mut Reporter<'_>) -> Option<Range<SignedDuration>> {
    Range::read(node, of, to, |node, of, to| {
        let text = to.text(node, of)?;
        match durations::parse(text) {
            Ok(time) => Some(SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)),
            Err(why) => {
                to.error("wrong-value", node.span, why).help.push(durations::FORMAT.into());
                None
            }
        }
    })
}
