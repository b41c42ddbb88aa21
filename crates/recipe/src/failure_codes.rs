//! The codes of failures that may pass by themselves: what `retry.on` can name.

/// The codes of failures that are tried again, each with what it means.
pub const THAT_MAY_PASS: &[(&str, &str)] = &[
    (
        "circuit_open",
        "the vendor failed again and again and is left alone for a while; nothing was sent",
    ),
    ("cut_off", "the connection ended before the answer did"),
    ("interrupted", "the service ended during the call"),
    ("not_ready", "the vendor is still processing what was asked for"),
    ("rate_limited", "the connection's own rate limit is used up; nothing was sent"),
    ("server_error", "the vendor answered with a 5xx"),
    ("throttled", "the vendor asked for fewer calls (429)"),
    ("timed_out", "no answer in time"),
    ("timeout", "the step's `timeout` was over"),
    ("unreachable", "the vendor cannot be reached; nothing was sent"),
    ("unreadable_file", "a temporary file cannot be read"),
    ("unwritable_file", "a temporary file cannot be written"),
];
