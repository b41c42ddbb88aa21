//! connector-greenhouse.
