//! `runner.yaml`: where the service listens, what it keeps, and the properties that recipes read.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::{
    diagnostic::{Diagnostic, Source},
    document::declared,
    fields::{Fields, Known, Report},
    project::{Property, RunnerSettings},
    schema::{Field, Object, Shape, Type},
    yaml::{self, Key, Node, Value},
};

pub(crate) const RUNNER: Known = Known {
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
pub(crate) const RETENTION: Known =
    Known { what: "`retention`", keys: &["days", "payload_days", "megabytes"] };
pub(crate) const NOTIFICATIONS: Known = Known { what: "`notifications`", keys: &["webhook"] };

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
        settings.keep_payload_days = number(report, "payload_days");
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
        summary: property.summary.clone(),
        ..Field::new(name, property.shape.clone())
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

/// A property is declared like an input of a recipe, and always has a value.
fn property(report: &mut Report<'_>, name: &Key, node: Node) -> Option<Property> {
    let before = report.out.len();
    let field = declared::field(report, name, node);
    if report.out.len() > before {
        return None;
    }
    let value = match field.default {
        Some(value) => value,
        None if field.shape.nullable => Json::Null,
        None => {
            let message = format!("the property `{}` has no `default`", name.text);
            let help = &mut report.error("missing-key", name.span, message).help;
            help.push("a property always has a value".into());
            help.push(format!("write `{}: {{ type: boolean, default: false }}`", name.text));
            return None;
        }
    };
    Some(Property { shape: field.shape, value, summary: field.summary })
}
