//! What each HTTP status means for another attempt.

/// What a status means. The defaults are [`StatusClasses::default`]; a connection may say otherwise for its vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusClass {
    /// The credentials are wrong: permanent, `unauthorized`.
    Unauthorized,
    /// The credentials are right but may not do this: permanent, `forbidden`.
    Forbidden,
    /// It is not there: permanent, `not_found`.
    NotFound,
    /// What was sent is not accepted: permanent, `invalid`.
    Invalid,
    /// It is there already: permanent, `conflict`.
    Conflict,
    /// Too many requests, nothing was done: transient, `throttled`.
    Throttled,
    /// The vendor is in trouble: transient on a read, unknown on a write, `server_error`.
    Server,
    /// Anything else that is no success: permanent, `refused`.
    Refused,
}

/// The meaning of statuses: the defaults, and what the connection says otherwise.
#[derive(Debug, Clone, Default)]
pub struct StatusClasses {
    changed: Vec<(u16, StatusClass)>,
}

impl StatusClasses {
    /// Says that `status` means `class`.
    #[must_use]
    pub fn with(mut self, status: u16, class: StatusClass) -> Self {
        self.changed.push((status, class));
        self
    }

    /// Returns what a status that is no success means.
    pub fn class_of(&self, status: u16) -> StatusClass {
        let changed = self.changed.iter().rev().find(|(changed, _)| *changed == status);
        changed.map_or_else(
            || match status {
                401 => StatusClass::Unauthorized,
                403 => StatusClass::Forbidden,
                404 | 410 => StatusClass::NotFound,
                400 | 406 | 422 => StatusClass::Invalid,
                409 => StatusClass::Conflict,
                429 => StatusClass::Throttled,
                408 | 425 | 500..=599 => StatusClass::Server,
                _ => StatusClass::Refused,
            },
            |(_, class)| *class,
        )
    }
}
