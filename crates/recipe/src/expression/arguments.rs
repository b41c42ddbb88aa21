//! Arguments: bound to the parameters of a function, by place and by name, when an expression is read.

use minijinja::machinery::ast;
use serde_json::Value;

use super::{
    reader::Reader,
    tree::{Column, Kind, Node},
};
use crate::{
    diagnostic::Span,
    functions::Function,
    suggest::{closest, did_you_mean},
};

impl Reader<'_> {
    /// Binds arguments to the parameters of `function`, by place and by name.
    pub(super) fn arguments(
        &mut self,
        function: Option<&'static Function>,
        subject: Option<Node>,
        given: &[ast::CallArg<'_>],
        name_at: Span,
    ) -> (Vec<Option<Node>>, Vec<Column>) {
        let parameters = function.map_or(&[][..], |function| function.parameters);
        let mut bound: Vec<Option<Node>> = parameters.iter().map(|_| None).collect();
        let mut columns: Vec<Column> = Vec::new();
        let mut next = 0;
        if let Some(subject) = subject {
            bound[0] = Some(subject);
            next = 1;
        }
        for argument in given {
            match argument {
                ast::CallArg::Pos(expr) => {
                    let value = self.node(expr);
                    match bound.get_mut(next) {
                        Some(slot) => *slot = Some(value),
                        None => {
                            if let Some(function) = function {
                                let message =
                                    format!("`{}` has an argument too many", function.name);
                                let usage = format!("write `{}`", function.usage());
                                self.report("wrong-arguments", value.at, message).help_last(&usage);
                            }
                        }
                    }
                    next += 1;
                }
                ast::CallArg::Kwarg(name, expr) => {
                    let value = self.node(expr);
                    let Some(function) = function else { continue };
                    let parameter = parameters.iter().position(|parameter| parameter.name == *name);
                    match parameter.filter(|_| !function.columns) {
                        Some(index) if bound[index].is_none() => bound[index] = Some(value),
                        None if function.columns
                            && columns.iter().all(|column| column.name != *name) =>
                        {
                            columns.push(Column { name: (*name).into(), value });
                        }
                        Some(_) => {
                            let message = format!("`{name}` is given twice to `{}`", function.name);
                            self.report("wrong-arguments", value.at, message);
                        }
                        None if function.columns => {
                            let message = format!("`{name}` is given twice to `{}`", function.name);
                            self.report("wrong-arguments", value.at, message);
                        }
                        None => {
                            let names = parameters.iter().map(|parameter| parameter.name);
                            let label = closest(name, names).map(did_you_mean);
                            let message = format!("`{}` has no argument `{name}`", function.name);
                            let usage = format!("write `{}`", function.usage());
                            self.report("wrong-arguments", value.at, message)
                                .help_last(&usage)
                                .label_last(label);
                        }
                    }
                }
                ast::CallArg::PosSplat(expr) | ast::CallArg::KwargSplat(expr) => {
                    let value = self.node(expr);
                    self.report(
                        "not-supported",
                        value.at,
                        "`*` before an argument is not supported".into(),
                    );
                }
            }
        }
        if let Some(function) = function {
            self.complete(function, &bound, &columns, name_at);
        }
        (bound, columns)
    }

    fn complete(
        &mut self,
        function: &Function,
        bound: &[Option<Node>],
        columns: &[Column],
        name_at: Span,
    ) {
        for (parameter, value) in function.parameters.iter().zip(bound) {
            if parameter.required && value.is_none() {
                let message =
                    format!("`{}` needs the argument `{}`", function.name, parameter.name);
                let usage = format!("write `{}`", function.usage());
                self.report("wrong-arguments", name_at, message).help_last(&usage);
            }
            if let (true, Some(value)) = (parameter.constant, value)
                && !matches!(value.kind, Kind::Constant(Value::String(_)))
            {
                let message =
                    format!("`{}` of `{}` is not a text in quotes", parameter.name, function.name);
                let help = "it is looked at before any job starts, so it must be written out";
                self.report("wrong-arguments", value.at, message).help_last(help);
            }
        }
        if function.columns && columns.is_empty() && bound.len() < 2 {
            let message = format!("`{}` needs at least one `name=value`", function.name);
            let usage = format!("write `{}`", function.usage());
            self.report("wrong-arguments", name_at, message).help_last(&usage);
        }
        if let Some(check) = function.check {
            let constants: Vec<Option<&Value>> = bound
                .iter()
                .map(|value| match value.as_ref().map(|value| &value.kind) {
                    Some(Kind::Constant(constant)) => Some(constant),
                    _ => None,
                })
                .collect();
            if let Err((index, message)) = check(&constants) {
                let at =
                    bound.get(index).and_then(Option::as_ref).map_or(name_at, |value| value.at);
                self.report("invalid-value", at, message);
            }
        }
    }
}
