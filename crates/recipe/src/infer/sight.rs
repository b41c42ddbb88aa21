//! What a function's declaration sees of one use of it: the shapes of its arguments.

use serde_json::Value;

use super::{Inference, describe, names::is_null, operation::family, union};
use crate::{
    diagnostic::Span,
    expression::tree::{Apply, Kind, Node},
    schema::{Field, Format, Object, Shape, Text, Type},
    suggest,
};

/// One use of a function.
pub(crate) struct Sight<'i, 'a> {
    pub(super) inference: &'i mut Inference<'a>,
    pub(super) node: &'i Node,
    pub(super) apply: &'i Apply,
    pub(super) shapes: Vec<Option<Shape>>,
    pub(super) columns: Vec<Shape>,
}

impl Sight<'_, '_> {
    /// Returns the shape of an argument without its null.
    pub(crate) fn argument(&self, index: usize) -> Shape {
        let shape = self.shapes.get(index).cloned().flatten();
        shape.map_or_else(Shape::any, |shape| Shape { nullable: false, ..shape })
    }

    pub(crate) fn given(&self, index: usize) -> bool {
        self.shapes.get(index).is_some_and(Option::is_some)
    }

    /// Returns an argument that is written out as a text, and its place in the expression.
    pub(crate) fn constant(&self, index: usize) -> Option<(String, Span)> {
        match self.apply.arguments.get(index)? {
            Some(Node { kind: Kind::Constant(Value::String(text)), at }) => {
                Some((text.clone(), *at))
            }
            _ => None,
        }
    }

    /// Returns how the first argument is written, in backticks.
    pub(crate) fn named(&self) -> String {
        self.inference.quoted(self.subject().unwrap_or(self.node))
    }

    /// Returns the shape of a field, reporting one that is not there.
    pub(crate) fn field(&mut self, object: &Object, name: &str, at: Span, owner: &str) -> Shape {
        self.inference.field_of((object, None), name, at, owner)
    }

    /// Reports what is wrong at a place in the expression.
    pub(crate) fn report(
        &mut self,
        code: &'static str,
        at: Span,
        message: String,
        help: Option<String>,
    ) {
        self.inference.report_at(code, at, message).help.extend(help);
    }

    /// Reports an argument that is a moment where what is asked of it depends on a zone, and none is named.
    pub(crate) fn needs_zone(&mut self, index: usize, zone: usize, depends: &str, cure: &str) {
        let Some(Some(argument)) = self.apply.arguments.get(index) else { return };
        if self.given(zone) || !is_moment(&self.argument(index).of) {
            return;
        }
        let message =
            format!("{} is a moment; {depends} on the zone", self.inference.quoted(argument));
        self.report("missing-zone", argument.at, message, Some(format!("name the zone: `{cure}`")));
    }

    /// Returns the shape of `value | default(otherwise)`.
    pub(crate) fn default(&mut self) -> Shape {
        let value = self.argument(0);
        match self.apply.arguments.get(1) {
            Some(Some(otherwise)) if is_null(otherwise) => value.or_null(),
            _ => {
                let otherwise = self.shapes.get(1).cloned().flatten().unwrap_or_else(Shape::any);
                // A value of any type stays one, but it is not null any more.
                union(value, otherwise)
            }
        }
    }

    /// Returns the shape of one item: null when the list may be empty.
    pub(crate) fn one_item(&mut self) -> Shape {
        let item = self.item();
        let has_items =
            self.subject().is_some_and(|subject| self.inference.facts.has_items(subject));
        let nullable = item.nullable || !has_items;
        Shape { nullable, ..item }
    }

    pub(crate) fn same_list(&mut self) -> Shape {
        let item = self.item();
        Shape::of(Type::List(Box::new(item)))
    }

    pub(crate) fn same_text(&mut self) -> Shape {
        match self.argument(0).of {
            Type::Text(text) => {
                Shape::of(Type::Text(Text { format: text.format, choices: Vec::new() }))
            }
            _ => Shape::of(Type::Text(Text::default())),
        }
    }

    pub(crate) fn items_without_null(&mut self) -> Shape {
        let item = self.item();
        Shape::of(Type::List(Box::new(Shape { nullable: false, ..item })))
    }

    /// Checks the columns of `where` against the fields of the items.
    pub(crate) fn matching_items(&mut self) -> Shape {
        let item = self.item();
        for (column, shape) in self.apply.columns.iter().zip(self.columns.clone()) {
            if let Type::Object(object) = &item.of {
                let owner = self.owner();
                let field =
                    self.inference.field_of((object, None), &column.name, column.value.at, &owner);
                if family(&field.of) != family(&shape.of)
                    && !matches!(field.of, Type::Any)
                    && !matches!(shape.of, Type::Any)
                {
                    let message = format!(
                        "`{}` is {} and {} is {}: they are never equal",
                        column.name,
                        describe(&field.of),
                        self.inference.quoted(&column.value),
                        describe(&shape.of)
                    );
                    self.inference.warn("never-equal", &column.value, message);
                }
            }
        }
        self.refuse_other_items(&item);
        self.same_list()
    }

    /// Returns the list of that field of each item.
    pub(crate) fn field_of_items(&mut self) -> Shape {
        let item = self.item();
        self.refuse_other_items(&item);
        let field = match (&item.of, self.apply.arguments.get(1)) {
            (Type::Object(object), Some(Some(name))) => match &name.kind {
                Kind::Constant(Value::String(text)) => {
                    let owner = self.owner();
                    self.inference.field_of((object, None), text, name.at, &owner)
                }
                _ => Shape::any(),
            },
            _ => Shape::any(),
        };
        Shape::of(Type::List(Box::new(field)))
    }

    /// Reports items that are, or may be, nothing to join or to add.
    pub(crate) fn refuse_null_items(&mut self, done: &str) {
        let item = self.item();
        let Some(subject) = self.apply.arguments.first().and_then(Option::as_ref) else { return };
        let path = self.inference.quoted(subject);
        let fits = match &item.of {
            Type::Any => {
                self.inference
                    .risks(|| format!("the items of {path} may not be such as can be {done}"));
                return;
            }
            Type::Integer | Type::Number => true,
            Type::Text(_) | Type::Boolean => done == "joined",
            Type::List(_) | Type::Object(_) => false,
        };
        if !fits {
            let message =
                format!("the items of {path} are {}s and cannot be {done}", noun(&item.of));
            let help = matches!(item.of, Type::Object(_))
                .then(|| "choose a field of each with `pluck('…')`".into());
            self.inference.report("wrong-type", subject, message).help.extend(help);
        } else if item.nullable {
            let message = format!("items of {path} may be null and cannot be {done}");
            let help = "leave them out with `| compact` before it".into();
            self.inference.report("maybe-null", subject, message).help.push(help);
        }
    }

    pub(crate) fn number_of_items(&mut self) -> Shape {
        Shape::of(if self.item().of == Type::Integer { Type::Integer } else { Type::Number })
    }

    /// Returns the shape of a row of the table, reporting an unknown table or column.
    pub(crate) fn row(&mut self, may_miss: bool) -> Shape {
        let Some(Some(Node { kind: Kind::Constant(Value::String(name)), at })) =
            self.apply.arguments.first()
        else {
            return Shape::any();
        };
        let tables = &self.inference.env.tables.tables;
        let Some(table) = tables.get(name) else {
            let names = || tables.keys().map(String::as_str);
            let help = if tables.is_empty() {
                format!("there are no tables; make one: `tables/{name}.csv`")
            } else {
                format!("tables: {}", suggest::list(names()))
            };
            let diagnostic = self.inference.report_at(
                "unknown-table",
                *at,
                format!("there is no table `{name}`"),
            );
            suggest::propose(diagnostic, name, names());
            diagnostic.help.push(help);
            return Shape::any();
        };
        let table = table.clone();
        let mut nullable = may_miss;
        for (column, shape) in self.apply.columns.iter().zip(&self.columns) {
            nullable |= shape.nullable;
            if !table.columns.contains(&column.name) {
                let names = || table.columns.iter().map(String::as_str);
                let near = suggest::closest(&column.name, names()).map(suggest::did_you_mean);
                let help = format!("columns: {}", suggest::list(names()));
                let message = format!("`{}` has no column `{}`", table.path, column.name);
                let diagnostic = self.inference.report("unknown-column", &column.value, message);
                diagnostic.label = near;
                diagnostic.help.push(help);
            }
            if !matches!(shape.of, Type::Text(_) | Type::Any) {
                let path = self.inference.quoted(&column.value);
                let message = format!("{path} is {}, but tables hold text", describe(&shape.of));
                let help = "make text of it with `| text`".into();
                self.inference.report("wrong-type", &column.value, message).help.push(help);
            }
        }
        let text = || Shape::of(Type::Text(Text::default()));
        let fields = table.columns.iter().map(|column| Field::new(column, text()));
        let row = Object { fields: fields.collect(), others: None };
        Shape { nullable, ..Shape::of(Type::Object(row.into())) }
    }

    fn item(&self) -> Shape {
        match self.argument(0).of {
            Type::List(item) => *item,
            _ => Shape::any(),
        }
    }

    fn subject(&self) -> Option<&Node> {
        self.apply.arguments.first().and_then(Option::as_ref)
    }

    fn owner(&self) -> String {
        let subject = self.subject().unwrap_or(self.node);
        format!("an item of {}", self.inference.quoted(subject))
    }

    fn refuse_other_items(&mut self, item: &Shape) {
        let Some(subject) = self.apply.arguments.first().and_then(Option::as_ref) else { return };
        let path = self.inference.quoted(subject);
        match &item.of {
            Type::Object(_) => {}
            Type::Any => self.inference.risks(|| format!("the items of {path} may not be maps")),
            other => {
                let name = self.apply.function.name;
                let message =
                    format!("the items of {path} are {}s, where `{name}` needs maps", noun(other));
                self.inference.report("wrong-type", subject, message);
            }
        }
    }
}

/// Whether a value of this type certainly is a moment: one by its format, or texts that all are written as one.
fn is_moment(of: &Type) -> bool {
    let Type::Text(text) = of else { return false };
    let written = |text: &String| text.trim().parse::<jiff::Timestamp>().is_ok();
    text.format == Format::DateTime
        || (!text.choices.is_empty() && text.choices.iter().all(written))
}

fn noun(of: &Type) -> &'static str {
    match of {
        Type::Any => "value",
        Type::Boolean => "boolean",
        Type::Integer | Type::Number => "number",
        Type::Text(_) => "text",
        Type::List(_) => "list",
        Type::Object(_) => "map",
    }
}
