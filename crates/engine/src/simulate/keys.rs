//! The keys of a case's job: which jobs it waits for, and which deliveries are a repeat of its own.

use recipe::{Expected, Expression, Mismatch, Recipe, Scope};
use serde_json::Value;

use crate::made::key_text;

/// The keys of a job.
#[derive(Debug, Default)]
pub struct Keys {
    /// The key that orders it among others.
    pub order: Key,
    /// The group of recipes that share that key.
    pub group: Key,
    /// The key by which a repeat of its delivery is known.
    pub dedupe: Key,
}

/// A key of a job.
#[derive(Debug)]
pub enum Key {
    /// The recipe or the trigger names it, or that there is none.
    Known(Option<String>),
    /// The trigger names it, and has not seen a delivery.
    OfTrigger,
}

/// The keys that a trigger gives an event.
pub(super) struct OfTrigger {
    pub(super) order: Option<String>,
    pub(super) dedupe: String,
}

impl Default for Key {
    fn default() -> Self {
        Self::Known(None)
    }
}

impl Keys {
    /// Returns the keys of an event: the recipe's own, and where it has none, those of its trigger. The error names the
    /// key that has no value.
    pub(super) fn of(
        recipe: &Recipe,
        scope: &Scope,
        event: Option<OfTrigger>,
    ) -> Result<Self, (&'static str, String)> {
        let Some(trigger) = recipe.trigger() else { return Ok(Self::default()) };
        let (order, dedupe) = match event {
            Some(event) => (Key::Known(event.order), Key::Known(Some(event.dedupe))),
            None => (Key::OfTrigger, Key::OfTrigger),
        };
        let own = |what, key: Option<&Expression>, of_trigger| match key {
            Some(key) => match key.evaluate(scope) {
                Ok(value) => Ok(Key::Known(key_text(&value))),
                Err(error) => Err((what, error.message)),
            },
            None => Ok(of_trigger),
        };
        Ok(Self {
            order: own("trigger.key", trigger.key.as_ref().map(|key| &key.value), order)?,
            group: Key::Known(trigger.key.as_ref().and_then(|key| key.group.clone())),
            dedupe: own("trigger.dedupe", trigger.dedupe.as_ref(), dedupe)?,
        })
    }
}

impl Key {
    /// Adds what differs from what is expected.
    pub(super) fn compare(&self, path: &str, expected: &Expected, found: &mut Vec<Mismatch>) {
        match self {
            Self::Known(key) => {
                expected.compare(path, key.as_deref().map(Value::from).as_ref(), found);
            }
            Self::OfTrigger => found.push(Mismatch {
                path: path.into(),
                expected: expected.said(),
                got: "that of the trigger, which is known of an `event` with a `file` only".into(),
                diff: Vec::new(),
                span: expected.span,
            }),
        }
    }
}
