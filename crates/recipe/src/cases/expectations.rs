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
    expect::{self, Expect, ExpectedError, ExpectedStep, ExpectedWarning},
    read::Reader,
    selector::Place,
};

const STATUSES: [&str; 6] =
    ["succeeded", "failed", "skipped", "cancelled", "needs_attention", "filtered"];

impl<'a> Reader<'a> {
    /// Reads what a case expects.
    pub(super) fn expect(&mut self, node: &Node) -> Expect {
        let known = ["status", "reason", "message", "error", "steps", "warnings", "label"];
        let mut expect = Expect::default();
        let entries = self.to.entries(node, "`expect`", &known);
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
                "error" => expect.error = Some(self.error(value)),
                "warnings" => expect.warnings = self.warnings(value),
                _ => expect.steps = self.steps(value),
            }
        }
        expect
    }

    fn error(&mut self, node: &Node) -> ExpectedError {
        let mut error = ExpectedError { span: node.span, ..ExpectedError::default() };
        for (key, value) in self.to.entries(node, "`error`", &["code", "message", "hint", "step"]) {
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
                warning.code = Some(expect::read(item));
            } else {
                for (key, value) in self.to.entries(item, "a warning", &["code", "message", "step"])
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
                with: Vec::new(),
                output: None,
            };
            match &value.value {
                Value::Text(word) if word == "not_run" => step.count = Some((0, value.span)),
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
        let spec = self.action(place);
        let known: &[&str] = if spec.is_some() {
            &["count", "attempts", "with", "output"]
        } else {
            &["count", "output"]
        };
        for (key, value) in self.to.entries(node, &format!("`{}`", step.name), known) {
            match (key.text.as_str(), spec) {
                ("count", _) => {
                    step.count = self.to.count(value, "`count`").map(|count| (count, value.span));
                }
                ("attempts", _) => {
                    step.attempts =
                        self.to.count(value, "`attempts`").map(|count| (count, value.span));
                }
                ("with", Some(spec)) => self.inputs(value, place, &spec.input, step),
                (_, spec) => {
                    if let Some(spec) = spec {
                        conform(value, "output", &spec.output, Hold::Expectation, &mut self.to);
                    }
                    step.output = Some(expect::read(value));
                }
            }
        }
    }

    fn inputs(&mut self, node: &Node, place: &Place<'a>, inputs: &Object, step: &mut ExpectedStep) {
        let StepKind::Action(action) = &place.step.kind else { return };
        for (key, value) in self.to.map(node, "`with`") {
            if let Some(shape) = field(inputs, &key.text) {
                conform(value, &key.text, shape, Hold::Expectation, &mut self.to);
                step.with.push((key.text.clone(), expect::read_input(value)));
                continue;
            }
            let message =
                format!("`{}.{}` has no input `{}`", action.connector, action.action, key.text);
            let known: Vec<&str> = inputs.fields.iter().map(|field| field.name.as_str()).collect();
            self.to.unknown("unknown-field", key.span, message, &key.text, "inputs", &known);
        }
    }

    /// Reads a text to compare with, or `{ matches: … }`.
    fn words(&mut self, node: &Node, of: &str) -> Option<expect::Expected> {
        match node.value {
            Value::Text(_) => {}
            _ if expect::is_matcher(node) => {}
            _ => {
                self.to.wrong_type(node, of, "text or `{ matches: … }`");
                return None;
            }
        }
        Some(expect::read(node))
    }

    fn step_value(&mut self, node: &Node) -> Option<(Selector, Span)> {
        let text = self.to.text(node, "`step`")?;
        self.step(text, node.span).map(|(selector, _)| (selector, node.span))
    }
}
