//! Actions: that they exist, what they are given, and what a second call would do.

use std::sync::Arc;

use super::{Ends, Walk};
use crate::{
    catalogue::{ActionSpec, ConnectorSpec, EffectSpec},
    check::{World, binding, inputs::Inputs},
    declare,
    diagnostic::{Diagnostic, Source},
    document::{Action, Input, Step, With},
    fields::{Report, Word},
    infer,
    recipe::OnUnknown,
    schema::{Object, Shape},
    suggest,
};

/// An action with its connector, and the connection it is called on.
type Target<'a> = (&'a ConnectorSpec, &'a ActionSpec, Option<String>);

/// Returns what an action gives, with what the connection and the step's inputs declare about it; `None` when there is a
/// mistake in what is declared.
pub(crate) fn output(
    world: &World<'_>,
    (step, connector, spec): (String, &ConnectorSpec, &ActionSpec),
    connection: Option<&str>,
    with: &With,
    source: &Arc<Source>,
) -> Option<Shape> {
    let given = with.inputs.iter().map(|input| (&input.key, &input.node));
    let with = declare::of_with(&spec.input, given, source)?;
    Some(world.said((step, connector), connection, with).about(&spec.output))
}

/// Names the place where a step declares something.
pub(in crate::check) fn said_at(id: Option<&Word>) -> String {
    id.map_or_else(|| "the step".into(), |id| format!("the step `{}`", id.text))
}

impl<'a> Walk<'a> {
    pub(super) fn action(&mut self, step: &Step, action: &Action) -> Ends {
        let spec = action.target.as_ref().and_then(|target| self.target(action, target));
        let output =
            if let (Some((connector, spec, connection)), Some(target)) = (spec, &action.target) {
                self.repeats(action, target, spec);
                self.inputs(target, &action.with, &spec.input);
                let of = (said_at(step.id.as_ref()), connector, spec);
                output(self.world, of, connection.as_deref(), &action.with, self.source)
            } else {
                self.loose(&action.with.inputs);
                None
            };
        self.know.has_run(step, output);
        let assumed = matches!(action.on_unknown, Some((_, Some(OnUnknown::AssumeDone))));
        if action.warn_on_failure {
            self.know.perhaps_not_run(
                std::slice::from_ref(step),
                "its failure is only a warning (`if_fails: warn`)",
            );
        } else if assumed {
            let why = "it has no output when it is assumed done (`on_unknown: assume_done`)";
            self.know.perhaps_not_run(std::slice::from_ref(step), why);
        }
        Ends::Perhaps
    }

    /// Checks what an action or a called recipe is given.
    pub(super) fn inputs(&mut self, target: &Word, with: &With, wanted: &Object) {
        if !with.broken {
            let know = &*self.know;
            let mut inputs = Inputs {
                report: Report { source: self.source, out: self.out },
                env: Some(&know.env),
                why_null: &|expression| know.why_null(&expression.text),
                owner: &target.text,
                noun: "input",
                references: false,
            };
            inputs.action(target.span, &with.inputs, wanted);
        }
        for input in &with.inputs {
            self.total_template(input);
        }
    }

    /// Returns what an action is, and on which connection, or reports why it is nothing.
    fn target(&mut self, action: &Action, target: &Word) -> Option<Target<'a>> {
        let Some((connector, name)) = target.text.split_once('.') else {
            let message = format!("`{}` is not an action", target.text);
            self.out.push(
                Diagnostic::error("unknown-action", self.source, target.span, message)
                    .help("an action is a connector and what it does: `goco.create_employee`"),
            );
            return None;
        };
        let world = self.world;
        let Some(spec) = world.catalogue.connectors.get(connector) else {
            self.out.push(binding::unknown_connector(
                self.world,
                connector,
                target.span,
                self.source,
            ));
            return None;
        };
        let place = (target.span, self.source);
        let own = action.connection.as_ref();
        let connection = binding::bind(self.document, world, connector, spec, own, place)
            .unwrap_or_else(|wrong| {
                self.out.extend(wrong.map(|wrong| *wrong));
                None
            });
        let found = spec.actions.get(name);
        if found.is_none() {
            let known = || spec.actions.keys().map(String::as_str);
            let message = format!("`{connector}` has no action `{name}`");
            let mut diagnostic =
                Diagnostic::error("unknown-action", self.source, target.span, message);
            suggest::propose(&mut diagnostic, name, known());
            diagnostic.label = suggest::closest(name, known())
                .map(|near| format!("did you mean `{connector}.{near}`?"));
            self.out.push(
                diagnostic.help(format!("actions of `{connector}`: {}", suggest::list(known()))),
            );
        }
        Some((spec, found?, connection))
    }

    /// A write that can neither be repeated nor looked up must say what an unknown outcome means.
    fn repeats(&mut self, action: &Action, target: &Word, spec: &ActionSpec) {
        let name = &target.text;
        if let EffectSpec::Write { looks_up: false, .. } = spec.effect {
            let explicit = [
                ("retry", action.retry.as_ref().map(|(span, _)| *span)),
                ("timeout", action.timeout.as_ref().map(|(span, _)| *span)),
            ];
            for (key, span) in explicit {
                let (Some(span), None) = (span, &action.on_unknown) else { continue };
                let message = format!(
                    "`{name}` can neither be repeated nor looked up, so `{key}` needs `on_unknown` beside it"
                );
                self.out.push(
                    Diagnostic::error("unsafe-retry", self.source, span, message)
                        .help("say what happens when nobody knows whether it was done: `on_unknown: attention` (a person decides), `retry` (it may be done twice), `fail` or `assume_done`"),
                );
                // One `on_unknown` cures both.
                break;
            }
        } else if let (Some((span, _)), EffectSpec::Read | EffectSpec::Idempotent) =
            (&action.on_unknown, spec.effect)
        {
            let why = match spec.effect {
                EffectSpec::Read => "only reads",
                _ => "may be repeated at will",
            };
            let message = format!("`{name}` {why}, so `on_unknown` has no effect");
            self.out.push(
                Diagnostic::warning("no-effect", self.source, *span, message)
                    .help("remove the key"),
            );
        }
    }

    /// Infers values that have no schema, for the mistakes inside their expressions.
    pub(super) fn loose(&mut self, inputs: &[Input]) {
        for template in inputs.iter().filter_map(|input| input.template.as_ref()) {
            infer::infer_template(template, &self.know.env, self.source, self.out);
        }
    }
}
