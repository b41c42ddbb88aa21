//! Evaluates a tree over a scope. What is only read is borrowed, never copied.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    EvalError, Expression,
    fuel::Fuel,
    operators::{arithmetic, as_whole, contains, equal, kind, negative, order},
    quoted::Quoted,
    tree::{Apply, Kind, Node, Operator},
};
use crate::{
    functions::{Call, Fault, Nulls},
    scope::Scope,
};

/// One evaluation of one expression.
pub(crate) struct Evaluation<'a> {
    expression: &'a Expression,
    pub(super) scope: &'a Scope,
    pub(super) fuel: Fuel,
}

type Found<'a> = Result<Cow<'a, Value>, EvalError>;

impl<'a> Evaluation<'a> {
    pub(crate) fn new(expression: &'a Expression, scope: &'a Scope) -> Self {
        Self { expression, scope, fuel: Fuel::new() }
    }

    pub(crate) fn result(mut self) -> Result<Value, EvalError> {
        let tree = &self.expression.tree;
        let value = self.value(tree)?;
        if let Cow::Borrowed(value) = &value {
            self.fuel.spend_on(value).map_err(|fault| self.error(tree, fault))?;
        }
        Ok(value.into_owned())
    }

    pub(crate) fn condition(mut self) -> Result<bool, EvalError> {
        self.boolean(&self.expression.tree)
    }

    pub(crate) fn text(mut self) -> Result<String, EvalError> {
        let tree = &self.expression.tree;
        let value = self.value(tree)?;
        self.as_text(tree, value)
    }

    fn value(&mut self, node: &'a Node) -> Found<'a> {
        self.fuel.spend(1).map_err(|fault| self.error(node, fault))?;
        match &node.kind {
            Kind::Constant(value) => Ok(Cow::Borrowed(value)),
            Kind::Name(name) => self.name(node, name),
            Kind::Field { of, name, .. } => match self.glance(node) {
                Some(value) => Ok(Cow::Owned(value)),
                None => self.field(node, of, name),
            },
            Kind::Item { of, key } => match self.glance(node) {
                Some(value) => Ok(Cow::Owned(value)),
                None => self.item(node, of, key),
            },
            Kind::Slice { of, start, stop } => {
                self.slice(node, of, start.as_deref(), stop.as_deref())
            }
            Kind::Not(inner) => Ok(owned(!self.boolean(inner)?)),
            Kind::Both(left, right) => Ok(owned(self.boolean(left)? && self.boolean(right)?)),
            Kind::Either(left, right) => Ok(owned(self.boolean(left)? || self.boolean(right)?)),
            Kind::Negate(inner) => {
                let value = self.present(inner, "a number")?;
                negative(&value).map(Cow::Owned).map_err(|fault| self.error(node, fault))
            }
            Kind::Operation { operator, left, right } => {
                self.operation(node, *operator, left, right)
            }
            Kind::Choice { condition, then, otherwise } => {
                match (self.boolean(condition)?, otherwise) {
                    (true, _) => self.value(then),
                    (false, Some(otherwise)) => self.value(otherwise),
                    (false, None) => Ok(Cow::Owned(Value::Null)),
                }
            }
            Kind::Is { value, test } => Ok(owned(test.holds(&*self.value(value)?))),
            Kind::Apply(apply) => self.apply(node, apply),
            Kind::List(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.copy(item)).collect();
                items.map(|items| Cow::Owned(Value::Array(items)))
            }
            Kind::Map(fields) => {
                let mut map = Map::new();
                for (name, field) in fields {
                    map.insert(name.clone(), self.copy(field)?);
                }
                Ok(Cow::Owned(Value::Object(map)))
            }
        }
    }

    fn name(&self, node: &Node, name: &str) -> Found<'a> {
        let scope = self.scope;
        if let Some((_, value)) = scope.locals.iter().rev().find(|(local, _)| local == name) {
            return Ok(Cow::Borrowed(value));
        }
        let value = match name {
            "event" => return Ok(Cow::Borrowed(scope.event.value())),
            "input" => scope.input.as_ref(),
            "job" => Some(&scope.job),
            "properties" => Some(&scope.properties),
            "vars" => Some(&scope.vars),
            "error" => scope.error.as_ref(),
            "outcome" => scope.outcome.as_ref(),
            _ => None,
        };
        value.map(|value| Cow::Borrowed(&**value)).ok_or_else(|| {
            let message = if name == "steps" {
                "`steps` is not a value of its own".into()
            } else {
                format!("`{name}` is not known here")
            };
            let fault = Fault::new("unknown_name", message);
            self.error(
                node,
                if name == "steps" { fault.hint("name one step: `steps.ID`") } else { fault },
            )
        })
    }

    fn field(&mut self, node: &'a Node, of: &'a Node, name: &str) -> Found<'a> {
        if matches!(&of.kind, Kind::Name(root) if root == "steps") {
            return Ok(self
                .scope
                .steps
                .get(name)
                .map_or(Cow::Owned(Value::Null), |output| Cow::Borrowed(&**output)));
        }
        match self.value(of)? {
            Cow::Borrowed(Value::Object(fields)) => {
                Ok(fields.get(name).map_or(Cow::Owned(Value::Null), Cow::Borrowed))
            }
            Cow::Owned(Value::Object(mut fields)) => {
                Ok(Cow::Owned(fields.remove(name).unwrap_or_default()))
            }
            value if value.is_null() => Ok(Cow::Owned(Value::Null)),
            value => {
                let message =
                    format!("{} is {}, which has no field `{name}`", self.quoted(of), kind(&value));
                let fault = Fault::wrong_type(message);
                Err(self.error(node, if value.is_array() {
                    fault.hint(format!("choose an item with `first`, or read the field of each with `pluck('{name}')`"))
                } else {
                    fault
                }))
            }
        }
    }

    fn item(&mut self, node: &'a Node, of: &'a Node, key: &'a Node) -> Found<'a> {
        let key_value = self.present(key, "the number of an item, or the name of a field")?;
        let value = self.value(of)?;
        match (&value, &*key_value) {
            (value, _) if value.is_null() => Ok(Cow::Owned(Value::Null)),
            (value, Value::Number(number)) if value.is_array() => {
                let length = value.as_array().map_or(0, Vec::len);
                let index = as_whole(number).and_then(|index| {
                    let index =
                        if index < 0 { index + i128::try_from(length).ok()? } else { index };
                    usize::try_from(index).ok()
                });
                Ok(index.map_or(Cow::Owned(Value::Null), |index| pick(value.clone(), index)))
            }
            (value, Value::String(name)) if value.is_object() => Ok(match value {
                Cow::Borrowed(fields) => {
                    fields.get(name).map_or(Cow::Owned(Value::Null), Cow::Borrowed)
                }
                Cow::Owned(fields) => Cow::Owned(fields.get(name).cloned().unwrap_or_default()),
            }),
            (value, key) => {
                let message = format!(
                    "{} is {}, which has no item for {}",
                    self.quoted(of),
                    kind(value),
                    kind(key)
                );
                Err(self.error(node, Fault::wrong_type(message)))
            }
        }
    }

    fn slice(
        &mut self,
        node: &'a Node,
        of: &'a Node,
        start: Option<&'a Node>,
        stop: Option<&'a Node>,
    ) -> Found<'a> {
        let mut bound = |bound: Option<&'a Node>| -> Result<Option<i128>, EvalError> {
            let Some(bound) = bound else { return Ok(None) };
            match &*self.present(bound, "a whole number")? {
                Value::Number(number) if as_whole(number).is_some() => Ok(as_whole(number)),
                other => {
                    let message = format!(
                        "{} is {}, where a whole number is needed",
                        self.quoted(bound),
                        kind(other)
                    );
                    Err(self.error(bound, Fault::wrong_type(message)))
                }
            }
        };
        let (start, stop) = (bound(start)?, bound(stop)?);
        let range = |length: usize| {
            let clamp = |bound: i128| {
                let length = i128::try_from(length).unwrap_or(i128::MAX);
                let bound = if bound < 0 { bound + length } else { bound };
                usize::try_from(bound.clamp(0, length))
                    .unwrap_or(length.try_into().unwrap_or(usize::MAX))
            };
            let start = start.map_or(0, clamp);
            start..stop.map_or(length, clamp).max(start)
        };
        let value = self.value(of)?;
        match &*value {
            Value::Null => Ok(Cow::Owned(Value::Null)),
            Value::Array(items) => {
                let items = &items[range(items.len())];
                items
                    .iter()
                    .try_for_each(|item| self.fuel.spend_on(item))
                    .map_err(|fault| self.error(node, fault))?;
                Ok(Cow::Owned(Value::Array(items.to_vec())))
            }
            Value::String(text) => {
                let range = range(text.chars().count());
                Ok(Cow::Owned(
                    text.chars().skip(range.start).take(range.len()).collect::<String>().into(),
                ))
            }
            other => {
                let message =
                    format!("{} is {}, which cannot be sliced", self.quoted(of), kind(other));
                Err(self.error(node, Fault::wrong_type(message)))
            }
        }
    }

    /// Each kind of operator has a function of its own, so that a level of the tree takes little of the stack.
    fn operation(
        &mut self,
        node: &'a Node,
        operator: Operator,
        left: &'a Node,
        right: &'a Node,
    ) -> Found<'a> {
        match operator {
            Operator::Equal | Operator::Unequal => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Ok(owned(equal(&left, &right) == (operator == Operator::Equal)))
            }
            Operator::In => self.within(node, left, right),
            Operator::Concatenate => self.concatenation(node, left, right),
            operator if operator.orders() => self.comparison(node, operator, left, right),
            operator => self.arithmetic(node, operator, left, right),
        }
    }

    fn within(&mut self, node: &'a Node, needle: &'a Node, hay: &'a Node) -> Found<'a> {
        let needle_value = self.value(needle)?;
        let hay = self.value(hay)?;
        // Nothing is in an absent list, as nothing is in an empty one.
        if hay.is_null() {
            return Ok(owned(false));
        }
        if needle_value.is_null() && !hay.is_array() {
            return Err(self.null(needle, "text"));
        }
        contains(&hay, &needle_value).map(owned).map_err(|fault| self.error(node, fault))
    }

    fn concatenation(&mut self, node: &'a Node, left: &'a Node, right: &'a Node) -> Found<'a> {
        let left_value = self.value(left)?;
        let mut text = self.as_text(left, left_value)?;
        let right_value = self.value(right)?;
        text.push_str(&self.as_text(right, right_value)?);
        self.fuel.spend(text.len()).map_err(|fault| self.error(node, fault))?;
        Ok(Cow::Owned(Value::String(text)))
    }

    fn comparison(
        &mut self,
        node: &'a Node,
        operator: Operator,
        left: &'a Node,
        right: &'a Node,
    ) -> Found<'a> {
        let wanted = "something to compare";
        let (left_value, right_value) = (self.present(left, wanted)?, self.present(right, wanted)?);
        let Some(order) = order(&left_value, &right_value) else {
            let message = format!(
                "{} is {} and {} is {}: `{}` compares two numbers or two texts",
                self.quoted(left),
                kind(&left_value),
                self.quoted(right),
                kind(&right_value),
                operator.sign()
            );
            return Err(self.error(node, Fault::wrong_type(message)));
        };
        Ok(owned(match operator {
            Operator::Less => order.is_lt(),
            Operator::AtMost => order.is_le(),
            Operator::Greater => order.is_gt(),
            _ => order.is_ge(),
        }))
    }

    fn arithmetic(
        &mut self,
        node: &'a Node,
        operator: Operator,
        left: &'a Node,
        right: &'a Node,
    ) -> Found<'a> {
        let (left, right) = (self.present(left, "a number")?, self.present(right, "a number")?);
        for value in [&left, &right] {
            self.fuel.spend_on(value).map_err(|fault| self.error(node, fault))?;
        }
        arithmetic(operator, &left, &right).map(Cow::Owned).map_err(|fault| self.error(node, fault))
    }

    fn apply(&mut self, node: &'a Node, apply: &'a Apply) -> Found<'a> {
        let function = apply.function;
        let mut arguments: Vec<Option<Cow<'a, Value>>> = Vec::with_capacity(apply.arguments.len());
        for (index, (argument, parameter)) in
            apply.arguments.iter().zip(function.parameters).enumerate()
        {
            let Some(argument) = argument else {
                arguments.push(None);
                continue;
            };
            let mut value = self.value(argument)?;
            if index == 0 {
                match (value.is_null(), function.nulls) {
                    // What stands after `| default` is looked at only if needed, so that it cannot fail otherwise.
                    (true, Nulls::Pass) | (false, Nulls::Replace) => return Ok(value),
                    (true, Nulls::Empty) => value = Cow::Owned(Value::Array(Vec::new())),
                    _ => {}
                }
            }
            if value.is_null() && !parameter.wants.admits_null() {
                return Err(self.null(argument, parameter.wants.words()));
            }
            if !parameter.wants.admits(&value) {
                let message = format!(
                    "{} is {}, where `{}` needs {}",
                    self.quoted(argument),
                    kind(&value),
                    function.name,
                    parameter.wants.words()
                );
                return Err(
                    self.error(argument, parameter.wants.cure(&value, Fault::wrong_type(message)))
                );
            }
            arguments.push(Some(value));
        }
        let mut columns = Vec::with_capacity(apply.columns.len());
        for column in &apply.columns {
            columns.push((column.name.as_str(), self.value(&column.value)?));
        }
        let subject = apply.arguments.first().and_then(Option::as_ref).unwrap_or(node);
        let subject = self.quoted(subject);
        let mut call =
            Call { scope: self.scope, fuel: &mut self.fuel, arguments, columns, subject };
        (function.run)(&mut call).map_err(|fault| self.error(node, fault))
    }

    fn copy(&mut self, node: &'a Node) -> Result<Value, EvalError> {
        let value = self.value(node)?;
        if let Cow::Borrowed(value) = &value {
            self.fuel.spend_on(value).map_err(|fault| self.error(node, fault))?;
        }
        Ok(value.into_owned())
    }

    fn boolean(&mut self, node: &'a Node) -> Result<bool, EvalError> {
        match &*self.present(node, "true or false")? {
            Value::Bool(value) => Ok(*value),
            other => {
                let message = format!(
                    "{} is {}, where true or false is needed",
                    self.quoted(node),
                    kind(other)
                );
                let hint = match other {
                    Value::Array(_) => "ask whether it has items: `… | length > 0`",
                    _ => "compare it: `… == …`, or ask whether it is there: `… is not none`",
                };
                Err(self.error(node, Fault::wrong_type(message).hint(hint)))
            }
        }
    }

    fn present(&mut self, node: &'a Node, wanted: &str) -> Found<'a> {
        let value = self.value(node)?;
        if value.is_null() { Err(self.null(node, wanted)) } else { Ok(value) }
    }

    fn as_text(&mut self, node: &Node, value: Cow<'_, Value>) -> Result<String, EvalError> {
        match value {
            Cow::Owned(Value::String(text)) => Ok(text),
            value => match &*value {
                Value::String(text) => Ok(text.clone()),
                Value::Bool(value) => Ok(value.to_string()),
                Value::Number(number) => Ok(number.to_string()),
                Value::Null => Err(self.null(node, "text")),
                other => {
                    let message =
                        format!("{} is {}, where text is needed", self.quoted(node), kind(other));
                    let hint = match other {
                        Value::Array(_) => {
                            "choose one with `first`, write them all with `join(', ')`, or as JSON with `json`"
                        }
                        _ => "name the field to write, or write it as JSON with `json`",
                    };
                    Err(self.error(node, Fault::wrong_type(message).hint(hint)))
                }
            },
        }
    }

    fn null(&self, node: &Node, wanted: &str) -> EvalError {
        let path = self.quoted(node);
        let fault = match self.skipped_step(node) {
            Some(step) => {
                Fault::new("null_value", format!("{path} is null, because step `{step}` has no output; {wanted} is needed"))
                    .hint(format!("use it only when `steps.{step} is not none`, or give another value with `| default(…)`"))
            }
            None => Fault::new("null_value", format!("{path} is null, where {wanted} is needed"))
                .hint("fill it in where it comes from, or give another value in the recipe with `| default(…)`"),
        };
        self.error(node, fault)
    }

    /// Returns the step that a path begins with, if it has no output.
    fn skipped_step<'n>(&self, node: &'n Node) -> Option<&'n str> {
        match &node.kind {
            Kind::Field { of, name, .. } => match &of.kind {
                Kind::Name(root) if root == "steps" => {
                    self.scope.steps.get(name).is_none_or(|output| output.is_null()).then_some(name)
                }
                _ => self.skipped_step(of),
            },
            Kind::Item { of, .. } => self.skipped_step(of),
            Kind::Apply(apply) => self.skipped_step(apply.arguments.first()?.as_ref()?),
            _ => None,
        }
    }

    fn error(&self, node: &Node, fault: Fault) -> EvalError {
        EvalError {
            code: fault.code,
            message: fault.message,
            hint: fault.hint,
            span: self.expression.place.of(node.at),
        }
    }

    /// Returns how a piece of the expression is written, short enough for a message.
    fn quoted(&self, node: &Node) -> Quoted<'a> {
        let text = &self.expression.text;
        Quoted(text.get(node.at.start..node.at.end).unwrap_or(text))
    }
}

fn owned<'a>(value: bool) -> Cow<'a, Value> {
    Cow::Owned(Value::Bool(value))
}

/// Returns an item of a list, or null beyond its end.
pub(crate) fn pick(list: Cow<'_, Value>, index: usize) -> Cow<'_, Value> {
    match list {
        Cow::Borrowed(list) => list.get(index).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
        Cow::Owned(Value::Array(mut items)) if index < items.len() => {
            Cow::Owned(items.swap_remove(index))
        }
        Cow::Owned(_) => Cow::Owned(Value::Null),
    }
}
