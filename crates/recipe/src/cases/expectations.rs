//! YAML → what a case expects, checked against the steps and schemas it speaks of.

use crate::{
    diagnostic::Span,
    recipe::StepKind,
    schema::Object,
    yaml::{Node, Value},
};

use super::{
    Selector,
    conform::{Hold, conform, field},
    expect::{Expect, ExpectedError, ExpectedStep, ExpectedWarning},
    known::{self, STATUSES},
    matcher::{self, Expected},
    range::{self, Range},
    read::Reader,
    selector::Place,
};

impl<'a> Reader<'a> {
    /// Reads what a case expects.
    pub(super) fn expect(&mut self, node: &Node) -> Expect {
        let mut expect = Expect::default();
        let entries = self.to.entries(node, known::EXPECT.what, known::EXPECT.keys);
        if entries.is_empty() && matches!(node.value, Value::Null | Value::Map(_)) {
            self.missing(node, "`expect` expects nothing", "say at least `status: succeeded`");
        }
        for (key, value) in entries {
            match key.text.as_str() {
                "status" => {
                    let Some(word) = self.to.text(value, "`status`") else { continue };
                    if !STATUSES.contains(&word) {
                        let message = format!("there is no status `{word}`");
                        self.to.unknown(
                            "wrong-value",
                            value.span,
                            message,
                            word,
                            "statuses",
                            &STATUSES,
                        );
                    }
                    expect.status = Some((word.into(), value.span));
                }
                "reason" => expect.reason = self.words(value, "`reason`"),
                "message" => expect.message = self.words(value, "`message`"),
                "label" => expect.label = self.words(value, "`label`"),
                "key" | "key_group" | "dedupe" if self.called => {
                    let message = format!("this recipe is called, so it has no `{}`", key.text);
                    let cure = "the job that calls it holds the key";
                    self.to.error("wrong-value", key.span, message).help.push(cure.into());
                }
                "key" => expect.key = self.words(value, "`key`"),
                "key_group" => expect.key_group = self.words(value, "`key_group`"),
                "dedupe" => expect.dedupe = self.words(value, "`dedupe`"),
                "error" => expect.error = Some(self.error(value)),
                "warnings" => expect.warnings = self.warnings(value),
                "order" => expect.order = self.order(value),
                "output" if self.answers => {
                    let gives = self.gives.clone();
                    conform(value, "output", &gives, Hold::Expectation, &mut self.to);
                    expect.output = Some(matcher::read(value));
                }
                "output" => {
                    let message =
                        "this recipe has a trigger that answers nobody, so it gives no `output`";
                    let cure = "for that of a step, write `steps: { NAME: { output: … } }`";
                    self.to.error("wrong-value", key.span, message).help.push(cure.into());
                }
                _ => expect.steps = self.steps(value),
            }
        }
        expect
    }

    fn error(&mut self, node: &Node) -> ExpectedError {
        let mut error = ExpectedError { span: node.span, ..ExpectedError::default() };
        for (key, value) in self.to.entries(node, known::ERROR.what, known::ERROR.keys) {
            match key.text.as_str() {
                "code" => error.code = self.words(value, "`code`"),
                "message" => error.message = self.words(value, "`message`"),
                "hint" => error.hint = self.words(value, "`hint`"),
                _ => error.step = self.step_value(value),
            }
        }
        error
    }

    fn warnings(&mut self, node: &Node) -> Option<(Span, Vec<ExpectedWarning>)> {
        let Value::List(items) = &node.value else {
            self.to.wrong_type(node, "`warnings`", "a list");
            return None;
        };
        let mut warnings = Vec::new();
        for item in items {
            let mut warning =
                ExpectedWarning { span: item.span, code: None, message: None, step: None };
            if let Value::Text(_) = item.value {
                warning.code = Some(matcher::read(item));
            } else {
                for (key, value) in self.to.entries(item, known::WARNING.what, known::WARNING.keys)
                {
                    match key.text.as_str() {
                        "code" => warning.code = self.words(value, "`code`"),
                        "message" => warning.message = self.words(value, "`message`"),
                        _ => warning.step = self.step_value(value),
                    }
                }
            }
            warnings.push(warning);
        }
        Some((node.span, warnings))
    }

    fn steps(&mut self, node: &Node) -> Vec<ExpectedStep> {
        let mut steps = Vec::new();
        for (key, value) in self.to.map(node, "`steps`") {
            let Some((selector, place)) = self.step(&key.text, key.span) else { continue };
            let mut step = ExpectedStep {
                step: selector,
                name: key.text.clone(),
                span: key.span,
                count: None,
                attempts: None,
                at: None,
                waited: None,
                ask: None,
                with: Vec::new(),
                output: None,
            };
            match &value.value {
                Value::Text(word) if word == "not_run" => {
                    step.count = Some(Range::exactly(0, value.span));
                }
                Value::Map(_) => self.step_map(value, &place, &mut step),
                _ => self.to.wrong_type(
                    value,
                    &format!("what `{}` does", key.text),
                    "`not_run` or a map with `count`, `attempts`, `with` or `output`",
                ),
            }
            steps.push(step);
        }
        steps
    }

    fn step_map(&mut self, node: &Node, place: &Place<'a>, step: &mut ExpectedStep) {
        let known: &[&str] = match &place.step.kind {
            StepKind::Action(_) => known::STEP_ACTION,
            StepKind::Call(_) => known::STEP_CALL,
            StepKind::WaitFor(_) => known::STEP_WAIT_FOR,
            StepKind::Wait(_) => known::STEP_WAIT,
            _ => known::STEP_OTHER,
        };
        for (key, value) in self.to.entries(node, &format!("`{}`", step.name), known) {
            match key.text.as_str() {
                "count" => step.count = range::count(value, "`count`", &mut self.to),
                "attempts" => step.attempts = range::count(value, "`attempts`", &mut self.to),
                "at" => step.at = range::moment(value, "`at`", &mut self.to),
                "waited" => step.waited = range::time(value, "`waited`", &mut self.to),
                "ask" => step.ask = self.words(value, "`ask`"),
                "with" => {
                    if let Some(inputs) = self.takes(place) {
                        self.inputs(value, place, &inputs, step);
                    }
                }
                _ => {
                    if let Some(answers) = self.answers(place) {
                        conform(value, "output", &answers.output, Hold::Expectation, &mut self.to);
                    }
                    step.output = Some(matcher::read(value));
                }
            }
        }
    }

    fn order(&mut self, node: &Node) -> Vec<(Selector, Span)> {
        let Value::List(items) = &node.value else {
            self.to.wrong_type(node, "`order`", "a list of steps");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.step_value(item)).collect()
    }

    fn inputs(&mut self, node: &Node, place: &Place<'a>, inputs: &Object, step: &mut ExpectedStep) {
        let called = match &place.step.kind {
            StepKind::Call(call) => format!("`{}`", call.recipe),
            other => format!("`{}`", other.does()),
        };
        for (key, value) in self.to.map(node, "`with`") {
            if let Some(shape) = field(inputs, &key.text) {
                conform(value, &key.text, shape, Hold::Expectation, &mut self.to);
                step.with.push((key.text.clone(), matcher::read_input(value)));
                continue;
            }
            let message = format!("{called} has no input `{}`", key.text);
            let known: Vec<&str> = inputs.fields.iter().map(|field| field.name.as_str()).collect();
            self.to.unknown("unknown-field", key.span, message, &key.text, "inputs", &known);
        }
    }

    /// Reads a text to compare with, or `{ matches: … }`.
    fn words(&mut self, node: &Node, of: &str) -> Option<Expected> {
        match node.value {
            Value::Text(_) => {}
            _ if matcher::is_matcher(node) => matcher::check(node, &mut self.to),
            _ => {
                self.to.wrong_type(node, of, "text or `{ matches: … }`");
                return None;
            }
        }
        Some(matcher::read(node))
    }

    fn step_value(&mut self, node: &Node) -> Option<(Selector, Span)> {
        let text = self.to.text(node, "`step`")?;
        self.step(text, node.span).map(|(selector, _)| (selector, node.span))
    }
}
