//! Declared shapes: the one notation for what a recipe takes, what a person answers, and the properties of a project.
//!
//! A shape is a word (`text`, `integer`, `number`, `boolean`, `date`, `datetime`), with a `?` behind it when the value
//! may be left out; a list of one shape (`[text]`); a map from name to shape; or a long form: a map with `type`, and
//! `description`, `default`, `choices` or `required: false`.

use std::sync::Arc;

use crate::{
    check,
    fields::{Known, Report},
    schema::{Field, Format, Object, Shape, Text, Type},
    suggest,
    yaml::{Key, Node, Value},
};

/// The words for types.
pub(crate) const WORDS: [&str; 6] = ["text", "integer", "number", "boolean", "date", "datetime"];

pub(crate) const LONG: Known = Known {
    what: "a declared value",
    keys: &["type", "description", "default", "choices", "required"],
};

/// Returns a map of anything, for a declaration that was wrong and reported.
pub(crate) fn open() -> Arc<Object> {
    Arc::new(Object { fields: Vec::new(), others: Some(Box::new(Shape::any())) })
}

/// Reads a map from name to shape, such as the value of `input`. What is wrong in one field leaves that field anything.
pub(crate) fn fields(report: &mut Report<'_>, key: &Key, node: Node) -> Option<Arc<Object>> {
    map(report, key, node, Names::Own)
}

fn map(report: &mut Report<'_>, key: &Key, node: Node, names: Names) -> Option<Arc<Object>> {
    let entries = match node.value {
        Value::Map(entries) => entries,
        Value::Broken => return None,
        Value::Null => {
            report
                .error("missing-value", key.span, format!("`{}` has no value", key.text))
                .help
                .push(format!("write `{}: {{ name: text }}`", key.text));
            return None;
        }
        _ => {
            let message =
                format!("`{}` is a map from name to type, found {}", key.text, node.what());
            report
                .error("wrong-type", node.span, message)
                .help
                .push(format!("write `{}: {{ name: text }}`", key.text));
            return None;
        }
    };
    let before = report.out.len();
    let one = |(name, node): (Key, Node)| match names {
        Names::Own => field(report, &name, node),
        Names::Foreign => named_field(report, &name, node, names),
    };
    let fields = entries.into_iter().map(one).collect();
    // With a mistake in it nobody can tell what else it was meant to hold.
    let others = (report.out.len() > before).then(|| Box::new(Shape::any()));
    Some(Arc::new(Object { fields, others }))
}

/// Reads one named shape.
pub(crate) fn field(report: &mut Report<'_>, name: &Key, node: Node) -> Field {
    check::is_name(report, "the name of a value", name);
    named_field(report, name, node, Names::Own)
}

/// Reads the shape of a value that somebody else writes, such as the body of a delivery.
pub(crate) fn foreign(report: &mut Report<'_>, key: &Key, node: Node) -> Option<Shape> {
    shape(report, key, node, Names::Foreign)
}

/// Who chose the names of fields: those of others are as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Own,
    Foreign,
}

fn named_field(report: &mut Report<'_>, name: &Key, node: Node, names: Names) -> Field {
    let mut field = Field::new(&name.text, Shape::of(Type::Any));
    let shape = if is_long(&node) {
        long(report, name, node, &mut field, names)
    } else {
        shape(report, name, node, names)
    };
    if let Some(shape) = shape {
        field.required &= !shape.nullable;
        field.shape = shape;
    } else {
        // What its type would have been is not known, nor whether it may be left out.
        field.required = false;
    }
    if !field.required {
        field.shape.nullable = true;
    }
    field
}

/// Whether a map describes one value: it has `type`, and otherwise only what goes with it, or what was meant so.
fn is_long(node: &Node) -> bool {
    let Value::Map(entries) = &node.value else { return false };
    let known = |key: &str| LONG.keys.contains(&key);
    entries.iter().any(|(key, _)| key.text == "type")
        && entries.iter().all(|(key, _)| {
            known(&key.text) || suggest::closest(&key.text, LONG.keys.iter().copied()).is_some()
        })
}

fn long(
    report: &mut Report<'_>,
    name: &Key,
    node: Node,
    field: &mut Field,
    names: Names,
) -> Option<Shape> {
    let mut fields = report.fields(node, LONG)?;
    let (key, node) = fields.take("type")?;
    let mut shape = shape(report, &key, node, names);
    if let Some((key, node)) = fields.take("description") {
        field.summary = report.constant(&key, node).map(|word| word.text).unwrap_or_default();
    }
    if let Some((key, node)) = fields.take("required") {
        field.required = report.boolean(&key, &node).unwrap_or(true);
    }
    if let Some((key, node)) = fields.take("choices") {
        let words = choices(report, &key, node);
        match shape.as_mut().map(|shape| &mut shape.of) {
            Some(Type::Text(text)) if text.format == Format::Plain => text.choices = words,
            Some(_) => {
                let message = format!("`{}` is not text, so it has no `choices`", name.text);
                report.error("wrong-type", key.span, message).help.push("remove the key".into());
            }
            None => {}
        }
    }
    if let Some((key, node)) = fields.take("default") {
        let fits =
            shape.as_ref().is_none_or(|shape| default(report, (&key, &node), shape, &name.text));
        if fits {
            field.default = Some(check::plain(&node));
        }
        // What has a default always has a value.
        field.required = true;
        if let Some(shape) = &mut shape {
            shape.nullable = false;
        }
    }
    shape
}

fn choices(report: &mut Report<'_>, key: &Key, node: Node) -> Vec<String> {
    let Some(items) = report.list(key, node, "texts") else { return Vec::new() };
    if items.is_empty() {
        report.error("missing-value", key.span, "`choices` names no text");
    }
    items.into_iter().filter_map(|item| Some(report.constant(key, item)?.text)).collect()
}

/// Reports a constant that does not fit its declared shape; returns whether it fits.
pub(crate) fn default(
    report: &mut Report<'_>,
    given: (&Key, &Node),
    shape: &Shape,
    owner: &str,
) -> bool {
    let before = report.out.len();
    check::constant_value(report.source, report.out, given, shape, owner);
    report.out.len() == before
}

/// Reports an answer that does not fit what was asked for.
pub(crate) fn answer(report: &mut Report<'_>, key: &Key, node: &Node, wanted: &Arc<Object>) {
    default(report, (key, node), &Shape::of(Type::Object(wanted.clone())), "wait_for");
}

fn shape(report: &mut Report<'_>, key: &Key, node: Node, names: Names) -> Option<Shape> {
    match node.value {
        Value::Text(ref text) => {
            let (word, nullable) = match text.strip_suffix('?') {
                Some(word) => (word.trim_end(), true),
                None => (text.as_str(), false),
            };
            if let Some(of) = named(word) {
                return Some(Shape { nullable, ..Shape::of(of) });
            }
            let message = format!("`{word}` is not a type");
            let diagnostic = report.error("unknown-type", node.span, message);
            diagnostic.label = meant(word).map(|near| format!("did you mean `{near}`?"));
            diagnostic.help.push(types());
            None
        }
        Value::List(mut items) if items.len() == 1 => {
            let item = items.pop().expect("it has one");
            let item = shape(report, key, item, names)?;
            Some(Shape::of(Type::List(Box::new(item))))
        }
        Value::List(_) => {
            let message = format!("`{}` is a list of one type, such as `[text]`", key.text);
            report.error("unknown-type", node.span, message).help.push(types());
            None
        }
        Value::Map(_) => Some(Shape::of(Type::Object(map(report, key, node, names)?))),
        Value::Broken => None,
        Value::Null => {
            report
                .error("missing-value", key.span, format!("`{}` has no type", key.text))
                .help
                .push(types());
            None
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            let message = format!("`{}` is not a type", node.written(report.source));
            report.error("unknown-type", node.span, message).help.push(types());
            None
        }
    }
}

fn named(word: &str) -> Option<Type> {
    let text = |format| Type::Text(Text { format, choices: Vec::new() });
    Some(match word {
        "text" => text(Format::Plain),
        "integer" => Type::Integer,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        "date" => text(Format::Date),
        "datetime" => text(Format::DateTime),
        _ => return None,
    })
}

/// Returns the type that somebody meant who knows another notation.
fn meant(word: &str) -> Option<&'static str> {
    match word {
        "string" | "str" => Some("text"),
        "int" => Some("integer"),
        "float" | "double" | "decimal" => Some("number"),
        "timestamp" | "date-time" | "date_time" => Some("datetime"),
        "array" | "list" => Some("[text]"),
        _ => suggest::closest(word, WORDS),
    }
}

/// Lists the types.
pub(crate) fn types() -> String {
    format!(
        "types: {}; `?` behind one for what may be left out, `[text]` for a list",
        suggest::list(WORDS)
    )
}
