//! connector-standard.
