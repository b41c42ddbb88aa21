//! What is known at one place of a recipe: the shapes of names, which steps have run, and why one may not have.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    check::shapes,
    document::{Document, Kind, Step, for_each_step},
    infer::{Environment, Facts, StepSight, union},
    schema::{Object, Shape, Type},
};

/// The name of the variables' map.
const VARS: &str = "vars";

/// What is known at one place.
#[derive(Debug, Clone)]
pub(super) struct Knowledge {
    /// What expressions see.
    pub(super) env: Environment,
    /// The place of each variable among the fields of `vars`. All are there from the start, nullable until set.
    places: BTreeMap<String, usize>,
    /// Why the output of a step may be null.
    doubts: BTreeMap<String, &'static str>,
    /// Variables set since [`begin_changes`](Self::begin_changes).
    changed: BTreeSet<String>,
}

impl Knowledge {
    /// Returns what is known before the first step.
    pub(super) fn new(document: &Document, start: &Environment) -> Self {
        let mut steps = BTreeMap::new();
        for_each_step(document.steps.iter().chain(&document.finally), &mut |step, _| {
            if let Some(id) = &step.id {
                steps.insert(id.text.clone(), StepSight::Later);
            }
        });
        let mut vars = BTreeSet::new();
        for_each_step(document.steps.iter().chain(&document.finally), &mut |step, _| {
            if let Kind::Set(variables) = &step.kind {
                vars.extend(variables.iter().map(|variable| variable.key.text.clone()));
            }
        });
        let places = vars.iter().cloned().enumerate().map(|(index, name)| (name, index)).collect();
        let mut names = start.names.clone();
        names.insert("job".into(), shapes::job());
        names.insert(VARS.into(), shapes::object(vars.into_iter().map(|name| (name, unset()))));
        let env = Environment { names, steps, ..start.clone() };
        Self { env, places, doubts: BTreeMap::new(), changed: BTreeSet::new() }
    }

    /// A step has run and has this output; `None` when nothing is known about it because of a mistake.
    pub(super) fn has_run(&mut self, step: &Step, output: Option<Shape>) {
        let Some(id) = &step.id else { return };
        let shape = output.unwrap_or_else(|| {
            self.env.unknown.insert(format!("steps.{}", id.text));
            Shape::of(Type::Any)
        });
        self.env.steps.insert(id.text.clone(), StepSight::Visible(shape));
    }

    /// Nothing is known about a variable because of a mistake.
    pub(super) fn unknown_variable(&mut self, name: &str) {
        self.env.unknown.insert(format!("{VARS}.{name}"));
    }

    /// These steps may not have run, or left nothing: from here on their outputs may be null.
    pub(super) fn perhaps_not_run(&mut self, steps: &[Step], why: &'static str) {
        let (sights, doubts) = (&mut self.env.steps, &mut self.doubts);
        for_each_step(steps, &mut |step, in_round| {
            let Some(id) = &step.id else { return };
            if in_round {
                return;
            }
            if let Some(StepSight::Visible(shape)) = sights.get_mut(&id.text) {
                shape.nullable = true;
                doubts.entry(id.text.clone()).or_insert(why);
            }
        });
    }

    /// The steps of a round are not seen outside it.
    pub(super) fn round_is_over(&mut self, steps: &[Step]) {
        let sights = &mut self.env.steps;
        for_each_step(steps, &mut |step, _| {
            if let Some(id) = &step.id {
                sights.insert(id.text.clone(), StepSight::OtherRound);
            }
        });
    }

    /// `finally` sees the outcome, and no step or variable is certain any more.
    pub(super) fn body_is_over(&mut self, steps: &[Step]) {
        self.perhaps_not_run(steps, "the job may have ended before it");
        self.env.facts = Facts::default();
        self.env.names.insert("outcome".into(), shapes::outcome());
        let mut vars = self.vars();
        for field in &mut Arc::make_mut(&mut vars).fields {
            field.shape.nullable = true;
        }
        self.replace_vars(vars);
    }

    /// Returns the variables as they are known now; cheap.
    pub(super) fn vars(&self) -> Arc<Object> {
        match self.env.names.get(VARS) {
            Some(Shape { of: Type::Object(vars), .. }) => vars.clone(),
            _ => Arc::default(),
        }
    }

    /// Replaces what is known about variables, and returns what was.
    pub(super) fn replace_vars(&mut self, vars: Arc<Object>) -> Arc<Object> {
        let before = self.vars();
        self.env.names.insert(VARS.into(), Shape::of(Type::Object(vars)));
        before
    }

    /// Variables were set.
    pub(super) fn set_vars(&mut self, set: BTreeMap<String, Shape>) {
        for (name, shape) in set {
            self.env.facts.forget_variable(&name);
            let vars = self.env.names.get_mut(VARS).map(|shape| &mut shape.of);
            if let (Some(Type::Object(vars)), Some(index)) = (vars, self.places.get(&name)) {
                // In place, unless somebody keeps what was known before.
                Arc::make_mut(vars).fields[*index].shape = shape;
            }
            self.changed.insert(name);
        }
    }

    /// The variables are as they are, or as in `others`.
    pub(super) fn join_vars(&mut self, others: &Object) {
        let mut vars = self.vars();
        for (field, other) in Arc::make_mut(&mut vars).fields.iter_mut().zip(&others.fields) {
            field.shape = union(field.shape.clone(), other.shape.clone());
        }
        self.replace_vars(vars);
    }

    /// From here on, changes of variables are noted apart; returns those noted so far.
    pub(super) fn begin_changes(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    /// Returns the facts from before the changes, without those about a variable that was set since.
    pub(super) fn end_changes(&mut self, facts: Facts, mut outer: BTreeSet<String>) -> Facts {
        let facts = self.unchanged(facts);
        // The few into the many: this happens at every step.
        outer.extend(std::mem::take(&mut self.changed));
        self.changed = outer;
        facts
    }

    /// Returns facts without those about a variable that was set since the changes began.
    pub(super) fn unchanged(&self, mut facts: Facts) -> Facts {
        for name in &self.changed {
            facts.forget_variable(name);
        }
        facts
    }

    /// The item and what an earlier round set are not what they were.
    pub(super) fn round_begins(&mut self, item: Option<&str>, steps: &[Step]) {
        let facts = &mut self.env.facts;
        if let Some(item) = item {
            facts.forget_name(item);
        }
        facts.forget_name("loop");
        for_each_step(steps, &mut |step, _| {
            if let Kind::Set(variables) = &step.kind {
                for variable in variables {
                    facts.forget_variable(&variable.key.text);
                }
            }
        });
    }

    /// Returns why a step that an expression names may not have run.
    pub(super) fn why_null(&self, expression: &str) -> Option<String> {
        let (id, why) = self.doubts.iter().find(|(id, _)| names(expression, id))?;
        Some(format!("`steps.{id}` may be null: {why}"))
    }
}

/// Whether one of these steps, at any depth, sets a variable.
pub(super) fn sets_variables(steps: &[Step]) -> bool {
    let mut found = false;
    for_each_step(steps, &mut |step, _| found |= matches!(step.kind, Kind::Set(_)));
    found
}

/// A variable before it is set.
fn unset() -> Shape {
    Shape::any()
}

fn names(expression: &str, id: &str) -> bool {
    let path = format!("steps.{id}");
    expression.match_indices(&path).any(|(at, _)| {
        let next = expression[at + path.len()..].chars().next();
        !next.is_some_and(|next| next.is_alphanumeric() || next == '_')
    })
}
