//! A Greenhouse tenant: the token endpoint, Harvest v3 and v1 as far as a hire sync uses them, and attachment links.
//!
//! Bodies, errors and rules follow the public documentation and what people have observed; where neither says
//! anything the tenant takes the stricter reading, so that a client that pleases it asks for nothing unusual.

mod account;
mod answer;
mod company;
mod files;
mod hire;
mod notes;
mod seed;
mod server;
mod switches;
mod tokens;
mod v1;
mod v3;

pub use account::{
    Account, Application, Attachment, Candidate, Contact, Job, Note, Offer, Office, Request, User,
};
pub use server::GreenhouseTenant;
pub use switches::{Fault, Operation, Switches, TokenSays};

pub use crate::goco::Trouble;
