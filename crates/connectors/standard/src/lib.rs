//! Connectors that belong to no vendor: `log`, `http` and `webhook`.

mod http;
mod log;
mod webhook;

use connector::Connector;

/// Returns the standard connectors.
pub fn connectors() -> Vec<Connector> {
    vec![log::connector(), http::connector(), webhook::connector()]
}
