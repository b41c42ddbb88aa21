//! The seam between typed functions and JSON: values decoded with the path of what is wrong, types read as schemas.

use std::sync::Arc;

use recipe::{Object, Shape, Type};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned, de::Error};
use serde_json::Value;

use crate::failure::Failure;

/// A shape that the recipe's author declares, such as `{ name: text, amount: number? }`, at a key of `with`.
///
/// Its field is an `Option` with `#[schemars(with = "Value", extend("x-declares" = true))]`; the value that it is about
/// has `x-declared-in: with.KEY` in its own schema, so that the check knows what was declared.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared(recipe::Declaration);

impl Declared {
    /// Returns a value with the defaults of what is left out, or says what is not as declared. `what` names the value.
    pub fn fit(&self, what: &str, value: Value) -> Result<Value, String> {
        self.0.fit(what, value)
    }
}

impl<'de> Deserialize<'de> for Declared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let declared = Value::deserialize(deserializer)?;
        recipe::Declaration::read("it", &declared).map(Self).map_err(D::Error::custom)
    }
}

/// Reads what a step gives an action.
pub(crate) fn decode_input<I: DeserializeOwned>(input: &Value) -> Result<I, Failure> {
    decode(input, "input").map_err(|message| {
        Failure::permanent("invalid_input", message)
            .hint("Give the step what the action's documentation asks for.")
    })
}

/// Reads `value`, or says at which path below it what was found instead of what. `what` is a word for the whole.
pub(crate) fn decode<T: DeserializeOwned>(value: &Value, what: &str) -> Result<T, String> {
    // Where it went wrong is asked only when it did.
    T::deserialize(value).or_else(|_| {
        serde_path_to_error::deserialize(value).map_err(|problem| {
            let (path, problem) = (problem.path().to_string(), problem.into_inner());
            if path == "." {
                format!("{what}: {problem}")
            } else {
                format!("{what} `{path}`: {problem}")
            }
        })
    })
}

/// Writes what an action gives. A write has happened by then, so its failure leaves the outcome unknown.
pub(crate) fn encode_output<O: Serialize>(output: &O, writes: bool) -> Result<Value, Failure> {
    serde_json::to_value(output).map_err(|problem| {
        let message = format!("the action's output cannot be written as JSON: {problem}");
        if writes {
            Failure::unknown("invalid_output", message)
        } else {
            Failure::permanent("invalid_output", message)
        }
    })
}

/// Returns the fields that a `T` is read from.
///
/// # Panics
/// When `T` is no map or has a schema that the checker cannot read: a mistake in the connector, seen by its first test.
pub(crate) fn input_object<T: JsonSchema>(of: &str) -> Arc<Object> {
    let schema = SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator()
        .into_root_schema_for::<T>();
    match shape(&schema, of).of {
        Type::Object(object) => object,
        other => panic!("{of} must be a map, found {other:?}"),
    }
}

/// Returns the shape that a `T` is written with: a field that is always written is there, an `Option` may be null.
///
/// # Panics
/// When `T` has a schema that the checker cannot read: a mistake in the connector, seen by its first test.
pub(crate) fn output_shape<T: JsonSchema>(of: &str) -> Shape {
    let schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    shape(&schema, of)
}

fn shape(schema: &Schema, of: &str) -> Shape {
    recipe::from_json_schema(schema.as_value())
        .unwrap_or_else(|problem| panic!("the schema of {of}: {problem}"))
}
