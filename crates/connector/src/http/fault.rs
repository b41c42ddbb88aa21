//! What went wrong with a request, and the one place that says what it means for another attempt.
//!
//! A read may always be made again. A write may be made again only when certainly nothing was done; otherwise its
//! outcome is unknown and is looked up.

use std::time::Duration;

use super::statuses::StatusClass;
use crate::failure::FailureKind;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No connection came to stand: nothing was sent.
    NotSent,
    /// The answer did not come in time.
    TimedOut,
    /// The connection broke off on the way.
    CutOff,
    /// A status that is no success, and the wait the vendor asked for.
    Status(StatusClass, Option<Duration>),
    /// A redirect that is not followed, by the status that vendors also send after a write has been done (302, 303).
    SeeOther,
    /// A redirect that is not followed.
    Redirected,
    /// A success whose body is not what was expected.
    Unreadable,
    /// A success whose body is larger than allowed.
    TooLarge,
}

/// What a fault means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) kind: FailureKind,
    pub(super) code: &'static str,
    pub(super) hint: Option<&'static str>,
}

/// Returns what a fault of a read or a write means.
pub(super) fn meaning(fault: Fault, writes: bool) -> Meaning {
    let transient = |after| FailureKind::Transient { after };
    let again = if writes { FailureKind::Unknown } else { transient(None) };
    let done = if writes { FailureKind::Unknown } else { FailureKind::Permanent };
    let (kind, code, hint) = match fault {
        Fault::NotSent => (
            transient(None),
            "unreachable",
            Some(
                "If it stays so, look whether the address is right, the service is up and the network lets it through.",
            ),
        ),
        Fault::TimedOut => (again, "timed_out", None),
        Fault::CutOff => (again, "cut_off", None),
        Fault::SeeOther | Fault::Redirected => (
            if fault == Fault::SeeOther { done } else { FailureKind::Permanent },
            "redirected",
            Some(
                "Correct the connection's base URL, or ask the vendor where the service has gone.",
            ),
        ),
        Fault::Unreadable => (
            done,
            "unreadable_answer",
            Some(
                "Look whether the base URL points at the API itself, not at a login page or a proxy.",
            ),
        ),
        Fault::TooLarge => (done, "answer_too_large", None),
        Fault::Status(class, after) => match class {
            StatusClass::Throttled => (transient(after), "throttled", None),
            StatusClass::Server if writes => (FailureKind::Unknown, "server_error", None),
            StatusClass::Server => (transient(after), "server_error", None),
            StatusClass::Unauthorized => (
                FailureKind::Permanent,
                "unauthorized",
                Some(
                    "Look whether the connection's credentials are complete, current and not revoked.",
                ),
            ),
            StatusClass::Forbidden => (
                FailureKind::Permanent,
                "forbidden",
                Some(
                    "Give the connection's credentials the permission for this, in the vendor's product.",
                ),
            ),
            StatusClass::NotFound => (FailureKind::Permanent, "not_found", None),
            StatusClass::Invalid => (FailureKind::Permanent, "invalid", None),
            StatusClass::Conflict => (FailureKind::Permanent, "conflict", None),
            StatusClass::Refused => (FailureKind::Permanent, "refused", None),
        },
    };
    Meaning { kind, code, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::StatusClasses;

    #[test]
    fn every_fault_of_a_read_and_a_write_has_its_meaning() {
        use FailureKind::{Permanent, Unknown};
        const AGAIN: FailureKind = FailureKind::Transient { after: None };
        let later = FailureKind::Transient { after: Some(Duration::from_secs(9)) };
        let status = |status, after: bool| {
            Fault::Status(
                StatusClasses::default().class_of(status),
                after.then_some(Duration::from_secs(9)),
            )
        };
        // The fault, what it means to a read, what it means to a write, and its code.
        let table = [
            (Fault::NotSent, AGAIN, AGAIN, "unreachable"),
            (Fault::TimedOut, AGAIN, Unknown, "timed_out"),
            (Fault::CutOff, AGAIN, Unknown, "cut_off"),
            (Fault::Redirected, Permanent, Permanent, "redirected"),
            (Fault::SeeOther, Permanent, Unknown, "redirected"),
            (Fault::Unreadable, Permanent, Unknown, "unreadable_answer"),
            (Fault::TooLarge, Permanent, Unknown, "answer_too_large"),
            (status(400, false), Permanent, Permanent, "invalid"),
            (status(401, false), Permanent, Permanent, "unauthorized"),
            (status(403, false), Permanent, Permanent, "forbidden"),
            (status(404, false), Permanent, Permanent, "not_found"),
            (status(405, false), Permanent, Permanent, "refused"),
            (status(406, false), Permanent, Permanent, "invalid"),
            (status(408, false), AGAIN, Unknown, "server_error"),
            (status(409, false), Permanent, Permanent, "conflict"),
            (status(410, false), Permanent, Permanent, "not_found"),
            (status(413, false), Permanent, Permanent, "refused"),
            (status(422, false), Permanent, Permanent, "invalid"),
            (status(425, false), AGAIN, Unknown, "server_error"),
            (status(429, false), AGAIN, AGAIN, "throttled"),
            (status(429, true), later, later, "throttled"),
            (status(500, false), AGAIN, Unknown, "server_error"),
            (status(501, false), AGAIN, Unknown, "server_error"),
            (status(502, false), AGAIN, Unknown, "server_error"),
            (status(503, true), later, Unknown, "server_error"),
            (status(504, false), AGAIN, Unknown, "server_error"),
            (status(599, false), AGAIN, Unknown, "server_error"),
        ];
        let again = |kind: FailureKind| matches!(kind, FailureKind::Transient { .. });
        for (_, read, write, code) in
            table.iter().filter(|(_, read, write, _)| again(*read) || again(*write))
        {
            let known = recipe::THAT_MAY_PASS.iter().any(|(known, _)| known == code);
            assert!(known, "`retry.on` does not know `{code}` ({read:?}, {write:?})");
        }
        for (fault, read, write, code) in table {
            assert_eq!(
                (meaning(fault, false).kind, meaning(fault, false).code),
                (read, code),
                "{fault:?}, read"
            );
            assert_eq!(
                (meaning(fault, true).kind, meaning(fault, true).code),
                (write, code),
                "{fault:?}, write"
            );
        }
    }

    #[test]
    fn a_connection_may_give_a_status_another_meaning() {
        let classes = StatusClasses::default()
            .with(503, StatusClass::Throttled)
            .with(418, StatusClass::Conflict);
        let after = Some(Duration::from_secs(9));
        let throttled = meaning(Fault::Status(classes.class_of(503), after), true);
        assert_eq!(throttled.kind, FailureKind::Transient { after });
        assert_eq!(meaning(Fault::Status(classes.class_of(418), None), true).code, "conflict");
        assert_eq!(
            meaning(Fault::Status(classes.class_of(500), None), true).kind,
            FailureKind::Unknown
        );
    }
}
