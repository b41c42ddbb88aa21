//! The trigger: that it exists, its connection and settings, and the expressions over its event alone.

use std::{sync::Arc, time::Duration};

use crate::{
    catalogue::{ConnectorSpec, TriggerSpec},
    check::{
        World, assemble, binding,
        fit::misfit,
        inputs::{self, null_cure},
        naming, shapes,
    },
    declare,
    diagnostic::{Diagnostic, Source, Span},
    document::{self, Document, trigger::CatchUp},
    expression::{Expression, Template},
    infer::{self, Environment},
    schema::{Object, Shape, Type},
    suggest,
    yaml::{Key, Node},
};

/// How long a sender may be kept waiting; proxies give up at about that time.
const LONGEST_ANSWER: Duration = Duration::from_mins(1);

/// Checks what starts a job, and the label; returns what expressions see before the first step.
pub(super) fn check(
    document: &Document,
    source: &Arc<Source>,
    world: &World<'_>,
    out: &mut Vec<Diagnostic>,
) -> Environment {
    let event =
        document.trigger.as_ref().and_then(|trigger| shape(trigger, document, source, world, out));
    let mut env = environment(document, world, event.as_ref());
    if let Some(trigger) = &document.trigger {
        if let Some(condition) = &trigger.when {
            let before = out.len();
            if let Some(when) = &condition.expression {
                infer::infer_condition(when, &env, source, out);
                // There is no job for which it is false, so what it proves holds everywhere.
                env.facts = infer::narrow(when, true, &env.facts);
            }
            let wrong = condition.expression.is_none() || inputs::has_error(&out[before..]);
            env.facts = std::mem::take(&mut env.facts).in_doubt(wrong);
        }
        if let Some(group) = trigger.key.as_ref().and_then(|key| key.group.as_ref()) {
            naming::is_a_name("the name of a group", group, source, out);
        }
        let key = trigger.key.as_ref().map(|key| &key.value);
        for (name, key) in [("key", key), ("dedupe", trigger.dedupe.as_ref())] {
            if let Some(key) = key.and_then(|key| key.expression.as_ref()) {
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
    mask(document, &env, source, out);
    env
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

fn environment(document: &Document, world: &World<'_>, event: Option<&Shape>) -> Environment {
    let mut env = Environment { tables: world.tables.clone(), ..Environment::default() };
    env.names.insert("properties".into(), world.properties.clone());
    let input = document.input.clone();
    // A recipe without either may have meant either; that it has none is what is wrong.
    if document.input.is_none() || document.trigger.is_some() {
        if event.is_none() {
            env.unknown.insert("event".into());
        }
        env.names.insert("event".into(), event.cloned().unwrap_or(Shape::of(Type::Any)));
    }
    if let Some(input) = input {
        if input.others.is_some() {
            env.unknown.insert("input".into());
        }
        env.names.insert("input".into(), Shape::of(Type::Object(input)));
    } else if document.trigger.is_none() {
        env.unknown.insert("input".into());
        env.names.insert("input".into(), Shape::of(Type::Any));
    }
    env
}

fn shape(
    trigger: &document::Trigger,
    document: &Document,
    source: &Arc<Source>,
    world: &World<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Shape> {
    let on = trigger.on.as_ref()?;
    let Some((connector, name)) = on.text.split_once('.') else {
        let message = format!("`{}` is not a trigger", on.text);
        out.push(
            Diagnostic::error("unknown-trigger", source, on.span, message)
                .help("a trigger is a connector and what happened: `greenhouse.hired`"),
        );
        return None;
    };
    let Some(spec) = world.catalogue.connectors.get(connector) else {
        out.push(binding::unknown_connector(world, connector, on.span, source));
        return None;
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
        return None;
    };
    let own = trigger.connection.as_ref();
    let connection = binding::bind(document, world, connector, spec, own, (on.span, source))
        .unwrap_or_else(|wrong| {
            out.extend(wrong.map(|wrong| *wrong));
            None
        });
    let before = out.len();
    inputs::constant(source, out, (&on.text, on.span), &trigger.with, &found.with, false);
    if out.len() == before {
        flaws(found, &on.text, (on.span, source), &trigger.with, out);
    }
    catches_up(trigger, &on.text, found, source, out);
    answers(document, trigger, found, world, source, out);
    event(world, (spec, found), connection.as_deref(), &trigger.with, source)
}

/// Returns what an expression sees as `event`, with what the connection and the trigger's settings declare about it;
/// `None` when there is a mistake in what is declared.
pub(super) fn event(
    world: &World<'_>,
    (connector, spec): (&ConnectorSpec, &TriggerSpec),
    connection: Option<&str>,
    with: &[(Key, Node)],
    source: &Arc<Source>,
) -> Option<Shape> {
    let given = with.iter().map(|(key, node)| (key, node));
    let with = declare::of_with(&spec.with, given, source)?;
    Some(world.said(("the trigger".into(), connector), connection, with).about(&spec.event))
}

fn catches_up(
    trigger: &document::Trigger,
    name: &str,
    spec: &TriggerSpec,
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
) {
    let Some(CatchUp::Every(span, _)) = trigger.catch_up else { return };
    if spec.catch_up.is_some() {
        return;
    }
    let message = format!("`{name}` cannot catch up: missed events cannot be read back");
    out.push(
        Diagnostic::error("no-catch-up", source, span, message)
            .help("remove the key, or write `catch_up: never`"),
    );
}

/// Reports a sender that would wait for what never comes.
fn answers(
    document: &Document,
    trigger: &document::Trigger,
    spec: &TriggerSpec,
    world: &World<'_>,
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
) {
    let Some((span, within)) = trigger.answer_within else { return };
    if !spec.answers {
        let name = trigger.on.as_ref().map_or("", |on| &on.text);
        let message =
            format!("`{name}` cannot answer with the output: its sender does not read it");
        let able = world.catalogue.connectors.iter().flat_map(|(connector, spec)| {
            let able = spec.triggers.iter().filter(|(_, spec)| spec.answers);
            able.map(move |(trigger, _)| format!("{connector}.{trigger}"))
        });
        let able: Vec<String> = able.collect();
        let list = suggest::list(able.iter().map(String::as_str));
        out.push(
            Diagnostic::error("no-answer", source, span, message)
                .help(format!("remove the key; triggers that can: {list}")),
        );
    } else if within.is_zero() || within > LONGEST_ANSWER {
        let most = LONGEST_ANSWER.as_secs();
        let message = format!("`answer_within` is more than nothing and at most {most} s");
        out.push(Diagnostic::error("wrong-value", source, span, message).help(
            "a sender that has waited so long gets 202 and the address of the job, which goes on",
        ));
    } else if document.output.is_none() {
        let message = "`answer_within` has nothing to answer with: this recipe has no `output`";
        out.push(
            Diagnostic::error("missing-key", source, span, message)
                .help("say what the sender gets: `output: { id: \"{{ steps.employee.id }}\" }`"),
        );
    }
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
fn mask(document: &Document, env: &Environment, source: &Arc<Source>, out: &mut Vec<Diagnostic>) {
    for path in &document.mask {
        let mut segments = path.text.split('.');
        let root = segments.next().unwrap_or("");
        if !["event", "input", "steps", "vars"].contains(&root) {
            let message = format!("`{}` is not a path that can be masked", path.text);
            out.push(
                Diagnostic::error("unknown-path", source, path.span, message)
                    .help("a masked path begins with `event`, `input`, `steps` or `vars`, such as `event.candidate.phone_numbers`"),
            );
            continue;
        }
        if let Some(shape) = env.names.get(root) {
            masked_field(path, segments, shape, source, out);
        } else if ["event", "input"].contains(&root) {
            let message = format!("this recipe has no `{root}`, so `{}` hides nothing", path.text);
            out.push(Diagnostic::error("unknown-path", source, path.span, message));
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
                let message = format!("there is nothing at `{}`", path.text);
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
