//! A GoCo company on loopback: the contract that the connector is built against, with switches for every way in which
//! a real tenant may differ, and with faults.
//!
//! GoCo's own endpoint reference is not public. What this tenant does is the connector's contract, so a test against
//! it proves the connector against the contract and not against GoCo.

mod answer;
mod company;
mod operations;
mod server;
mod switches;

pub use company::{Company, Document, Employee, Reference, Request};
pub use server::GocoTenant;
pub use switches::{
    Created, DocumentMode, Duplicate, Envelope, Fault, IdPlace, IdType, Naming, Operation, Paging,
    Switches, Trouble,
};
