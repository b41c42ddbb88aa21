//! Whole projects through the checker: what it refuses, what it accepts, what it survives.

mod assembled;
mod gallery;
mod hostile;
mod keys;
mod support;
