//! An input or setting that declares what somebody else sends.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

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
