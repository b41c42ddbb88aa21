//! The circuit of one host: a vendor that fails again and again is left alone for a while, and that is said.
//!
//! Failures in a row are counted across all requests of a connection: no connection, no answer in time, an answer cut
//! off, a server's error. Any other answer says that somebody is there. After [`MOST`] in a row the circuit opens:
//! requests are refused before anything is sent, except one now and then that tries. Kept in memory: a restart tries.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    failure::{Failure, FailureKind},
};

/// So many failures in a row open the circuit.
const MOST: u32 = 5;
/// The first wait; each next one is twice as long, up to [`LONGEST`].
const FIRST: SignedDuration = SignedDuration::from_secs(5);
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
/// The longest wait of those who may not try: each refusal is a line in their history.
const LONGEST_REFUSED: SignedDuration = SignedDuration::from_mins(15);
/// How many failures are remembered.
const REMEMBERED: usize = 5;

/// How one host of a connection does, as this process has seen it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// The host.
    pub host: String,
    /// Whether requests are sent.
    pub state: CircuitState,
    /// Since when it is open.
    pub opened_at: Option<Timestamp>,
    /// When a request will be tried again.
    pub next_try_at: Option<Timestamp>,
    /// How many requests have failed in a row.
    pub failures: u32,
    /// The last failures, newest first.
    pub recent: Vec<Trouble>,
    /// When somebody last answered.
    pub answered_at: Option<Timestamp>,
    /// How many requests are under way.
    pub in_flight: usize,
    /// How many may be under way at once.
    pub max_in_flight: usize,
    /// Until when nothing is sent because the vendor asked for a pause.
    pub paused_until: Option<Timestamp>,
    /// How many requests the vendor's rate limit allows, if its last answer said so.
    pub rate_limit: Option<u64>,
    /// How many of them remain.
    pub rate_remaining: Option<u64>,
}

/// Whether requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CircuitState {
    /// They are.
    #[default]
    Closed,
    /// They are refused; the vendor is left alone.
    Open,
    /// One is being tried.
    Trying,
}

/// A request that got no good answer because nobody seems to be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trouble {
    /// When.
    pub at: Timestamp,
    /// Which failure, such as `timed_out`.
    pub code: String,
    /// What happened, in words.
    pub message: String,
}

/// The circuit of one host, shared by the requests of a client.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    state: CircuitState,
    failures: u32,
    recent: VecDeque<Trouble>,
    opened_at: Option<Timestamp>,
    next_try: Option<Timestamp>,
    wait: SignedDuration,
    answered_at: Option<Timestamp>,
    rate: (Option<u64>, Option<u64>),
}

impl Circuit {
    /// Lets a request pass, or refuses it before anything is sent. Whoever passes says what came of it.
    pub(super) fn pass(self: &Arc<Self>, clock: &Arc<dyn Clock>) -> Result<Passed, Failure> {
        let now = clock.now();
        let passed =
            |tries| Passed { circuit: self.clone(), clock: clock.clone(), tries, sent: false };
        let mut circuit = self.lock();
        let Some(opened_at) = circuit.opened_at else {
            return Ok(passed(false));
        };
        // A clock that was set back must not leave it open for as long.
        let next_try = circuit.next_try.unwrap_or(now).min(later(now, LONGEST));
        if next_try <= now {
            circuit.state = CircuitState::Trying;
            // If nothing is ever heard of this one, another may try then.
            circuit.next_try = Some(later(now, circuit.wait));
            return Ok(passed(true));
        }
        circuit.next_try = Some(next_try);
        let quarter = (now.duration_since(opened_at) / 4).min(LONGEST_REFUSED);
        let wait = next_try.duration_since(now).max(quarter);
        let last = circuit.recent.front().map_or("", |last| &last.message);
        let message = format!(
            "nothing was sent: the circuit is open since {opened_at:.0}, after {} failures in a row; it is tried again \
             from {:.0} on. The last failure: {last}",
            circuit.failures,
            later(now, wait),
        );
        let after = Some(Duration::try_from(wait).unwrap_or_default());
        Err(Failure {
            kind: FailureKind::Transient { after },
            ..Failure::transient("circuit_open", message)
        })
    }

    /// Remembers what an answer says of the rate limit.
    pub(super) fn learn_rate(&self, limit: Option<u64>, remaining: Option<u64>) {
        if limit.is_some() || remaining.is_some() {
            self.lock().rate = (limit, remaining);
        }
    }

    /// Returns what is known, without what the limits know.
    pub(super) fn health(&self, host: &str) -> Health {
        let circuit = self.lock();
        Health {
            host: host.into(),
            state: circuit.state,
            opened_at: circuit.opened_at,
            next_try_at: circuit.next_try,
            failures: circuit.failures,
            recent: circuit.recent.iter().cloned().collect(),
            answered_at: circuit.answered_at,
            in_flight: 0,
            max_in_flight: 0,
            paused_until: None,
            rate_limit: circuit.rate.0,
            rate_remaining: circuit.rate.1,
        }
    }

    fn answered(&self, now: Timestamp) {
        let mut circuit = self.lock();
        let (recent, rate) = (std::mem::take(&mut circuit.recent), circuit.rate);
        *circuit = Now { answered_at: Some(now), recent, rate, ..Now::default() };
    }

    fn failed(&self, now: Timestamp, tried: bool, code: &str, message: String) {
        let mut circuit = self.lock();
        circuit.failures = circuit.failures.saturating_add(1);
        circuit.recent.truncate(REMEMBERED - 1);
        circuit.recent.push_front(Trouble { at: now, code: code.into(), message });
        if circuit.opened_at.is_none() && circuit.failures >= MOST {
            circuit.opened_at = Some(now);
            circuit.wait = FIRST;
        } else if circuit.opened_at.is_some() && tried {
            circuit.wait = (circuit.wait * 2).min(LONGEST);
        } else {
            return;
        }
        circuit.state = CircuitState::Open;
        circuit.next_try = Some(later(now, circuit.wait));
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().expect("no panic while the lock is held")
    }
}

/// A request that may be sent.
pub(super) struct Passed {
    circuit: Arc<Circuit>,
    clock: Arc<dyn Clock>,
    tries: bool,
    sent: bool,
}

impl Passed {
    /// Says that it is on its way: from now on silence counts.
    pub(super) fn sent(&mut self) {
        self.sent = true;
    }

    /// Says what came of it.
    pub(super) fn ended<T>(mut self, result: &Result<T, Failure>) {
        // What was replayed says nothing of the vendor.
        if !std::mem::take(&mut self.sent) {
            return;
        }
        let Err(failure) = result else { return self.circuit.answered(self.clock.now()) };
        let status = failure.exchange.as_ref().and_then(|one| one.status);
        // In our words: those of the vendor may be about a person.
        let message = match (failure.code.as_str(), status) {
            ("unreachable", _) => "it cannot be reached".into(),
            ("timed_out", _) => "it did not answer in time".into(),
            ("cut_off", _) => "it broke off before its answer was complete".into(),
            ("server_error", Some(status)) => format!("it answered {status}"),
            (_, Some(_)) => return self.circuit.answered(self.clock.now()),
            (_, None) => return,
        };
        self.circuit.failed(self.clock.now(), self.tries, &failure.code, message);
    }
}

impl Drop for Passed {
    /// Nobody waited for the answer any longer: the step's own time was over.
    fn drop(&mut self) {
        if self.sent {
            let message = "it did not answer in the time that the step has".into();
            self.circuit.failed(self.clock.now(), self.tries, "timed_out", message);
        }
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
