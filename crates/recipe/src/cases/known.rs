//! The keys that the maps of a test file may have: what the reading takes, and what editors are told.

use crate::fields::Known;

pub(crate) const FILE: Known = Known { what: "a test file", keys: &["given", "cases"] };
pub(crate) const GIVEN: Known =
    Known { what: "`given`", keys: &["event", "input", "now", "replies", "properties", "tables"] };
pub(crate) const CASE: Known = Known {
    what: "a case",
    keys: &["name", "event", "input", "now", "replies", "properties", "tables", "expect"],
};
pub(crate) const EVENT: Known =
    Known { what: "`event`", keys: &["file", "payload", "change", "received_at"] };
pub(crate) const EXPECT: Known = Known {
    what: "`expect`",
    keys: &[
        "status",
        "reason",
        "message",
        "error",
        "output",
        "steps",
        "order",
        "warnings",
        "label",
        "key",
        "key_group",
        "dedupe",
    ],
};
pub(crate) const ERROR: Known =
    Known { what: "`error`", keys: &["code", "message", "hint", "step"] };
pub(crate) const WARNING: Known = Known { what: "a warning", keys: &["code", "message", "step"] };

/// What is expected of a step, by its kind; editors are told all of them.
pub(crate) const STEP: Known = Known {
    what: "a step of a case",
    keys: &["count", "attempts", "at", "waited", "with", "ask", "output"],
};
pub(super) const STEP_ACTION: &[&str] = &["count", "attempts", "at", "waited", "with", "output"];
pub(super) const STEP_CALL: &[&str] = &["count", "at", "waited", "with", "output"];
pub(super) const STEP_WAIT_FOR: &[&str] = &["count", "at", "waited", "ask", "output"];
pub(super) const STEP_WAIT: &[&str] = &["count", "at", "waited"];
pub(super) const STEP_OTHER: &[&str] = &["count", "at", "output"];

pub(crate) const FAIL: Known =
    Known { what: "`fail`", keys: &["code", "message", "hint", "kind", "after"] };
pub(crate) const WARNED: Known =
    Known { what: "a reply with warnings", keys: &["output", "warnings"] };
pub(crate) const GIVEN_WARNING: Known =
    Known { what: "a warning of a reply", keys: &["code", "message"] };

/// The keys of a map that is a matcher.
pub(crate) const MATCHER: Known = Known {
    what: "a matcher",
    keys: &[
        "matches", "equals", "contains", "one_of", "not", "greater", "less", "at_least", "at_most",
    ],
};

/// The keys of a map that bounds a count, a moment or a time.
pub(crate) const RANGE: Known =
    Known { what: "a range", keys: &["greater", "less", "at_least", "at_most"] };

/// How a case may end.
pub(crate) const STATUSES: [&str; 6] =
    ["succeeded", "failed", "skipped", "cancelled", "needs_attention", "filtered"];

/// The kinds of failures.
pub(crate) const KINDS: [&str; 3] = ["permanent", "transient", "unknown"];
