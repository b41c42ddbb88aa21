//! Fields that are read of open values about which the project says nothing: what the hint to declare them names.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    diagnostic::Span,
    schema::{Declared, Place},
};

/// What was read of each open value, by whose it is and where it could be declared. Clones share it: the walks through
/// a recipe see the same place more than once.
#[derive(Debug, Clone, Default)]
pub struct Unsaid(Arc<Mutex<BTreeMap<(String, Place), Fields>>>);

/// The fields that were read of one open value, each with the first place that reads it.
pub(crate) type Fields = BTreeMap<String, Span>;

impl Unsaid {
    /// Notes that a field is read of a value that a recipe's connection, trigger or step could declare, and does not.
    pub(super) fn note(&self, declared: &Declared, field: &str, at: Span) {
        if declared.said || declared.owner.is_empty() {
            return;
        }
        let of = (declared.owner.clone(), declared.place.clone());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = all.entry(of).or_default().entry(field.to_owned()).or_insert(at);
        *first = at.min(*first);
    }

    /// Returns what was noted, and forgets it.
    pub(crate) fn take(&self) -> BTreeMap<(String, Place), Fields> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
