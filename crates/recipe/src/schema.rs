//! The types that values of a recipe have, read from the connectors' JSON Schemas.
//!
//! A [`Shape`] is a type and whether the value may be null. Objects are *closed* (an unknown field is a mistake)
//! unless they say what other keys hold (custom fields).

use std::sync::Arc;

use serde_json::Value;

/// A type, and whether null is among its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The type of a value that is not null.
    pub of: Type,
    /// Whether the value may be null or missing.
    pub nullable: bool,
    /// Who can say what it holds, where no connector can know; `None` where the connector says it all.
    pub declared: Option<Arc<Declared>>,
}

/// Where a project says what a value holds that no connector can know: a company's own fields, a stranger's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The place.
    pub place: Place,
    /// Whose place it is: a connection by its name, or the trigger or a step in words. Empty until a recipe uses it.
    pub owner: String,
    /// Whether something is said there: what is not said is a mistake then.
    pub said: bool,
}

/// A place that says what a value holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A path in the settings of the connection, such as `custom_fields.offer`: a map from each field to one of the
    /// connector's words for types.
    Connection(String),
    /// A key under `with`, such as `body`: a declared shape.
    With(String),
}

/// The type of a value that is not null.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Nothing is known about it (custom fields, replies without a schema).
    Any,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Text, possibly in a known format or one of a few words.
    Text(Text),
    /// A list.
    List(Box<Shape>),
    /// A map with known fields.
    Object(Arc<Object>),
}

/// What is known about a text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Text {
    /// How it is written.
    pub format: Format,
    /// The only words allowed, when there are such.
    pub choices: Vec<String>,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Any text.
    #[default]
    Plain,
    /// `2027-01-04`.
    Date,
    /// `2027-01-04T09:00:00Z`.
    DateTime,
    /// An absolute URL.
    Url,
    /// An e-mail address.
    Email,
    /// A secret: never visible to an expression, given in `connections.yaml` by reference only.
    Secret,
}

/// A map with known fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object {
    /// The known fields, in the order the connector declares them.
    pub fields: Vec<Field>,
    /// What keys beyond those hold; `None` means that there are none (an unknown field is a mistake).
    pub others: Option<Box<Shape>>,
}

/// One field of an [`Object`].
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its key.
    pub name: String,
    /// What it holds.
    pub shape: Shape,
    /// Whether an input without it is refused. (An output's field that is not required may be null.)
    pub required: bool,
    /// What it means, for people.
    pub summary: String,
    /// The value it has when not given.
    pub default: Option<Value>,
    /// Values it could have, for people; an input's may be an expression.
    pub examples: Vec<Value>,
    /// Whether the value is a declared shape: it says what something else holds.
    pub declares: bool,
}

impl Shape {
    /// Returns the shape of anything at all, null included.
    pub fn any() -> Self {
        Self::of(Type::Any).or_null()
    }

    /// Returns a shape without null.
    pub fn of(of: Type) -> Self {
        Self { of, nullable: false, declared: None }
    }

    /// Returns the same type with null allowed.
    #[must_use]
    pub fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }
}

impl Field {
    /// Returns a field that is always there, about which nothing more is known.
    pub fn new(name: impl Into<String>, shape: Shape) -> Self {
        Self {
            name: name.into(),
            shape,
            required: true,
            summary: String::new(),
            default: None,
            examples: Vec::new(),
            declares: false,
        }
    }
}

impl Object {
    /// Returns the field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
