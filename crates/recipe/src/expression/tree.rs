//! The syntax tree of an expression: owned, with every function bound to its declaration and every place exact.

use serde_json::Value;

use crate::{diagnostic::Span, functions::Function};

/// A piece of an expression.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where it stands in the expression's text.
    pub(crate) at: Span,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Constant(Value),
    Name(String),
    Field { of: Box<Node>, name: String, name_at: Span },
    Item { of: Box<Node>, key: Box<Node> },
    Slice { of: Box<Node>, start: Option<Box<Node>>, stop: Option<Box<Node>> },
    Not(Box<Node>),
    Negate(Box<Node>),
    Both(Box<Node>, Box<Node>),
    Either(Box<Node>, Box<Node>),
    Operation { operator: Operator, left: Box<Node>, right: Box<Node> },
    Choice { condition: Box<Node>, then: Box<Node>, otherwise: Option<Box<Node>> },
    Is { value: Box<Node>, test: Test },
    Apply(Box<Apply>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// A function or filter with its arguments.
#[derive(Debug)]
pub(crate) struct Apply {
    pub(crate) function: &'static Function,
    /// The arguments in the order of the declared parameters; a filter's first is what stands before the `|`.
    pub(crate) arguments: Vec<Option<Node>>,
    /// Keyword arguments whose names are the author's: columns of a table, keys of a map.
    pub(crate) columns: Vec<Column>,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) value: Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    DivideWhole,
    Remainder,
    Power,
    Concatenate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    Null,
    Empty,
    Text,
    Number,
    Boolean,
    List,
    Map,
}

impl Test {
    pub(crate) const NAMES: [(&str, Self); 8] = [
        ("none", Self::Null),
        ("null", Self::Null),
        ("empty", Self::Empty),
        ("text", Self::Text),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("list", Self::List),
        ("map", Self::Map),
    ];

    pub(crate) fn holds(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Empty => match value {
                Value::Null => true,
                Value::String(text) => text.trim().is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Object(fields) => fields.is_empty(),
                Value::Bool(_) | Value::Number(_) => false,
            },
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
        }
    }
}

impl Operator {
    /// Returns how it is written.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::DivideWhole => "//",
            Self::Remainder => "%",
            Self::Power => "**",
            Self::Concatenate => "~",
        }
    }

    pub(crate) fn orders(self) -> bool {
        matches!(self, Self::Less | Self::AtMost | Self::Greater | Self::AtLeast)
    }
}
