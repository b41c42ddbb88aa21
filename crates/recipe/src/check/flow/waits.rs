//! Waits for a moment, and for a person.

use super::{Ends, Walk};
use crate::{
    check::{
        fit::describe,
        inputs::{has_error, null_cure},
        shapes,
    },
    diagnostic::Diagnostic,
    document::{Step, Wait, WaitFor},
    expression::Template,
    infer,
    schema::{Format, Shape, Type},
};

impl Walk<'_> {
    pub(super) fn wait(&mut self, step: &Step, wait: Option<&Wait>) -> Ends {
        self.know.has_run(step, Some(shapes::object::<&str>([])));
        let Some(Wait::Until(template, span)) = wait else { return Ends::Perhaps };
        if let Template::Constant(_) = template {
            return Ends::Perhaps;
        }
        let before = self.out.len();
        let found = infer::infer_template(template, &self.know.env, self.source, self.out);
        if has_error(&self.out[before..]) {
            return Ends::Perhaps;
        }
        match &found.of {
            Type::Text(text) if text.format == Format::Date => {
                let message = "`wait` ends at a moment, found a date";
                self.out.push(Diagnostic::error("wrong-type", self.source, *span, message).help(
                    "say which moment of it: `{{ (DATE ~ 'T09:00') | datetime('Europe/Vienna') }}`",
                ));
            }
            Type::Text(_) | Type::Any => {}
            other => {
                let message =
                    format!("`wait` is a duration or a moment, found {}", describe(other));
                self.out.push(
                    Diagnostic::error("wrong-type", self.source, *span, message)
                        .help("a duration is text such as `2h`, a moment is text such as `2027-01-04T09:00:00Z`"),
                );
            }
        }
        if let (true, Template::Value(expression)) = (found.nullable, template) {
            let origin = infer::null_origin(expression, &self.know.env);
            let origin = origin.map_or_else(|| "this".into(), |origin| format!("`{origin}`"));
            let message = format!("`wait` needs a moment, and {origin} may be null");
            let why = self.know.why_null(&expression.text);
            let mut diagnostic =
                Diagnostic::error("maybe-null", self.source, *span, message).label("may be null");
            diagnostic.help.extend(why);
            self.out.push(diagnostic.help(null_cure(&expression.text, true)));
        }
        self.total(*span, |env| infer::template_may_fail(template, env));
        Ends::Perhaps
    }

    pub(super) fn wait_for(&mut self, step: &Step, question: &WaitFor) -> Ends {
        if step.id.is_none() {
            self.out.push(
                Diagnostic::error(
                    "missing-key",
                    self.source,
                    step.key,
                    "this `wait_for` has no `id`",
                )
                .help("its `id` is the name by which people answer it: `id: approval`"),
            );
        }
        self.words("`ask`", question.ask.as_ref());
        let answer = question.answer.clone();
        self.know.has_run(step, answer.map(|answer| Shape::of(Type::Object(answer))));
        Ends::Perhaps
    }
}
