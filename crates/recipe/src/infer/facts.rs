//! What a guard lets one know: expressions that are not null, lists that have items.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::expression::{
    Expression,
    operators::{equal, order},
    tree::{Kind, Node, Operator, Test},
};

/// What is known not to be null, and which lists are known to have an item.
///
/// Expressions have no effects, so the same words mean the same value until a variable in them is set anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    known: BTreeSet<String>,
    /// Whether a guard of this place is wrong, and reported: nobody knows what it would prove.
    doubtful: bool,
}

impl Facts {
    /// A guard of this place is wrong: what it would prove is not missed as well.
    #[must_use]
    pub(crate) fn in_doubt(self, doubtful: bool) -> Self {
        Self { doubtful: self.doubtful || doubtful, ..self }
    }

    /// Returns whether a guard of this place is wrong.
    pub(crate) fn doubtful(&self) -> bool {
        self.doubtful
    }

    /// Forgets what is known about `vars.name`, because it is set.
    pub fn forget_variable(&mut self, name: &str) {
        let variable = format!("vars[{name:?}]");
        self.known.retain(|fact| !fact.contains(&variable));
    }

    /// Forgets what is known about a name, because it means another value now (an `as` name in the next loop).
    pub fn forget_name(&mut self, name: &str) {
        let word = |fact: &str| {
            fact.match_indices(name).any(|(at, _)| {
                let letter = |character: char| {
                    character.is_alphanumeric() || character == '_' || character == '"'
                };
                !fact[..at].ends_with(letter) && !fact[at + name.len()..].starts_with(letter)
            })
        };
        self.known.retain(|fact| !word(fact));
    }

    /// Keeps only what is known in both: what holds after two branches meet.
    #[must_use]
    pub fn in_both(&self, other: &Self) -> Self {
        let known = self.known.intersection(&other.known).cloned().collect();
        Self { known, doubtful: self.doubtful || other.doubtful }
    }

    fn and(&self, other: &Self) -> Self {
        let known = self.known.union(&other.known).cloned().collect();
        Self { known, doubtful: self.doubtful || other.doubtful }
    }

    pub(super) fn present(&self, node: &Node) -> bool {
        canonical(node).is_some_and(|text| self.known.contains(&text))
    }

    pub(super) fn has_items(&self, node: &Node) -> bool {
        canonical(node).is_some_and(|text| self.known.contains(&with_items(&text)))
    }

    fn add(&mut self, node: &Node) {
        if let Some(text) = canonical(node) {
            self.known.insert(text);
        }
        // What is read through null is null, so nothing on the way is null either.
        match &node.kind {
            Kind::Field { of, .. } => self.add(of),
            Kind::Item { of, .. } => {
                self.add(of);
                self.add_items(of);
            }
            Kind::Apply(apply) => match (apply.function.name, apply.arguments.first()) {
                ("first" | "last" | "min" | "max", Some(Some(list))) => {
                    self.add(list);
                    self.add_items(list);
                }
                (_, Some(Some(subject)))
                    if apply.function.nulls == crate::functions::Nulls::Pass =>
                {
                    self.add(subject);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn add_items(&mut self, node: &Node) {
        if let Some(text) = canonical(node) {
            self.known.insert(with_items(&text));
        }
        // A choice of items of a list has items only if the list has.
        if let Kind::Apply(apply) = &node.kind
            && matches!(
                apply.function.name,
                "where" | "compact" | "unique" | "sort" | "reverse" | "pluck"
            )
            && let Some(Some(list)) = apply.arguments.first()
        {
            self.add(list);
            self.add_items(list);
        }
    }
}

/// Returns what is known when the expression is `truth`, beside what is known anyway.
pub fn narrow(expression: &Expression, truth: bool, facts: &Facts) -> Facts {
    narrow_node(&expression.tree, truth, facts)
}

pub(super) fn narrow_node(node: &Node, truth: bool, facts: &Facts) -> Facts {
    let (holds, fails) = learnt(node);
    facts.and(&if truth { holds } else { fails })
}

/// Returns what is learnt from the expression being true, and from its being false. Each piece is looked at once:
/// doing so anew for each side would double the work at every level.
fn learnt(node: &Node) -> (Facts, Facts) {
    let (mut holds, mut fails) = (Facts::default(), Facts::default());
    match &node.kind {
        Kind::Not(inner) => {
            let (holds, fails) = learnt(inner);
            return (fails, holds);
        }
        // The right side is looked at only when the left one does not decide.
        Kind::Both(left, right) => {
            let (left, right) = (learnt(left), learnt(right));
            return (left.0.and(&right.0), left.1.in_both(&left.0.and(&right.1)));
        }
        Kind::Either(left, right) => {
            let (left, right) = (learnt(left), learnt(right));
            return (left.0.in_both(&left.1.and(&right.0)), left.1.and(&right.1));
        }
        Kind::Is { value, test: Test::Null } => fails.add(value),
        Kind::Is { value, test: Test::Empty } => {
            fails.add(value);
            fails.add_items(value);
        }
        Kind::Is { value, .. } => holds.add(value),
        Kind::Operation { operator, left, right } => {
            narrow_operation(*operator, left, right, true, &mut holds);
            narrow_operation(*operator, left, right, false, &mut fails);
        }
        Kind::Name(_) | Kind::Field { .. } | Kind::Item { .. } | Kind::Apply(_) => {
            holds.add(node);
            fails.add(node);
        }
        _ => {}
    }
    (holds, fails)
}

fn narrow_operation(operator: Operator, left: &Node, right: &Node, truth: bool, facts: &mut Facts) {
    match operator {
        Operator::Equal | Operator::Unequal => {
            let equal = truth == (operator == Operator::Equal);
            for (one, other) in [(left, right), (right, left)] {
                match &other.kind {
                    Kind::Constant(Value::Null) if !equal => facts.add(one),
                    Kind::Constant(constant) if equal && !constant.is_null() => facts.add(one),
                    _ => {}
                }
            }
        }
        Operator::In if truth => {
            facts.add(right);
            facts.add_items(right);
            let not_null =
                |item: &Node| matches!(&item.kind, Kind::Constant(constant) if !constant.is_null());
            if matches!(&right.kind, Kind::List(items) if items.iter().all(not_null)) {
                facts.add(left);
            }
        }
        operator if operator.orders() => {
            facts.add(left);
            facts.add(right);
        }
        _ => {}
    }
    // `x | length > 0` in any of its spellings: were the length 0, the condition would not be `truth`.
    for (one, other, swapped) in [(left, right, false), (right, left, true)] {
        if let (Kind::Apply(apply), Kind::Constant(bound)) = (&one.kind, &other.kind)
            && apply.function.name == "length"
            && let Some(Some(counted)) = apply.arguments.first()
            && holds_for_zero(operator, bound, swapped) == Some(!truth)
        {
            facts.add(counted);
            facts.add_items(counted);
        }
    }
}

fn holds_for_zero(operator: Operator, bound: &Value, swapped: bool) -> Option<bool> {
    let zero = Value::from(0);
    let (left, right) = if swapped { (bound, &zero) } else { (&zero, bound) };
    let ordering = order(left, right)?;
    Some(match operator {
        Operator::Equal => equal(left, right),
        Operator::Unequal => !equal(left, right),
        Operator::Less => ordering.is_lt(),
        Operator::AtMost => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        Operator::AtLeast => ordering.is_ge(),
        _ => return None,
    })
}

fn with_items(text: &str) -> String {
    format!("{text} has items")
}

/// Returns one spelling for all ways to write the same expression, or `None` where equality is of no use.
fn canonical(node: &Node) -> Option<String> {
    Some(match &node.kind {
        Kind::Name(name) => name.clone(),
        Kind::Field { of, name, .. } => format!("{}[{name:?}]", canonical(of)?),
        Kind::Item { of, key } => format!("{}[{}]", canonical(of)?, canonical(key)?),
        Kind::Constant(value) => value.to_string(),
        Kind::Apply(apply) => {
            let mut arguments = Vec::new();
            for argument in &apply.arguments {
                arguments.push(match argument {
                    Some(argument) => canonical(argument)?,
                    None => String::new(),
                });
            }
            for column in &apply.columns {
                arguments.push(format!("{}={}", column.name, canonical(&column.value)?));
            }
            format!("{}({})", apply.function.name, arguments.join(","))
        }
        _ => return None,
    })
}
