//! `for_each` and `repeat_while`.

use crate::{
    document::{
        Condition, Kind, Rounds,
        steps::{block, missing},
    },
    fields::{Fields, Report},
    yaml::{Key, Node},
};

pub(super) fn for_each(
    report: &mut Report<'_>,
    fields: &mut Fields,
    key: &Key,
    value: &Node,
) -> Kind {
    let items = Condition { expression: report.expression(key, value) };
    let variable = fields.take("as").and_then(|(key, node)| report.constant(&key, node));
    let steps = match fields.take("steps") {
        Some((key, node)) => block(report, &key, node),
        None => missing(report, key, "steps"),
    };
    let mut number = |report: &mut Report<'_>, name: &str| {
        let (key, node) = fields.take(name)?;
        Some((key.span, report.number(&key, &node, 1)?))
    };
    let batch = number(report, "batch").map(|(_, batch)| batch);
    let at_once = number(report, "at_once");
    let collect = fields
        .take("collect")
        .map(|(key, node)| Condition { expression: report.expression(&key, &node) });
    Kind::ForEach(Rounds { items, variable, steps, batch, at_once, collect })
}

pub(super) fn repeat_while(
    report: &mut Report<'_>,
    fields: &mut Fields,
    key: &Key,
    value: &Node,
) -> Kind {
    let condition = Condition { expression: report.expression(key, value) };
    let steps = match fields.take("steps") {
        Some((key, node)) => block(report, &key, node),
        None => missing(report, key, "steps"),
    };
    let max = if let Some((key, node)) = fields.take("max") {
        report.number(&key, &node, 1)
    } else {
        report.error("missing-key", key.span, "this `repeat_while` has no `max`").help.push(
            "say how many rounds there are at most: `max: 100`; one more is a failure".into(),
        );
        None
    };
    Kind::RepeatWhile { condition, steps, max }
}
