//! The connectors this program has: one array, in the order people see them.

use connector::Connector;

/// Returns every connector.
pub fn all() -> Vec<Connector> {
    let mut all = vec![connector_greenhouse::connector(), connector_goco::connector()];
    all.extend(connector_standard::connectors());
    all
}
