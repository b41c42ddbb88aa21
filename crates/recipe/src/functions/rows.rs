//! Rows of lookup tables.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Call, Fault, Form, Function, Given, Nulls, constant};
use crate::expression::operators::kind;

const PLAIN: Function = Function {
    name: "",
    form: Form::Function,
    parameters: &[constant("table")],
    columns: true,
    nulls: Nulls::Take,
    summary: "",
    example: ("", ""),
    may_fail: None,
    run: |call| row(call, true),
    gives: |sight| sight.row(false),
    check: None,
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "lookup",
        summary: "The one row of the table whose columns have these values (compared without white space at their ends); \
                  null when a value is null; none or several is a failure",
        example: ("lookup('employment_types', greenhouse='Full-time').goco", r#""full_time""#),
        may_fail: Some("the table may have no such row"),
        run: |call| row(call, true),
        ..PLAIN
    },
    Function {
        name: "find_row",
        summary: "Like `lookup`, but null when the table has no such row",
        example: ("find_row('employment_types', greenhouse='Astronaut')", "null"),
        may_fail: Some("the table may have several such rows"),
        run: |call| row(call, false),
        gives: |sight| sight.row(true),
        ..PLAIN
    },
];

fn row<'a>(call: &mut Call<'_, 'a>, must_exist: bool) -> Given<'a> {
    let name = call.text(0).to_owned();
    let Some(table) = call.scope.tables.tables.get(&name) else {
        return Err(Fault::new("not_found", format!("there is no table `{name}`")));
    };
    let mut wanted: Vec<(usize, &str)> = Vec::new();
    for (column, value) in &call.columns {
        let Some(index) = table.columns.iter().position(|known| known == column) else {
            return Err(Fault::new(
                "not_found",
                format!("`{}` has no column `{column}`", table.path),
            ));
        };
        match &**value {
            Value::String(text) => wanted.push((index, text.trim())),
            Value::Null => return Ok(Cow::Owned(Value::Null)),
            other => {
                let message =
                    format!("`{column}` is compared with {}, but tables hold text", kind(other));
                return Err(Fault::wrong_type(message).hint("make text of a number with `| text`"));
            }
        }
    }
    let cells = table.rows.len().saturating_mul(wanted.len());
    call.fuel.spend(cells)?;
    let mut found = table.rows.iter().enumerate().filter(|(_, row)| {
        wanted.iter().all(|(index, text)| row.get(*index).is_some_and(|cell| cell.trim() == *text))
    });
    let criteria = || {
        let pairs: Vec<_> = wanted
            .iter()
            .map(|(index, text)| format!("{} `{text}`", table.columns[*index]))
            .collect();
        pairs.join(" and ")
    };
    match (found.next(), found.count()) {
        (Some((at, row)), 0) => {
            if let Some(watch) = &call.scope.tables.watch {
                watch.found(&name, at);
            }
            let fields = table.columns.iter().cloned().zip(row.iter().cloned().map(Value::String));
            Ok(Cow::Owned(Value::Object(fields.collect::<Map<_, _>>())))
        }
        (Some(_), more) => {
            let message = format!("`{}` has {} rows with {}", table.path, more + 1, criteria());
            Err(Fault::new("ambiguous", message)
                .hint(format!("leave one of them in `{}`, or name another column too", table.path)))
        }
        (None, _) if must_exist => {
            Err(Fault::new("not_found", format!("`{}` has no row with {}", table.path, criteria()))
                .hint(format!(
                    "add a row for it to `{}`, or correct the value where it comes from",
                    table.path
                )))
        }
        (None, _) => Ok(Cow::Owned(Value::Null)),
    }
}
