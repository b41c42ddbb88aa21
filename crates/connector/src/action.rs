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

type Prepare = dyn Fn(Connection, Call, Value) -> Later<Prepared> + Send + Sync;
type Run = dyn Fn(Connection, Call, Value, Prepared) -> Later<Value> + Send + Sync;
type Settle = dyn Fn(&Connection) -> Duration + Send + Sync;
type LookUpOutcome = dyn Fn(Connection, Call, Value) -> Later<LookUp<Value>> + Send + Sync;
type ExclusiveKey = dyn Fn(&Value) -> Result<String, Failure> + Send + Sync;
type Later<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// An action: its schema, its effect and its functions.
#[derive(Clone)]
pub struct Action {
    /// Its name, a verb and its object.
    pub name: &'static str,
    /// What the checker sees.
    pub spec: ActionSpec,
    prepare: Arc<Prepare>,
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
        let run =
            move |connection: Connection, call: Call, input: Value, _: Prepared| -> Later<Value> {
                Box::pin(async move {
                    let output = run(connection.inner(), call, decode_input(input)?).await?;
                    encode_output(&output, false)
                })
            };
        Self::erased(
            name,
            spec::<I, O>(name, summary, EffectSpec::Read),
            Arc::new(once_each_step),
            Arc::new(run),
        )
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
        let run =
            move |connection: Connection, call: Call, input: Value, _: Prepared| -> Later<Value> {
                Box::pin(async move {
                    let output = run(connection.inner(), call, decode_input(input)?).await?;
                    encode_output(&output, true)
                })
            };
        Self::erased(
            name,
            spec::<I, O>(name, summary, WRITE),
            Arc::new(once_each_step),
            Arc::new(run),
        )
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
        let prepare = move |connection: Connection, call: Call, input: Value| -> Later<Prepared> {
            Box::pin(async move {
                let (key, carried) =
                    prepare(connection.inner(), call, decode_input(input)?).await?;
                Ok(Prepared { key, carried: Box::new(carried) })
            })
        };
        let run = move |connection: Connection,
                        call: Call,
                        input: Value,
                        prepared: Prepared|
              -> Later<Value> {
            Box::pin(async move {
                let carried = prepared
                    .carried
                    .downcast()
                    .expect("`run` gets what `prepare` of this action carried");
                let output = run(connection.inner(), call, decode_input(input)?, *carried).await?;
                encode_output(&output, true)
            })
        };
        Self::erased(name, spec::<I, O>(name, summary, WRITE), Arc::new(prepare), Arc::new(run))
    }

    /// Says that a second call with the same key is harmless, by the vendor's word.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.spec.effect = EffectSpec::Idempotent;
        self
    }

    /// Names the once key of the write, in the place of the one it has.
    #[must_use]
    pub fn once<I: DeserializeOwned + Send + 'static>(
        mut self,
        key: fn(&I, &Identity) -> String,
    ) -> Self {
        let before = self.prepare.clone();
        self.prepare = Arc::new(move |connection, call, input| {
            let before = before.clone();
            Box::pin(async move {
                let key = key(&decode_input(input.clone())?, &call.identity);
                Ok(Prepared { key, ..before(connection, call, input).await? })
            })
        });
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
        self.spec.effect = EffectSpec::Write { looks_up: true, settle };
        self.look_up = Some(Arc::new(move |connection, call, input| {
            Box::pin(async move {
                Ok(match look_up(connection.inner(), call, decode_input(input)?).await? {
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
        self.exclusive = Some(Arc::new(move |input| Ok(key(&decode_input(input.clone())?))));
        self
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

    fn erased(name: &'static str, spec: ActionSpec, prepare: Arc<Prepare>, run: Arc<Run>) -> Self {
        Self { name, spec, prepare, run, look_up: None, settle: None, exclusive: None }
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

/// The once key of a write that names none: the same step of the same business fact does it once.
#[expect(clippy::needless_pass_by_value, reason = "it has the form of every `prepare`")]
fn once_each_step(_: Connection, call: Call, _: Value) -> Later<Prepared> {
    let key = format!("{}/{}", call.identity.event, call.identity.path);
    Box::pin(async move { Ok(Prepared { key, carried: Box::new(()) }) })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use recipe::{Format, Shape, Text, Type};
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::{FailureKind, ManualClock};

    #[derive(Deserialize, JsonSchema)]
    struct Hire {
        /// The person's name.
        name: String,
        /// When they begin.
        start: Option<String>,
        #[serde(default)]
        documents: Vec<Document>,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Document {
        /// Its length.
        length: u32,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Hired {
        /// The employee.
        id: String,
        /// The manager, if there is one.
        manager: Option<String>,
    }

    struct Tenant {
        prefix: &'static str,
    }

    async fn hire(tenant: Arc<Tenant>, _: Call, hire: Hire) -> Result<Hired, Failure> {
        Ok(Hired { id: format!("{}{}", tenant.prefix, hire.name), manager: hire.start })
    }

    async fn weigh(_: Arc<Tenant>, _: Call, hire: Hire) -> Result<(String, u32), Failure> {
        Ok((
            format!("weighed {}", hire.name),
            hire.documents.iter().map(|document| document.length).sum(),
        ))
    }

    async fn send(_: Arc<Tenant>, _: Call, _: Hire, weight: u32) -> Result<Hired, Failure> {
        Ok(Hired { id: weight.to_string(), manager: None })
    }

    async fn find(_: Arc<Tenant>, _: Call, hire: Hire) -> Result<LookUp<Hired>, Failure> {
        Ok(match hire.name.as_str() {
            "Ada" => LookUp::Found(Hired { id: "7".into(), manager: None }),
            "Bob" => LookUp::Absent,
            _ => LookUp::Inconclusive("two people".into()),
        })
    }

    fn call() -> Call {
        let identity =
            Identity { event: "application/1".into(), path: "hire".into(), cause: String::new() };
        Call::new(identity, Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH)))
    }

    fn tenant() -> Connection {
        Connection::new("acme", Tenant { prefix: "e-" })
    }

    async fn key_of(action: &Action, input: Value) -> String {
        action.prepare(&tenant(), &call(), input).await.unwrap().key
    }

    #[tokio::test]
    async fn an_action_runs_from_json_to_json() {
        let action = Action::write("hire", "Hires.", hire);
        let input = json!({ "name": "Ada" });
        let prepared = action.prepare(&tenant(), &call(), input.clone()).await.unwrap();
        assert_eq!(prepared.key, "application/1/hire");
        let output = action.run(&tenant(), &call(), input, prepared).await.unwrap();
        assert_eq!(output, json!({ "id": "e-Ada", "manager": null }));
    }

    #[tokio::test]
    async fn a_prepared_write_carries_what_it_read_and_may_be_prepared_again() {
        let action = Action::prepared_write("send", "Sends.", weigh, send);
        let input = json!({ "name": "Ada", "documents": [{ "length": 1 }, { "length": 2 }] });
        assert_eq!(key_of(&action, input.clone()).await, "weighed Ada");
        let prepared = action.prepare(&tenant(), &call(), input.clone()).await.unwrap();
        assert_eq!(
            action.run(&tenant(), &call(), input.clone(), prepared).await.unwrap()["id"],
            "3"
        );

        let renamed =
            action.once(|hire: &Hire, identity| format!("{} for {}", hire.name, identity.event));
        assert_eq!(key_of(&renamed, input.clone()).await, "Ada for application/1");
        let prepared = renamed.prepare(&tenant(), &call(), input.clone()).await.unwrap();
        assert_eq!(renamed.run(&tenant(), &call(), input, prepared).await.unwrap()["id"], "3");
    }

    #[tokio::test]
    async fn input_that_cannot_be_read_is_permanent_and_names_the_field() {
        let action = Action::write("hire", "Hires.", hire).look_up(Duration::from_mins(1), find);
        let cases = [
            (
                json!({ "name": "Ada", "documents": [{ "length": 1 }, { "length": -2 }] }),
                "`documents[1].length`",
            ),
            (json!({ "name": 7 }), "`name`"),
            (json!({}), "missing field `name`"),
            (json!([]), "input:"),
        ];
        for (input, expected) in cases {
            let prepared = Prepared { key: String::new(), carried: Box::new(()) };
            let failure =
                action.run(&tenant(), &call(), input.clone(), prepared).await.unwrap_err();
            assert_eq!(
                (failure.kind, failure.code.as_str()),
                (FailureKind::Permanent, "invalid_input")
            );
            assert!(failure.message.contains(expected), "{}", failure.message);
            assert_eq!(
                action.look_up_outcome(&tenant(), &call(), input).await.unwrap_err().code,
                "invalid_input"
            );
        }
    }

    #[tokio::test]
    async fn a_look_up_answers_in_json_and_is_inconclusive_where_there_is_none() {
        let plain = Action::write("hire", "Hires.", hire);
        let action = plain.clone().look_up(Duration::from_mins(1), find);
        assert_eq!(
            action.spec.effect,
            EffectSpec::Write { looks_up: true, settle: Duration::from_mins(1) }
        );
        let look_up = |action: Action, name| async move {
            action.look_up_outcome(&tenant(), &call(), json!({ "name": name })).await.unwrap()
        };
        assert_eq!(
            look_up(action.clone(), "Ada").await,
            LookUp::Found(json!({ "id": "7", "manager": null }))
        );
        assert_eq!(look_up(action.clone(), "Bob").await, LookUp::Absent);
        assert_eq!(look_up(action, "Eve").await, LookUp::Inconclusive("two people".into()));
        assert!(matches!(look_up(plain, "Ada").await, LookUp::Inconclusive(_)));
    }

    #[test]
    fn the_time_to_settle_is_the_actions_unless_the_connection_says_otherwise() {
        let action = Action::write("hire", "Hires.", hire);
        assert_eq!(action.settle(&tenant()), Duration::ZERO);
        let action = action.look_up(Duration::from_mins(1), find);
        assert_eq!(action.settle(&tenant()), Duration::from_mins(1));
        let action =
            action.settle_of(|tenant: &Tenant| Duration::from_secs(tenant.prefix.len() as u64));
        assert_eq!(action.settle(&tenant()), Duration::from_secs(2));
    }

    #[test]
    fn schema_and_effect_follow_from_the_functions() {
        let read = Action::read("hire", "Hires.", hire);
        assert_eq!(read.spec.effect, EffectSpec::Read);
        assert_eq!(
            Action::write("hire", "Hires.", hire).idempotent().spec.effect,
            EffectSpec::Idempotent
        );
        let fields: Vec<_> =
            read.spec.input.fields.iter().map(|one| (one.name.as_str(), one.required)).collect();
        assert_eq!(fields, [("name", true), ("start", false), ("documents", false)]);
        assert_eq!(read.spec.input.field("start").unwrap().summary, "When they begin.");
        let Type::Object(output) = &read.spec.output.of else { panic!("{:?}", read.spec.output) };
        let text = Type::Text(Text { format: Format::Plain, choices: Vec::new() });
        let manager = output.field("manager").unwrap();
        assert!(manager.required, "a field that is always written is there");
        assert_eq!(manager.shape, Shape::of(text.clone()).or_null());
        assert_eq!(output.field("id").unwrap().shape, Shape::of(text));
    }

    #[test]
    fn an_exclusive_key_is_made_from_the_input() {
        let action = Action::write("hire", "Hires.", hire);
        assert_eq!(action.exclusive_key(&json!({ "name": "Ada" })), Ok(None));
        let action = action.exclusive(|hire: &Hire| hire.name.to_lowercase());
        assert_eq!(action.exclusive_key(&json!({ "name": "Ada" })), Ok(Some("ada".into())));
        assert_eq!(action.exclusive_key(&json!({})).unwrap_err().code, "invalid_input");
    }
}
