//! Calls of other recipes.

use super::{Ends, Walk};
use crate::{
    check::{Signature, shapes},
    diagnostic::Diagnostic,
    document::{Call, Step},
    fields::Word,
    schema::Shape,
    suggest,
};

impl Walk<'_> {
    pub(super) fn call(&mut self, step: &Step, call: &Call) -> Ends {
        let world = self.world;
        let mut output = None;
        let signature = call.target.as_ref().and_then(|it| world.recipes.get(&it.text));
        match (signature, &call.target) {
            (Some(Signature::Called { input, output: given }), Some(target)) => {
                self.inputs(target, &call.with, input);
                output.clone_from(given);
            }
            (signature, target) => {
                if let Some(target) = target {
                    self.not_callable(target, signature);
                }
                self.loose(&call.with.inputs);
            }
        }
        let output = if call.background { Some(job()) } else { output };
        self.know.has_run(step, output);
        Ends::Perhaps
    }

    fn not_callable(&mut self, target: &Word, signature: Option<&Signature>) {
        let name = &target.text;
        if let Some(Signature::Triggered) = signature {
            let message = format!("`{name}` has a trigger, so it cannot be called");
            self.out.push(
                Diagnostic::error("not-callable", self.source, target.span, message).help(
                    "move what both need to a recipe with `input`, and `call` that one from both",
                ),
            );
        } else if signature.is_none() {
            let world = self.world;
            let callable = || {
                let recipes = world.recipes.iter();
                recipes
                    .filter(|(_, signature)| matches!(signature, Signature::Called { .. }))
                    .map(|(name, _)| name.as_str())
            };
            let known = suggest::list(callable());
            let message = format!("there is no recipe `{name}`");
            let mut diagnostic =
                Diagnostic::error("unknown-recipe", self.source, target.span, message);
            suggest::propose(&mut diagnostic, name, callable());
            self.out.push(diagnostic.help(if known.is_empty() {
                "no recipe has an `input`, so none can be called".into()
            } else {
                format!("recipes that can be called: {known}")
            }));
        }
    }
}

/// What a call in the background gives.
fn job() -> Shape {
    shapes::object([("job", shapes::text())])
}
