//! What RFC 9535 forbids and `jsonpath-rust` reads all the same: functions whose arguments are of the wrong kind.

use jsonpath_rust::parser::model::{
    Comparable, Filter, FilterAtom, FnArg, Segment, Selector, Test, TestFunction,
};

/// Returns why a path is not well-typed (RFC 9535 §2.4.3), if it is not.
pub(super) fn sound(segments: &[Segment]) -> Result<(), String> {
    segments.iter().try_for_each(segment)
}

fn segment(segment: &Segment) -> Result<(), String> {
    match segment {
        Segment::Descendant(inner) => self::segment(inner),
        Segment::Selector(one) => selector(one),
        Segment::Selectors(several) => several.iter().try_for_each(selector),
    }
}

fn selector(selector: &Selector) -> Result<(), String> {
    match selector {
        Selector::Filter(filter) => self::filter(filter),
        _ => Ok(()),
    }
}

fn filter(filter: &Filter) -> Result<(), String> {
    match filter {
        Filter::Or(several) | Filter::And(several) => several.iter().try_for_each(self::filter),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => self::filter(expr),
        Filter::Atom(FilterAtom::Test { expr, .. }) => match &**expr {
            Test::Function(function) if gives_a_value(function) => {
                Err(format!("`{}(…)` gives a value, which must be compared", name(function)))
            }
            test => query(test),
        },
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = comparison.vals();
            comparable(left).and_then(|()| comparable(right))
        }
    }
}

fn comparable(comparable: &Comparable) -> Result<(), String> {
    match comparable {
        Comparable::Function(function) if gives_a_value(function) => call(function),
        Comparable::Function(function) => {
            Err(format!("`{}(…)` is true or false already and is not compared", name(function)))
        }
        Comparable::Literal(_) | Comparable::SingularQuery(_) => Ok(()),
    }
}

fn query(test: &Test) -> Result<(), String> {
    match test {
        Test::RelQuery(segments) => sound(segments),
        Test::AbsQuery(query) => sound(&query.segments),
        Test::Function(function) => call(function),
    }
}

fn call(function: &TestFunction) -> Result<(), String> {
    match function {
        TestFunction::Length(of) => value(of, function),
        TestFunction::Count(of) | TestFunction::Value(of) => nodes(of, function),
        TestFunction::Match(text, pattern) | TestFunction::Search(text, pattern) => {
            value(text, function).and_then(|()| value(pattern, function))
        }
        TestFunction::Custom(name, _) => Err(format!(
            "a path has no function `{name}`; there are `length`, `count`, `value`, `match` and `search`"
        )),
    }
}

/// A value: written out, found by a path that finds one at most, or given by a function.
fn value(argument: &FnArg, function: &TestFunction) -> Result<(), String> {
    let fits = match argument {
        FnArg::Literal(_) => true,
        FnArg::Filter(_) => false,
        FnArg::Test(test) => match &**test {
            Test::RelQuery(segments) => singular(segments),
            Test::AbsQuery(query) => singular(&query.segments),
            Test::Function(inner) => gives_a_value(inner) && call(inner).is_ok(),
        },
    };
    if fits {
        return Ok(());
    }
    Err(format!("`{}(…)` in a path needs one value, such as `@.name`", name(function)))
}

/// The places that a path finds.
fn nodes(argument: &FnArg, function: &TestFunction) -> Result<(), String> {
    match argument {
        FnArg::Test(test) if !matches!(**test, Test::Function(_)) => query(test),
        _ => Err(format!("`{}(…)` in a path needs a path, such as `@.*`", name(function))),
    }
}

fn singular(segments: &[Segment]) -> bool {
    segments
        .iter()
        .all(|segment| matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_))))
}

fn gives_a_value(function: &TestFunction) -> bool {
    matches!(function, TestFunction::Length(_) | TestFunction::Count(_) | TestFunction::Value(_))
}

fn name(function: &TestFunction) -> &str {
    match function {
        TestFunction::Custom(name, _) => name,
        TestFunction::Length(_) => "length",
        TestFunction::Value(_) => "value",
        TestFunction::Count(_) => "count",
        TestFunction::Search(..) => "search",
        TestFunction::Match(..) => "match",
    }
}
