//! What expressions may be and do at most, for the reference page, from the numbers that are kept to.

use super::{business, path, patterns};
use crate::expression::{fuel, pieces, reader};

/// Returns each limit: what it is of, and how much.
pub fn limits() -> Vec<(&'static str, String)> {
    let bytes = |count: usize| format!("{count} bytes");
    vec![
        ("one expression", bytes(reader::MAX_BYTES)),
        ("a text with expressions in it", bytes(pieces::MAX_BYTES)),
        (
            "the work of one expression, about one unit for a byte made or a value visited",
            format!("{} units", fuel::UNITS),
        ),
        ("a regular expression", bytes(patterns::MAX_BYTES)),
        ("a JSONPath", format!("{} bytes, brackets {} deep", path::MAX_BYTES, path::MAX_DEPTH)),
        ("business days counted at once", business::MAX_BUSINESS_DAYS.to_string()),
    ]
}
