//! The list of the standard connectors.

use connector::Connector;

use crate::{http, log, schedule, webhook};

/// Returns the standard connectors.
pub fn connectors() -> Vec<Connector> {
    vec![log::connector(), http::connector(), schedule::connector(), webhook::connector()]
}
