//! The walk through the steps with what is known at each of them.

mod actions;
mod calls;
mod knowledge;
mod loops;
mod waits;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    check::{
        World,
        inputs::{has_error, shape},
        shapes,
        trigger::must_be_text,
    },
    diagnostic::{Diagnostic, Source, Span},
    document::{Condition, Document, Input, Kind, Step, Text, for_each_step},
    expression::{Expression, Template},
    infer::{self, Environment, Facts},
    recipe::StopStatus,
    schema::{Shape, Type},
};

pub(super) use actions::{output, said_at};
use knowledge::Knowledge;

/// Checks all steps of a recipe.
///
/// Returns the shape of what a caller gets; `start` is what is known before the first step.
pub(super) fn check(
    document: &Document,
    source: &Arc<Source>,
    world: &World<'_>,
    start: &Environment,
    out: &mut Vec<Diagnostic>,
) -> Shape {
    let mut know = Knowledge::new(document, start);
    let mut walk = Walk {
        document,
        source,
        world,
        out,
        know: &mut know,
        in_finally: false,
        side_by_side: None,
        silent: false,
    };
    let ends = walk.block(&document.steps);
    let output = walk.output(ends);
    walk.know.body_is_over(&document.steps);
    walk.in_finally = true;
    walk.block(&document.finally);
    output
}

struct Walk<'a> {
    document: &'a Document,
    source: &'a Arc<Source>,
    world: &'a World<'a>,
    out: &'a mut Vec<Diagnostic>,
    know: &'a mut Knowledge,
    in_finally: bool,
    /// The `at_once` of a loop around this place whose rounds run side by side.
    side_by_side: Option<Span>,
    /// Whether this walk only looks at what loops set; loops inside it are walked once.
    silent: bool,
}

/// Whether a step or block certainly ends the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Always,
    Perhaps,
}

impl Walk<'_> {
    /// Checks what a caller gets; it is worked out once the body has ended by itself.
    fn output(&mut self, ends: Ends) -> Shape {
        let Some((key, output)) = &self.document.output else {
            return self.given(shapes::object::<&str>([]));
        };
        if ends == Ends::Always && self.document.trigger.is_none() {
            let message = "`output` is never worked out: the steps end the job in any case";
            self.out.push(
                Diagnostic::error("unreachable", self.source, *key, message)
                    .help("leave the last `stop` out: a job succeeds when its steps are over"),
            );
        }
        let mut fields = Vec::new();
        for value in output {
            let shape = value.template.as_ref().map_or_else(Shape::any, |template| {
                infer::infer_template(template, &self.know.env, self.source, self.out)
            });
            fields.push((value.key.text.clone(), shape));
        }
        self.given(shapes::object(fields))
    }

    /// A caller gets null from a recipe that stopped well.
    fn given(&self, mut shape: Shape) -> Shape {
        for_each_step(&self.document.steps, &mut |step, _| {
            shape.nullable |= matches!(
                step.kind,
                Kind::Stop { status: Some(StopStatus::Succeeded | StopStatus::Skipped), .. }
            );
        });
        shape
    }

    fn block(&mut self, steps: &[Step]) -> Ends {
        let (mut ended, mut reported): (Option<Span>, bool) = (None, false);
        for step in steps {
            if let (Some(stop), false) = (ended, reported) {
                let message = "this step can never be reached";
                self.out.push(
                    Diagnostic::error("unreachable", self.source, step.span, message)
                        .also(stop, "the job ends here in any case")
                        .help("remove it, or give the `stop` a `when`"),
                );
                reported = true;
            }
            // What cannot be reached is checked all the same.
            if self.step(step) == Ends::Always {
                ended = ended.or(Some(step.span));
            }
        }
        if ended.is_some() { Ends::Always } else { Ends::Perhaps }
    }

    fn step(&mut self, step: &Step) -> Ends {
        let before = self.know.env.facts.clone();
        let outer_changes = self.know.begin_changes();
        let guard = step.when.as_ref().and_then(|when| when.expression.as_ref());
        let mut wrong = step.when.is_some() && guard.is_none();
        if let Some(when) = guard {
            wrong = self.condition(when);
            self.know.env.facts = infer::narrow(when, true, &before);
        }
        if wrong {
            self.know.env.facts = std::mem::take(&mut self.know.env.facts).in_doubt(true);
        }
        let mut learnt = None;
        let ends = match &step.kind {
            Kind::Action(action) => self.action(step, action),
            Kind::If { condition, then, otherwise } => {
                let (ends, facts) = self.choice(condition, then, otherwise);
                learnt = Some(facts);
                ends
            }
            Kind::ForEach(rounds) => self.rounds(step, rounds),
            Kind::RepeatWhile { condition, steps, .. } => self.repeat(step, condition, steps),
            Kind::Call(call) => self.call(step, call),
            Kind::Wait(wait) => self.wait(step, wait.as_ref()),
            Kind::WaitFor(question) => self.wait_for(step, question),
            Kind::Try { steps, catch } => self.attempt(steps, catch),
            Kind::Set(variables) => self.set(step, variables),
            Kind::Stop { reason, hint, .. } => self.stop(step, reason.as_ref(), hint.as_ref()),
            Kind::Broken => {
                self.know.has_run(step, None);
                Ends::Perhaps
            }
        };
        let mut after = self.know.end_changes(before, outer_changes);
        match (&step.when, guard) {
            // What the branches of an `if` prove holds for all that follows, unless the `if` may be left out.
            (None, _) => after = learnt.unwrap_or(after),
            // What follows a guarded end of the job is reached only when the guard is false.
            (Some(_), Some(when)) if ends == Ends::Always => {
                after = infer::narrow(when, false, &after).in_doubt(wrong);
            }
            (Some(_), None) if ends == Ends::Always => after = after.in_doubt(true),
            (Some(_), _) => {}
        }
        self.know.env.facts = after;
        if matches!(
            step.kind,
            Kind::If { .. } | Kind::Try { .. } | Kind::Set(_) | Kind::Stop { .. }
        ) {
            // They give nothing; naming a field of one is a mistake.
            self.know.has_run(step, Some(shapes::object::<&str>([])));
        }
        if step.when.is_none() {
            return ends;
        }
        self.know.perhaps_not_run(std::slice::from_ref(step), "its `when` may leave it out");
        Ends::Perhaps
    }

    fn choice(&mut self, when: &Condition, then: &[Step], otherwise: &[Step]) -> (Ends, Facts) {
        let before = self.know.env.facts.clone();
        let wrong = match &when.expression {
            Some(expression) => self.condition(expression),
            None => true,
        };
        let narrowed = |truth: bool| match &when.expression {
            Some(expression) => infer::narrow(expression, truth, &before).in_doubt(wrong),
            None => before.clone().in_doubt(wrong),
        };
        let vars = self.know.vars();
        self.know.env.facts = narrowed(true);
        let then_ends = self.block(then);
        let then_facts = self.know.env.facts.clone();
        let after_then = self.know.replace_vars(vars);
        self.know.perhaps_not_run(then, "it is in a branch of an `if`");
        self.know.env.facts = narrowed(false);
        let otherwise_ends = self.block(otherwise);
        self.know.perhaps_not_run(otherwise, "it is in a branch of an `if`");
        // Variables after the `if` are what either branch that goes on left behind.
        match (then_ends, otherwise_ends) {
            (Ends::Always, _) => {}
            (Ends::Perhaps, Ends::Always) => drop(self.know.replace_vars(after_then)),
            (Ends::Perhaps, Ends::Perhaps) => self.know.join_vars(&after_then),
        }
        let otherwise_facts = self.know.env.facts.clone();
        match (then_ends, otherwise_ends) {
            (Ends::Always, Ends::Perhaps) => (Ends::Perhaps, otherwise_facts),
            (Ends::Perhaps, Ends::Always) => (Ends::Perhaps, then_facts),
            // Where both go on, little is proven either way.
            (Ends::Perhaps, Ends::Perhaps) if wrong => (Ends::Perhaps, self.know.unchanged(before)),
            (Ends::Perhaps, Ends::Perhaps) => (Ends::Perhaps, then_facts.in_both(&otherwise_facts)),
            (Ends::Always, Ends::Always) => (Ends::Always, before),
        }
    }

    fn attempt(&mut self, steps: &[Step], catch: &[Step]) -> Ends {
        let (vars, facts) = (self.know.vars(), self.know.env.facts.clone());
        let ends = self.block(steps);
        let after_steps = self.know.vars();
        self.know.perhaps_not_run(steps, "the `try` around it may end before it");
        // The body may have failed before, between or after its variables were set.
        self.know.join_vars(&vars);
        self.know.env.facts = self.know.unchanged(facts);
        let outer = self.know.env.names.insert("error".into(), shapes::error());
        let catch_ends = self.block(catch);
        match outer {
            Some(outer) => drop(self.know.env.names.insert("error".into(), outer)),
            None => drop(self.know.env.names.remove("error")),
        }
        self.know.perhaps_not_run(catch, "it is in a `catch`");
        match (ends, catch_ends) {
            (Ends::Always, _) => {}
            (Ends::Perhaps, Ends::Always) => drop(self.know.replace_vars(after_steps)),
            (Ends::Perhaps, Ends::Perhaps) => self.know.join_vars(&after_steps),
        }
        if (ends, catch_ends) == (Ends::Always, Ends::Always) {
            Ends::Always
        } else {
            Ends::Perhaps
        }
    }

    fn set(&mut self, step: &Step, variables: &[Input]) -> Ends {
        if let Some(at_once) = self.side_by_side {
            let message = "a variable cannot be set here: rounds that run side by side would overwrite each other's";
            self.out.push(
                Diagnostic::error("set-side-by-side", self.source, step.span, message)
                    .also(at_once, "the rounds run side by side")
                    .help("give the loop `collect: EXPR` and read its `results`, or leave `at_once` out"),
            );
        }
        // Kept only where it is needed: what nobody keeps is changed in place.
        let before = step.when.is_some().then(|| self.know.vars());
        let mut found = BTreeMap::new();
        for variable in variables {
            let before = self.out.len();
            let mut shape = match &variable.template {
                Some(template) => {
                    infer::infer_template(template, &self.know.env, self.source, self.out)
                }
                None => Shape::of(Type::Any),
            };
            let template = variable.template.as_ref();
            let mistaken = template
                .is_none_or(|template| infer::rests_on_mistake(template, &self.know.env))
                || has_error(&self.out[before..]);
            if mistaken {
                shape = Shape::of(Type::Any);
                self.know.unknown_variable(&variable.key.text);
            }
            self.total_template(variable);
            found.insert(variable.key.text.clone(), shape);
        }
        self.know.set_vars(found);
        if let Some(before) = before {
            self.know.join_vars(&before);
        }
        Ends::Perhaps
    }

    fn stop(&mut self, step: &Step, reason: Option<&Text>, hint: Option<&Text>) -> Ends {
        self.words("`reason`", reason);
        self.words("`hint`", hint);
        if self.in_finally {
            let message = "a job cannot be stopped in `finally`: it has ended already";
            self.out.push(
                Diagnostic::error("stop-in-finally", self.source, step.key, message)
                    .help("give the steps after it a `when` instead"),
            );
            return Ends::Perhaps;
        }
        Ends::Always
    }

    /// Checks a text for people.
    fn words(&mut self, name: &str, text: Option<&Text>) {
        let Some(Text { span, template: Some(template) }) = text else { return };
        match template {
            Template::Value(expression) => {
                let found = shape(expression, &self.know.env, self.source, self.out);
                must_be_text((name, true), expression, &found, self.source, self.out);
            }
            Template::Constant(serde_json::Value::String(text)) if text.trim().is_empty() => {
                let message = format!("{name} has no text");
                self.out.push(Diagnostic::error("missing-value", self.source, *span, message));
            }
            template => {
                drop(infer::infer_template(template, &self.know.env, self.source, self.out));
            }
        }
        self.total(*span, |env| infer::template_may_fail(template, env));
    }

    /// Checks a condition; returns whether it is wrong.
    fn condition(&mut self, expression: &Expression) -> bool {
        let before = self.out.len();
        infer::infer_condition(expression, &self.know.env, self.source, self.out);
        for diagnostic in &mut self.out[before..] {
            if diagnostic.code == "maybe-null" {
                diagnostic.help.extend(self.know.why_null(&expression.text));
            }
        }
        let wrong = has_error(&self.out[before..]);
        self.total(expression.span, |env| infer::condition_may_fail(expression, env));
        wrong
    }

    fn total_template(&mut self, input: &Input) {
        if let Some(template) = &input.template {
            self.total(input.node.span, |env| infer::template_may_fail(template, env));
        }
    }

    /// In `finally` nothing may fail: the note that says what went wrong must not go wrong itself.
    fn total(&mut self, span: Span, may_fail: impl FnOnce(&Environment) -> Option<String>) {
        if !self.in_finally {
            return;
        }
        let Some(why) = may_fail(&self.know.env) else { return };
        // An expression that is wrong anyway has been reported with its own cure.
        let at = |one: &Diagnostic| one.span.start >= span.start && one.span.end <= span.end;
        let reported: Vec<Diagnostic> = self.out.iter().filter(|one| at(one)).cloned().collect();
        if has_error(&reported) {
            return;
        }
        self.out.push(
            Diagnostic::error("may-fail-in-finally",self.source,span, "an expression in `finally` may not fail")
                .label(why)
                .help("use `event`, `outcome`, `job`, `vars` and `properties`, with `| default(…)` where something may be missing, or work it out in a step of the body"),
        );
    }
}
