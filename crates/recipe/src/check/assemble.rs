//! A document without mistakes into the recipe the machine runs.
//!
//! Everything here was checked before; what could not be there is an `expect` that says why it is.

use std::{collections::BTreeMap, sync::Arc};

use sha2::{Digest, Sha256};

use crate::{
    check::{
        World, binding,
        flow::{output, said_at},
        naming::Counter,
        trigger::event,
    },
    diagnostic::{Source, Span},
    document::{self, Action, Condition, Document, Input, Kind, Text, trigger::CatchUp},
    expression::{Expression, Template},
    fields::Word,
    recipe::{
        ActionStep, Block, CallStep, OrderKey, Recipe, Start, Step, StepKind, Trigger, Wait,
        WaitFor,
    },
    schema::Shape,
    yaml,
};

const READ: &str = "a mistake in it would have been reported";

/// Returns the recipe that a document without errors means.
pub(super) fn recipe(
    mut document: Document,
    source: &Arc<Source>,
    world: &World<'_>,
    output_shape: Shape,
) -> Recipe {
    let trigger = document.trigger.take();
    let (steps, finally) =
        (std::mem::take(&mut document.steps), std::mem::take(&mut document.finally));
    let mut assembly = Assembly { document: &document, source, world, names: Counter::default() };
    let (steps, finally) = (assembly.block(steps), assembly.block(finally));
    let start = match trigger {
        Some(trigger) => Start::Trigger(Box::new(assembly.trigger(trigger))),
        None => Start::Called { input: document.input.clone().expect(READ) },
    };
    // What a recipe with a trigger would give is given to nobody, unless the sender waits for it.
    let given = match &start {
        Start::Called { .. } => true,
        Start::Trigger(trigger) => trigger.answer_within.is_some(),
    };
    let output =
        document.output.take().filter(|_| given).map_or_else(Vec::new, |(_, output)| output);
    let name = name_of(source).to_owned();
    Recipe {
        version: version(&source.text),
        title: document.title.clone().unwrap_or_else(|| name.clone()),
        name,
        label: document.label.take(),
        start,
        output: output.into_iter().map(value).collect(),
        output_shape,
        settings: document.settings,
        steps,
        finally,
        source: source.clone(),
    }
}

/// Returns the name of the recipe in a file: `hire` for `recipes/hire.yaml`.
pub(crate) fn name_of(source: &Source) -> &str {
    let file = source.path.rsplit('/').next().unwrap_or(&source.path);
    file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file)
}

fn version(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let first = digest.first_chunk().expect("a SHA-256 has 32 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}

struct Assembly<'a> {
    document: &'a Document,
    source: &'a Arc<Source>,
    world: &'a World<'a>,
    names: Counter,
}

impl Assembly<'_> {
    fn trigger(&self, trigger: document::Trigger) -> Trigger {
        let on = trigger.on.expect(READ);
        let (connector, name) = on.text.split_once('.').expect(READ);
        let spec = self.world.catalogue.connectors.get(connector).expect(READ);
        let connection = self.connection(connector, trigger.connection.as_ref(), on.span);
        let found = spec.triggers.get(name).expect(READ);
        Trigger {
            connector: connector.into(),
            name: name.into(),
            event: event(
                self.world,
                (spec, found),
                connection.as_deref(),
                &trigger.with,
                self.source,
            )
            .expect(READ),
            connection,
            with: plain_map(&trigger.with),
            when: trigger.when.map(expression),
            key: trigger.key.map(|key| OrderKey {
                group: key.group.map(|group| group.text),
                value: expression(key.value),
            }),
            catch_up: match trigger.catch_up {
                Some(CatchUp::Never) => None,
                Some(CatchUp::Every(_, every)) => Some(every),
                None => found.catch_up,
            },
            answer_within: trigger.answer_within.map(|(_, within)| within),
            dedupe: trigger.dedupe.map(expression),
            span: trigger.span,
        }
    }

    fn block(&mut self, steps: Vec<document::Step>) -> Block {
        steps.into_iter().map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: document::Step) -> Step {
        let name = self.names.name(&step).into();
        let kind = match step.kind {
            Kind::Action(action) => StepKind::Action(self.action(action, step.id.as_ref())),
            Kind::If { condition, then, otherwise } => StepKind::If {
                condition: expression(condition),
                then: self.block(then),
                otherwise: self.block(otherwise),
            },
            Kind::ForEach(rounds) => StepKind::ForEach {
                items: expression(rounds.items),
                variable: rounds.variable.map_or_else(|| "item".into(), |variable| variable.text),
                steps: self.block(rounds.steps),
                batch: rounds.batch,
                at_once: rounds.at_once.map_or(1, |(_, at_once)| at_once),
                collect: rounds.collect.map(expression),
            },
            Kind::RepeatWhile { condition, steps, max } => StepKind::RepeatWhile {
                condition: expression(condition),
                steps: self.block(steps),
                max: max.expect(READ),
            },
            Kind::Call(call) => StepKind::Call(CallStep {
                recipe: call.target.expect(READ).text,
                with: call.with.inputs.into_iter().map(value).collect(),
                background: call.background,
            }),
            Kind::Wait(wait) => StepKind::Wait(match wait.expect(READ) {
                document::Wait::For(duration) => Wait::For(duration),
                document::Wait::Until(template, _) => Wait::Until(template),
            }),
            Kind::WaitFor(question) => StepKind::WaitFor(WaitFor {
                answer: question.answer.expect(READ),
                ask: question.ask.map(text),
                timeout: question.timeout,
                default: question.default.map(|(_, node)| plain(&node)),
            }),
            Kind::Try { steps, catch } => {
                StepKind::Try { steps: self.block(steps), catch: self.block(catch) }
            }
            Kind::Set(variables) => StepKind::Set(variables.into_iter().map(value).collect()),
            Kind::Stop { status, reason, hint } => StepKind::Stop {
                status: status.expect(READ),
                reason: reason.map(text),
                hint: hint.map(text),
            },
            Kind::Broken => unreachable!("{READ}"),
        };
        Step {
            id: step.id.map(|id| id.text),
            name,
            title: step.title,
            when: step.when.map(expression),
            kind,
            span: step.span,
        }
    }

    fn action(&self, action: Action, id: Option<&Word>) -> ActionStep {
        let target = action.target.expect(READ);
        let (connector, name) = target.text.split_once('.').expect(READ);
        let spec = self.world.catalogue.connectors.get(connector).expect(READ);
        let connection = self.connection(connector, action.connection.as_ref(), target.span);
        let found = spec.actions.get(name).expect(READ);
        let of = (said_at(id), spec, found);
        ActionStep {
            effect: found.effect,
            connector: connector.into(),
            action: name.into(),
            output: output(self.world, of, connection.as_deref(), &action.with, self.source)
                .expect(READ),
            connection,
            with: action.with.inputs.into_iter().map(value).collect::<BTreeMap<_, _>>(),
            retry: action.retry.map(|(_, retry)| retry.expect(READ)),
            timeout: action.timeout.map(|(_, timeout)| timeout.expect(READ)),
            warn_on_failure: action.warn_on_failure,
            on_unknown: action
                .on_unknown
                .map(|(_, choice)| choice.expect(READ))
                .unwrap_or_default(),
        }
    }

    fn connection(&self, connector: &str, own: Option<&Word>, span: Span) -> Option<String> {
        let spec = self.world.catalogue.connectors.get(connector).expect(READ);
        binding::bind(self.document, self.world, connector, spec, own, (span, self.source))
            .expect(READ)
    }
}

fn expression(condition: Condition) -> Expression {
    condition.expression.expect(READ)
}

fn text(text: Text) -> Template {
    text.template.expect(READ)
}

fn value(input: Input) -> (String, Template) {
    (input.key.text, folded(input.template.expect(READ)))
}

/// A list or map without an expression in it is a constant.
fn folded(template: Template) -> Template {
    match template {
        Template::List(items) => {
            let items: Vec<Template> = items.into_iter().map(folded).collect();
            if items.iter().all(|item| matches!(item, Template::Constant(_))) {
                Template::Constant(items.into_iter().filter_map(constant).collect())
            } else {
                Template::List(items)
            }
        }
        Template::Map(fields) => {
            let fields: BTreeMap<String, Template> =
                fields.into_iter().map(|(name, field)| (name, folded(field))).collect();
            if fields.values().all(|field| matches!(field, Template::Constant(_))) {
                let plain =
                    fields.into_iter().filter_map(|(name, field)| Some((name, constant(field)?)));
                Template::Constant(serde_json::Value::Object(plain.collect()))
            } else {
                Template::Map(fields)
            }
        }
        other => other,
    }
}

fn constant(template: Template) -> Option<serde_json::Value> {
    match template {
        Template::Constant(value) => Some(value),
        _ => None,
    }
}

/// Returns a map of constants as JSON.
pub(crate) fn plain_map(entries: &[(yaml::Key, yaml::Node)]) -> serde_json::Value {
    entries.iter().map(|(key, node)| (key.text.clone(), plain(node))).collect()
}

/// Returns a node without expressions as JSON.
pub(crate) fn plain(node: &yaml::Node) -> serde_json::Value {
    match &node.value {
        yaml::Value::Null | yaml::Value::Broken => serde_json::Value::Null,
        yaml::Value::Bool(value) => (*value).into(),
        yaml::Value::Int(value) => (*value).into(),
        yaml::Value::Float(value) => (*value).into(),
        yaml::Value::Text(text) => text.clone().into(),
        yaml::Value::List(items) => items.iter().map(plain).collect(),
        yaml::Value::Map(entries) => plain_map(entries),
    }
}
