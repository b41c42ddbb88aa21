//! Operators and what they need of their operands.

use super::{Inference, describe, names::is_null};
use crate::{
    expression::tree::{Kind, Node, Operator},
    functions::{Nulls, Wants},
    infer::Sight,
    schema::{Format, Shape, Text, Type},
    suggest,
};

impl Inference<'_> {
    /// Reports a value that may be null where it must not be.
    pub(super) fn refuse_null(&mut self, node: &Node, shape: &Shape, wanted: &str) {
        if !shape.nullable {
            return;
        }
        let path = self.quoted(node);
        if is_null(node) {
            self.report("maybe-null", node, format!("null stands where {wanted} is needed"));
        } else if matches!(shape.of, Type::Any) {
            self.risks(|| format!("{path} may be null"));
        } else {
            let guard = guarded(node).map_or(path.clone(), |guarded| self.quoted(guarded));
            let step = step_of(node)
                .map(|step| format!("step `{step}` may not have run, or may not have given it"));
            let origin = self.null_origin(node);
            let origin = (!std::ptr::eq(origin, node))
                .then(|| format!("because {} may be null", self.quoted(origin)));
            let diagnostic = self.report(
                "maybe-null",
                node,
                format!("{path} may be null, where {wanted} is needed"),
            );
            diagnostic.label = step.or(origin);
            let guard = guard.trim_matches('`');
            diagnostic.help.push(format!(
                "give another value with `| default(…)`, or guard it with `when: {guard} is not none`"
            ));
        }
    }

    pub(super) fn boolean(&mut self, node: &Node) {
        let shape = self.shape(node);
        match &shape.of {
            Type::Boolean => {}
            Type::Any => {
                let path = self.quoted(node);
                self.risks(|| format!("{path} may not be true or false"));
            }
            other => {
                let message = format!(
                    "{} is {}, where true or false is needed",
                    self.quoted(node),
                    describe(other)
                );
                let help = match other {
                    Type::List(_) => "ask whether it has items: `… | length > 0`",
                    Type::Text(_) | Type::Integer | Type::Number => {
                        "compare it: `… == …`, or ask `… is not none`"
                    }
                    _ => "ask whether it is there: `… is not none`",
                };
                self.report("wrong-type", node, message).help.push(help.into());
                return;
            }
        }
        self.refuse_null(node, &shape, "true or false");
    }

    pub(super) fn text(&mut self, node: &Node) {
        let shape = self.shape(node);
        match &shape.of {
            Type::List(_) | Type::Object(_) => {
                let message = format!(
                    "{} is {}, where text is needed",
                    self.quoted(node),
                    describe(&shape.of)
                );
                let help = list_cure(&shape.of)
                    .unwrap_or("name the field to write, or write it as JSON with `json`".into());
                self.report("wrong-type", node, message).help.push(help);
                return;
            }
            Type::Any => {
                let path = self.quoted(node);
                self.risks(|| format!("{path} may not be text"));
            }
            _ => {}
        }
        self.refuse_null(node, &shape, "text");
    }

    pub(super) fn number(&mut self, node: &Node, wanted: &str) -> Shape {
        let shape = self.shape(node);
        self.as_number(node, shape, wanted)
    }

    fn as_number(&mut self, node: &Node, shape: Shape, wanted: &str) -> Shape {
        match &shape.of {
            Type::Integer | Type::Number => {}
            Type::Any => {
                let path = self.quoted(node);
                self.risks(|| format!("{path} may not be {wanted}"));
            }
            other => {
                let message = format!(
                    "{} is {}, where {wanted} is needed",
                    self.quoted(node),
                    describe(other)
                );
                let help = matches!(other, Type::Text(_))
                    .then(|| "make a number of it with `| number`".into());
                self.report("wrong-type", node, message).help.extend(help);
                return Shape::of(Type::Number);
            }
        }
        self.refuse_null(node, &shape, wanted);
        Shape { nullable: false, ..shape }
    }

    pub(super) fn operation(&mut self, operator: Operator, left: &Node, right: &Node) -> Shape {
        match operator {
            Operator::Equal | Operator::Unequal => {
                let (left_shape, right_shape) = (self.shape(left), self.shape(right));
                self.compared(left, &left_shape, right, &right_shape);
                Shape::of(Type::Boolean)
            }
            Operator::In => {
                self.contained(left, right);
                Shape::of(Type::Boolean)
            }
            Operator::Concatenate => {
                self.text(left);
                self.text(right);
                Shape::of(Type::Text(Text::default()))
            }
            operator if operator.orders() => {
                self.ordered(operator, left, right);
                Shape::of(Type::Boolean)
            }
            operator => self.arithmetic(operator, left, right),
        }
    }

    /// Warns of values that can never be equal.
    pub(super) fn compared(
        &mut self,
        left: &Node,
        left_shape: &Shape,
        right: &Node,
        right_shape: &Shape,
    ) {
        let (path, other) = (self.quoted(left), self.quoted(right));
        match (&left_shape.of, &right_shape.of) {
            (Type::Any, _) | (_, Type::Any) => {}
            (Type::Text(one), Type::Text(two)) => {
                let (known, asked, at) = if one.choices.len() > 1 {
                    (&one.choices, &two.choices, right)
                } else {
                    (&two.choices, &one.choices, left)
                };
                let never = known.len() > 1
                    && !asked.is_empty()
                    && !asked.iter().any(|word| known.contains(word));
                if never {
                    let path = if std::ptr::eq(at, right) { path } else { other };
                    let word = &asked[0];
                    self.warn("never-equal", at, format!("{path} is never `{word}`"));
                    if let Some(last) = self.out.last_mut() {
                        last.label = suggest::closest(word, known.iter().map(String::as_str))
                            .map(|near| format!("did you mean `{near}`?"));
                        last.help.push(format!(
                            "it is one of: {}",
                            suggest::list(known.iter().map(String::as_str))
                        ));
                    }
                }
            }
            (one, two) if family(one) == family(two) => {}
            (one, two) => {
                let message = format!(
                    "{path} is {} and {other} is {}: they are never equal",
                    describe(one),
                    describe(two)
                );
                self.warn("never-equal", right, message);
                if let (Some(last), "text", "number") | (Some(last), "number", "text") =
                    (self.out.last_mut(), family(one), family(two))
                {
                    last.help.push("make a number of the text with `| number`, or text of the number with `| text`".into());
                }
            }
        }
    }

    fn contained(&mut self, needle: &Node, hay: &Node) {
        let needle_shape = self.shape(needle);
        let hay_shape = self.shape(hay);
        match &hay_shape.of {
            Type::List(item) => {
                if family(&item.of) != family(&needle_shape.of)
                    && !matches!(item.of, Type::Any)
                    && !matches!(needle_shape.of, Type::Any)
                {
                    let message = format!(
                        "{} is {} and the items of {} are not: it is never among them",
                        self.quoted(needle),
                        describe(&needle_shape.of),
                        self.quoted(hay)
                    );
                    self.warn("never-equal", needle, message);
                }
            }
            Type::Text(_) | Type::Object(_) => {
                self.refuse_null(needle, &needle_shape, "text");
                if matches!(needle_shape.of, Type::Any) {
                    let path = self.quoted(needle);
                    self.risks(|| format!("{path} may not be text"));
                }
                if !matches!(needle_shape.of, Type::Text(_) | Type::Any) {
                    let message = format!(
                        "{} is {}, and {} is {}, which can hold text only",
                        self.quoted(needle),
                        describe(&needle_shape.of),
                        self.quoted(hay),
                        describe(&hay_shape.of)
                    );
                    self.report("wrong-type", needle, message);
                }
            }
            Type::Any => {
                let path = self.quoted(hay);
                self.risks(|| format!("{path} may not be a list"));
            }
            other => {
                let message =
                    format!("{} is {}, which has nothing in it", self.quoted(hay), describe(other));
                self.report("wrong-type", hay, message);
            }
        }
    }

    fn ordered(&mut self, operator: Operator, left: &Node, right: &Node) {
        let (one, two) = (self.shape(left), self.shape(right));
        let wanted = "something to compare";
        self.refuse_null(left, &one, wanted);
        self.refuse_null(right, &two, wanted);
        let fits = |of: &Type| matches!(family(of), "number" | "text" | "any");
        let known = family(&one.of) != "any" && family(&two.of) != "any";
        if !fits(&one.of) || !fits(&two.of) || (known && family(&one.of) != family(&two.of)) {
            let message = format!(
                "{} is {} and {} is {}: `{}` compares two numbers or two texts",
                self.quoted(left),
                describe(&one.of),
                self.quoted(right),
                describe(&two.of),
                operator.sign()
            );
            let help = (fits(&one.of) && fits(&two.of))
                .then(|| "make a number of the text with `| number`".into());
            self.report("wrong-type", if fits(&one.of) { right } else { left }, message)
                .help
                .extend(help);
        } else if !known {
            let path = self.quoted(if family(&one.of) == "any" { left } else { right });
            self.risks(|| format!("{path} may not be comparable"));
        }
    }

    fn arithmetic(&mut self, operator: Operator, left: &Node, right: &Node) -> Shape {
        let (one, two) = (self.shape(left), self.shape(right));
        if operator == Operator::Add {
            if matches!(
                (&one.of, &two.of),
                (Type::Text(_), Type::Text(_)) | (Type::List(_), Type::List(_))
            ) {
                let wanted = if matches!(one.of, Type::List(_)) { "a list" } else { "text" };
                self.refuse_null(left, &one, wanted);
                self.refuse_null(right, &two, wanted);
                return match (one.of, two.of) {
                    (Type::List(one), Type::List(two)) => {
                        Shape::of(Type::List(Box::new(super::union(*one, *two))))
                    }
                    _ => Shape::of(Type::Text(Text::default())),
                };
            }
            if matches!(one.of, Type::Any) || matches!(two.of, Type::Any) {
                self.refuse_null(left, &one, "a number");
                self.refuse_null(right, &two, "a number");
                let path = self.quoted(left);
                self.risks(|| format!("{path} may not be a number"));
                return Shape::of(Type::Any);
            }
        }
        let (one, two) =
            (self.as_number(left, one, "a number"), self.as_number(right, two, "a number"));
        let nonzero = matches!(&right.kind, Kind::Constant(value) if value.as_f64().is_some_and(|value| value != 0.0));
        if matches!(operator, Operator::Divide | Operator::DivideWhole | Operator::Remainder)
            && !nonzero
        {
            let path = self.quoted(right);
            self.risks(|| format!("{path} may be zero"));
        }
        if operator == Operator::Power || operator == Operator::Multiply {
            self.risks(|| "the result may be too large".into());
        }
        let whole = one.of == Type::Integer && two.of == Type::Integer;
        let keeps = !matches!(operator, Operator::Divide | Operator::Power);
        Shape::of(if whole && keeps { Type::Integer } else { Type::Number })
    }

    pub(super) fn apply(&mut self, node: &Node, apply: &crate::expression::tree::Apply) -> Shape {
        let function = apply.function;
        let mut shapes: Vec<Option<Shape>> = Vec::new();
        let mut broken = false;
        for (index, (argument, parameter)) in
            apply.arguments.iter().zip(function.parameters).enumerate()
        {
            let Some(argument) = argument else {
                shapes.push(None);
                continue;
            };
            let shape = self.shape(argument);
            let tolerated = index == 0 && function.nulls != Nulls::Take;
            if !tolerated && !parameter.wants.admits_null() {
                self.refuse_null(argument, &shape, parameter.wants.words());
            }
            if !parameter.wants.admits_type(&shape.of) {
                let message = format!(
                    "{} is {}, where `{}` needs {}",
                    self.quoted(argument),
                    describe(&shape.of),
                    function.name,
                    parameter.wants.words()
                );
                let help = argument_cure(parameter.wants, &shape.of);
                self.report("wrong-type", argument, message).help.extend(help.map(Into::into));
                broken = true;
            } else if parameter.wants != Wants::Any && matches!(shape.of, Type::Any) {
                let path = self.quoted(argument);
                self.risks(|| format!("{path} may not be {}", parameter.wants.words()));
            }
            shapes.push(Some(shape));
        }
        let columns = apply.columns.iter().map(|column| self.shape(&column.value)).collect();
        if let Some(reason) = function.may_fail {
            self.risks(|| format!("`{}` may fail: {reason}", function.name));
        }
        let nullable = function.nulls == Nulls::Pass
            && shapes
                .first()
                .is_some_and(|shape| shape.as_ref().is_some_and(|shape| shape.nullable));
        let mut shape =
            (function.gives)(&mut Sight { inference: self, node, apply, shapes, columns });
        shape.nullable |= nullable;
        if broken { Shape::any() } else { shape }
    }
}

pub(super) fn family(of: &Type) -> &'static str {
    match of {
        Type::Any => "any",
        Type::Boolean => "boolean",
        Type::Integer | Type::Number => "number",
        Type::Text(Text { format: Format::Secret, .. }) => "secret",
        Type::Text(_) => "text",
        Type::List(_) => "list",
        Type::Object(_) => "map",
    }
}

pub(super) fn list_cure(of: &Type) -> Option<String> {
    matches!(of, Type::List(_)).then(|| {
        "choose one with `first`, write them all with `join(', ')`, or as JSON with `json`".into()
    })
}

fn argument_cure(wants: Wants, found: &Type) -> Option<&'static str> {
    match (wants, found) {
        (Wants::Text | Wants::Scalar | Wants::TextOrNumber, Type::List(_)) => {
            Some("choose one item with `first`, or join them with `join(', ')`")
        }
        (Wants::Text, Type::Integer | Type::Number | Type::Boolean) => {
            Some("make text of it with `| text`")
        }
        (Wants::Number | Wants::Integer, Type::Text(_)) => {
            Some("make a number of it with `| number`")
        }
        (Wants::List, Type::Text(_)) => {
            Some("make a list of it: `[…]`, or cut it with `split(', ')`")
        }
        _ => None,
    }
}

/// Returns the path that a guard would ask about: the value before its filters.
fn guarded(node: &Node) -> Option<&Node> {
    match &node.kind {
        Kind::Apply(apply) if apply.function.nulls == Nulls::Pass => {
            let subject = apply.arguments.first()?.as_ref()?;
            Some(guarded(subject).unwrap_or(subject))
        }
        _ => None,
    }
}

fn step_of(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Field { of, name, .. } => match &of.kind {
            Kind::Name(root) if root == "steps" => Some(name),
            _ => step_of(of),
        },
        Kind::Item { of, .. } => step_of(of),
        _ => None,
    }
}
