//! Which connection a step or trigger uses: its own, else the recipe's for that connector, else the only one there is.

use std::sync::Arc;

use crate::{
    catalogue::ConnectorSpec,
    check::World,
    diagnostic::{Diagnostic, Source, Span},
    document::{Document, Kind, for_each_step},
    fields::Word,
    suggest,
};

/// Returns the connection for a step of `connector` (`None` when it needs none), or what is wrong.
pub(super) fn bind(
    document: &Document,
    world: &World<'_>,
    connector: &str,
    spec: &ConnectorSpec,
    own: Option<&Word>,
    (span, source): (Span, &Arc<Source>),
) -> Result<Option<String>, Option<Box<Diagnostic>>> {
    if spec.connection.is_none() {
        return match own {
            None => Ok(None),
            Some(own) => {
                let message = format!("`{connector}` needs no connection");
                Err(Some(Box::new(
                    Diagnostic::error("wrong-connection", source, own.span, message)
                        .help("leave the key out"),
                )))
            }
        };
    }
    if world.connections_unreadable {
        return Err(None);
    }
    if let Some(own) = own {
        return fits(world, connector, own, source).map(Some).map_err(Some);
    }
    if let Some((_, named)) = document.connections.iter().find(|(of, _)| of.text == connector) {
        // Checked, and reported if wrong, where it stands.
        return fits(world, connector, named, source).map(Some).map_err(|_| None);
    }
    let of: Vec<&str> = world
        .connections
        .iter()
        .filter(|(_, of)| *of == connector)
        .map(|(name, _)| name.as_str())
        .collect();
    match of.as_slice() {
        [only] => Ok(Some((*only).to_owned())),
        // An entry whose connector does not exist was meant for this one, and is reported where it is.
        [] if meant_for(world, connector) => Err(None),
        [] => Err(Some(Box::new(
            Diagnostic::error(
                "missing-connection",
                source,
                span,
                format!("there is no connection for `{connector}`"),
            )
            .help(format!("add an entry `{connector}:` to `connections.yaml`")),
        ))),
        several => Err(Some(Box::new(
            Diagnostic::error(
                "missing-connection",
                source,
                span,
                format!("there are {} connections for `{connector}`", several.len()),
            )
            .help(format!(
                "say which at the top of the recipe: `connections: {{ {connector}: {} }}`",
                several.first().copied().unwrap_or_default()
            ))
            .help(format!(
                "connections for `{connector}`: {}",
                suggest::list(several.iter().copied())
            )),
        ))),
    }
}

/// Whether a recipe needs a connection that is missing because of a mistake reported in `connections.yaml`.
pub(super) fn rest_on_mistake(document: &Document, world: &World<'_>) -> bool {
    let lost = |target: Option<&Word>| {
        let connector = target.and_then(|target| target.text.split_once('.')).map(|(of, _)| of);
        connector.is_some_and(|connector| {
            !world.connections.values().any(|of| of == connector) && meant_for(world, connector)
        })
    };
    let mut found = lost(document.trigger.as_ref().and_then(|trigger| trigger.on.as_ref()));
    for_each_step(document.steps.iter().chain(&document.finally), &mut |step, _| {
        if let Kind::Action(action) = &step.kind {
            found |= lost(action.target.as_ref());
        }
    });
    found
}

/// Whether a connection says a connector that does not exist, and this one was meant.
fn meant_for(world: &World<'_>, connector: &str) -> bool {
    let known = || world.catalogue.connectors.keys().map(String::as_str);
    world.connections.values().any(|said| {
        !world.catalogue.connectors.contains_key(said)
            && suggest::closest(said, known()) == Some(connector)
    })
}

/// Reports mistakes in the recipe's own `connections`.
pub(super) fn check_defaults(
    document: &Document,
    source: &Arc<Source>,
    world: &World<'_>,
    out: &mut Vec<Diagnostic>,
) {
    for (connector, connection) in &document.connections {
        if world.connections_unreadable {
            return;
        }
        if world.catalogue.connectors.contains_key(&connector.text) {
            out.extend(fits(world, &connector.text, connection, source).err().map(|wrong| *wrong));
        } else {
            out.push(unknown_connector(world, &connector.text, connector.span, source));
        }
    }
}

/// Returns the diagnostic of a connector that does not exist, at `span` or at the beginning of it.
pub(super) fn unknown_connector(
    world: &World<'_>,
    name: &str,
    span: Span,
    source: &Arc<Source>,
) -> Diagnostic {
    // `connector.action`: the first part is the wrong one.
    let first = Span::new(span.start, span.start + name.len());
    let span = if source.text.get(first.start..first.end) == Some(name) { first } else { span };
    let known = || world.catalogue.connectors.keys().map(String::as_str);
    let mut diagnostic = Diagnostic::error(
        "unknown-connector",
        source,
        span,
        format!("there is no connector `{name}`"),
    );
    suggest::propose(&mut diagnostic, name, known());
    diagnostic.help(format!("connectors: {}", suggest::list(known())))
}

fn fits(
    world: &World<'_>,
    connector: &str,
    connection: &Word,
    source: &Arc<Source>,
) -> Result<String, Box<Diagnostic>> {
    let name = &connection.text;
    match world.connections.get(name) {
        Some(of) if of == connector => Ok(name.clone()),
        Some(of) => {
            let message = format!("`{name}` is a connection of `{of}`, not of `{connector}`");
            Err(Box::new(with_known(
                world,
                connector,
                Diagnostic::error("wrong-connection", source, connection.span, message),
            )))
        }
        None => {
            let message = format!("there is no connection `{name}`");
            let mut diagnostic =
                Diagnostic::error("unknown-connection", source, connection.span, message);
            let known = world.connections.keys().map(String::as_str);
            suggest::propose(&mut diagnostic, name, known);
            Err(Box::new(with_known(world, connector, diagnostic)))
        }
    }
}

fn with_known(world: &World<'_>, connector: &str, diagnostic: Diagnostic) -> Diagnostic {
    let mut known = world
        .connections
        .iter()
        .filter(|(_, of)| *of == connector)
        .map(|(name, _)| name.as_str())
        .peekable();
    if known.peek().is_none() {
        return diagnostic.help(format!("add one for `{connector}` to `connections.yaml`"));
    }
    diagnostic.help(format!("connections for `{connector}`: {}", suggest::list(known)))
}
