//! Compares a recipe as it was said with the connectors, and makes a [`Recipe`] of one without mistakes.
//!
//! The walk goes through the steps in the order of the text and keeps what is known at each: the shape of every name,
//! which steps have run, which paths are not null. Guards narrow that knowledge for what they guard, a guarded `stop`
//! for everything after it. Nothing ends at the first mistake; what is wrong becomes "anything", so that one mistake is
//! reported once.

mod assemble;
mod binding;
mod fit;
mod flow;
mod inputs;
mod naming;
mod shapes;
mod trigger;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    catalogue::Catalogue,
    diagnostic::{Diagnostic, Severity, Source, Span},
    document::{self, Document},
    recipe::Recipe,
    schema::Shape,
    table::Tables,
};

pub(crate) use assemble::{name_of, plain, plain_map};
pub(crate) use inputs::constant as constant_input;

/// What recipes are checked against.
#[derive(Debug)]
pub(crate) struct World<'a> {
    /// The connectors.
    pub(crate) catalogue: &'a Catalogue,
    /// The connections with their connectors, right or wrong: a mistake in one is reported where it is.
    pub(crate) connections: BTreeMap<String, String>,
    /// Whether `connections.yaml` cannot be read at all: no recipe can be bound, and that is reported once.
    pub(crate) connections_unreadable: bool,
    /// What `properties` holds.
    pub(crate) properties: Shape,
    /// The tables, right or wrong.
    pub(crate) tables: Arc<Tables>,
}

/// Reads and checks one recipe.
pub(crate) fn recipe(
    source: &Arc<Source>,
    world: &World<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Recipe> {
    let mut found = Vec::new();
    let document = document::read(source, &mut found);
    file_name(source, &mut found);
    if let Some(document) = &document {
        whole(document, source, world, &mut found);
    }
    found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    let right = found.iter().all(|diagnostic| diagnostic.severity != Severity::Error)
        && !world.connections_unreadable;
    out.append(&mut found);
    document.filter(|_| right).map(|document| assemble::recipe(document, source, world))
}

/// A recipe's file name is its name in URLs, on the command line and in history.
fn file_name(source: &Arc<Source>, out: &mut Vec<Diagnostic>) {
    let name = name_of(source);
    let fine =
        |next: u8| next.is_ascii_lowercase() || next.is_ascii_digit() || b"-_".contains(&next);
    if name.is_empty() || !name.bytes().all(fine) {
        let message = format!("a recipe cannot be named `{name}`");
        out.push(
            Diagnostic::error("bad-name", source, Span::new(0, 0), message)
                .help("the file's name is the recipe's name: lower-case letters, digits, `-` and `_`, then `.yaml`"),
        );
    }
}

fn whole(document: &Document, source: &Arc<Source>, world: &World<'_>, out: &mut Vec<Diagnostic>) {
    naming::check(document, source, out);
    binding::check_defaults(document, source, world, out);
    let event = trigger::check(document, source, world, out);
    flow::check(document, source, world, event, out);
}
