//! The shapes of the names that the engine gives: `job`, `loop`, `error`, `outcome`.

use std::sync::Arc;

use crate::schema::{Field, Format, Object, Shape, Text, Type};

/// `job`.
pub(super) fn job() -> Shape {
    object([
        ("id", text()),
        ("url", text().or_null()),
        ("label", text().or_null()),
        ("started_at", formatted(Format::DateTime)),
        ("warnings", list(warning())),
    ])
}

/// `loop`, inside a round.
pub(super) fn round() -> Shape {
    object([("index", Shape::of(Type::Integer))])
}

/// `error`, inside `catch`.
pub(super) fn error() -> Shape {
    object([
        ("code", text()),
        ("message", text()),
        ("hint", text()),
        ("step", text()),
        ("action", text().or_null()),
        ("attempts", Shape::of(Type::Integer)),
        ("others", list(Shape::any())),
    ])
}

/// `outcome`, inside `finally`.
pub(super) fn outcome() -> Shape {
    let status = Text {
        choices: ["succeeded", "failed", "skipped"].map(String::from).into(),
        ..Text::default()
    };
    object([
        ("status", Shape::of(Type::Text(status))),
        ("message", text()),
        ("error", error().or_null()),
        ("warnings", list(warning())),
    ])
}

/// A map with exactly these fields.
pub(super) fn object<N: Into<String>>(fields: impl IntoIterator<Item = (N, Shape)>) -> Shape {
    Shape::of(Type::Object(Arc::new(Object {
        fields: fields.into_iter().map(|(name, shape)| Field::new(name, shape)).collect(),
        others: None,
    })))
}

/// Plain text.
pub(super) fn text() -> Shape {
    Shape::of(Type::Text(Text::default()))
}

fn formatted(format: Format) -> Shape {
    Shape::of(Type::Text(Text { format, choices: Vec::new() }))
}

fn warning() -> Shape {
    object([("step", text()), ("code", text()), ("message", text())])
}

fn list(of: Shape) -> Shape {
    Shape::of(Type::List(Box::new(of)))
}
