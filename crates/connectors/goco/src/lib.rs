//! connector-goco.
