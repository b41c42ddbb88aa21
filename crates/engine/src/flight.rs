//! Calls under way: each is prepared and made beside the others, and tells what happened.

use std::{
    future::poll_fn,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use connector::{Action, Call, Connection, Failure, FailureKind, Identity, LookUp, Prepared};
use recipe::EffectSpec;
use serde_json::Value;

use crate::{
    crash::crash_point,
    drive::{Drive, DriveError},
    effect::{Claiming, hold_key, looks_up},
    journal::{JobId, Kind, StepPath},
    machine::{Due, Misfit, What},
    store::Effect,
};

/// The largest output of a step, in bytes of JSON.
const LARGEST_OUTPUT: usize = 1024 * 1024;

/// How long one attempt may take when its step does not say: a complete read of a large tenant takes minutes.
const LONGEST_CALL: Duration = Duration::from_mins(10);

/// A call under way.
pub(crate) struct Flight {
    number: u64,
    pub(crate) due: Due,
    pub(crate) action: Action,
    pub(crate) connection: Connection,
    pub(crate) call: Call,
    effect: Option<Effect>,
    pub(crate) stage: Stage,
    /// Its `Started` is the last that was journaled about it, and nobody has looked since.
    pub(crate) just_begun: bool,
}

/// How far a call is.
pub(crate) enum Stage {
    Preparing,
    /// It may be made, once its claim is on disk and nobody else holds it.
    Prepared(Prepared),
    Calling,
    LookingUp,
}

/// What the task of a call sends back.
pub(crate) enum Happened {
    Prepared(Result<Prepared, Failure>),
    Ended(Result<Value, Failure>),
    LookedUp(Result<LookUp<Value>, Failure>),
}

/// The only call under way. It needs no task of its own: the drive has nothing else to wait for.
pub(crate) struct Only {
    number: u64,
    path: StepPath,
    call: Pin<Box<dyn Future<Output = Happened> + Send>>,
}

impl Only {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Happened, DriveError>> {
        let poll = AssertUnwindSafe(|| self.call.as_mut().poll(context));
        match panic::catch_unwind(poll) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(DriveError::Call("it panicked".into()))),
        }
    }

    async fn fly(self) -> (u64, StepPath, Happened) {
        (self.number, self.path, self.call.await)
    }

    /// Returns what happened to the only call, once it has; never when there is none.
    pub(crate) async fn happened(
        only: &mut Option<Self>,
    ) -> Result<(u64, StepPath, Happened), DriveError> {
        let happened = poll_fn(|context| match only {
            Some(only) => only.poll(context),
            None => Poll::Pending,
        });
        let happened = happened.await?;
        let Self { number, path, .. } = only.take().expect("it has just ended");
        Ok((number, path, happened))
    }
}

impl Flight {
    /// Returns whether something will happen by itself.
    pub(crate) fn is_under_way(&self) -> bool {
        !matches!(self.stage, Stage::Prepared(_))
    }
}

impl Drive {
    /// Goes on with a call that is due, as far as it goes without waiting. Returns the job that holds what it needs, if
    /// another does.
    pub(crate) async fn begin(&mut self, due: &Due) -> Result<Option<JobId>, DriveError> {
        if !self.flights.contains_key(&due.path)
            && let Some(holder) = self.prepare(due).await?
        {
            return Ok(Some(holder));
        }
        let prepared = self.flights.get(&due.path).is_some_and(|flight| !flight.is_under_way());
        if prepared { self.call(&due.path).await } else { Ok(None) }
    }

    /// Begins with a call that is due. Returns the job that holds what it needs, if another does.
    async fn prepare(&mut self, due: &Due) -> Result<Option<JobId>, DriveError> {
        let deployment = self.shared.deployment();
        let name = format!("{}.{}", due.connector, due.action);
        let Some(action) = deployment.action(&due.connector, &due.action).cloned() else {
            let failure =
                Failure::permanent("no_action", format!("this version has no action `{name}`"))
                    .hint("Retry the job with its newest recipe.");
            self.begin_and_fail(due, failure)?;
            return Ok(None);
        };
        let connection = match deployment.connection(due.connection.as_deref()) {
            Ok(connection) => connection,
            Err(failure) => {
                self.begin_and_fail(due, failure)?;
                return Ok(None);
            }
        };
        let identity = Identity {
            event: self.row.once_key.clone(),
            path: due.path.to_string(),
            cause: due.cause.clone(),
        };
        let call = Call::new(identity, self.shared.clock.clone());
        let (acts, connects, calls) = (action.clone(), connection.clone(), call.clone());
        let input = due.input.clone();
        self.flown += 1;
        let number = self.flown;
        let (stage, happened) = if due.what == What::LookUp {
            let happened = self.fly(number, &due.path, async move {
                Happened::LookedUp(acts.look_up_outcome(&connects, &calls, input).await)
            })?;
            (Stage::LookingUp, happened)
        } else {
            match action.exclusive_key(&due.input) {
                Ok(Some(key)) => {
                    let key = hold_key(due.connection.as_deref(), &key);
                    if let Err(holder) = self.shared.dispatch().hold(key, self.row.id) {
                        return Ok(Some(holder));
                    }
                }
                Ok(None) => {}
                Err(failure) => {
                    self.begin_and_fail(due, failure)?;
                    return Ok(None);
                }
            }
            if let Some(prepared) = action.prepared(&call) {
                (Stage::Prepared(prepared), None)
            } else {
                let happened = self.fly(number, &due.path, async move {
                    Happened::Prepared(acts.prepare(&connects, &calls, input).await)
                })?;
                (Stage::Preparing, happened)
            }
        };
        let due = due.clone();
        let path = due.path.clone();
        let flight = Flight {
            number,
            due,
            action,
            connection,
            call,
            effect: None,
            stage,
            just_begun: false,
        };
        self.flights.insert(path.clone(), Box::new(flight));
        if let Some(happened) = happened {
            self.happened(number, &path, happened).await?;
        }
        Ok(None)
    }

    /// Has a call under way: what is known at once (a list that was read lately) is returned, everything else goes on
    /// with the drive, or in a task of its own when there are several.
    fn fly(
        &mut self,
        number: u64,
        path: &StepPath,
        call: impl Future<Output = Happened> + Send + 'static,
    ) -> Result<Option<Happened>, DriveError> {
        let mut only = Only { number, path: path.clone(), call: Box::pin(call) };
        match only.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(happened) => happened.map(Some),
            Poll::Pending => {
                if self.only.is_none() && self.happenings.is_empty() {
                    self.only = Some(only);
                } else {
                    self.let_go();
                    self.happenings.spawn(only.fly());
                }
                Ok(None)
            }
        }
    }

    /// Gives the only call a task of its own, so that it goes on while something else is waited for.
    pub(crate) fn let_go(&mut self) {
        if let Some(only) = self.only.take() {
            self.happenings.spawn(only.fly());
        }
    }

    /// Makes a call that is prepared: a write once it is claimed on disk. Returns the job that holds it, if another
    /// does.
    async fn call(&mut self, path: &StepPath) -> Result<Option<JobId>, DriveError> {
        let Some(mut flight) = self.flights.remove(path) else { return Ok(None) };
        let Stage::Prepared(prepared) = flight.stage else { return Ok(None) };
        let due = &flight.due;
        if matches!(flight.action.spec.effect, EffectSpec::Write { .. }) {
            let effect = Effect {
                connection: due.connection.clone().unwrap_or_default(),
                action: format!("{}.{}", due.connector, due.action),
                key: prepared.key.clone(),
            };
            match self.claim(due, &effect, &flight.action).await? {
                Claiming::Granted => flight.effect = Some(effect),
                Claiming::Settled => return Ok(None),
                // Kept as it is: what was prepared is not prepared again.
                Claiming::OwnStep => {
                    flight.stage = Stage::Prepared(prepared);
                    self.flights.insert(path.clone(), flight);
                    return Ok(None);
                }
                Claiming::Behind(holder) => {
                    flight.stage = Stage::Prepared(prepared);
                    self.flights.insert(path.clone(), flight);
                    return Ok(Some(holder));
                }
            }
        } else {
            let started =
                Kind::Started { attempt: due.attempt, input: due.input.clone(), once: None };
            self.record(&due.path, started)?;
        }
        crash_point("call.before");
        let limit = due.timeout.unwrap_or(LONGEST_CALL);
        let (action, connection) = (flight.action.clone(), flight.connection.clone());
        let (call, input) = (flight.call.clone(), due.input.clone());
        let (clock, number) = (self.shared.clock.clone(), flight.number);
        flight.stage = Stage::Calling;
        flight.just_begun = true;
        self.flights.insert(path.clone(), flight);
        let happened = self.fly(number, path, async move {
            let result = tokio::select! {
                biased;
                result = action.run(&connection, &call, input, prepared) => result,
                // Set only once there is something to wait for.
                () = async { clock.sleep(limit).await } => Err(timed_out(&action, limit)),
            };
            Happened::Ended(result)
        })?;
        if let Some(happened) = happened {
            self.happened(number, path, happened).await?;
        }
        Ok(None)
    }

    /// Takes into account what a call's task sent back.
    pub(crate) async fn happened(
        &mut self,
        number: u64,
        path: &StepPath,
        happened: Happened,
    ) -> Result<(), DriveError> {
        let Some(flight) = self.flights.get_mut(path).filter(|flight| flight.number == number)
        else {
            return Ok(());
        };
        match happened {
            Happened::Prepared(Ok(prepared)) => flight.stage = Stage::Prepared(prepared),
            Happened::Prepared(Err(failure)) => {
                let Some(flight) = self.flights.remove(path) else { return Ok(()) };
                self.begin_and_fail(&flight.due, failure)?;
            }
            Happened::LookedUp(found) => {
                let Some(flight) = self.flights.remove(path) else { return Ok(()) };
                self.looked_up(*flight, found).await?;
            }
            Happened::Ended(result) => {
                crash_point("call.after");
                let Some(flight) = self.flights.remove(path) else { return Ok(()) };
                self.end(*flight, result).await?;
            }
        }
        Ok(())
    }

    /// Journals how an attempt ended.
    async fn end(&mut self, flight: Flight, result: Result<Value, Failure>) -> Result<(), Misfit> {
        let Flight { due, action, connection, call, effect, .. } = flight;
        let at = self.now();
        let writes = effect.is_some();
        let result = result.and_then(|output| {
            let Some(why) = too_large(&output) else { return Ok(output) };
            // A write has been done, though nobody knows now what came of it: it must not be done again.
            let failure = if writes { Failure::unknown } else { Failure::permanent };
            Err(failure("output_too_large", why).hint("Ask for less: fewer items, fewer fields."))
        });
        let kind = match result {
            Ok(output) => {
                let output = Arc::new(output);
                if let Some(effect) = effect {
                    self.settle(effect, Some(output.clone())).await;
                }
                let warnings = call.take_warnings();
                Kind::Succeeded { output, recovered: false, warnings }
            }
            Err(mut failure) => {
                if failure.kind == FailureKind::Unknown && !writes {
                    failure.kind = FailureKind::Transient { after: None };
                }
                failure.exchange = failure.exchange.or_else(|| call.take_exchange().map(Box::new));
                let settle = looks_up(&action).then(|| action.settle(&connection));
                let kind = self.machine.failed(&due.path, failure, at, false, settle);
                if let Kind::Failed { failure, retry_at: None, .. } = &kind
                    && failure.kind != FailureKind::Unknown
                    && let Some(effect) = effect
                {
                    self.settle(effect, None).await;
                }
                kind
            }
        };
        self.record(&due.path, kind)
    }

    /// Journals an attempt that failed before anything was sent.
    fn begin_and_fail(&mut self, due: &Due, failure: Failure) -> Result<(), Misfit> {
        if due.what == What::LookUp {
            let kind = self.machine.failed(&due.path, failure, self.now(), true, None);
            return self.record(&due.path, kind);
        }
        let started = Kind::Started { attempt: due.attempt, input: due.input.clone(), once: None };
        self.record(&due.path, started)?;
        let kind = self.machine.failed(&due.path, failure, self.now(), false, None);
        self.record(&due.path, kind)
    }
}

/// Returns why an output is too large, if it is.
pub(crate) fn too_large(output: &Value) -> Option<String> {
    let bytes = length(output);
    (bytes > LARGEST_OUTPUT).then(|| format!("the answer has {bytes} bytes, more than 1 MiB"))
}

/// Returns how long a value is as JSON, without writing it.
fn length(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("counting does not fail");
    count.0
}

fn timed_out(action: &Action, limit: Duration) -> Failure {
    let message = format!("`{}` took longer than {} s", action.name, limit.as_secs());
    Failure::unknown("timeout", message)
        .hint("Raise the step's `timeout` if this is normal for it.")
}
