//! What an action knows about the call it serves, and what it leaves behind beside its output.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{clock::Clock, failure::Exchange, http::Wire};

/// Which call of which job this is; equal across attempts. Once keys are made from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The event's once key: equal for re-deliveries and manual repeats of the same business fact.
    pub event: String,
    /// The step path, such as `documents[2].upload`.
    pub path: String,
    /// The code of the error in scope (`error.code` in `catch`, `outcome.error.code` in `finally`) with its step, or
    /// the outcome's status when there is no error; empty outside both.
    pub cause: String,
}

/// Something a person should know although the call succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// A stable word, such as `department_not_found`.
    pub code: String,
    /// What it is, as a sentence fit for a note.
    pub message: String,
}

/// One call of an action.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which call this is.
    pub identity: Arc<Identity>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    pub(crate) wire: Wire,
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    warnings: Vec<Warning>,
    exchange: Option<Box<dyn FnOnce() -> Exchange + Send>>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("warnings", &self.warnings).finish_non_exhaustive()
    }
}

impl Call {
    /// Returns a call with nothing recorded yet.
    pub fn new(identity: impl Into<Arc<Identity>>, clock: Arc<dyn Clock>) -> Self {
        Self { identity: identity.into(), clock, wire: Wire::default(), record: Arc::default() }
    }

    /// Says how the requests of this call leave; without it they are sent.
    #[must_use]
    pub fn over(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Returns a call beside this one, of which nothing is kept: for asking for a token. It leaves by the same wire.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::new(self.identity.clone(), self.clock.clone()).over(self.wire.clone())
    }

    /// Adds a warning to the result.
    pub fn warn(&self, code: impl Into<String>, message: impl Into<String>) {
        let warning = Warning { code: code.into(), message: message.into() };
        self.record.lock().expect("no panic while the lock is held").warnings.push(warning);
    }

    /// Keeps the last HTTP exchange for the history; called by the HTTP client. It is redacted when it is taken: of
    /// most calls nobody asks for it.
    pub fn keep_exchange(&self, exchange: impl FnOnce() -> Exchange + Send + 'static) {
        let exchange = Some(Box::new(exchange) as _);
        self.record.lock().expect("no panic while the lock is held").exchange = exchange;
    }

    /// Takes the warnings.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut self.record.lock().expect("no panic while the lock is held").warnings)
    }

    /// Takes the last exchange.
    pub fn take_exchange(&self) -> Option<Exchange> {
        let exchange =
            self.record.lock().expect("no panic while the lock is held").exchange.take()?;
        Some(exchange())
    }
}
