//! What a project declares about values that no connector can know, put into the connectors' shapes.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    catalogue::ConnectorSpec,
    diagnostic::Source,
    document::declared,
    fields::Report,
    schema::{Declared, Field, Object, Place, Shape, Type},
    yaml::{Key, Node},
};

/// Who says something about the open values of one trigger or action.
pub(crate) struct Said<'a> {
    /// The trigger or the step, in words.
    pub(crate) step: String,
    /// Its connector.
    pub(crate) spec: &'a ConnectorSpec,
    /// The connection that it uses with its settings; `None` where it is not known, or wrong, or asked nothing.
    pub(crate) connection: Option<(&'a str, &'a Value)>,
    /// The shapes that its `with` declares, by key.
    pub(crate) with: BTreeMap<String, Shape>,
}

impl Said<'_> {
    /// Returns the shape with all that is said about it.
    pub(crate) fn about(&self, shape: &Shape) -> Shape {
        self.changed(shape).unwrap_or_else(|| shape.clone())
    }

    /// Returns a shape that something is said about; `None` leaves all that is shared as it is.
    fn changed(&self, shape: &Shape) -> Option<Shape> {
        if let Some(declared) = &shape.declared {
            return self.declared(shape, &declared.place);
        }
        match &shape.of {
            Type::List(item) => {
                let of = Type::List(Box::new(self.changed(item)?));
                Some(Shape { of, ..shape.clone() })
            }
            Type::Object(object) => {
                let of = Type::Object(Arc::new(self.changed_map(object)?));
                Some(Shape { of, ..shape.clone() })
            }
            _ => None,
        }
    }

    fn changed_map(&self, object: &Object) -> Option<Object> {
        let mut changed: Option<Object> = None;
        for (at, field) in object.fields.iter().enumerate() {
            if let Some(shape) = self.changed(&field.shape) {
                changed.get_or_insert_with(|| object.clone()).fields[at].shape = shape;
            }
        }
        if let Some(others) = object.others.as_ref().and_then(|others| self.changed(others)) {
            changed.get_or_insert_with(|| object.clone()).others = Some(Box::new(others));
        }
        changed
    }

    fn declared(&self, shape: &Shape, place: &Place) -> Option<Shape> {
        let (owner, of) = match place {
            Place::Connection(path) => {
                let (name, settings) = self.connection?;
                (name, self.fields(settings, path).map(|object| Type::Object(Arc::new(object))))
            }
            Place::With(key) => {
                (self.step.as_str(), self.with.get(key).map(|shape| shape.of.clone()))
            }
        };
        let said = of.is_some();
        let declared = Declared { place: place.clone(), owner: owner.into(), said };
        Some(Shape {
            of: of.unwrap_or_else(|| shape.of.clone()),
            nullable: shape.nullable && !(said && matches!(place, Place::With(_))),
            declared: Some(Arc::new(declared)),
        })
    }

    /// Returns the map that a connection's settings declare at a path. Any of its fields may be missing.
    fn fields(&self, settings: &Value, path: &str) -> Option<Object> {
        let words = path.split('.').try_fold(settings, |at, key| at.get(key))?.as_object()?;
        let field = |(name, word): (&String, &Value)| {
            let known = word.as_str().and_then(|word| self.spec.field_types.get(word));
            let shape = known.cloned().unwrap_or_else(Shape::any).or_null();
            Field { required: false, ..Field::new(name, shape) }
        };
        Some(Object { fields: words.iter().map(field).collect(), others: None })
    }
}

/// Returns the shapes that the values under `with` declare; `None` when there is a mistake in one, which is reported
/// where it is checked.
pub(crate) fn of_with<'a>(
    wanted: &Object,
    given: impl Iterator<Item = (&'a Key, &'a Node)>,
    source: &Arc<Source>,
) -> Option<BTreeMap<String, Shape>> {
    given
        .filter(|(key, _)| wanted.field(&key.text).is_some_and(|field| field.declares))
        .map(|(key, node)| {
            let mut out = Vec::new();
            let mut report = Report { source, out: &mut out };
            let shape = declared::foreign(&mut report, key, node.clone())?;
            out.is_empty().then(|| (key.text.clone(), shape))
        })
        .collect()
}
