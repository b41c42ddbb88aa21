//! From anything that can be serialised, with the same result as `serde_json::to_value`.

use std::fmt::Display;

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Building, NoPayload, Node, number};

pub(super) struct Writer<'b>(pub(super) &'b mut Building);

/// A list or a map that is being written.
pub(super) struct Open<'b> {
    building: &'b mut Building,
    opened: usize,
    /// Of an enum's variant with fields: the variant, which becomes the only key of a map around them.
    variant: Option<&'static str>,
}

type Done = Result<Node, NoPayload>;

impl Error for NoPayload {
    fn custom<T: Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

impl<'b> Writer<'b> {
    fn open(self, variant: Option<&'static str>) -> Open<'b> {
        let opened = self.0.open.len();
        Open { building: self.0, opened, variant }
    }
}

impl Open<'_> {
    fn add(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), NoPayload> {
        let node = value.serialize(Writer(self.building))?;
        self.building.open.push(node);
        Ok(())
    }

    fn named(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), NoPayload> {
        self.building.open.push(Node::Name(name));
        self.add(value)
    }

    fn whole(self, node: Node) -> Node {
        match self.variant {
            Some(variant) => around(self.building, variant, node),
            None => node,
        }
    }

    fn list(self) -> Node {
        let node = self.building.list(self.opened);
        self.whole(node)
    }

    fn map(self) -> Node {
        let node = self.building.map(self.opened);
        self.whole(node)
    }
}

/// Returns the map with this one key.
fn around(building: &mut Building, key: &'static str, value: Node) -> Node {
    let opened = building.open.len();
    building.open.push(Node::Name(key));
    building.open.push(value);
    building.map(opened)
}

impl<'b> Serializer for Writer<'b> {
    type Ok = Node;
    type Error = NoPayload;
    type SerializeSeq = Open<'b>;
    type SerializeTuple = Open<'b>;
    type SerializeTupleStruct = Open<'b>;
    type SerializeTupleVariant = Open<'b>;
    type SerializeMap = Open<'b>;
    type SerializeStruct = Open<'b>;
    type SerializeStructVariant = Open<'b>;

    fn serialize_bool(self, value: bool) -> Done {
        Ok(Node::Bool(value))
    }
    fn serialize_i8(self, value: i8) -> Done {
        Ok(Node::Number(value.into()))
    }
    fn serialize_i16(self, value: i16) -> Done {
        Ok(Node::Number(value.into()))
    }
    fn serialize_i32(self, value: i32) -> Done {
        Ok(Node::Number(value.into()))
    }
    fn serialize_i64(self, value: i64) -> Done {
        Ok(Node::Number(value.into()))
    }
    fn serialize_u8(self, value: u8) -> Done {
        Ok(Node::Number(value.into()))
    }
    fn serialize_u16(self, value: u16) -> Done {
        Ok(Node::Number(value.into()))
    }
    fn serialize_u32(self, value: u32) -> Done {
        Ok(Node::Number(value.into()))
    }
    fn serialize_u64(self, value: u64) -> Done {
        Ok(Node::Number(value.into()))
    }
    fn serialize_f32(self, value: f32) -> Done {
        Ok(number(value.into()))
    }
    fn serialize_f64(self, value: f64) -> Done {
        Ok(number(value))
    }
    fn serialize_char(self, value: char) -> Done {
        Ok(self.0.text(value.encode_utf8(&mut [0; 4])))
    }
    fn serialize_str(self, value: &str) -> Done {
        Ok(self.0.text(value))
    }
    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.collect_seq(value)
    }
    fn serialize_none(self) -> Done {
        Ok(Node::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Done {
        Ok(Node::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Done {
        Ok(Node::Null)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        Ok(Node::Name(variant))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        let node = value.serialize(Writer(self.0))?;
        Ok(around(self.0, variant, node))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'b>, NoPayload> {
        Ok(self.open(None))
    }
    fn serialize_tuple(self, _: usize) -> Result<Open<'b>, NoPayload> {
        Ok(self.open(None))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'b>, NoPayload> {
        Ok(self.open(None))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'b>, NoPayload> {
        Ok(self.open(Some(variant)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Open<'b>, NoPayload> {
        Ok(self.open(None))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'b>, NoPayload> {
        Ok(self.open(None))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'b>, NoPayload> {
        Ok(self.open(Some(variant)))
    }
}

/// A list has four names in serde, and each adds its items in the same way.
macro_rules! list {
    ($($name:ident: $add:ident,)*) => {$(
        impl $name for Open<'_> {
            type Ok = Node;
            type Error = NoPayload;
            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoPayload> {
                self.add(value)
            }
            fn end(self) -> Done {
                Ok(self.list())
            }
        }
    )*};
}

list! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

impl SerializeMap for Open<'_> {
    type Ok = Node;
    type Error = NoPayload;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoPayload> {
        let key = match key.serialize(Writer(self.building))? {
            key @ (Node::Text { .. } | Node::Name(_)) => key,
            Node::Number(number) => self.building.text(&number.to_string()),
            Node::Bool(value) => self.building.text(if value { "true" } else { "false" }),
            _ => return Err(NoPayload("a key of a map must be a text".into())),
        };
        self.building.open.push(key);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoPayload> {
        self.add(value)
    }
    fn end(self) -> Done {
        Ok(self.map())
    }
}

impl SerializeStruct for Open<'_> {
    type Ok = Node;
    type Error = NoPayload;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NoPayload> {
        self.named(name, value)
    }
    fn end(self) -> Done {
        Ok(self.map())
    }
}

impl SerializeStructVariant for Open<'_> {
    type Ok = Node;
    type Error = NoPayload;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NoPayload> {
        self.named(name, value)
    }
    fn end(self) -> Done {
        Ok(self.map())
    }
}
