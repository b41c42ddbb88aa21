//! The walk through the steps with what is known at each of them.

mod knowledge;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    catalogue::{ActionSpec, EffectSpec},
    check::{
        World, binding,
        fit::describe,
        inputs::{Inputs, has_error, shape},
        shapes,
        trigger::must_be_text,
    },
    diagnostic::{Diagnostic, Source, Span},
    document::{Action, Condition, Document, Input, Kind, Step, Text},
    expression::{Expression, Template},
    fields::{Report, Word},
    infer::{self, Environment, Facts},
    recipe::OnUnknown,
    schema::{Shape, Type},
    suggest,
};

use knowledge::Knowledge;

/// Checks all steps of a recipe.
pub(super) fn check(
    document: &Document,
    source: &Arc<Source>,
    world: &World<'_>,
    event: Shape,
    out: &mut Vec<Diagnostic>,
) {
    let mut know = Knowledge::new(document, world, event);
    let mut walk =
        Walk { document, source, world, out, know: &mut know, in_finally: false, silent: false };
    walk.block(&document.steps);
    walk.know.body_is_over(&document.steps);
    walk.in_finally = true;
    walk.block(&document.finally);
}

struct Walk<'a> {
    document: &'a Document,
    source: &'a Arc<Source>,
    world: &'a World<'a>,
    out: &'a mut Vec<Diagnostic>,
    know: &'a mut Knowledge,
    in_finally: bool,
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
        if let Some(when) = guard {
            self.condition(when);
            self.know.env.facts = infer::narrow(when, true, &before);
        }
        let mut learnt = None;
        let ends = match &step.kind {
            Kind::Action(action) => self.action(step, action),
            Kind::If { condition, then, otherwise } => {
                let (ends, facts) = self.choice(condition, then, otherwise);
                learnt = Some(facts);
                ends
            }
            Kind::ForEach { items, variable, steps } => {
                self.rounds(items, variable.as_ref(), steps)
            }
            Kind::Try { steps, catch } => self.attempt(steps, catch),
            Kind::Set(variables) => self.set(variables, step.when.is_some()),
            Kind::Stop { reason, hint, .. } => self.stop(step, reason.as_ref(), hint.as_ref()),
            Kind::Broken => Ends::Perhaps,
        };
        let mut after = self.know.end_changes(before, outer_changes);
        match (&step.when, guard) {
            // What the branches of an `if` prove holds for all that follows, unless the `if` may be left out.
            (None, _) => after = learnt.unwrap_or(after),
            // What follows a guarded end of the job is reached only when the guard is false.
            (Some(_), Some(when)) if ends == Ends::Always => {
                after = infer::narrow(when, false, &after);
            }
            (Some(_), _) => {}
        }
        self.know.env.facts = after;
        if !matches!(step.kind, Kind::Action(_)) {
            self.know.has_run(step, Shape::any());
        }
        if step.when.is_none() {
            return ends;
        }
        self.know.perhaps_not_run(std::slice::from_ref(step), "its `when` may leave it out");
        Ends::Perhaps
    }

    fn action(&mut self, step: &Step, action: &Action) -> Ends {
        let spec = action.target.as_ref().and_then(|target| self.target(action, target));
        if let (Some(spec), Some(target)) = (&spec, &action.target) {
            self.repeats(action, target, spec);
            if !action.with_broken {
                let know = &*self.know;
                let mut inputs = Inputs {
                    report: Report { source: self.source, out: self.out },
                    env: Some(&know.env),
                    why_null: &|expression| know.why_null(&expression.text),
                    owner: &target.text,
                    noun: "input",
                    references: false,
                };
                inputs.action(target.span, &action.with, &spec.input);
            }
        } else {
            self.loose(&action.with);
        }
        for input in &action.with {
            self.total_template(input);
        }
        let output = spec.map_or_else(Shape::any, |spec| spec.output.clone());
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
    fn loose(&mut self, inputs: &[Input]) {
        for template in inputs.iter().filter_map(|input| input.template.as_ref()) {
            infer::infer_template(template, &self.know.env, self.source, self.out);
        }
    }

    fn choice(&mut self, when: &Condition, then: &[Step], otherwise: &[Step]) -> (Ends, Facts) {
        let before = self.know.env.facts.clone();
        let narrowed = |truth: bool| match &when.expression {
            Some(expression) => infer::narrow(expression, truth, &before),
            None => before.clone(),
        };
        if let Some(expression) = &when.expression {
            self.condition(expression);
        }
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
            (Ends::Perhaps, Ends::Perhaps) => (Ends::Perhaps, then_facts.in_both(&otherwise_facts)),
            (Ends::Always, Ends::Always) => (Ends::Always, before),
        }
    }

    fn rounds(&mut self, items: &Condition, variable: Option<&Word>, steps: &[Step]) -> Ends {
        let mut item = Shape::any();
        if let Some(expression) = &items.expression {
            let found = shape(expression, &self.know.env, self.source, self.out);
            match found.of {
                Type::List(of) => item = *of,
                Type::Any => {}
                other => {
                    let message =
                        format!("`for_each` goes through a list, found {}", describe(&other));
                    let mut diagnostic =
                        Diagnostic::error("wrong-type", self.source, expression.span, message);
                    diagnostic.help.extend(lists_in(&other));
                    self.out.push(diagnostic);
                }
            }
            self.total(expression.span, |env| infer::may_fail(expression, env));
        }
        let name = variable.map_or("item", |variable| &variable.text).to_owned();
        let outer = [
            (name.clone(), self.know.env.names.insert(name.clone(), item)),
            ("loop".to_owned(), self.know.env.names.insert("loop".into(), shapes::round())),
        ];
        self.know.round_begins(&name, steps);
        if !self.silent && knowledge::sets_variables(steps) {
            self.later_rounds(steps);
        }
        let vars = self.know.vars();
        self.block(steps);
        // There may be no round at all.
        self.know.join_vars(&vars);
        for (name, shape) in outer {
            match shape {
                Some(shape) => drop(self.know.env.names.insert(name, shape)),
                None => drop(self.know.env.names.remove(&name)),
            }
        }
        self.know.round_is_over(steps);
        Ends::Perhaps
    }

    /// A later round sees what an earlier one set: silent walks find out what that may be, until nothing new comes.
    fn later_rounds(&mut self, steps: &[Step]) {
        const MOST: usize = 4;
        for _ in 0..MOST {
            let before = self.know.vars();
            let (mut nowhere, mut know) = (Vec::new(), self.know.clone());
            let mut walk = Walk {
                document: self.document,
                source: self.source,
                world: self.world,
                out: &mut nowhere,
                know: &mut know,
                in_finally: self.in_finally,
                silent: true,
            };
            walk.block(steps);
            self.know.join_vars(&know.vars());
            if self.know.vars() == before {
                return;
            }
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

    fn set(&mut self, variables: &[Input], guarded: bool) -> Ends {
        // Kept only where it is needed: what nobody keeps is changed in place.
        let before = guarded.then(|| self.know.vars());
        let mut found = BTreeMap::new();
        for variable in variables {
            let before = self.out.len();
            let mut shape = match &variable.template {
                Some(template) => {
                    infer::infer_template(template, &self.know.env, self.source, self.out)
                }
                None => Shape::of(Type::Any),
            };
            if has_error(&self.out[before..]) {
                shape = Shape::of(Type::Any);
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
        for (name, text) in [("`reason`", reason), ("`hint`", hint)] {
            let Some(Text { span, template: Some(template) }) = text else { continue };
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
        }
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

    fn condition(&mut self, expression: &Expression) {
        let before = self.out.len();
        infer::infer_condition(expression, &self.know.env, self.source, self.out);
        for diagnostic in &mut self.out[before..] {
            if diagnostic.code == "maybe-null" {
                diagnostic.help.extend(self.know.why_null(&expression.text));
            }
        }
        self.total(expression.span, |env| infer::condition_may_fail(expression, env));
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

/// Returns the lists inside a map, for somebody who named the map.
fn lists_in(of: &Type) -> Option<String> {
    let Type::Object(object) = of else { return None };
    let lists = object.fields.iter().filter(|field| matches!(field.shape.of, Type::List(_)));
    let lists = suggest::list(lists.map(|field| field.name.as_str()));
    (!lists.is_empty()).then(|| format!("lists in it: {lists}"))
}
