//! Tests of the circuit.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::{ManualClock, failure::Exchange};

struct Bench {
    circuit: Arc<Circuit>,
    manual: Arc<ManualClock>,
    clock: Arc<dyn Clock>,
}

impl Bench {
    fn new() -> Self {
        let manual = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        Self { circuit: Arc::default(), clock: manual.clone(), manual }
    }

    fn set(&self, second: i64) {
        self.manual.set(Timestamp::from_second(second).unwrap());
    }

    /// Sends a request that ends so, if it may be sent.
    fn send(&self, code: &str, status: Option<u16>) -> Result<(), Failure> {
        let mut passed = self.circuit.pass(&self.clock)?;
        passed.sent();
        let exchange = Exchange {
            method: "GET".into(),
            url: String::new(),
            status,
            request_id: None,
            answer: None,
        };
        let failure = Failure {
            exchange: Some(Box::new(exchange)),
            ..Failure::transient(code, "people are called by their names")
        };
        passed.ended(&if code.is_empty() { Ok(()) } else { Err(failure) });
        Ok(())
    }

    fn health(&self) -> Health {
        self.circuit.health("example.com")
    }

    fn open(&self) {
        for _ in 0..MOST {
            self.send("server_error", Some(503)).unwrap();
        }
    }
}

#[test]
fn five_failures_in_a_row_open_it_and_one_answer_closes_it() {
    let bench = Bench::new();
    for code in ["server_error", "timed_out", "cut_off", "unreachable"] {
        bench.send(code, None).unwrap();
    }
    // Whatever the answer is: somebody is there.
    bench.send("not_found", Some(404)).unwrap();
    assert_eq!((bench.health().failures, bench.health().state), (0, CircuitState::Closed));
    bench.open();
    let refused = bench.send("", None).unwrap_err();
    assert_eq!(refused.code, "circuit_open");
    assert_eq!(refused.kind, FailureKind::Transient { after: Some(Duration::from_secs(5)) });
    assert_eq!(
        refused.message,
        "nothing was sent: the circuit is open since 1970-01-01T00:00:00Z, after 5 failures in a row; it is tried \
         again from 1970-01-01T00:00:05Z on. The last failure: it answered 503"
    );
    assert_eq!(bench.health().recent.len(), 5);
    bench.set(5);
    bench.send("", None).unwrap();
    let health = bench.health();
    assert_eq!((health.state, health.opened_at), (CircuitState::Closed, None));
    assert_eq!(health.answered_at.unwrap().as_second(), 5);
}

#[test]
fn one_tries_while_the_others_wait_and_each_wait_is_twice_as_long_up_to_five_minutes() {
    let bench = Bench::new();
    bench.open();
    let mut waits = Vec::new();
    for _ in 0..9 {
        let next = bench.health().next_try_at.unwrap().as_second();
        bench.set(next - 1);
        assert!(bench.circuit.pass(&bench.clock).is_err());
        bench.set(next);
        let mut trying = bench.circuit.pass(&bench.clock).unwrap();
        trying.sent();
        assert_eq!(bench.health().state, CircuitState::Trying);
        assert!(bench.circuit.pass(&bench.clock).is_err(), "one at a time");
        // The step gives up on it: silence is a failure as well.
        drop(trying);
        waits.push(bench.health().next_try_at.unwrap().as_second() - next);
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300, 300]);
    // Those who only wait ask more and more seldom: each refusal is a line in their history.
    bench.set(86_400);
    let mut trying = bench.circuit.pass(&bench.clock).unwrap();
    trying.sent();
    let refused = bench.circuit.pass(&bench.clock).map(drop).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Transient { after: Some(Duration::from_mins(15)) });
}

#[test]
fn what_was_not_sent_counts_for_nothing_and_a_try_that_vanished_is_followed_by_another() {
    let bench = Bench::new();
    for _ in 0..9 {
        drop(bench.circuit.pass(&bench.clock).unwrap());
    }
    assert_eq!(bench.health().failures, 0);
    bench.open();
    bench.set(5);
    drop(bench.circuit.pass(&bench.clock).unwrap());
    bench.set(10);
    bench.send("", None).unwrap();
    assert_eq!(bench.health().state, CircuitState::Closed);
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_it_open() {
    let bench = Bench::new();
    bench.set(1_000_000);
    bench.open();
    bench.set(0);
    assert!(bench.circuit.pass(&bench.clock).is_err());
    bench.set(300);
    assert!(bench.circuit.pass(&bench.clock).is_ok());
}
