//! How much work one expression may do.

use serde_json::Value;

use crate::functions::Fault;

/// Units of work: about one byte made or one value visited. Enough to go over a step's greatest output (1 MiB) several
/// times, and spent within a small part of a second.
pub(crate) const UNITS: usize = 8 << 20;

/// What is left.
#[derive(Debug)]
pub(crate) struct Fuel(usize);

impl Fuel {
    pub(crate) fn new() -> Self {
        Self(UNITS)
    }

    /// Takes `units` away, before the work is done.
    pub(crate) fn spend(&mut self, units: usize) -> Result<(), Fault> {
        if let Some(left) = self.0.checked_sub(units.saturating_add(1)) {
            self.0 = left;
            return Ok(());
        }
        self.0 = 0;
        Err(Fault::new("too_expensive", "this expression makes more text, or goes over more values, than is allowed")
            .hint("do less in one expression: choose what is needed first, or go over the list with `for_each`"))
    }

    /// Takes away what copying `value` costs.
    pub(crate) fn spend_on(&mut self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.spend(1),
            Value::String(text) => self.spend(text.len()),
            Value::Array(items) => items.iter().try_for_each(|item| self.spend_on(item)),
            Value::Object(fields) => fields.iter().try_for_each(|(name, field)| {
                self.spend(name.len())?;
                self.spend_on(field)
            }),
        }
    }
}
