//! Actions: async functions from a typed input to a typed output, with what a second call would do.

use std::{any::Any, future::Future, pin::Pin, sync::Arc, time::Duration};

use recipe::ActionSpec;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    call::{Call, Identity},
    connector::Connection,
    failure::Failure,
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

type Later<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// An action: its schema, its effect and its functions.
#[derive(Clone)]
pub struct Action {
    /// Its name, a verb and its object.
    pub name: &'static str,
    /// What the checker sees.
    pub spec: ActionSpec,
    pub(crate) prepare: Arc<dyn Fn(Connection, Call, Value) -> Later<Prepared> + Send + Sync>,
    pub(crate) run: Arc<dyn Fn(Connection, Call, Value, Prepared) -> Later<Value> + Send + Sync>,
    pub(crate) look_up:
        Option<Arc<dyn Fn(Connection, Call, Value) -> Later<LookUp<Value>> + Send + Sync>>,
    pub(crate) exclusive: Option<Arc<dyn Fn(&Value) -> Result<String, Failure> + Send + Sync>>,
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
        let _ = (name, summary, run);
        unimplemented!()
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
        let _ = (name, summary, run);
        unimplemented!()
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
        let _ = (name, summary, prepare, run);
        unimplemented!()
    }

    /// Says that a second call with the same key is harmless, by the vendor's word.
    #[must_use]
    pub fn idempotent(self) -> Self {
        unimplemented!()
    }

    /// Names the once key of the write.
    #[must_use]
    pub fn once<I: DeserializeOwned + 'static>(self, key: fn(&I, &Identity) -> String) -> Self {
        let _ = key;
        unimplemented!()
    }

    /// Says how a write whose outcome is unknown is looked up, and how long the vendor may take to show it.
    #[must_use]
    pub fn look_up<C, I, O, F>(self, settle: Duration, look_up: fn(Arc<C>, Call, I) -> F) -> Self
    where
        C: Any + Send + Sync,
        I: DeserializeOwned + Send + 'static,
        O: Serialize + 'static,
        F: Future<Output = Result<LookUp<O>, Failure>> + Send + 'static,
    {
        let _ = (settle, look_up);
        unimplemented!()
    }

    /// Names what no other job may touch from this call until this job has ended (a person's name on this
    /// connection): two jobs cannot both find nobody and both create.
    #[must_use]
    pub fn exclusive<I: DeserializeOwned + 'static>(self, key: fn(&I) -> String) -> Self {
        let _ = key;
        unimplemented!()
    }

    /// Returns the key that this call holds exclusively until its job has ended.
    pub fn exclusive_key(&self, input: &Value) -> Result<Option<String>, Failure> {
        self.exclusive.as_ref().map(|key| key(input)).transpose()
    }

    /// Reads what the write needs and names its once key.
    pub async fn prepare(
        &self,
        connection: &Connection,
        call: &Call,
        input: Value,
    ) -> Result<Prepared, Failure> {
        (self.prepare)(connection.clone(), call.clone(), input).await
    }

    /// Calls the vendor.
    pub async fn run(
        &self,
        connection: &Connection,
        call: &Call,
        input: Value,
        prepared: Prepared,
    ) -> Result<Value, Failure> {
        (self.run)(connection.clone(), call.clone(), input, prepared).await
    }

    /// Looks up whether a write happened; inconclusive when the action has no look-up.
    pub async fn look_up_outcome(
        &self,
        connection: &Connection,
        call: &Call,
        input: Value,
    ) -> Result<LookUp<Value>, Failure> {
        match &self.look_up {
            Some(look_up) => look_up(connection.clone(), call.clone(), input).await,
            None => Ok(LookUp::Inconclusive("this action cannot be looked up".into())),
        }
    }
}
