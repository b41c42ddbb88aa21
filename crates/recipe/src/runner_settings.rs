//! `runner.yaml`: where the service listens, what it keeps, and the properties that recipes read.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::{
    check,
    diagnostic::{Diagnostic, Source},
    fields::{Fields, Known, Report},
    project::{Property, RunnerSettings},
    schema::{Field, Object, Shape, Text, Type},
    yaml::{self, Key, Node, Value},
};

const RUNNER: Known = Known {
    what: "`runner.yaml`",
    keys: &[
        "listen",
        "listen_hooks",
        "public_url",
        "behind_proxy",
        "data_dir",
        "time_zone",
        "retention",
        "notifications",
        "properties",
    ],
};
const RETENTION: Known = Known { what: "`retention`", keys: &["days", "megabytes"] };
const NOTIFICATIONS: Known = Known { what: "`notifications`", keys: &["webhook"] };
const PROPERTY: Known = Known { what: "a property", keys: &["type", "default", "description"] };

/// Reads `runner.yaml`; what is wrong in it is reported and keeps its default. `None` when it is not YAML.
pub(crate) fn read(source: &Arc<Source>, out: &mut Vec<Diagnostic>) -> Option<RunnerSettings> {
    let mut settings = RunnerSettings::default();
    let root = yaml::parse(source, out)?;
    let report = &mut Report { source, out };
    if matches!(root.value, Value::Null) {
        return Some(settings);
    }
    let Some(mut fields) = report.fields(root, RUNNER) else { return Some(settings) };
    if let Some(listen) = listen(report, &mut fields, "listen") {
        settings.listen = listen;
    }
    settings.listen_hooks = listen(report, &mut fields, "listen_hooks");
    if let Some((key, node)) = fields.take("behind_proxy") {
        if let Value::Bool(said) = node.value {
            settings.behind_proxy = said;
        } else if !matches!(node.value, Value::Broken) {
            let message = format!("`{}` is `true` or `false`, found {}", key.text, node.what());
            report.error("wrong-type", node.span, message);
        }
    }
    settings.public_url =
        fields.take("public_url").and_then(|(key, node)| url(report, &key, node, false));
    if let Some((key, node)) = fields.take("data_dir")
        && let Some(word) = report.constant(&key, node)
    {
        settings.data_dir = word.text;
    }
    if let Some((key, node)) = fields.take("time_zone")
        && let Some(word) = report.constant(&key, node)
    {
        if jiff::tz::TimeZone::get(&word.text).is_ok() {
            settings.time_zone = word.text;
        } else {
            let message = format!("there is no time zone `{}`", word.text);
            report
                .error("unknown-time-zone", word.span, message)
                .help
                .push("name it like `Europe/Vienna` or `UTC`".into());
        }
    }
    if let Some((_, node)) = fields.take("retention")
        && let Some(mut fields) = report.fields(node, RETENTION)
    {
        let mut number = |report: &mut Report<'_>, name| {
            fields.take(name).and_then(|(key, node)| report.number(&key, &node, 1))
        };
        settings.keep_days = number(report, "days").unwrap_or(settings.keep_days);
        settings.keep_megabytes =
            number(report, "megabytes").map_or(settings.keep_megabytes, u64::from);
    }
    if let Some((_, node)) = fields.take("notifications")
        && let Some(mut fields) = report.fields(node, NOTIFICATIONS)
    {
        settings.notify_webhook =
            fields.take("webhook").and_then(|(key, node)| url(report, &key, node, true));
    }
    if let Some((key, node)) = fields.take("properties") {
        properties(report, &key, node, &mut settings);
    }
    Some(settings)
}

/// Returns the shape of `properties`.
pub(crate) fn shape(settings: &RunnerSettings) -> Shape {
    let field = |(name, property): (&String, &Property)| Field {
        name: name.clone(),
        shape: property.shape.clone(),
        required: true,
        summary: property.summary.clone(),
        default: None,
    };
    let fields = settings.properties.iter().map(field).collect();
    Shape::of(Type::Object(Arc::new(Object { fields, others: None })))
}

fn listen(report: &mut Report<'_>, fields: &mut Fields, name: &str) -> Option<String> {
    let (key, node) = fields.take(name)?;
    let word = report.constant(&key, node)?;
    let right = word
        .text
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !right {
        let message = format!("`{}` is not an address to listen at", word.text);
        report
            .error("wrong-type", word.span, message)
            .help
            .push("an address is `host:port`, such as `127.0.0.1:7117`".into());
    }
    right.then_some(word.text)
}

fn url(report: &mut Report<'_>, key: &Key, node: Node, references: bool) -> Option<String> {
    let word = report.constant(key, node)?;
    let begins = |marks: &[&str]| {
        marks.iter().any(|mark| word.text.starts_with(mark) && word.text.len() > mark.len())
    };
    if begins(&["https://", "http://"]) || (references && begins(&["env:", "file:"])) {
        return Some(word.text.trim_end_matches('/').to_owned());
    }
    let message = format!("`{}` is a URL, found `{}`", key.text, word.text);
    report
        .error("wrong-type", word.span, message)
        .help
        .push("a URL begins with `https://` or `http://`".into());
    None
}

fn properties(report: &mut Report<'_>, key: &Key, node: Node, settings: &mut RunnerSettings) {
    let entries = match node.value {
        Value::Map(entries) => entries,
        Value::Null | Value::Broken => return,
        _ => {
            let message =
                format!("`{}` is a map from name to property, found {}", key.text, node.what());
            report.error("wrong-type", node.span, message);
            return;
        }
    };
    for (name, node) in entries {
        let named = name
            .text
            .bytes()
            .all(|next| next == b'_' || next.is_ascii_lowercase() || next.is_ascii_digit());
        if !named || name.text.starts_with(|first: char| first.is_ascii_digit()) {
            let message = format!("`{}` cannot be a property's name", name.text);
            report.error("bad-name", name.span, message).help.push(
                "a name has lower-case letters, digits and `_`, and begins with a letter".into(),
            );
            continue;
        }
        // A wrong property still exists: recipes that read it are not wrong because of it.
        let property = property(report, &name, node).unwrap_or(Property {
            shape: Shape::of(Type::Any),
            value: Json::Null,
            summary: String::new(),
        });
        settings.properties.insert(name.text, property);
    }
}

fn property(report: &mut Report<'_>, name: &Key, node: Node) -> Option<Property> {
    if !matches!(node.value, Value::Map(_) | Value::Broken) {
        let message = format!("the property `{}` has no `type`", name.text);
        report
            .error("missing-key", name.span, message)
            .help
            .push(format!("write `{}: {{ type: boolean, default: false }}`", name.text));
        return None;
    }
    let mut fields = report.fields(node, PROPERTY)?;
    let summary = fields.take("description").and_then(|(key, node)| report.constant(&key, node));
    let Some((key, node)) = fields.take("type") else {
        let message = format!("the property `{}` has no `type`", name.text);
        report
            .error("missing-key", name.span, message)
            .help
            .push("a type is one of: boolean, text, integer, number".into());
        return None;
    };
    let choices = [
        ("boolean", Type::Boolean),
        ("text", Type::Text(Text::default())),
        ("integer", Type::Integer),
        ("number", Type::Number),
    ];
    let words: Vec<(&'static str, usize)> =
        choices.iter().enumerate().map(|(at, (word, _))| (*word, at)).collect();
    let at = report.choice(&key, &node, &words)?;
    let shape = Shape::of(choices.into_iter().nth(at)?.1);
    let summary = summary.map_or_else(String::new, |word| word.text);
    let Some((key, node)) = fields.take("default") else {
        let message = format!("the property `{}` has no `default`", name.text);
        report
            .error("missing-key", name.span, message)
            .help
            .push("a property always has a value".into());
        return None;
    };
    let value = check::plain(&node);
    let fits = matches!(
        (&shape.of, &node.value),
        (Type::Boolean, Value::Bool(_))
            | (Type::Text(_), Value::Text(_))
            | (Type::Integer | Type::Number, Value::Int(_))
            | (Type::Number, Value::Float(_))
            | (_, Value::Broken)
    );
    if !fits {
        let span = if node.span.start == node.span.end { key.span } else { node.span };
        let message = format!("the default of `{}` does not have the property's type", name.text);
        report.error("wrong-type", span, message).help.push(match shape.of {
            Type::Boolean => "write `true` or `false`".into(),
            Type::Text(_) => "write a text, in quotes".into(),
            _ => "write a number, without quotes".into(),
        });
        return None;
    }
    Some(Property { shape, value, summary })
}
