//! Actions: async functions from a typed input to a typed output, with what a second call would do.

use std::{any::Any, future::Future, pin::Pin, sync::Arc, time::Duration};

use recipe::{ActionSpec, EffectSpec};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    call::{Call, Identity},
    connector::Connection,
    failure::Failure,
    typed::{decode_input, encode_output, input_object, output_shape},
};

/// What a look-up found out about a write whose outcome is unknown.
#[derive(Debug, Clone, PartialEq)]
pub enum LookUp<O> {
    /// It happened; this is its output.
    Found(O),
    /// A complete read shows that it did not happen.
    Absent,
    /// Nobody can say, and why.
    Inconclusive(String),
}

/// What is done before a write is claimed and sent: its once key, and anything read on the way to it (a downloaded
/// file whose hash is part of the key).
pub struct Prepared {
    /// The once key of the write.
    pub key: String,
    /// What the call will use.
    pub carried: Box<dyn Any + Send>,
}

type Prepare = dyn Fn(Connection, Call, Arc<Value>) -> Later<Prepared> + Send + Sync;
type Run = dyn Fn(Connection, Call, Arc<Value>, Prepared) -> Later<Value> + Send + Sync;
type Settle = dyn Fn(&Connection) -> Duration + Send + Sync;
type LookUpOutcome = dyn Fn(Connection, Call, Arc<Value>) -> Later<LookUp<Value>> + Send + Sync;
type ExclusiveKey = dyn Fn(&Value) -> Result<String, Failure> + Send + Sync;
type Later<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// An action: its schema, its effect and its functions.
#[derive(Clone)]
pub struct Action {
    /// Its name, a verb and its object.
    pub name: &'static str,
    /// What the checker sees.
    pub spec: Arc<ActionSpec>,
    /// None for one that reads nothing beforehand and has the once key of its step.
    prepare: Option<Arc<Prepare>>,
    run: Arc<Run>,
    look_up: Option<Arc<LookUpOutcome>>,
    settle: Option<Arc<Settle>>,
    exclusive: Option<Arc<ExclusiveKey>>,
}

impl Action {
    /// Returns an action that only reads.
    ///
    /// The doc comments of `I` and `O` are the documentation of its inputs and outputs.
    pub fn read<C, I, O, F>(
        name: &'static str,
        summary: &'static str,
        run: fn(Arc<C>, Call, I) -> F,
    ) -> Self
    where
        C: Any + Send + Sync,
        I: DeserializeOwned + JsonSchema + Send + 'static,
        O: Serialize + JsonSchema + 'static,
        F: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        Self::unprepared(name, summary, EffectSpec::Read, run)
    }

    /// Returns an action that writes, once for each step of a job unless [`once`](Self::once) or
    /// [`prepare`](Self::prepare) say otherwise, and that cannot be looked up unless [`look_up`](Self::look_up) can.
    pub fn write<C, I, O, F>(
        name: &'static str,
        summary: &'static str,
        run: fn(Arc<C>, Call, I) -> F,
    ) -> Self
    where
        C: Any + Send + Sync,
        I: DeserializeOwned + JsonSchema + Send + 'static,
        O: Serialize + JsonSchema + 'static,
        F: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        Self::unprepared(name, summary, WRITE, run)
    }

    /// Returns an action that writes something read beforehand: `prepare` reads it and names the once key, `run`
    /// sends it. `prepare` may be called again after a crash and must not write.
    pub fn prepared_write<C, I, P, O, G, F>(
        name: &'static str,
        summary: &'static str,
        prepare: fn(Arc<C>, Call, I) -> G,
        run: fn(Arc<C>, Call, I, P) -> F,
    ) -> Self
    where
        C: Any + Send + Sync,
        I: DeserializeOwned + JsonSchema + Send + 'static,
        P: Send + 'static,
        O: Serialize + JsonSchema + 'static,
        G: Future<Output = Result<(String, P), Failure>> + Send + 'static,
        F: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        let prepare =
            move |connection: Connection, call: Call, input: Arc<Value>| -> Later<Prepared> {
                Box::pin(async move {
                    let (key, carried) =
                        prepare(connection.inner(), call, decode_input(&input)?).await?;
                    Ok(Prepared { key, carried: Box::new(carried) })
                })
            };
        let run = move |connection: Connection,
                        call: Call,
                        input: Arc<Value>,
                        prepared: Prepared|
              -> Later<Value> {
            Box::pin(async move {
                let carried = prepared
                    .carried
                    .downcast()
                    .expect("`run` gets what `prepare` of this action carried");
                let output = run(connection.inner(), call, decode_input(&input)?, *carried).await?;
                encode_output(&output, true)
            })
        };
        Self::erased(
            name,
            spec::<I, O>(name, summary, WRITE),
            Some(Arc::new(prepare)),
            Arc::new(run),
        )
    }

    /// Says that a second call with the same key is harmless, by the vendor's word.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        Arc::make_mut(&mut self.spec).effect = EffectSpec::Idempotent;
        self
    }

    /// Names the once key of the write, in the place of the one it has.
    #[must_use]
    pub fn once<I: DeserializeOwned + Send + 'static>(
        mut self,
        key: fn(&I, &Identity) -> String,
    ) -> Self {
        let before = self.prepare.clone();
        self.prepare = Some(Arc::new(move |connection, call, input| {
            let before = before.clone();
            Box::pin(async move {
                let key = key(&decode_input(&input)?, &call.identity);
                let carried: Box<dyn Any + Send> = match before {
                    Some(before) => before(connection, call, input).await?.carried,
                    None => Box::new(()),
                };
                Ok(Prepared { key, carried })
            })
        }));
        self
    }

    /// Says how a write whose outcome is unknown is looked up, and how long the vendor may take to show it.
    #[must_use]
    pub fn look_up<C, I, O, F>(
        mut self,
        settle: Duration,
        look_up: fn(Arc<C>, Call, I) -> F,
    ) -> Self
    where
        C: Any + Send + Sync,
        I: DeserializeOwned + Send + 'static,
        O: Serialize + 'static,
        F: Future<Output = Result<LookUp<O>, Failure>> + Send + 'static,
    {
        Arc::make_mut(&mut self.spec).effect = EffectSpec::Write { looks_up: true, settle };
        self.look_up = Some(Arc::new(move |connection, call, input| {
            Box::pin(async move {
                Ok(match look_up(connection.inner(), call, decode_input(&input)?).await? {
                    LookUp::Found(output) => LookUp::Found(encode_output(&output, true)?),
                    LookUp::Absent => LookUp::Absent,
                    LookUp::Inconclusive(why) => LookUp::Inconclusive(why),
                })
            })
        }));
        self
    }

    /// Takes from the connection's settings how long the vendor may take to show a write.
    #[must_use]
    pub fn settle_of<C: Any + Send + Sync>(mut self, settle: fn(&C) -> Duration) -> Self {
        self.settle = Some(Arc::new(move |connection| settle(&connection.inner())));
        self
    }

    /// Returns how long the vendor may take to show a write on this connection: absence counts only after it.
    pub fn settle(&self, connection: &Connection) -> Duration {
        match (&self.settle, self.spec.effect) {
            (Some(settle), _) => settle(connection),
            (None, EffectSpec::Write { settle, .. }) => settle,
            (None, EffectSpec::Read | EffectSpec::Idempotent) => Duration::ZERO,
        }
    }

    /// Names what no other job may touch from this call until this job has ended (a person's name on this
    /// connection): two jobs cannot both find nobody and both create.
    #[must_use]
    pub fn exclusive<I: DeserializeOwned + 'static>(mut self, key: fn(&I) -> String) -> Self {
        self.exclusive = Some(Arc::new(move |input| Ok(key(&decode_input(input)?))));
        self
    }

    /// Returns the key that this call holds exclusively until its job has ended.
    pub fn exclusive_key(&self, input: &Value) -> Result<Option<String>, Failure> {
        self.exclusive.as_ref().map(|key| key(input)).transpose()
    }

    /// Returns what [`prepare`](Self::prepare) would, when that is known at once.
    pub fn prepared(&self, call: &Call) -> Option<Prepared> {
        self.prepare.is_none().then(|| {
            // The same step of the same business fact does it once.
            let key = match self.spec.effect {
                EffectSpec::Read => String::new(),
                _ => format!("{}/{}", call.identity.event, call.identity.path),
            };
            Prepared { key, carried: Box::new(()) }
        })
    }

    /// Reads what the write needs and names its once key.
    pub async fn prepare(
        &self,
        connection: &Connection,
        call: &Call,
        input: impl Into<Arc<Value>>,
    ) -> Result<Prepared, Failure> {
        match &self.prepare {
            Some(prepare) => prepare(connection.clone(), call.clone(), input.into()).await,
            None => Ok(self.prepared(call).expect("there is nothing to prepare")),
        }
    }

    /// Calls the vendor.
    pub async fn run(
        &self,
        connection: &Connection,
        call: &Call,
        input: impl Into<Arc<Value>>,
        prepared: Prepared,
    ) -> Result<Value, Failure> {
        (self.run)(connection.clone(), call.clone(), input.into(), prepared).await
    }

    /// Looks up whether a write happened; inconclusive when the action has no look-up.
    pub async fn look_up_outcome(
        &self,
        connection: &Connection,
        call: &Call,
        input: impl Into<Arc<Value>>,
    ) -> Result<LookUp<Value>, Failure> {
        match &self.look_up {
            Some(look_up) => look_up(connection.clone(), call.clone(), input.into()).await,
            None => Ok(LookUp::Inconclusive("this action cannot be looked up".into())),
        }
    }

    fn unprepared<C, I, O, F>(
        name: &'static str,
        summary: &'static str,
        effect: EffectSpec,
        run: fn(Arc<C>, Call, I) -> F,
    ) -> Self
    where
        C: Any + Send + Sync,
        I: DeserializeOwned + JsonSchema + Send + 'static,
        O: Serialize + JsonSchema + 'static,
        F: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        let writes = effect != EffectSpec::Read;
        let run = move |connection: Connection,
                        call: Call,
                        input: Arc<Value>,
                        _: Prepared|
              -> Later<Value> {
            Box::pin(async move {
                let output = run(connection.inner(), call, decode_input(&input)?).await?;
                encode_output(&output, writes)
            })
        };
        Self::erased(name, spec::<I, O>(name, summary, effect), None, Arc::new(run))
    }

    fn erased(
        name: &'static str,
        spec: ActionSpec,
        prepare: Option<Arc<Prepare>>,
        run: Arc<Run>,
    ) -> Self {
        Self { name, spec: spec.into(), prepare, run, look_up: None, settle: None, exclusive: None }
    }
}

/// A write that says nothing more about itself.
const WRITE: EffectSpec = EffectSpec::Write { looks_up: false, settle: Duration::ZERO };

fn spec<I: JsonSchema, O: JsonSchema>(name: &str, summary: &str, effect: EffectSpec) -> ActionSpec {
    ActionSpec {
        summary: summary.into(),
        input: input_object::<I>(&format!("the input of `{name}`")),
        output: output_shape::<O>(&format!("the output of `{name}`")),
        effect,
    }
}

#[cfg(test)]
mod tests;
