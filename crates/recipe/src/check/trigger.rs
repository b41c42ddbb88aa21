//! The trigger: that it exists, its connection and settings, and the expressions over its event alone.

use std::sync::Arc;

use crate::{
    catalogue::TriggerSpec,
    check::{
        World, assemble, binding,
        fit::misfit,
        inputs::{self, null_cure},
        shapes,
    },
    diagnostic::{Diagnostic, Source, Span},
    document::{self, Document},
    expression::{Expression, Template},
    infer::{self, Environment},
    schema::{Object, Shape, Type},
    suggest,
    yaml::{Key, Node},
};

/// Checks the trigger and the label; returns the shape of `event`.
pub(super) fn check(
    document: &Document,
    source: &Arc<Source>,
    world: &World<'_>,
    out: &mut Vec<Diagnostic>,
) -> Shape {
    let event = document
        .trigger
        .as_ref()
        .map_or_else(Shape::any, |trigger| shape(trigger, document, source, world, out));
    let mut env = environment(world, &event);
    if let Some(trigger) = &document.trigger {
        if let Some(when) = when(document) {
            infer::infer_condition(when, &env, source, out);
            env.facts = infer::narrow(when, true, &env.facts);
        }
        for (name, key) in [("key", &trigger.key), ("dedupe", &trigger.dedupe)] {
            if let Some(key) = key.as_ref().and_then(|key| key.expression.as_ref()) {
                let found = inputs::shape(key, &env, source, out);
                must_be_text((&format!("`{name}`"), false), key, &found, source, out);
            }
        }
    }
    match &document.label {
        Some(Template::Value(expression)) => {
            let found = inputs::shape(expression, &env, source, out);
            must_be_text(("`label`", false), expression, &found, source, out);
        }
        Some(label) => drop(infer::infer_template(label, &env, source, out)),
        None => {}
    }
    mask(document, &event, source, out);
    event
}

/// Returns the condition of the trigger: there is no job for which it is false, so what it proves holds everywhere.
pub(super) fn when(document: &Document) -> Option<&Expression> {
    document.trigger.as_ref()?.when.as_ref()?.expression.as_ref()
}

/// Reports a value that is not text or may be null.
pub(super) fn must_be_text(
    (what, of_step): (&str, bool),
    expression: &Expression,
    found: &Shape,
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
) {
    let Shape { of: text, .. } = shapes::text();
    if let Some(misfit) = misfit(&found.of, &text) {
        let message = format!("{what} is text, found {}", misfit.found);
        let mut diagnostic = Diagnostic::error("wrong-type", source, expression.span, message);
        diagnostic.help.extend(misfit.cure);
        out.push(diagnostic);
    } else if found.nullable {
        let message = format!("{what} is text, and this may be null");
        let diagnostic =
            Diagnostic::error("maybe-null", source, expression.span, message).label("may be null");
        out.push(diagnostic.help(null_cure(&expression.text, of_step)));
    }
}

fn environment(world: &World<'_>, event: &Shape) -> Environment {
    let names =
        [("event".to_owned(), event.clone()), ("properties".to_owned(), world.properties.clone())];
    Environment {
        names: names.into(),
        steps: std::collections::BTreeMap::new(),
        tables: world.tables.clone(),
        facts: infer::Facts::default(),
    }
}

fn shape(
    trigger: &document::Trigger,
    document: &Document,
    source: &Arc<Source>,
    world: &World<'_>,
    out: &mut Vec<Diagnostic>,
) -> Shape {
    let Some(on) = &trigger.on else { return Shape::any() };
    let Some((connector, name)) = on.text.split_once('.') else {
        let message = format!("`{}` is not a trigger", on.text);
        out.push(
            Diagnostic::error("unknown-trigger", source, on.span, message)
                .help("a trigger is a connector and what happened: `greenhouse.hired`"),
        );
        return Shape::any();
    };
    let Some(spec) = world.catalogue.connectors.get(connector) else {
        out.push(binding::unknown_connector(world, connector, on.span, source));
        return Shape::any();
    };
    let Some(found) = spec.triggers.get(name) else {
        let known = || spec.triggers.keys().map(String::as_str);
        let message = format!("`{connector}` has no trigger `{name}`");
        let mut diagnostic = Diagnostic::error("unknown-trigger", source, on.span, message);
        suggest::propose(&mut diagnostic, name, known());
        diagnostic.label = suggest::closest(name, known())
            .map(|near| format!("did you mean `{connector}.{near}`?"));
        out.push(if spec.triggers.is_empty() {
            diagnostic.help(format!("`{connector}` has actions only"))
        } else {
            diagnostic.help(format!("triggers of `{connector}`: {}", suggest::list(known())))
        });
        return Shape::any();
    };
    let own = trigger.connection.as_ref();
    if let Err(Some(wrong)) =
        binding::bind(document, world, connector, spec, own, (on.span, source))
    {
        out.push(*wrong);
    }
    let before = out.len();
    inputs::constant(source, out, (&on.text, on.span), &trigger.with, &found.with, false);
    if out.len() == before {
        flaws(found, &on.text, (on.span, source), &trigger.with, out);
    }
    found.event.clone()
}

/// Reports what the trigger itself finds wrong with settings of the right types.
fn flaws(
    spec: &TriggerSpec,
    trigger: &str,
    (span, source): (Span, &Arc<Source>),
    with: &[(Key, Node)],
    out: &mut Vec<Diagnostic>,
) {
    for flaw in spec.examine.look(&assemble::plain_map(with)) {
        let place = with.iter().find(|(key, _)| key.text == flaw.setting);
        let span = place.map_or(span, |(_, node)| node.span);
        let message = format!("`{trigger}`: {}", flaw.message);
        out.push(Diagnostic::error("bad-setting", source, span, message).help(flaw.help));
    }
}

/// Masked paths must lead somewhere: a misspelt one would show what it was meant to hide.
fn mask(document: &Document, event: &Shape, source: &Arc<Source>, out: &mut Vec<Diagnostic>) {
    for path in &document.mask {
        let mut segments = path.text.split('.');
        let root = segments.next().unwrap_or("");
        if !["event", "steps", "vars"].contains(&root) {
            let message = format!("`{}` is not a path that can be masked", path.text);
            out.push(
                Diagnostic::error("unknown-path", source, path.span, message)
                    .help("a masked path begins with `event`, `steps` or `vars`, such as `event.candidate.phone_numbers`"),
            );
            continue;
        }
        if root == "event" {
            masked_field(path, segments, event, source, out);
        }
    }
}

fn masked_field<'a>(
    path: &crate::fields::Word,
    segments: impl Iterator<Item = &'a str>,
    event: &Shape,
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
) {
    let mut at = event;
    for segment in segments {
        while let Type::List(item) = &at.of {
            at = item;
        }
        let Type::Object(object) = &at.of else { return };
        match field(object, segment) {
            Ok(Some(inner)) => at = inner,
            Ok(None) => return,
            Err(known) => {
                let message = format!("the event has nothing at `{}`", path.text);
                let mut diagnostic = Diagnostic::error("unknown-path", source, path.span, message);
                suggest::propose(&mut diagnostic, segment, known.iter().copied());
                out.push(diagnostic.help(format!("fields there: {}", suggest::list(known))));
                return;
            }
        }
    }
}

fn field<'a>(object: &'a Object, name: &str) -> Result<Option<&'a Shape>, Vec<&'a str>> {
    match (object.field(name), &object.others) {
        (Some(field), _) => Ok(Some(&field.shape)),
        (None, Some(_)) => Ok(None),
        (None, None) => Err(object.fields.iter().map(|field| field.name.as_str()).collect()),
    }
}
