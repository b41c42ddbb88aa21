//! CSV as text.

use std::borrow::Cow;

use csv::{ReaderBuilder, WriterBuilder};
use serde_json::{Map, Value};

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_text, list_of, open_map, optional,
    required, text_shape,
};
use crate::expression::operators::kind;

const PLAIN: Function = Function {
    name: "",
    form: Form::Filter,
    parameters: &[],
    columns: false,
    nulls: Nulls::Pass,
    summary: "",
    example: ("", ""),
    may_fail: None,
    run: |call| Ok(call.take(0)),
    gives: gives_text,
    check: Some(check_separator),
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "from_csv",
        summary: "The rows of a CSV text as maps of texts, named by its first line; `separator` is a comma if not given",
        parameters: &[required("text", Wants::Text), optional("separator", Wants::Text)],
        example: (
            r#"'name;city\nAnn;"Oslo; Norway"' | from_csv(';')"#,
            r#"[{"name": "Ann", "city": "Oslo; Norway"}]"#,
        ),
        may_fail: Some("a row may have more or fewer cells than the first line"),
        run: from_csv,
        gives: |_| list_of(open_map(text_shape())),
        ..PLAIN
    },
    Function {
        name: "to_csv",
        summary: "The items (maps of texts, numbers, true, false or null) as CSV text: these columns, or those of the first \
                  item",
        parameters: &[
            required("list", Wants::List),
            optional("columns", Wants::List),
            optional("separator", Wants::Text),
        ],
        nulls: Nulls::Empty,
        example: (
            "[{'name': 'Ann', 'note': 'a, b'}] | to_csv(['note', 'name'])",
            r#""note,name\n\"a, b\",Ann\n""#,
        ),
        may_fail: Some("an item may be no map of plain values"),
        run: to_csv,
        ..PLAIN
    },
];

fn from_csv<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    // Each row repeats the names of the columns, and is paid for with them before it is made.
    let separator = separator(call.optional_text(1))?;
    let mut taken = call.take(0);
    let text = taken.to_mut().as_str().unwrap_or("").trim_start_matches('\u{feff}').to_owned();
    let mut reader =
        ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes());
    let unreadable = |error: &csv::Error| {
        Fault::new("invalid_value", format!("{} is not CSV: {error}", call.subject))
    };
    let names: Vec<String> = match reader.headers() {
        Ok(names) => names.iter().map(|name| name.trim().to_owned()).collect(),
        Err(error) => return Err(unreadable(&error)),
    };
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            let message = format!("{} has two columns `{name}`", call.subject);
            return Err(Fault::new("ambiguous", message).hint("give each column its own name"));
        }
    }
    let width: usize = names.iter().map(|name| name.len() + 16).sum();
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| unreadable(&error))?;
        if record.len() != names.len() {
            let message = format!(
                "row {} of {} has {} cells, but there are {} columns",
                index + 2,
                call.subject,
                record.len(),
                names.len()
            );
            return Err(Fault::new("invalid_value", message)
                .hint("is the separator right? name it: `from_csv(';')`"));
        }
        call.fuel.spend(width.saturating_add(record.as_slice().len()))?;
        let cells = names.iter().cloned().zip(record.iter().map(Value::from));
        rows.push(Value::Object(cells.collect::<Map<_, _>>()));
    }
    Ok(Cow::Owned(Value::Array(rows)))
}

fn to_csv<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let separator = separator(call.optional_text(2))?;
    let columns: Vec<String> = if call.value(1).is_null() {
        let first = call.list(0).first().and_then(Value::as_object);
        first.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    } else {
        let named = call.list(1).iter().map(|name| name.as_str().map(str::to_owned));
        named
            .collect::<Option<_>>()
            .ok_or_else(|| Fault::wrong_type("`to_csv` needs the names of columns, as texts"))?
    };
    if columns.is_empty() {
        return call.give_text(String::new());
    }
    // A row is at least as wide as its separators, however little is in it.
    let cells = call.list(0).len().saturating_mul(columns.len());
    call.fuel.spend(cells)?;
    let mut writer = WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
    let failed = |_| Fault::new("invalid_value", "the rows cannot be written as CSV");
    writer.write_record(&columns).map_err(failed)?;
    for (index, item) in call.list(0).iter().enumerate() {
        let mut row = Vec::with_capacity(columns.len());
        for column in &columns {
            row.push(match item.get(column) {
                None | Some(Value::Null) if item.is_object() => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
                other => {
                    let message = format!(
                        "item {} of {} has {} for `{column}`, where a cell of CSV is needed",
                        index + 1,
                        call.subject,
                        kind(other.unwrap_or(item))
                    );
                    return Err(Fault::wrong_type(message)
                        .hint("name the columns to write: `to_csv(['name', 'city'])`"));
                }
            });
        }
        writer.write_record(&row).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|_| Fault::new("invalid_value", "no CSV was made"))?;
    call.give_text(String::from_utf8_lossy(&bytes).into_owned())
}

fn separator(given: Option<&str>) -> Result<u8, Fault> {
    read_separator(given.unwrap_or(",")).map_err(|reason| Fault::new("invalid_value", reason))
}

fn read_separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [one] if one.is_ascii() && !matches!(one, b'"' | b'\n' | b'\r') => Ok(*one),
        _ => Err(format!("`{text}` is no separator of CSV; one sign, such as `,` or `;`")),
    }
}

fn check_separator(arguments: &[Option<&Value>]) -> Result<(), (usize, String)> {
    // The last argument of both.
    let last = arguments.len().saturating_sub(1);
    match arguments.get(last).copied().flatten().and_then(Value::as_str) {
        Some(text) if last > 0 => read_separator(text).map(drop).map_err(|reason| (last, reason)),
        _ => Ok(()),
    }
}
