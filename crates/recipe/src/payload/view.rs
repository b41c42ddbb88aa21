//! Reading what stands somewhere in JSON, be it a [`Payload`] or a tree.

use serde_json::{Map, Number, Value};

use super::{Node, Payload};

/// What stands somewhere in JSON.
#[derive(Debug, Clone, Copy)]
pub enum View<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(&'a Number),
    /// A text.
    Text(&'a str),
    /// A list.
    List(Items<'a>),
    /// A map.
    Map(Fields<'a>),
}

/// The items of a list.
#[derive(Debug, Clone, Copy)]
pub struct Items<'a>(In<'a, &'a [Value]>);

/// The keys and values of a map.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(In<'a, &'a Map<String, Value>>);

#[derive(Debug, Clone, Copy)]
enum In<'a, T> {
    Payload(&'a Payload, &'a [Node]),
    Tree(T),
}

impl<'a> View<'a> {
    pub(super) fn of(payload: &'a Payload, node: &'a Node) -> Self {
        let nodes = |from: u32, len: u32| &payload.nodes[from as usize..][..len as usize];
        match node {
            Node::Null => Self::Null,
            Node::Bool(value) => Self::Bool(*value),
            Node::Number(number) => Self::Number(number),
            Node::Text { from, len } => {
                Self::Text(&payload.texts[*from as usize..][..*len as usize])
            }
            Node::Name(name) => Self::Text(name),
            Node::List { from, len } => Self::List(Items(In::Payload(payload, nodes(*from, *len)))),
            Node::Map { from, len } => {
                Self::Map(Fields(In::Payload(payload, nodes(*from, len * 2))))
            }
        }
    }

    /// Returns the value of a key; nothing when it is missing, or when this is no map.
    pub fn get(self, key: &str) -> Option<Self> {
        match self {
            Self::Map(fields) => fields.get(key),
            _ => None,
        }
    }

    /// Returns what a JSON pointer (RFC 6901) leads to, `/data/0/id`; the whole for an empty one.
    pub fn pointer(self, pointer: &str) -> Option<Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |view, key| match view {
            Self::Map(fields) if key.contains('~') => {
                fields.get(&key.replace("~1", "/").replace("~0", "~"))
            }
            Self::Map(fields) => fields.get(key),
            Self::List(_) if key.starts_with('+') || (key.starts_with('0') && key != "0") => None,
            Self::List(items) => items.get(key.parse().ok()?),
            _ => None,
        })
    }

    /// Returns the text that stands here.
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the whole number that stands here.
    pub fn as_u64(self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// Returns the list that stands here.
    pub fn as_list(self) -> Option<Items<'a>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns whether nothing stands here.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns it as a tree.
    pub fn to_value(self) -> Value {
        self.to_small_value(&mut usize::MAX.clone()).expect("there is room for everything")
    }

    /// Returns it as a tree of at most `room` values, a text counting by its length, too; takes from `room` what it uses.
    pub fn to_small_value(self, room: &mut usize) -> Option<Value> {
        *room = room.checked_sub(1)?;
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => {
                *room = room.checked_sub(text.len() / BYTES_OF_ONE)?;
                Value::String(text.to_owned())
            }
            Self::List(items) => {
                if items.len() > *room {
                    return None;
                }
                Value::Array(
                    items.iter().map(|item| item.to_small_value(room)).collect::<Option<_>>()?,
                )
            }
            Self::Map(fields) => {
                if fields.len() > *room {
                    return None;
                }
                let mut map = Map::with_capacity(fields.len());
                for (key, value) in fields.iter() {
                    map.insert(key.to_owned(), value.to_small_value(room)?);
                }
                Value::Object(map)
            }
        })
    }
}

/// So many bytes of a text count like a value.
const BYTES_OF_ONE: usize = 64;

impl<'a> From<&'a Value> for View<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(Items(In::Tree(items))),
            Value::Object(fields) => Self::Map(Fields(In::Tree(fields))),
        }
    }
}

impl<'a> Items<'a> {
    /// Returns how many there are.
    pub fn len(self) -> usize {
        match self.0 {
            In::Payload(_, nodes) => nodes.len(),
            In::Tree(items) => items.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns one of them, counted from zero.
    pub fn get(self, index: usize) -> Option<View<'a>> {
        match self.0 {
            In::Payload(payload, nodes) => nodes.get(index).map(|node| View::of(payload, node)),
            In::Tree(items) => items.get(index).map(View::from),
        }
    }

    /// Returns them in order.
    pub fn iter(self) -> impl Iterator<Item = View<'a>> {
        (0..self.len()).filter_map(move |index| self.get(index))
    }
}

impl<'a> Fields<'a> {
    /// Returns how many there are.
    pub fn len(self) -> usize {
        match self.0 {
            In::Payload(_, nodes) => nodes.len() / 2,
            In::Tree(fields) => fields.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the value of a key; of a key that came twice, the last one.
    pub fn get(self, key: &str) -> Option<View<'a>> {
        match self.0 {
            In::Payload(payload, nodes) => {
                let is_it = |node: &Node| match node {
                    Node::Name(name) => *name == key,
                    Node::Text { from, len } => {
                        *len as usize == key.len()
                            && payload.texts.as_bytes()[*from as usize..]
                                .starts_with(key.as_bytes())
                    }
                    _ => false,
                };
                let pair = nodes.chunks_exact(2).rev().find(|pair| is_it(&pair[0]))?;
                Some(View::of(payload, &pair[1]))
            }
            In::Tree(fields) => fields.get(key).map(View::from),
        }
    }

    /// Returns them in order; a key that came twice comes twice, and the last one counts.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, View<'a>)> {
        let (nodes, fields) = match self.0 {
            In::Payload(payload, nodes) => (Some((payload, nodes)), None),
            In::Tree(fields) => (None, Some(fields)),
        };
        let pairs = nodes.into_iter().flat_map(|(payload, nodes)| {
            let pair = |pair: &'a [Node]| (text(payload, &pair[0]), View::of(payload, &pair[1]));
            nodes.chunks_exact(2).map(pair)
        });
        let fields = fields.into_iter().flatten();
        pairs.chain(fields.map(|(key, value)| (key.as_str(), View::from(value))))
    }
}

fn text<'a>(payload: &'a Payload, key: &'a Node) -> &'a str {
    match View::of(payload, key) {
        View::Text(text) => text,
        _ => unreachable!("a key is a text"),
    }
}
