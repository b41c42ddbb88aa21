//! Hints: what a recipe reads of open values that the project could declare, once for each of them.

use std::sync::Arc;

use crate::{
    check::World,
    diagnostic::{Diagnostic, Source},
    document::declared,
    infer::Unsaid,
    schema::Place,
    suggest,
};

/// Reports each open value whose fields are read and not declared, at the first place that reads one.
pub(super) fn undeclared(
    unsaid: &Unsaid,
    source: &Arc<Source>,
    world: &World<'_>,
    out: &mut Vec<Diagnostic>,
) {
    for ((owner, place), fields) in unsaid.take() {
        let first = fields.values().min().copied().unwrap_or_default();
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        let (which, them) = match names.as_slice() {
            [_] => ("type", "it"),
            _ => ("types", "them"),
        };
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "nothing declares the {which} of {}, so what is done with {them} is not checked",
            quoted.join(", ")
        );
        let (lines, types) = match &place {
            Place::Connection(path) => (
                format!(
                    "declare {them} in `connections.yaml`:\n{}",
                    settings(&owner, path, &names)
                ),
                format!("TYPE is one of: {}", suggest::list(words(world, &owner))),
            ),
            Place::With(key) => (
                format!("declare {them} at {owner}: `with: {{ {key}: {} }}`", map(&names)),
                format!("TYPE is one of the {}", declared::types()),
            ),
        };
        out.push(
            Diagnostic::hint("undeclared-field", source, first, message).help(lines).help(types),
        );
    }
}

/// Returns the lines that `connections.yaml` needs.
fn settings(connection: &str, path: &str, fields: &[&str]) -> String {
    let keys = path.split('.').zip(1..);
    let keys = keys.map(|(key, depth)| format!("\n{}{key}:", "  ".repeat(depth)));
    format!("{connection}:{} {}", keys.collect::<String>(), map(fields))
}

/// Writes a map of fields whose types are still to be said.
fn map(fields: &[&str]) -> String {
    let plain = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|next| next.is_ascii_alphanumeric() || next == b'_')
    };
    let one = |name: &&str| {
        if plain(name) { format!("{name}: TYPE") } else { format!("{name:?}: TYPE") }
    };
    format!("{{ {} }}", fields.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// Returns the words for types of the connector that a connection is for.
fn words<'a>(world: &'a World<'_>, connection: &str) -> impl Iterator<Item = &'a str> {
    let connector = world.connections.get(connection);
    let spec = connector.and_then(|connector| world.catalogue.connectors.get(connector));
    spec.into_iter().flat_map(|spec| spec.field_types.keys().map(String::as_str))
}
