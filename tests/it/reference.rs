//! The pages of reference, made from the code: the functions of expressions, what the connectors offer, and the
//! mistakes that the checker knows.
//!
//! `UPDATE=1 cargo test --test it reference` writes them.

use std::{fmt::Write, fs, path::Path};

use recipe::{
    ConnectorSpec, EffectSpec, Field, Form, Format, Function, Nulls, Object, Place, Shape, Type,
    Wants, functions, limits,
};

use crate::mistakes;

const FUNCTIONS: &str = "docs/functions.md";
const CONNECTORS: &str = "docs/connectors/reference.md";
const MISTAKES: &str = "docs/mistakes.md";
pub(crate) const MADE: &str =
    "This page is made from the code: `UPDATE=1 cargo test --test it reference`.\n";

#[test]
fn the_page_of_functions_is_the_table_of_the_language() {
    compare(FUNCTIONS, &functions_page());
}

#[test]
fn the_page_of_connectors_is_what_they_offer() {
    compare(CONNECTORS, &connectors_page());
}

#[test]
fn the_page_of_mistakes_is_the_gallery() {
    compare(MISTAKES, &mistakes::page());
}

#[expect(clippy::disallowed_methods, reason = "a test that writes is told so by its environment")]
fn compare(page: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, made).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == made, "{page} is old: run `UPDATE=1 cargo test --test it reference`");
}

fn functions_page() -> String {
    let mut page = format!(
        "# Functions of expressions\n\nA *filter* takes what stands before the `|`; a *function* is called by its name. \
         A `?` marks what may be left out. Each example runs as a test.\n\n{MADE}\n\
         The types are those that the check works with. What follows the value that a filter stands behind is said so: \
         \"a list of items\" has the items that the list before the `|` has, with their types.\n\n\
         | at most | |\n|---|---|\n"
    );
    for (what, how_much) in limits() {
        writeln!(page, "| {what} | {how_much} |").unwrap();
    }
    page += "\nBeyond that, an expression is refused by the check or fails with `too_expensive`.\n";
    for (form, heading) in [(Form::Filter, "Filters"), (Form::Function, "Functions")] {
        write!(page, "\n## {heading}\n\n").unwrap();
        page += "| how it is written | what it gives | takes → gives | example | null | may fail because |\n|---|---|---|---|---|---|\n";
        for function in functions().filter(|function| function.form == form) {
            page += &function_row(function);
        }
    }
    page
}

fn function_row(function: &'static Function) -> String {
    let null = match function.nulls {
        Nulls::Pass => "gives null",
        Nulls::Empty => "is an empty list",
        Nulls::Replace => "is replaced",
        Nulls::Take if function.parameters.is_empty() => "",
        Nulls::Take => "as any value",
    };
    let (expression, value) = function.example;
    format!(
        "| {} | {} | {} | {} → {} | {null} | {} |\n",
        code(&function.usage()),
        words(function.summary),
        types_of(function),
        code(expression),
        code(value),
        words(function.may_fail.unwrap_or_default()),
    )
}

/// Writes what each parameter takes, and what the function gives.
fn types_of(function: &'static Function) -> String {
    let mut takes: Vec<String> = Vec::new();
    for parameter in function.parameters {
        let constant = if parameter.constant { ", written out in quotes" } else { "" };
        takes.push(format!("`{}`: {}{constant}", parameter.name, parameter.wants.words()));
    }
    if function.columns {
        takes.push(format!("each `name`: {}", Wants::Any.words()));
    }
    let gives = function.gives();
    if takes.is_empty() {
        format!("→ {gives}")
    } else {
        format!("{} → {gives}", takes.join("; "))
    }
}

fn connectors_page() -> String {
    let mut connectors = vec![connector_greenhouse::connector(), connector_goco::connector()];
    connectors.extend(connector_standard::connectors());
    let mut page = format!("# Connectors\n\nWhat each connector takes and gives.\n\n{MADE}");
    for connector in &connectors {
        let spec = connector.spec();
        write!(page, "\n## {}\n\n{}\n", connector.name, words(&sentence(&spec.summary))).unwrap();
        page += &connector_part(connector.name, &spec);
    }
    page
}

fn connector_part(name: &str, spec: &ConnectorSpec) -> String {
    let mut part = String::new();
    match &spec.connection {
        Some(settings) => {
            write!(part, "\n### {name}: settings\n\nIn `connections.yaml`.\n\n").unwrap();
            part += "| setting | type | default | meaning |\n|---|---|---|---|\n";
            part += &setting_rows("", settings);
        }
        None => part += "\nIt needs no connection.\n",
    }
    if !spec.field_types.is_empty() {
        write!(part, "\n### {name}: types of custom fields\n\n").unwrap();
        part += "Any value may be null.\n\n| type | `value` |\n|---|---|\n";
        for (word, entry) in &spec.field_types {
            let Type::Object(entry) = &entry.of else { panic!("`{word}` is no map") };
            let value = &entry.field("value").expect("a custom field has a value").shape;
            writeln!(part, "| `{word}` | {} |", of_fields(value)).unwrap();
        }
    }
    for (trigger, spec) in &spec.triggers {
        write!(part, "\n### {name}.{trigger} (trigger)\n\n{}\n", words(&sentence(&spec.summary)))
            .unwrap();
        if !spec.with.fields.is_empty() {
            part += "\n| setting under `with` | type | default | meaning |\n|---|---|---|---|\n";
            part += &setting_rows("", &spec.with);
        }
        part += "\n| `event` | type | meaning |\n|---|---|---|\n";
        part += &output_rows("", &spec.event);
    }
    for (action, spec) in &spec.actions {
        let effect = match spec.effect {
            EffectSpec::Read => "It only reads.",
            EffectSpec::Idempotent => "It writes; a second call is harmless.",
            EffectSpec::Write { looks_up: true, .. } => {
                "It writes, once; an unknown outcome is looked up."
            }
            EffectSpec::Write { looks_up: false, .. } => {
                "It writes, once; an unknown outcome waits for a person."
            }
        };
        write!(part, "\n### {name}.{action}\n\n{} {effect}\n", words(&sentence(&spec.summary)))
            .unwrap();
        if !spec.input.fields.is_empty() {
            part += "\n| input | type | default | meaning |\n|---|---|---|---|\n";
            part += &setting_rows("", &spec.input);
        }
        let rows = output_rows("", &spec.output);
        if !rows.is_empty() {
            part += "\n| output | type | meaning |\n|---|---|---|\n";
            part += &rows;
        }
    }
    part
}

/// Writes what a person gives: settings and inputs, those inside others below them.
fn setting_rows(prefix: &str, object: &Object) -> String {
    let mut rows = String::new();
    for field in &object.fields {
        let name = format!("{prefix}{}", field.name);
        let inner = match &field.shape.of {
            Type::Object(inner) if !inner.fields.is_empty() => Some(inner),
            _ => None,
        };
        let default = match (&field.default, field.required, inner) {
            (_, true, _) => "**required**".into(),
            (Some(serde_json::Value::Null) | None, ..) | (_, _, Some(_)) => String::new(),
            (Some(value), ..) => code(&value.to_string()),
        };
        let of =
            if field.declares { "declared shape".to_owned() } else { type_words(&field.shape) };
        let meaning = words(&field.summary) + &examples(field);
        writeln!(rows, "| `{name}` | {of} | {default} | {meaning} |").unwrap();
        if let Some(inner) = inner {
            rows += &setting_rows(&format!("{name}."), &with_defaults(inner, field));
        }
    }
    rows
}

/// Shows values that a field could have, as they are written in YAML.
fn examples(field: &Field) -> String {
    let written = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) if text.contains("{{") => code(&format!("\"{text}\"")),
        serde_json::Value::String(text) => code(text),
        value => code(&value.to_string()),
    };
    let all: Vec<String> = field.examples.iter().map(written).collect();
    if all.is_empty() { String::new() } else { format!(" For example {}.", all.join(" or ")) }
}

/// Says where it is declared what a value holds.
fn declared(shape: &Shape) -> String {
    match shape.declared.as_deref().map(|declared| &declared.place) {
        Some(Place::Connection(path)) => {
            format!(" The types of its fields are declared in `connections.yaml`, in `{path}`.")
        }
        Some(Place::With(key)) => format!(" `with.{key}` can declare what it holds."),
        None => String::new(),
    }
}

/// Returns a map's fields with the defaults that the whole map has.
fn with_defaults(inner: &Object, field: &Field) -> Object {
    let mut inner = inner.clone();
    for one in &mut inner.fields {
        if let Some(of_whole) = field.default.as_ref().and_then(|value| value.get(&one.name)) {
            one.required = false;
            one.default.get_or_insert_with(|| of_whole.clone());
        }
    }
    inner
}

/// Writes what comes back.
fn output_rows(prefix: &str, shape: &Shape) -> String {
    let mut rows = String::new();
    let Type::Object(object) = &shape.of else { return rows };
    for field in &object.fields {
        let name = format!("{prefix}{}", field.name);
        let null = if field.shape.nullable { ", or null" } else { "" };
        writeln!(
            rows,
            "| `{name}` | {}{null} | {} |",
            type_words(&field.shape),
            words(&field.summary) + &declared(&field.shape)
        )
        .unwrap();
        match &field.shape.of {
            Type::List(item) => rows += &output_rows(&format!("{name}[]."), item),
            _ => rows += &output_rows(&format!("{name}."), &field.shape),
        }
    }
    rows
}

fn type_words(shape: &Shape) -> String {
    match &shape.of {
        Type::Any => "anything".into(),
        Type::Boolean => "true or false".into(),
        Type::Integer => "whole number".into(),
        Type::Number => "number".into(),
        Type::Text(text) if !text.choices.is_empty() => {
            text.choices.iter().map(|word| code(word)).collect::<Vec<_>>().join(", ")
        }
        Type::Text(text) => match text.format {
            Format::Plain => "text",
            Format::Date => "date",
            Format::DateTime => "moment",
            Format::Url => "URL",
            Format::Email => "e-mail address",
            Format::Secret => "secret (`env:` or `file:`)",
        }
        .into(),
        Type::List(item) => format!("list of {}", type_words(item)),
        Type::Object(object) => match &object.others {
            Some(of) => format!("map to {}", type_words(of)),
            None => "map".into(),
        },
    }
}

/// Returns the words for a type, those of a map's fields with it.
fn of_fields(shape: &Shape) -> String {
    let Type::Object(object) = &shape.of else { return type_words(shape) };
    let field = |field: &Field| format!("`{}`: {}", field.name, type_words(&field.shape));
    format!("map with {}", object.fields.iter().map(field).collect::<Vec<_>>().join(", "))
}

fn sentence(summary: &str) -> String {
    if summary.ends_with('.') { summary.into() } else { format!("{summary}.") }
}

/// Returns prose for a table's cell.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// Returns code for a table's cell: a bar would end the cell even there, and a backtick the code.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    format!("{fence}{}{fence}", text.replace('|', "\\|"))
}
