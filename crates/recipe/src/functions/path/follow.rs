//! Follows a path through a value, step by step, paying for every value it looks at.
//!
//! `jsonpath-rust` reads the path; its own evaluation has no limit (`$..*..*..*` over a few hundred bytes takes
//! gigabytes) and compares numbers with a tolerance, so the tree it gives is followed here.

use std::{borrow::Cow, collections::HashMap};

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, JpQuery, Literal, Segment, Selector,
    SingularQuery, SingularQuerySegment, Test, TestFunction,
};
use regex::Regex;
use serde_json::Value;

use crate::{
    expression::{
        fuel::Fuel,
        operators::{equal, order},
    },
    functions::{Fault, patterns},
};

/// What a value found costs: so much that the most an expression can find is about a million places.
const FOUND: usize = 8;

/// Returns what `query` finds in `root`, in the order of RFC 9535.
pub(super) fn follow<'v>(
    query: &JpQuery,
    root: &'v Value,
    fuel: &mut Fuel,
) -> Result<Vec<&'v Value>, Fault> {
    Walk { root, fuel, patterns: HashMap::new() }.nodes(&query.segments, root)
}

struct Walk<'v, 'f> {
    root: &'v Value,
    fuel: &'f mut Fuel,
    /// The patterns of `match` and `search`, read once; none for what is no pattern.
    patterns: HashMap<String, Option<Regex>>,
}

impl<'v> Walk<'v, '_> {
    fn nodes(&mut self, segments: &[Segment], from: &'v Value) -> Result<Vec<&'v Value>, Fault> {
        let mut found = vec![from];
        for segment in segments {
            let mut next = Vec::new();
            for value in found {
                self.segment(segment, value, &mut next)?;
            }
            found = next;
        }
        Ok(found)
    }

    fn segment(
        &mut self,
        segment: &Segment,
        value: &'v Value,
        out: &mut Vec<&'v Value>,
    ) -> Result<(), Fault> {
        match segment {
            Segment::Selector(selector) => self.selector(selector, value, out),
            Segment::Selectors(selectors) => {
                selectors.iter().try_for_each(|selector| self.selector(selector, value, out))
            }
            Segment::Descendant(inner) => {
                // A stack of our own: the depth of a value is the sender's choice.
                let mut waiting = vec![value];
                while let Some(value) = waiting.pop() {
                    self.fuel.spend(FOUND)?;
                    self.segment(inner, value, out)?;
                    let start = waiting.len();
                    waiting.extend(children(value));
                    waiting[start..].reverse();
                }
                Ok(())
            }
        }
    }

    fn selector(
        &mut self,
        selector: &Selector,
        value: &'v Value,
        out: &mut Vec<&'v Value>,
    ) -> Result<(), Fault> {
        self.fuel.spend(1)?;
        match selector {
            Selector::Name(name) => self.keep(value.as_object().and_then(|map| map.get(name)), out),
            Selector::Index(index) => self.keep(item(value, *index), out),
            Selector::Wildcard => children(value).try_for_each(|child| self.keep(Some(child), out)),
            Selector::Slice(start, end, step) => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                sliced(items.len(), *start, *end, step.unwrap_or(1))
                    .try_for_each(|index| self.keep(items.get(index), out))
            }
            Selector::Filter(filter) => children(value).try_for_each(|child| {
                if self.holds(filter, child)? { self.keep(Some(child), out) } else { Ok(()) }
            }),
        }
    }

    fn keep(&mut self, found: Option<&'v Value>, out: &mut Vec<&'v Value>) -> Result<(), Fault> {
        if let Some(found) = found {
            self.fuel.spend(FOUND)?;
            out.push(found);
        }
        Ok(())
    }

    fn holds(&mut self, filter: &Filter, current: &'v Value) -> Result<bool, Fault> {
        self.fuel.spend(1)?;
        match filter {
            Filter::Or(filters) => {
                for filter in filters {
                    if self.holds(filter, current)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::And(filters) => {
                for filter in filters {
                    if !self.holds(filter, current)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Atom(FilterAtom::Filter { expr, not }) => {
                Ok(self.holds(expr, current)? != *not)
            }
            Filter::Atom(FilterAtom::Test { expr, not }) => Ok(self.test(expr, current)? != *not),
            Filter::Atom(FilterAtom::Comparison(comparison)) => self.compare(comparison, current),
        }
    }

    fn test(&mut self, test: &Test, current: &'v Value) -> Result<bool, Fault> {
        match test {
            Test::Function(function) => {
                let given = self.call(function, current)?;
                Ok(given.as_deref() == Some(&Value::Bool(true)))
            }
            query => Ok(!self.query(query, current)?.is_empty()),
        }
    }

    fn query(&mut self, query: &Test, current: &'v Value) -> Result<Vec<&'v Value>, Fault> {
        match query {
            Test::RelQuery(segments) => self.nodes(segments, current),
            Test::AbsQuery(query) => self.nodes(&query.segments, self.root),
            Test::Function(_) => Ok(Vec::new()),
        }
    }

    fn compare(&mut self, comparison: &Comparison, current: &'v Value) -> Result<bool, Fault> {
        let (left, right) = comparison.vals();
        let left = self.comparable(left, current)?;
        let right = self.comparable(right, current)?;
        // Lists and maps are compared whole.
        for value in [&left, &right].into_iter().flatten() {
            self.fuel.spend_on(value)?;
        }
        let same = || match (&left, &right) {
            (Some(left), Some(right)) => equal(left, right),
            (None, None) => true,
            _ => false,
        };
        let ordered = || order(left.as_deref()?, right.as_deref()?);
        Ok(match comparison {
            Comparison::Eq(..) => same(),
            Comparison::Ne(..) => !same(),
            Comparison::Lt(..) => ordered().is_some_and(std::cmp::Ordering::is_lt),
            Comparison::Gt(..) => ordered().is_some_and(std::cmp::Ordering::is_gt),
            Comparison::Lte(..) => same() || ordered().is_some_and(std::cmp::Ordering::is_lt),
            Comparison::Gte(..) => same() || ordered().is_some_and(std::cmp::Ordering::is_gt),
        })
    }

    fn comparable(
        &mut self,
        comparable: &Comparable,
        current: &'v Value,
    ) -> Result<Option<Cow<'v, Value>>, Fault> {
        match comparable {
            Comparable::Literal(literal) => Ok(Some(Cow::Owned(constant(literal)))),
            Comparable::Function(function) => self.call(function, current),
            Comparable::SingularQuery(query) => {
                let (from, steps) = match query {
                    SingularQuery::Current(steps) => (current, steps),
                    SingularQuery::Root(steps) => (self.root, steps),
                };
                self.fuel.spend(steps.len())?;
                let found = steps.iter().try_fold(from, |value, step| match step {
                    SingularQuerySegment::Name(name) => value.as_object()?.get(name),
                    SingularQuerySegment::Index(index) => item(value, *index),
                });
                Ok(found.map(Cow::Borrowed))
            }
        }
    }

    fn call(
        &mut self,
        function: &TestFunction,
        current: &'v Value,
    ) -> Result<Option<Cow<'v, Value>>, Fault> {
        let given = match function {
            TestFunction::Length(of) => {
                let length = match self.value(of, current)?.as_deref() {
                    Some(Value::String(text)) => {
                        self.fuel.spend(text.len())?;
                        text.chars().count()
                    }
                    Some(Value::Array(items)) => items.len(),
                    Some(Value::Object(fields)) => fields.len(),
                    _ => return Ok(None),
                };
                Value::from(length)
            }
            TestFunction::Count(of) => self.arguments(of, current)?.len().into(),
            TestFunction::Value(of) => {
                let found = self.arguments(of, current)?;
                let only = (found.len() == 1).then(|| found.first().copied()).flatten();
                return Ok(only.map(Cow::Borrowed));
            }
            TestFunction::Match(text, pattern) => {
                self.matches(text, pattern, true, current)?.into()
            }
            TestFunction::Search(text, pattern) => {
                self.matches(text, pattern, false, current)?.into()
            }
            TestFunction::Custom(..) => return Ok(None),
        };
        Ok(Some(Cow::Owned(given)))
    }

    fn arguments(&mut self, of: &FnArg, current: &'v Value) -> Result<Vec<&'v Value>, Fault> {
        match of {
            FnArg::Test(query) => self.query(query, current),
            FnArg::Literal(_) | FnArg::Filter(_) => Ok(Vec::new()),
        }
    }

    fn value(&mut self, of: &FnArg, current: &'v Value) -> Result<Option<Cow<'v, Value>>, Fault> {
        match of {
            FnArg::Literal(literal) => Ok(Some(Cow::Owned(constant(literal)))),
            FnArg::Test(test) => match &**test {
                Test::Function(function) => self.call(function, current),
                query => Ok(self.query(query, current)?.first().copied().map(Cow::Borrowed)),
            },
            FnArg::Filter(_) => Ok(None),
        }
    }

    fn matches(
        &mut self,
        text: &FnArg,
        pattern: &FnArg,
        whole: bool,
        current: &'v Value,
    ) -> Result<bool, Fault> {
        let (text, pattern) = (self.value(text, current)?, self.value(pattern, current)?);
        let (Some(text), Some(pattern)) =
            (text.as_deref().and_then(Value::as_str), pattern.as_deref().and_then(Value::as_str))
        else {
            return Ok(false);
        };
        self.fuel.spend(patterns::work(text))?;
        let written = portable(pattern, whole);
        if !self.patterns.contains_key(&written) {
            self.fuel.spend(patterns::READING)?;
            let read = patterns::read(&written).ok();
            self.patterns.insert(written.clone(), read);
        }
        Ok(self
            .patterns
            .get(&written)
            .is_some_and(|pattern| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))))
    }
}

fn children<'v>(value: &'v Value) -> Box<dyn Iterator<Item = &'v Value> + 'v> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn item(value: &Value, index: i64) -> Option<&Value> {
    let items = value.as_array()?;
    let place =
        if index < 0 { index.checked_add(i64::try_from(items.len()).ok()?)? } else { index };
    items.get(usize::try_from(place).ok()?)
}

/// Returns the places that a slice takes, as RFC 9535 §2.3.4.2.2 says it.
fn sliced(
    length: usize,
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
) -> Box<dyn Iterator<Item = usize>> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let from_end = |bound: i64| if bound < 0 { length.saturating_add(bound) } else { bound };
    let Ok(stride) = usize::try_from(step.unsigned_abs()) else {
        return Box::new(std::iter::empty());
    };
    let place = |index: i64| usize::try_from(index).ok();
    match step {
        1.. => {
            let lower = from_end(start.unwrap_or(0)).clamp(0, length);
            let upper = from_end(end.unwrap_or(length)).clamp(0, length);
            Box::new((lower..upper).step_by(stride).filter_map(place))
        }
        0 => Box::new(std::iter::empty()),
        _ => {
            let upper = from_end(start.unwrap_or(length - 1)).clamp(-1, length - 1);
            let lower = end.map_or(-1, |end| from_end(end).clamp(-1, length - 1));
            Box::new((lower + 1..=upper).rev().step_by(stride).filter_map(place))
        }
    }
}

fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::Int(number) => (*number).into(),
        Literal::Float(number) => (*number).into(),
        Literal::String(text) => text.as_str().into(),
        Literal::Bool(value) => (*value).into(),
        Literal::Null => Value::Null,
    }
}

/// Writes an I-Regexp (RFC 9485) as ours: its `.` is neither end of line, and `match` is about the whole text.
fn portable(pattern: &str, whole: bool) -> String {
    let mut written = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                written.push(character);
                written.extend(characters.next());
                continue;
            }
            '.' if !in_class => {
                written.push_str(r"[^\n\r]");
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        written.push(character);
    }
    if whole { format!(r"\A(?:{written})\z") } else { written }
}
