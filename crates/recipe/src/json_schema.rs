//! JSON Schemas (2020-12, as schemars writes them) into [`Shape`]s.
//!
//! An object without `additionalProperties` is closed: a connector's types say everything they have, so a field that
//! they do not name is a mistake in the recipe.
//!
//! Two words of our own say what a schema cannot: `x-declared-in` names the place that says what an open value holds
//! (`connection.PATH` or `with.KEY`), `x-declares` marks a value that is itself a declared shape.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::schema::{Declared, Field, Format, Object, Place, Shape, Text, Type};

/// Returns the shape that a JSON Schema describes, or why it cannot be read.
///
/// A union of several types that are not null has no shape of its own and becomes [`Type::Any`], as does a type
/// inside itself.
///
/// ```
/// let schema = serde_json::json!({ "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] });
/// let recipe::Type::Object(object) = recipe::from_json_schema(&schema).unwrap().of else { unreachable!() };
/// assert!(object.field("id").is_some_and(|id| id.required));
/// ```
pub fn from_json_schema(schema: &Value) -> Result<Shape, String> {
    Reader { root: schema, open: Vec::new() }.shape(schema)
}

struct Reader<'a> {
    root: &'a Value,
    /// The references being followed, to notice a type inside itself.
    open: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn shape(&mut self, schema: &'a Value) -> Result<Shape, String> {
        let shape = self.undeclared(schema)?;
        let Some(place) = schema.get("x-declared-in") else { return Ok(shape) };
        let place = match place.as_str().and_then(|place| place.split_once('.')) {
            Some(("connection", path)) => Place::Connection(path.into()),
            Some(("with", key)) => Place::With(key.into()),
            _ => return Err(format!("`x-declared-in` names no place: `{place}`")),
        };
        let declared = Declared { place, owner: String::new(), said: false };
        Ok(Shape { declared: Some(Arc::new(declared)), ..shape })
    }

    fn undeclared(&mut self, schema: &'a Value) -> Result<Shape, String> {
        let schema = match schema {
            Value::Bool(true) => return Ok(Shape::any()),
            Value::Object(schema) => schema,
            other => return Err(format!("expected a schema, found `{other}`")),
        };
        if let Some(reference) = schema.get("$ref") {
            return self.referenced(reference);
        }
        for union in ["anyOf", "oneOf"] {
            if let Some(members) = schema.get(union) {
                return self.union(members);
            }
        }
        if let Some(members) = schema.get("allOf") {
            return match list(members)? {
                [only] => self.shape(only),
                _ => Ok(Shape::any()),
            };
        }
        if let Some(value) = schema.get("const") {
            return Ok(constants(std::slice::from_ref(value)));
        }
        if let Some(values) = schema.get("enum") {
            return Ok(constants(list(values)?));
        }
        self.typed(schema)
    }

    fn referenced(&mut self, reference: &'a Value) -> Result<Shape, String> {
        let reference = reference.as_str().ok_or("`$ref` is not text")?;
        if self.open.contains(&reference) {
            return Ok(Shape::any());
        }
        let target = match reference {
            "#" => Some(self.root),
            other => other.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)),
        };
        let target = target
            .ok_or_else(|| format!("`$ref` to `{reference}`, which is not in this schema"))?;
        self.open.push(reference);
        let shape = self.shape(target);
        self.open.pop();
        shape
    }

    fn union(&mut self, members: &'a Value) -> Result<Shape, String> {
        let mut nullable = false;
        let mut shapes: Vec<Shape> = Vec::new();
        for member in list(members)? {
            if member.get("type").is_some_and(|kind| kind == "null") {
                nullable = true;
            } else {
                let shape = self.shape(member)?;
                nullable |= shape.nullable;
                shapes.push(shape);
            }
        }
        let of = shapes.into_iter().map(|shape| shape.of).reduce(either).unwrap_or(Type::Any);
        Ok(Shape { nullable, ..Shape::of(of) })
    }

    fn typed(&mut self, schema: &'a Map<String, Value>) -> Result<Shape, String> {
        let names: Vec<&str> = match schema.get("type") {
            None => return Ok(Shape::any()),
            Some(Value::String(name)) => vec![name],
            Some(names) => list(names)?.iter().filter_map(Value::as_str).collect(),
        };
        let nullable = names.contains(&"null");
        let mut of = None;
        for name in names.into_iter().filter(|name| *name != "null") {
            let one = match name {
                "boolean" => Type::Boolean,
                "integer" => Type::Integer,
                "number" => Type::Number,
                "string" => Type::Text(Text { format: format(schema), choices: Vec::new() }),
                "array" => Type::List(Box::new(match schema.get("items") {
                    Some(items) => self.shape(items)?,
                    None => Shape::any(),
                })),
                "object" => Type::Object(Arc::new(self.object(schema)?)),
                other => return Err(format!("unknown type `{other}`")),
            };
            of = Some(of.map_or(one.clone(), |before| either(before, one)));
        }
        Ok(Shape { nullable, ..Shape::of(of.unwrap_or(Type::Any)) })
    }

    fn object(&mut self, schema: &'a Map<String, Value>) -> Result<Object, String> {
        let required = schema.get("required").map_or(Ok(&[][..]), list)?;
        let mut fields = Vec::new();
        if let Some(properties) = schema.get("properties") {
            for (name, property) in properties.as_object().ok_or("`properties` is not a map")? {
                fields.push(Field {
                    name: name.clone(),
                    shape: self.shape(property).map_err(|reason| format!("`{name}`: {reason}"))?,
                    required: required.iter().any(|one| one == name),
                    summary: summary(property),
                    default: property.get("default").filter(|value| !value.is_null()).cloned(),
                    examples: property.get("examples").map_or(Ok(&[][..]), list)?.to_vec(),
                    declares: property.get("x-declares").is_some_and(|declares| declares == true),
                });
            }
        }
        let others = match schema.get("additionalProperties") {
            None | Some(Value::Bool(false)) => None,
            Some(others) => Some(Box::new(self.shape(others)?)),
        };
        Ok(Object { fields, others })
    }
}

/// Returns the type of a value that is of the one or the other type.
pub(crate) fn either(one: Type, other: Type) -> Type {
    match (one, other) {
        (Type::Text(mut one), Type::Text(other)) => {
            // A text that may be anything has no choices, and neither has a union with one.
            if one.choices.is_empty() || other.choices.is_empty() {
                one.choices.clear();
            } else {
                one.choices.extend(other.choices);
            }
            if one.format != other.format {
                one.format = Format::Plain;
            }
            Type::Text(one)
        }
        (Type::Integer, Type::Number) | (Type::Number, Type::Integer) => Type::Number,
        (one, other) if one == other => one,
        _ => Type::Any,
    }
}

fn constants(values: &[Value]) -> Shape {
    let mut shape: Option<Type> = None;
    for value in values {
        let one = match value {
            Value::Null => continue,
            Value::Bool(_) => Type::Boolean,
            Value::Number(number) if number.is_f64() => Type::Number,
            Value::Number(_) => Type::Integer,
            Value::String(word) => {
                Type::Text(Text { format: Format::Plain, choices: vec![word.clone()] })
            }
            Value::Array(_) | Value::Object(_) => Type::Any,
        };
        shape = Some(shape.map_or(one.clone(), |before| either(before, one)));
    }
    Shape { nullable: values.contains(&Value::Null), ..Shape::of(shape.unwrap_or(Type::Any)) }
}

fn format(schema: &Map<String, Value>) -> Format {
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => Format::Date,
        Some("date-time") => Format::DateTime,
        Some("uri" | "url") => Format::Url,
        Some("email") => Format::Email,
        Some("secret") => Format::Secret,
        _ => Format::Plain,
    }
}

/// Returns the description as one paragraph a line, without the line breaks of the doc comment it comes from.
fn summary(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or("");
    let paragraphs =
        text.split("\n\n").map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n")
}

fn list(value: &Value) -> Result<&[Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| format!("expected a list, found `{value}`"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    #![expect(dead_code, reason = "the types exist for their schemas")]

    use std::collections::BTreeMap;

    use schemars::{JsonSchema, generate::SchemaSettings};
    use serde_json::json;

    use super::*;

    /// How it is paid.
    #[derive(JsonSchema, serde::Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Pay {
        Hourly,
        /// By the month.
        Salaried,
    }

    #[derive(JsonSchema, serde::Serialize)]
    struct Inner {
        name: String,
        parent: Option<Box<Inner>>,
    }

    #[derive(JsonSchema, serde::Serialize)]
    struct Outer {
        /// The vendor's id,
        /// as text.
        id: String,
        nickname: Option<String>,
        pay: Pay,
        other_pay: Option<Pay>,
        inner: Option<Inner>,
        all: Vec<Inner>,
        #[serde(default = "three")]
        retries: u8,
        weight: f64,
        active: bool,
        anything: Value,
        custom_fields: BTreeMap<String, Value>,
        #[schemars(extend("format" = "date"))]
        starts_on: String,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }

    fn three() -> u8 {
        3
    }

    fn outer(settings: SchemaSettings) -> Arc<Object> {
        let schema = settings.into_generator().into_root_schema_for::<Outer>();
        match from_json_schema(schema.as_value()).unwrap() {
            Shape { of: Type::Object(object), nullable: false, .. } => object,
            other => panic!("not an object: {other:?}"),
        }
    }

    fn text(choices: &[&str]) -> Type {
        Type::Text(Text {
            format: Format::Plain,
            choices: choices.iter().map(ToString::to_string).collect(),
        })
    }

    #[test]
    fn a_schemars_struct_keeps_its_fields_types_and_words() {
        let object = outer(SchemaSettings::draft2020_12());
        let field = |name: &str| object.field(name).unwrap_or_else(|| panic!("no field {name}"));
        assert_eq!(field("id").shape, Shape::of(text(&[])));
        assert_eq!(field("id").summary, "The vendor's id, as text.");
        assert!(field("id").required);
        assert_eq!(field("nickname").shape, Shape::of(text(&[])).or_null());
        assert!(!field("nickname").required);
        assert_eq!(field("pay").shape, Shape::of(text(&["hourly", "salaried"])));
        assert_eq!(field("other_pay").shape, Shape::of(text(&["hourly", "salaried"])).or_null());
        assert_eq!(field("retries").default, Some(json!(3)));
        assert_eq!(field("retries").shape.of, Type::Integer);
        assert_eq!(field("weight").shape.of, Type::Number);
        assert_eq!(field("active").shape.of, Type::Boolean);
        assert_eq!(field("anything").shape, Shape::any());
        assert!(matches!(
            &field("starts_on").shape.of,
            Type::Text(Text { format: Format::Date, .. })
        ));
        let Type::Object(custom) = &field("custom_fields").shape.of else { panic!("not a map") };
        assert_eq!(custom.others.as_deref(), Some(&Shape::any()));
        assert_eq!(object.others.as_deref(), Some(&Shape::of(Type::Integer)));
        let names: Vec<_> = object.fields.iter().take(3).map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["id", "nickname", "pay"], "fields keep the order they are declared in");
    }

    #[test]
    fn a_type_inside_itself_is_anything_below_the_first_level() {
        let object = outer(SchemaSettings::draft2020_12());
        let Shape { of: Type::Object(inner), nullable: true, .. } =
            &object.field("inner").unwrap().shape
        else {
            panic!("not an optional object")
        };
        assert_eq!(inner.others, None, "closed");
        assert_eq!(inner.field("parent").unwrap().shape, Shape::any());
        let Type::List(all) = &object.field("all").unwrap().shape.of else { panic!("not a list") };
        assert!(matches!(all.of, Type::Object(_)));
    }

    #[test]
    fn outputs_are_read_with_the_serialize_contract_too() {
        let object = outer(SchemaSettings::draft2020_12().for_serialize());
        assert!(
            object.field("retries").unwrap().required,
            "what is always written is always there"
        );
    }

    #[test]
    fn single_schemas() {
        let table: [(Value, Shape); 12] = [
            (json!(true), Shape::any()),
            (json!({}), Shape::any()),
            (json!({ "type": ["integer", "null"] }), Shape::of(Type::Integer).or_null()),
            (json!({ "type": ["integer", "string"] }), Shape::of(Type::Any)),
            (json!({ "enum": ["a", "b", null] }), Shape::of(text(&["a", "b"])).or_null()),
            (json!({ "const": 3 }), Shape::of(Type::Integer)),
            (
                json!({ "oneOf": [{ "const": "a" }, { "const": "b" }] }),
                Shape::of(text(&["a", "b"])),
            ),
            (json!({ "anyOf": [{ "type": "string" }, { "const": "b" }] }), Shape::of(text(&[]))),
            (
                json!({ "anyOf": [{ "type": "boolean" }, { "type": "null" }] }),
                Shape::of(Type::Boolean).or_null(),
            ),
            (json!({ "allOf": [{ "type": "boolean" }] }), Shape::of(Type::Boolean)),
            (json!({ "type": "array" }), Shape::of(Type::List(Box::new(Shape::any())))),
            (
                json!({ "type": "string", "format": "secret" }),
                Shape::of(Type::Text(Text { format: Format::Secret, choices: vec![] })),
            ),
        ];
        for (schema, expected) in table {
            assert_eq!(from_json_schema(&schema), Ok(expected), "{schema}");
        }
    }

    #[test]
    fn places_of_declarations_and_examples_are_kept() {
        let schema = json!({ "type": "object", "properties": {
            "fields": { "type": "object", "additionalProperties": true, "x-declared-in": "connection.custom_fields.offer" },
            "body": { "x-declared-in": "with.reply" },
            "reply": { "x-declares": true, "examples": [{ "id": "text" }] },
        } });
        let Type::Object(object) = from_json_schema(&schema).unwrap().of else {
            panic!("not a map")
        };
        let place = |name: &str| {
            let declared = object.field(name).unwrap().shape.declared.clone();
            declared.map(|declared| declared.place.clone())
        };
        assert_eq!(place("fields"), Some(Place::Connection("custom_fields.offer".into())));
        assert_eq!(place("body"), Some(Place::With("reply".into())));
        assert_eq!(place("reply"), None);
        let reply = object.field("reply").unwrap();
        assert_eq!((reply.declares, &reply.examples), (true, &vec![json!({ "id": "text" })]));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let table = [
            (json!(false), "expected a schema, found `false`"),
            (
                json!({ "$ref": "#/$defs/Nobody" }),
                "`$ref` to `#/$defs/Nobody`, which is not in this schema",
            ),
            (
                json!({ "type": "object", "properties": { "a": { "type": "tuple" } } }),
                "`a`: unknown type `tuple`",
            ),
            (
                json!({ "type": "object", "x-declared-in": "somewhere" }),
                "`x-declared-in` names no place: `\"somewhere\"`",
            ),
        ];
        for (schema, expected) in table {
            assert_eq!(from_json_schema(&schema), Err(expected.into()), "{schema}");
        }
    }
}
