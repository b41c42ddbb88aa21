//! Compares a recipe as it was said with the connectors, and makes a [`Recipe`] of one without mistakes.
//!
//! The walk goes through the steps in the order of the text and keeps what is known at each: the shape of every name,
//! which steps have run, which paths are not null. Guards narrow that knowledge for what they guard, a guarded `stop`
//! for everything after it. Nothing ends at the first mistake; what is wrong becomes "anything", so that one mistake is
//! reported once.

mod assemble;
mod binding;
mod calls;
mod fit;
mod flow;
mod hints;
mod inputs;
mod naming;
mod once;
mod shapes;
mod trigger;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    catalogue::{Catalogue, ConnectorSpec},
    cores::on_every_core,
    declare::Said,
    diagnostic::{Diagnostic, Source, Span},
    document::{self, Document},
    recipe::Recipe,
    schema::{Object, Shape},
    table::Tables,
};

pub(crate) use assemble::{name_of, plain, plain_map};
pub(crate) use inputs::{constant as constant_input, constant_value};
pub(crate) use naming::is_name;
pub(crate) use once::once;

/// What recipes are checked against.
#[derive(Debug)]
pub(crate) struct World<'a> {
    /// The connectors.
    pub(crate) catalogue: &'a Catalogue,
    /// The connections with their connectors, right or wrong: a mistake in one is reported where it is.
    pub(crate) connections: BTreeMap<String, String>,
    /// The settings of those without a mistake, for what they declare.
    pub(crate) settings: BTreeMap<String, Value>,
    /// Whether `connections.yaml` cannot be read at all: no recipe can be bound, and that is reported once.
    pub(crate) connections_unreadable: bool,
    /// The recipes of the project, right or wrong, as others see them.
    pub(crate) recipes: BTreeMap<String, Signature>,
    /// What `properties` holds.
    pub(crate) properties: Shape,
    /// The tables, right or wrong.
    pub(crate) tables: Arc<Tables>,
}

/// Reads and checks all recipes of a project: a recipe is checked after those that it calls, whose outputs it sees.
///
/// Returns them in the order of the sources, `None` for one with a mistake.
pub(crate) fn recipes(
    sources: &[Arc<Source>],
    world: &mut World<'_>,
    out: &mut Vec<Diagnostic>,
) -> Vec<Option<Recipe>> {
    let mut drafts: Vec<Draft<'_>> = on_every_core(sources.iter().collect(), Draft::read);
    for draft in &drafts {
        world.recipes.insert(draft.name.clone(), Signature::of(draft.document.as_ref()));
    }
    let rounds = calls::rounds(&mut drafts);
    for round in 0..rounds.iter().max().map_or(0, |last| last + 1) {
        let due = drafts.iter_mut().zip(&rounds).filter(|(_, of)| **of == round);
        let checked = on_every_core(due.map(|(draft, _)| draft).collect(), |draft| {
            draft.check(world);
            draft
        });
        for Draft { name, found, output, .. } in checked {
            if let Some(Signature::Called { output: known, .. }) = world.recipes.get_mut(name) {
                *known = (!inputs::has_error(found)).then(|| output.clone());
            }
        }
    }
    let finished = on_every_core(drafts, |draft| draft.finish(world));
    finished
        .into_iter()
        .map(|(recipe, mut found)| {
            out.append(&mut found);
            recipe
        })
        .collect()
}

/// A recipe on its way.
#[derive(Debug)]
struct Draft<'a> {
    source: &'a Arc<Source>,
    name: String,
    document: Option<Document>,
    found: Vec<Diagnostic>,
    /// What a caller gets.
    output: Shape,
}

impl<'a> Draft<'a> {
    fn read(source: &'a Arc<Source>) -> Self {
        let mut found = Vec::new();
        let document = document::read(source, &mut found);
        file_name(source, &mut found);
        Self { source, name: name_of(source).to_owned(), document, found, output: Shape::any() }
    }

    fn check(&mut self, world: &World<'_>) {
        if let Some(document) = &self.document {
            self.output = whole(document, self.source, world, &mut self.found);
        }
    }

    fn finish(mut self, world: &World<'_>) -> (Option<Recipe>, Vec<Diagnostic>) {
        self.found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        once(&mut self.found);
        let right = !inputs::has_error(&self.found) && !world.connections_unreadable;
        let document =
            self.document.filter(|document| right && !binding::rest_on_mistake(document, world));
        let recipe =
            document.map(|document| assemble::recipe(document, self.source, world, self.output));
        (recipe, self.found)
    }
}

impl World<'_> {
    /// Returns what is said about the open values of a trigger or step on this connection.
    fn said<'a>(
        &'a self,
        (step, spec): (String, &'a ConnectorSpec),
        connection: Option<&'a str>,
        with: BTreeMap<String, Shape>,
    ) -> Said<'a> {
        let connection = connection.and_then(|name| Some((name, self.settings.get(name)?)));
        Said { step, spec, connection, with }
    }
}

/// What a recipe is to others that call it.
#[derive(Debug)]
pub(crate) enum Signature {
    /// It can be called.
    Called {
        /// What it takes.
        input: Arc<Object>,
        /// What it gives; `None` when that is not known because something in it is wrong.
        output: Option<Shape>,
    },
    /// It has a trigger.
    Triggered,
    /// Nothing is known about it: something in it is wrong, and reported there.
    Unreadable,
}

impl Signature {
    fn of(document: Option<&Document>) -> Self {
        match document {
            Some(Document { input: Some(input), .. }) => {
                Self::Called { input: input.clone(), output: None }
            }
            Some(Document { trigger: Some(_), .. }) => Self::Triggered,
            _ => Self::Unreadable,
        }
    }
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

/// Checks a whole document; returns the shape of what a caller gets.
fn whole(
    document: &Document,
    source: &Arc<Source>,
    world: &World<'_>,
    out: &mut Vec<Diagnostic>,
) -> Shape {
    naming::check(document, source, out);
    binding::check_defaults(document, source, world, out);
    let start = trigger::check(document, source, world, out);
    let output = flow::check(document, source, world, &start, out);
    hints::undeclared(&start.unsaid, source, world, out);
    output
}
