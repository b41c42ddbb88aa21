//! Actions: that they exist, what they are given, and what a second call would do.

use std::sync::Arc;

use super::{Ends, Walk};
use crate::{
    catalogue::{ActionSpec, EffectSpec},
    check::{binding, inputs::Inputs},
    diagnostic::Diagnostic,
    document::{Action, Input, Step, With},
    fields::{Report, Word},
    infer,
    recipe::OnUnknown,
    schema::Object,
    suggest,
};

impl Walk<'_> {
    pub(super) fn action(&mut self, step: &Step, action: &Action) -> Ends {
        let spec = action.target.as_ref().and_then(|target| self.target(action, target));
        if let (Some(spec), Some(target)) = (&spec, &action.target) {
            self.repeats(action, target, spec);
            self.inputs(target, &action.with, &spec.input);
        } else {
            self.loose(&action.with.inputs);
        }
        self.know.has_run(step, spec.map(|spec| spec.output.clone()));
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

    /// Returns what an action is, or reports why it is nothing.
    fn target(&mut self, action: &Action, target: &Word) -> Option<Arc<ActionSpec>> {
        let Some((connector, name)) = target.text.split_once('.') else {
            let message = format!("`{}` is not an action", target.text);
            self.out.push(
                Diagnostic::error("unknown-action", self.source, target.span, message)
                    .help("an action is a connector and what it does: `goco.create_employee`"),
            );
            return None;
        };
        let Some(spec) = self.world.catalogue.connectors.get(connector) else {
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
        if let Err(Some(wrong)) =
            binding::bind(self.document, self.world, connector, spec, own, place)
        {
            self.out.push(*wrong);
        }
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
        found.map(|found| Arc::new(found.clone()))
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
