//! Triggers: who sent a delivery, and which events are in it.

use std::{any::Any, future::Future, sync::Arc, time::Duration};

use jiff::Timestamp;
use recipe::{Examine, Flaw, Payload, TriggerKind, TriggerSpec};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    call::Call,
    connector::Connection,
    failure::Failure,
    reading::{From, Page, Reader, Timetable},
    typed::{decode, decode_input, input_object, output_shape},
};

/// One HTTP request as it came.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The headers, names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The query string without `?`.
    pub query: String,
    /// The body, byte for byte.
    pub body: Arc<[u8]>,
    /// When it came.
    pub received_at: Timestamp,
}

impl Delivery {
    /// Returns the value of the first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One trigger payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Equal for two deliveries of the same thing; one job is made of them.
    pub dedupe_key: String,
    /// Jobs with the same order key run one after the other.
    pub order_key: Option<String>,
    /// The identity that once keys are made from: equal for a re-delivery, a manual job and a repeat of the same
    /// business fact (application and offer, not the moment it was pressed).
    pub once_key: String,
    /// What expressions see as `event`.
    pub payload: Payload,
}

impl Event {
    /// Returns an event without an order key.
    pub fn new<E: Serialize>(
        dedupe_key: impl Into<String>,
        once_key: impl Into<String>,
        payload: &E,
    ) -> Result<Self, Failure> {
        let payload = Payload::of(payload).map_err(|problem| {
            Failure::permanent(
                "invalid_payload",
                format!("the event cannot be written as JSON: {problem}"),
            )
        })?;
        Ok(Self {
            dedupe_key: dedupe_key.into(),
            order_key: None,
            once_key: once_key.into(),
            payload,
        })
    }

    /// Names the key under which jobs run one after the other.
    #[must_use]
    pub fn order_key(mut self, key: impl Into<String>) -> Self {
        self.order_key = Some(key.into());
        self
    }
}

/// What a genuine delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It carries events, to be read by [`Trigger::decode`].
    Events,
    /// The vendor tests whether anybody listens; answered 200, no job.
    Ping,
    /// It is genuine but not about what this trigger waits for; answered 200, no job.
    Other,
}

/// Why a delivery is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The HTTP status of the answer: 401 for a bad or missing proof, 400 for one that cannot be read.
    pub status: u16,
    /// Why, for the list of deliveries; never tells the sender which part of the proof was wrong.
    pub reason: String,
}

impl Refusal {
    /// Returns the refusal of a delivery without a valid proof of its sender.
    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Self { status: 401, reason: reason.into() }
    }
}

type Verify = dyn Fn(&Connection, &Value, &Delivery) -> Result<Verdict, Refusal> + Send + Sync;
type Decode = dyn Fn(&Value, &Delivery) -> Result<Vec<Event>, Failure> + Send + Sync;

/// A trigger: its schema, the two functions that read a delivery, and how events come that nobody sends.
#[derive(Clone)]
pub struct Trigger {
    /// Its name, a noun and what happened to it.
    pub name: &'static str,
    /// What the checker sees.
    pub spec: TriggerSpec,
    verify: Arc<Verify>,
    decode: Arc<Decode>,
    /// Asks for what is new or was missed: for a polled trigger, and for a webhook that can catch up.
    reader: Option<Reader>,
    timetable: Option<Timetable>,
}

impl Trigger {
    /// Returns a trigger whose vendor sends nothing: it is asked every so often, unless the recipe says otherwise.
    ///
    /// `read` gives bodies, each with one thing; `decode_events` reads the events out of one, as it would from a
    /// webhook's body. A thing that is read twice (an overlap) must have the same dedupe key.
    pub fn polled<C, W, E, F>(
        name: &'static str,
        summary: &'static str,
        every: Duration,
        read: fn(Arc<C>, Call, W, From) -> F,
        decode_events: fn(&W, &Delivery) -> Result<Vec<Event>, Failure>,
    ) -> Self
    where
        C: Any + Send + Sync,
        W: DeserializeOwned + JsonSchema + Send + 'static,
        E: Serialize + JsonSchema,
        F: Future<Output = Result<Page, Failure>> + Send + 'static,
    {
        let mut trigger = Self::new::<W, E>(name, summary, "", sends_nothing::<W>, decode_events);
        trigger.spec.kind = TriggerKind::Poll { every };
        trigger.reader = Some(Reader::new(read));
        trigger
    }

    /// Returns a trigger of the clock. `timetable` says which moments are due; `decode_events` makes an event of the
    /// body that [`Timetable`] wrote for one.
    pub fn scheduled<W, E>(
        name: &'static str,
        summary: &'static str,
        timetable: Timetable,
        decode_events: fn(&W, &Delivery) -> Result<Vec<Event>, Failure>,
    ) -> Self
    where
        W: DeserializeOwned + JsonSchema + 'static,
        E: Serialize + JsonSchema,
    {
        let mut trigger = Self::new::<W, E>(name, summary, "", sends_nothing::<W>, decode_events);
        trigger.spec.kind = TriggerKind::Schedule;
        trigger.timetable = Some(timetable);
        trigger
    }

    /// Says how events are read back that were missed, and how often when the recipe does not say. Their bodies decode
    /// to the same events, with the same keys, as the vendor's deliveries.
    #[must_use]
    pub fn catches_up<C, W, F>(
        mut self,
        every: Duration,
        read: fn(Arc<C>, Call, W, From) -> F,
    ) -> Self
    where
        C: Any + Send + Sync,
        W: DeserializeOwned + Send + 'static,
        F: Future<Output = Result<Page, Failure>> + Send + 'static,
    {
        self.spec.catch_up = Some(every);
        self.reader = Some(Reader::new(read));
        self
    }

    /// Says that its sender reads what it is answered: a recipe may answer with its output.
    #[must_use]
    pub fn answers(mut self) -> Self {
        self.spec.answers = true;
        self
    }

    /// Says what is wrong with settings that have the right types, for the check.
    #[must_use]
    pub fn examined<W: DeserializeOwned + 'static>(mut self, flaws: fn(&W) -> Vec<Flaw>) -> Self {
        self.spec.examine = Examine::new(move |with| {
            W::deserialize(with).map_or_else(|_| Vec::new(), |with| flaws(&with))
        });
        self
    }

    /// Returns a trigger with settings of type `W` under `with`, whose events have payloads of type `E`.
    ///
    /// `set_up` says what to paste where in the vendor's product, with `{url}` for the webhook's address. `verify`
    /// looks at the raw bytes; `decode_events` depends on nothing but its arguments and makes its events with
    /// [`Event::new`] from values of type `E`.
    pub fn new<W, E>(
        name: &'static str,
        summary: &'static str,
        set_up: &'static str,
        verify: fn(&Connection, &W, &Delivery) -> Result<Verdict, Refusal>,
        decode_events: fn(&W, &Delivery) -> Result<Vec<Event>, Failure>,
    ) -> Self
    where
        W: DeserializeOwned + JsonSchema + 'static,
        E: Serialize + JsonSchema,
    {
        let verify = move |connection: &Connection, with: &Value, delivery: &Delivery| {
            let with = decode(with, "the trigger's setting");
            let with = with.map_err(|reason| Refusal { status: 500, reason })?;
            verify(connection, &with, delivery)
        };
        let decode =
            move |with: &Value, delivery: &Delivery| decode_events(&decode_input(with)?, delivery);
        let spec = TriggerSpec {
            summary: summary.into(),
            with: input_object::<W>(&format!("the settings of `{name}`")),
            event: output_shape::<E>(&format!("the event of `{name}`")),
            set_up: set_up.into(),
            kind: TriggerKind::Webhook,
            catch_up: None,
            answers: false,
            examine: Examine::default(),
        };
        let (verify, decode) = (Arc::new(verify), Arc::new(decode));
        Self { name, spec, verify, decode, reader: None, timetable: None }
    }

    /// Returns whether the delivery is genuine, and what it is. Looks at the raw bytes; constant time in the secret.
    ///
    /// `with` are the trigger's settings from the recipe.
    pub fn verify(
        &self,
        connection: &Connection,
        with: &Value,
        delivery: &Delivery,
    ) -> Result<Verdict, Refusal> {
        (self.verify)(connection, with, delivery)
    }

    /// Returns the events in a genuine delivery. Depends on nothing but its arguments: the event of a job is decoded
    /// again from the stored bytes whenever the job is loaded.
    pub fn decode(&self, with: &Value, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
        (self.decode)(with, delivery)
    }

    /// Reads one page of what is new or was missed. Only for triggers that are polled or catch up.
    pub async fn read(
        &self,
        connection: Connection,
        call: Call,
        with: &Value,
        from: From,
    ) -> Result<Page, Failure> {
        match &self.reader {
            Some(reader) => reader.read(connection, call, with.clone(), from).await,
            None => Err(Failure::permanent(
                "not_readable",
                format!("the events of `{}` cannot be read back", self.name),
            )),
        }
    }

    /// Returns the timetable of a scheduled trigger with these settings; `None` for others.
    pub fn timetable(&self) -> Option<&Timetable> {
        self.timetable.as_ref()
    }
}

fn sends_nothing<W>(_: &Connection, _: &W, _: &Delivery) -> Result<Verdict, Refusal> {
    Err(Refusal { status: 404, reason: "this recipe's trigger takes no webhooks".into() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    struct With {
        /// The topic to wait for.
        topic: String,
    }

    #[derive(Serialize, JsonSchema)]
    struct Said {
        /// What was said.
        text: String,
    }

    fn trigger() -> Trigger {
        fn verify(
            connection: &Connection,
            with: &With,
            delivery: &Delivery,
        ) -> Result<Verdict, Refusal> {
            if delivery.header("x-token") != Some(connection.inner::<String>().as_str()) {
                return Err(Refusal::unauthorized("no valid token"));
            }
            let about = delivery.header("x-topic");
            Ok(if about == Some(&with.topic) { Verdict::Events } else { Verdict::Other })
        }
        fn decode(_: &With, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
            let text = String::from_utf8_lossy(&delivery.body).into_owned();
            Ok(vec![Event::new("1", "fact 1", &Said { text })?.order_key("one")])
        }
        Trigger::new::<With, Said>("said", "Something was said.", "Paste {url}.", verify, decode)
    }

    #[test]
    fn a_trigger_reads_its_settings_and_passes_them_on() {
        let connection = Connection::new("acme", String::from("right"));
        let mut delivery = Delivery {
            headers: vec![("x-token".into(), "right".into()), ("x-topic".into(), "jobs".into())],
            query: String::new(),
            body: b"hello".as_slice().into(),
            received_at: Timestamp::UNIX_EPOCH,
        };
        let (trigger, jobs) = (trigger(), json!({ "topic": "jobs" }));
        assert_eq!(trigger.verify(&connection, &jobs, &delivery), Ok(Verdict::Events));
        assert_eq!(
            trigger.verify(&connection, &json!({ "topic": "people" }), &delivery),
            Ok(Verdict::Other)
        );
        assert_eq!(trigger.verify(&connection, &json!({}), &delivery).unwrap_err().status, 500);
        assert_eq!(
            trigger.decode(&jobs, &delivery),
            Ok(vec![Event {
                dedupe_key: "1".into(),
                order_key: Some("one".into()),
                once_key: "fact 1".into(),
                payload: json!({ "text": "hello" }).into(),
            }])
        );
        assert_eq!(
            trigger.decode(&json!({ "topic": 1 }), &delivery).unwrap_err().code,
            "invalid_input"
        );
        delivery.headers[0].1 = "wrong".into();
        assert_eq!(trigger.verify(&connection, &jobs, &delivery).unwrap_err().status, 401);
        assert_eq!(trigger.spec.with.fields[0].summary, "The topic to wait for.");
    }
}
