//! What a path finds, before any job: it is followed through the type of the value, as far as that is known.

use jsonpath_rust::parser::model::{Segment, Selector};

use crate::{
    diagnostic::Span,
    infer::Sight,
    schema::{Shape, Type},
};

use super::read;

/// Returns the type of a thing that the path finds, reporting a field that cannot be there.
///
/// Names, places and all items of a list lead from type to type. Where a path looks for fields by itself (`..`, several
/// at once, a filter over a map) or comes to a map with names of its own, what it finds may be anything.
pub(super) fn found(sight: &mut Sight<'_, '_>) -> Shape {
    let Some((path, at)) = sight.constant(1) else { return Shape::any() };
    let Ok(query) = read(&path) else { return Shape::any() };
    if query.segments.is_empty() {
        return sight.argument(0).or_null();
    }
    let mut shape = sight.argument(0);
    let mut walked = String::from("$");
    for segment in &query.segments {
        let Segment::Selector(selector) = segment else { return Shape::any() };
        let Some(next) = step(sight, &shape, selector, at, &walked) else { return Shape::any() };
        match selector {
            Selector::Name(name) => walked = format!("{walked}.{name}"),
            Selector::Index(index) => walked = format!("{walked}[{index}]"),
            _ => walked.push_str("[*]"),
        }
        shape = next;
    }
    shape
}

/// Returns what one selector finds in a value of this type; `None` when that may be anything.
fn step(
    sight: &mut Sight<'_, '_>,
    shape: &Shape,
    selector: &Selector,
    at: Span,
    walked: &str,
) -> Option<Shape> {
    match (selector, &shape.of) {
        (_, Type::Any) => None,
        (Selector::Name(name), Type::Object(object)) => {
            let owner = place(sight, walked);
            Some(sight.field(object, name, at, &owner))
        }
        (Selector::Name(name), of) => {
            let (owner, list) = (place(sight, walked), matches!(of, Type::List(_)));
            let what = if list { "a list" } else { "no map" };
            let message = format!("{owner} is {what}, so it has no `{name}`");
            let help = list.then(|| format!("for that of each item: `{walked}[*].{name}`"));
            sight.report("unknown-field", at, message, help);
            None
        }
        (
            Selector::Index(_) | Selector::Wildcard | Selector::Slice(..) | Selector::Filter(_),
            Type::List(item),
        ) => Some((**item).clone()),
        _ => None,
    }
}

/// Names what was found so far: the value itself, or a place in it.
fn place(sight: &Sight<'_, '_>, walked: &str) -> String {
    let subject = sight.named();
    if walked == "$" { subject } else { format!("`{walked}` in {subject}") }
}
