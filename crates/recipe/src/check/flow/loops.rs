//! Loops: what a round sees, what it leaves behind, and what all of them give.

use super::{Ends, Walk, knowledge};
use crate::{
    check::{
        fit::describe,
        inputs::{has_error, shape},
        shapes,
    },
    diagnostic::Diagnostic,
    document::{Condition, Rounds, Step},
    expression::Expression,
    infer,
    schema::{Shape, Type},
    suggest,
};

/// The number of the round, inside one.
const LOOP: &str = "loop";

impl Walk<'_> {
    pub(super) fn rounds(&mut self, step: &Step, rounds: &Rounds) -> Ends {
        let (item, unknown) = match &rounds.items.expression {
            Some(expression) => self.items(expression),
            None => (Shape::of(Type::Any), true),
        };
        let item = match rounds.batch {
            Some(_) => Shape::of(Type::List(Box::new(item))),
            None => item,
        };
        let name = rounds.variable.as_ref().map_or("item", |variable| &variable.text);
        let outer = self.know.env.names.insert(name.into(), item);
        let outer_loop = self.know.env.names.insert(LOOP.into(), shapes::round());
        let known = unknown && self.know.env.unknown.insert(name.into());
        let side_by_side = self.side_by_side;
        if let Some((span, 2..)) = rounds.at_once {
            self.side_by_side = Some(span);
        }
        self.know.round_begins(Some(name), &rounds.steps);
        if !self.silent && knowledge::sets_variables(&rounds.steps) {
            self.later_rounds(&rounds.steps);
        }
        let vars = self.know.vars();
        self.block(&rounds.steps);
        let results = rounds.collect.as_ref().map(|collect| self.collected(collect));
        // There may be no round at all.
        self.know.join_vars(&vars);
        self.side_by_side = side_by_side;
        if known {
            self.know.env.unknown.remove(name);
        }
        self.restore(name, outer);
        self.restore(LOOP, outer_loop);
        self.know.round_is_over(&rounds.steps);
        let output = results.map(|item| ("results", Shape::of(Type::List(Box::new(item)))));
        self.know.has_run(step, Some(shapes::object(output)));
        Ends::Perhaps
    }

    /// Returns the shape of the items of a list, and whether a mistake makes them unknown.
    fn items(&mut self, expression: &Expression) -> (Shape, bool) {
        let before = self.out.len();
        let found = shape(expression, &self.know.env, self.source, self.out);
        let item = match found.of {
            Type::List(of) => *of,
            Type::Any => Shape::any(),
            other => {
                let message = format!("`for_each` goes through a list, found {}", describe(&other));
                let mut diagnostic =
                    Diagnostic::error("wrong-type", self.source, expression.span, message);
                diagnostic.help.extend(lists_in(&other));
                self.out.push(diagnostic);
                Shape::any()
            }
        };
        self.total(expression.span, |env| infer::may_fail(expression, env));
        let mistaken = has_error(&self.out[before..]);
        (item, mistaken || infer::reads_mistake(expression, &self.know.env))
    }

    /// Returns the shape of what a round gives; rounds that give null are left out.
    fn collected(&mut self, collect: &Condition) -> Shape {
        let Some(expression) = &collect.expression else { return Shape::of(Type::Any) };
        let found = shape(expression, &self.know.env, self.source, self.out);
        self.total(expression.span, |env| infer::may_fail(expression, env));
        Shape { nullable: false, ..found }
    }

    pub(super) fn repeat(&mut self, step: &Step, condition: &Condition, steps: &[Step]) -> Ends {
        let outer = self.know.env.names.insert(LOOP.into(), shapes::round());
        self.know.round_begins(None, steps);
        if !self.silent && knowledge::sets_variables(steps) {
            self.later_rounds(steps);
        }
        // At least one round runs to its end, so what it sets is set afterwards.
        let ends = self.block(steps);
        if let Some(expression) = &condition.expression {
            self.condition(expression);
        }
        self.restore(LOOP, outer);
        self.know.round_is_over(steps);
        self.know.has_run(step, Some(shapes::object([("rounds", Shape::of(Type::Integer))])));
        ends
    }

    fn restore(&mut self, name: &str, outer: Option<Shape>) {
        match outer {
            Some(outer) => drop(self.know.env.names.insert(name.into(), outer)),
            None => drop(self.know.env.names.remove(name)),
        }
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
                side_by_side: None,
                silent: true,
            };
            walk.block(steps);
            self.know.join_vars(&know.vars());
            if self.know.vars() == before {
                return;
            }
        }
    }
}

/// Returns the lists inside a map, for somebody who named the map.
fn lists_in(of: &Type) -> Option<String> {
    let Type::Object(object) = of else { return None };
    let lists = object.fields.iter().filter(|field| matches!(field.shape.of, Type::List(_)));
    let lists = suggest::list(lists.map(|field| field.name.as_str()));
    (!lists.is_empty()).then(|| format!("lists in it: {lists}"))
}
