//! Names, fields and steps: what is there to be read, and what was probably meant.

use serde_json::Value;

use super::{
    Inference, StepSight, describe, facts::narrow_node, operation::list_cure, shape_of, union,
};
use crate::{
    diagnostic::Span,
    expression::tree::{Kind, Node},
    functions::Nulls,
    schema::{Declared, Object, Place, Shape, Text, Type},
    suggest,
};

impl Inference<'_> {
    /// Returns the shape of a piece of the expression, reporting what is wrong inside it.
    pub(super) fn shape(&mut self, node: &Node) -> Shape {
        let mut shape = match &node.kind {
            Kind::Constant(value) => shape_of(value),
            Kind::Name(name) => self.name(node, name),
            Kind::Field { of, name, name_at } => self.field(of, name, *name_at),
            Kind::Item { of, key } => self.item(of, key),
            Kind::Slice { of, start, stop } => {
                for bound in [start, stop].into_iter().flatten() {
                    self.number(bound, "a whole number");
                }
                let shape = self.shape(of);
                match shape.of {
                    Type::Text(_) => Shape { of: Type::Text(Text::default()), ..shape },
                    Type::List(_) | Type::Any => shape,
                    other => {
                        let message = format!(
                            "{} is {}, which cannot be sliced",
                            self.quoted(of),
                            describe(&other)
                        );
                        self.report("wrong-type", of, message);
                        Shape::any()
                    }
                }
            }
            Kind::Not(inner) => {
                self.boolean(inner);
                Shape::of(Type::Boolean)
            }
            Kind::Both(left, right) | Kind::Either(left, right) => {
                self.boolean(left);
                let before = self.facts.clone();
                self.facts = narrow_node(left, matches!(node.kind, Kind::Both(..)), &before);
                self.boolean(right);
                self.facts = before;
                Shape::of(Type::Boolean)
            }
            Kind::Negate(inner) => self.number(inner, "a number"),
            Kind::Operation { operator, left, right } => self.operation(*operator, left, right),
            Kind::Choice { condition, then, otherwise } => {
                self.boolean(condition);
                let before = self.facts.clone();
                self.facts = narrow_node(condition, true, &before);
                let yes = self.shape(then);
                self.facts = narrow_node(condition, false, &before);
                let no = otherwise.as_ref().map(|otherwise| (otherwise, self.shape(otherwise)));
                self.facts = before;
                match no {
                    None => yes.or_null(),
                    Some((otherwise, _)) if is_null(otherwise) => yes.or_null(),
                    Some((_, no)) if is_null(then) => no.or_null(),
                    Some((_, no)) => union(yes, no),
                }
            }
            Kind::Is { value, .. } => {
                self.shape(value);
                Shape::of(Type::Boolean)
            }
            Kind::Apply(apply) => self.apply(node, apply),
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.shape(item)).collect();
                Shape::of(Type::List(Box::new(
                    items.into_iter().reduce(union).unwrap_or_else(Shape::any),
                )))
            }
            Kind::Map(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, field)| super::known_field(name, self.shape(field)))
                    .collect();
                Shape::of(Type::Object(Object { fields, others: None }.into()))
            }
        };
        if shape.nullable && self.facts.present(node) {
            shape.nullable = false;
        }
        shape
    }

    fn name(&mut self, node: &Node, name: &str) -> Shape {
        if let Some(shape) = self.env.names.get(name) {
            self.on_mistake |= self.env.unknown.contains(name);
            return shape.clone();
        }
        let message = if name == "steps" {
            "`steps` is not a value of its own".into()
        } else {
            format!("`{name}` is not known here")
        };
        let known: Vec<&str> = self.env.names.keys().map(String::as_str).chain(["steps"]).collect();
        let help = match name {
            "steps" => "name one step: `steps.ID`".into(),
            "error" => {
                "`error` is known inside `catch` only; in `finally` it is `outcome.error`".into()
            }
            "outcome" => "`outcome` is known inside `finally` only".into(),
            "loop" => "`loop` is known inside `for_each` and `repeat_while` only".into(),
            "input" => "`input` is known in a recipe that others `call`; this one has a trigger, and so an `event`".into(),
            "event" => "this recipe is called by others: it has an `input`, and no `event`".into(),
            _ if self.env.steps.contains_key(name) => {
                format!("for the output of the step write `steps.{name}`")
            }
            _ => format!("known here: {}", suggest::list(known.iter().copied())),
        };
        let diagnostic = self.report("unknown-name", node, message);
        if name != "steps" {
            suggest::propose(diagnostic, name, known.iter().copied());
        }
        diagnostic.help.push(help);
        Shape::any()
    }

    fn field(&mut self, of: &Node, name: &str, at: Span) -> Shape {
        if matches!(&of.kind, Kind::Name(root) if root == "steps") {
            return self.step(name, at);
        }
        if matches!(&of.kind, Kind::Name(root) if root == "vars") && !self.env.unknown.is_empty() {
            self.on_mistake |= self.env.unknown.contains(&format!("vars.{name}"));
        }
        let parent = self.shape(of);
        let mut shape = match &parent.of {
            Type::Any => {
                self.reads_open(&parent, name, at);
                Shape::any()
            }
            Type::Object(object) => {
                self.reads_open(&parent, name, at);
                let declared = parent.declared.as_deref();
                self.field_of((object, declared), name, at, &self.quoted(of))
            }
            other => {
                let message = format!(
                    "{} is {}, which has no field `{name}`",
                    self.quoted(of),
                    describe(other)
                );
                let help = matches!(other, Type::List(_))
                    .then(|| format!("choose an item with `first`, or read the field of each with `pluck('{name}')`"));
                self.report_at("wrong-type", at, message).help.extend(help);
                Shape::any()
            }
        };
        if matches!(parent.of, Type::Any) {
            self.risks(|| {
                format!("nothing is known about {}", self_quoted(&self.expression.text, of))
            });
        }
        shape.nullable |= parent.nullable;
        shape
    }

    /// Notes a field of a value that could be declared.
    fn reads_open(&mut self, of: &Shape, name: &str, at: Span) {
        if let Some(declared) = &of.declared {
            self.env.unsaid.note(declared, name, self.expression.place.of(at));
        }
    }

    /// Returns the shape of a field, reporting an unknown one; `declared` is where fields of the map are declared.
    pub(super) fn field_of(
        &mut self,
        (object, declared): (&Object, Option<&Declared>),
        name: &str,
        at: Span,
        owner: &str,
    ) -> Shape {
        if let Some(field) = object.field(name) {
            let mut shape = field.shape.clone();
            shape.nullable |= !field.required;
            return shape;
        }
        if let Some(others) = &object.others {
            return (**others).clone().or_null();
        }
        let names = || object.fields.iter().map(|field| field.name.as_str());
        let help = if object.fields.is_empty() && declared.is_some() {
            "no fields are declared".into()
        } else if object.fields.is_empty() && name == "results" {
            "a `for_each` gives `results` when it says what each round gives: `collect: EXPR`"
                .into()
        } else if object.fields.is_empty() {
            "it has no fields".into()
        } else {
            format!("fields: {}", suggest::list(names()))
        };
        let diagnostic =
            self.report_at("unknown-field", at, format!("{owner} has no field `{name}`"));
        suggest::propose(diagnostic, name, names());
        diagnostic.help.push(help);
        diagnostic.help.extend(declared.map(|declared| declared_where(declared, name)));
        Shape::any()
    }

    fn step(&mut self, id: &str, at: Span) -> Shape {
        if !self.env.unknown.is_empty() {
            self.on_mistake |= self.env.unknown.contains(&format!("steps.{id}"));
        }
        match self.env.steps.get(id) {
            Some(StepSight::Visible(shape)) => shape.clone(),
            Some(StepSight::Later) => {
                let message = format!("step `{id}` comes later, so it has no output here");
                self.report_at("step-later", at, message)
                    .help
                    .push("move this below that step".into());
                Shape::any()
            }
            Some(StepSight::OtherRound) => {
                let message =
                    format!("step `{id}` is inside a loop, and visible in its own round only");
                let help = format!(
                    "give the `for_each` an `id` and `collect: steps.{id}`, and read the `results` of that; or keep it in a variable with `set`"
                );
                self.report_at("step-other-round", at, message).help.push(help);
                Shape::any()
            }
            None => {
                let ids = || self.env.steps.keys().map(String::as_str);
                let help = if self.env.steps.is_empty() {
                    "no step has an `id`; give one to the step that is meant".into()
                } else {
                    format!("steps: {}", suggest::list(ids()))
                };
                let diagnostic =
                    self.report_at("unknown-step", at, format!("there is no step `{id}`"));
                suggest::propose(diagnostic, id, ids());
                diagnostic.help.push(help);
                Shape::any()
            }
        }
    }

    fn item(&mut self, of: &Node, key: &Node) -> Shape {
        if matches!(&of.kind, Kind::Name(root) if root == "steps") {
            self.shape(key);
            self.report("wrong-type", key, "a step is not named by its `id`".into())
                .help
                .push("write `steps.ID`".into());
            return Shape::any();
        }
        let parent = self.shape(of);
        let key_shape = self.shape(key);
        self.refuse_null(key, &key_shape, "the number of an item");
        match (&parent.of, &key_shape.of) {
            (Type::Any, _) => {
                self.risks(|| {
                    format!("nothing is known about {}", self_quoted(&self.expression.text, of))
                });
                Shape::any()
            }
            (Type::List(item), Type::Integer | Type::Number | Type::Any) => {
                let first = matches!(&key.kind, Kind::Constant(key) if key.as_u64() == Some(0));
                let nullable =
                    item.nullable || parent.nullable || !(first && self.facts.has_items(of));
                Shape { nullable, ..(**item).clone() }
            }
            (Type::Object(object), Type::Text(_) | Type::Any) => match &object.others {
                Some(others) if object.fields.is_empty() => (**others).clone().or_null(),
                _ => Shape::any(),
            },
            (of_type, key_type) => {
                let message = format!(
                    "{} is {}, which has no item for {}",
                    self.quoted(of),
                    describe(of_type),
                    describe(key_type)
                );
                let help = list_cure(of_type);
                self.report("wrong-type", key, message).help.extend(help);
                Shape::any()
            }
        }
    }
}

impl Inference<'_> {
    /// Returns the piece that a null comes from: reading through null gives null, so it may lie deep inside.
    pub(super) fn null_origin<'n>(&mut self, node: &'n Node) -> &'n Node {
        let inner = match &node.kind {
            Kind::Field { of, .. } | Kind::Item { of, .. } if !matches!(&of.kind, Kind::Name(root) if root == "steps") => {
                Some(&**of)
            }
            Kind::Apply(apply) if apply.function.nulls == Nulls::Pass => {
                apply.arguments.first().and_then(Option::as_ref)
            }
            _ => None,
        };
        match inner {
            Some(inner) if self.shape(inner).nullable => self.null_origin(inner),
            _ => node,
        }
    }
}

/// Returns whether the node is the word `none` itself.
pub(super) fn is_null(node: &Node) -> bool {
    matches!(node.kind, Kind::Constant(Value::Null))
}

/// Says where a field is declared that is not.
fn declared_where(declared: &Declared, field: &str) -> String {
    match &declared.place {
        Place::Connection(path) => format!(
            "its fields are declared in `connections.yaml`, in `{path}` of the connection `{}`: add `{field}` there",
            declared.owner
        ),
        Place::With(key) => {
            format!(
                "its fields are declared at {}, in `with.{key}`: add `{field}` there",
                declared.owner
            )
        }
    }
}

fn self_quoted(text: &str, node: &Node) -> String {
    format!("`{}`", text.get(node.at.start..node.at.end).unwrap_or(text))
}
