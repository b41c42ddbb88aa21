//! The event of a job: JSON that comes once, is kept while the job goes on, and of which little is read.
//!
//! As a tree of [`Value`]s a hire is hundreds of small allocations, made by one thread, read by a second and dropped by a
//! third. A [`Payload`] is two: all texts one after the other, and all nodes. A [`View`] reads what stands somewhere in
//! it; what asks for more than that is given the tree, made then.

mod read;
mod view;
mod write;

use std::{cell::RefCell, fmt, sync::OnceLock};

use serde::Serialize;
use serde_json::{Number, Value};

pub use view::{Fields, Items, View};

/// JSON that does not change.
#[derive(Default)]
pub struct Payload {
    texts: Box<str>,
    /// The items of a list, and the keys and values of a map in turn, stand beside each other; the whole is the last one.
    nodes: Box<[Node]>,
    /// The tree, once something asked for it.
    tree: OnceLock<Value>,
}

/// One value. Places in the texts and among the nodes are of 32 bits: a body has some megabytes at most.
#[derive(Debug, Clone)]
enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text {
        from: u32,
        len: u32,
    },
    /// A key that stands in the program.
    Name(&'static str),
    List {
        from: u32,
        len: u32,
    },
    Map {
        from: u32,
        len: u32,
    },
}

/// Why something is no payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoPayload(String);

impl Payload {
    /// Returns what a value is as JSON, like `serde_json::to_value`.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Self, NoPayload> {
        Building::with(|building| value.serialize(write::Writer(building)))
    }

    /// Reads JSON.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        Building::with(|building| {
            let mut reader = serde_json::Deserializer::from_slice(json);
            let root =
                serde::de::DeserializeSeed::deserialize(read::Reader(building), &mut reader)?;
            reader.end()?;
            Ok(root)
        })
    }

    /// Returns the whole, to be read.
    pub fn view(&self) -> View<'_> {
        self.nodes.last().map_or(View::Null, |root| View::of(self, root))
    }

    /// Returns the whole as a tree, which is made when it is asked for first.
    pub fn value(&self) -> &Value {
        self.tree.get_or_init(|| self.view().to_value())
    }

    /// Returns how many bytes it takes, without a tree.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.texts.len() + size_of_val(&*self.nodes)
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::of(&value).expect("every value is JSON")
    }
}

impl From<Payload> for Value {
    fn from(payload: Payload) -> Self {
        let Payload { texts, nodes, tree } = payload;
        match tree.into_inner() {
            Some(tree) => tree,
            None => Payload { texts, nodes, tree: OnceLock::new() }.view().to_value(),
        }
    }
}

impl Clone for Payload {
    fn clone(&self) -> Self {
        Self { texts: self.texts.clone(), nodes: self.nodes.clone(), tree: OnceLock::new() }
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

/// Lists that grow while a payload is made; kept by each thread for its next one.
#[derive(Default)]
struct Building {
    texts: String,
    nodes: Vec<Node>,
    /// The values of lists and maps that are not whole yet.
    open: Vec<Node>,
}

thread_local! {
    static BUILDING: RefCell<Building> = RefCell::default();
}

/// A thread keeps lists of at most so many bytes or nodes.
const KEPT: usize = 64 << 10;

impl Building {
    /// Makes a payload of what `make` adds; its root is what it returns.
    fn with<E>(make: impl FnOnce(&mut Self) -> Result<Node, E>) -> Result<Payload, E> {
        // Taken out: what is serialised may make a payload itself.
        let mut building = BUILDING.take();
        let root = make(&mut building);
        let made = root.map(|root| {
            building.nodes.push(root);
            let (texts, nodes) = (building.texts.as_str().into(), building.nodes.as_slice().into());
            Payload { texts, nodes, tree: OnceLock::new() }
        });
        if building.texts.capacity().max(building.nodes.capacity()) <= KEPT {
            building.texts.clear();
            building.nodes.clear();
            building.open.clear();
            BUILDING.set(building);
        }
        made
    }

    fn text(&mut self, text: &str) -> Node {
        let from = place(self.texts.len());
        self.texts.push_str(text);
        Node::Text { from, len: place(text.len()) }
    }

    /// Closes what was opened when so many values were open; returns where its values stand, and how many they are.
    fn close(&mut self, opened: usize) -> (u32, u32) {
        let from = place(self.nodes.len());
        let len = place(self.open.len() - opened);
        self.nodes.extend(self.open.drain(opened..));
        (from, len)
    }

    fn list(&mut self, opened: usize) -> Node {
        let (from, len) = self.close(opened);
        Node::List { from, len }
    }

    /// A map of the keys and values that are open since then.
    fn map(&mut self, opened: usize) -> Node {
        let (from, len) = self.close(opened);
        Node::Map { from, len: len / 2 }
    }
}

fn place(place: usize) -> u32 {
    u32::try_from(place).expect("a payload has less than 4 GB")
}

fn number(float: f64) -> Node {
    Number::from_f64(float).map_or(Node::Null, Node::Number)
}

#[cfg(test)]
mod tests;
