//! What most expressions read: a small value inside the event, found without making the whole event a tree.

use serde_json::Value;

use super::{
    evaluate::Evaluation,
    tree::{Kind, Node},
};
use crate::payload::View;

impl<'a> Evaluation<'a> {
    /// Returns a small value inside the event, which need not become a tree for it. Whatever is unusual about the path
    /// is left to who goes it step by step.
    pub(super) fn glance(&mut self, node: &'a Node) -> Option<Value> {
        /// As many values may be copied, or so many times 64 bytes of text.
        const SMALL: usize = 64;
        let view = self.within_event(node)?;
        let mut room = SMALL;
        let value = view.to_small_value(&mut room)?;
        self.fuel.spend(SMALL - room).ok()?;
        Some(value)
    }

    fn within_event(&self, node: &'a Node) -> Option<View<'a>> {
        match &node.kind {
            Kind::Name(name) if name == "event" => {
                let hidden = self.scope.locals.iter().any(|(local, _)| local == name);
                (!hidden).then(|| self.scope.event.view())
            }
            Kind::Field { of, name, .. } => match self.within_event(of)? {
                View::Null => Some(View::Null),
                // A longer one is looked into by its hashes.
                View::Map(fields) if fields.len() <= 64 => {
                    Some(fields.get(name).unwrap_or(View::Null))
                }
                _ => None,
            },
            Kind::Item { of, key } => match (self.within_event(of)?, &key.kind) {
                (View::List(items), Kind::Constant(Value::Number(number))) => {
                    items.get(number.as_u64()?.try_into().ok()?)
                }
                _ => None,
            },
            _ => None,
        }
    }
}
