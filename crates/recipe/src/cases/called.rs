//! What a called recipe is given in a case, and what a call in the background gives.

use std::sync::Arc;

use crate::schema::{Field, Object, Shape, Text, Type};

use super::conform::fill;

/// Returns an input with what its caller may leave out: the default, or null; what it must give is filled in.
pub(super) fn given_input(
    mut input: serde_json::Map<String, serde_json::Value>,
    shape: &Shape,
) -> serde_json::Value {
    if let Type::Object(object) = &shape.of {
        for field in object.fields.iter().filter(|field| !field.required || field.default.is_some())
        {
            let left_out = field.default.clone().unwrap_or_default();
            input.entry(field.name.clone()).or_insert(left_out);
        }
    }
    fill(serde_json::Value::Object(input), shape)
}

/// Returns what a call in the background gives: the job's number, as text.
pub(super) fn job_shape() -> Shape {
    let text = Shape::of(Type::Text(Text::default()));
    let field = Field::new("job", text);
    Shape::of(Type::Object(Arc::new(Object { fields: vec![field], ..Object::default() })))
}
