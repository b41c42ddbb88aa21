//! Whole projects through the checker: what it refuses, what it accepts, what it survives.

mod assembled;
mod gallery;
mod hostile;
mod keys;
mod support;

/// The crate by the name under which `support` finds it both here and in the crate's own tests.
use recipe as api;
