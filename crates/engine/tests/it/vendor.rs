//! A vendor in memory: it keeps what was made, and answers as it is told.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use connector::{
    Action, Call, Connection, Connector, Delivery, Event, Failure, LookUp, Refusal, Trigger,
    Verdict,
    schemars::{self, JsonSchema},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;

/// How long the vendor takes to show a write.
pub(crate) const SETTLE: Duration = Duration::from_mins(1);

/// What the vendor does with a call.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Nothing, and says so.
    Fail(Failure),
    /// What was asked, and then fails.
    DoneThenFail(Failure),
    /// What was asked, and never answers.
    DoneThenHang,
    /// What was asked, once the gate is open.
    Gate,
}

/// The vendor. Clones are the same vendor.
#[derive(Clone)]
pub(crate) struct Vendor {
    state: Arc<Mutex<State>>,
    gate: Arc<Semaphore>,
}

impl Default for Vendor {
    fn default() -> Self {
        Self { state: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
    }
}

#[derive(Default)]
struct State {
    /// Every call: the action and what it was about.
    calls: Vec<(&'static str, String)>,
    made: Vec<(&'static str, String)>,
    replies: HashMap<&'static str, VecDeque<Reply>>,
    /// Look-ups cannot say.
    foggy: bool,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct About {
    /// What it is about.
    name: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Made {
    /// Its id.
    id: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Found {
    /// Who has that name.
    ids: Vec<String>,
}

/// What happened to whom.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Happened {
    /// The person.
    name: String,
    /// Which fact.
    fact: String,
    /// Their documents.
    #[serde(default)]
    documents: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct NoSettings {}

impl Vendor {
    /// Says what the vendor does with the next call of an action.
    pub(crate) fn next(&self, action: &'static str, reply: Reply) {
        self.state.lock().unwrap().replies.entry(action).or_default().push_back(reply);
    }

    /// Lets so many calls pass the gate.
    pub(crate) fn open_gate(&self, calls: usize) {
        self.gate.add_permits(calls);
    }

    /// Says that a write was made, as if by a process that died.
    pub(crate) fn has(&self, action: &'static str, name: &str) {
        self.state.lock().unwrap().made.push((action, name.into()));
    }

    /// Says whether look-ups can say anything.
    pub(crate) fn foggy(&self, foggy: bool) {
        self.state.lock().unwrap().foggy = foggy;
    }

    /// Returns what calls of an action were about, in order.
    pub(crate) fn calls(&self, action: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.calls.iter().filter(|call| call.0 == action).map(|call| call.1.clone()).collect()
    }

    /// Returns what an action has made, in order.
    pub(crate) fn made(&self, action: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.made.iter().filter(|made| made.0 == action).map(|made| made.1.clone()).collect()
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::new("vendor", self.clone())
    }

    async fn write(self: Arc<Self>, action: &'static str, about: About) -> Result<Made, Failure> {
        let reply = {
            let mut state = self.state.lock().unwrap();
            state.calls.push((action, about.name.clone()));
            let reply = state.replies.get_mut(action).and_then(VecDeque::pop_front);
            if !matches!(reply, Some(Reply::Fail(_) | Reply::Gate)) {
                state.made.push((action, about.name.clone()));
            }
            reply
        };
        match reply {
            None => Ok(Made { id: format!("{action}:{}", about.name) }),
            Some(Reply::Fail(failure) | Reply::DoneThenFail(failure)) => Err(failure),
            Some(Reply::DoneThenHang) => std::future::pending().await,
            Some(Reply::Gate) => {
                self.gate.acquire().await.unwrap().forget();
                self.has(action, &about.name);
                Ok(Made { id: format!("{action}:{}", about.name) })
            }
        }
    }

    fn look_up(&self, action: &'static str, about: &About) -> LookUp<Made> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(("look_up", about.name.clone()));
        if state.foggy {
            return LookUp::Inconclusive("the list is not complete".into());
        }
        if state.made.contains(&(action, about.name.clone())) {
            LookUp::Found(Made { id: format!("{action}:{}", about.name) })
        } else {
            LookUp::Absent
        }
    }
}

async fn find(vendor: Arc<Vendor>, _: Call, about: About) -> Result<Found, Failure> {
    let mut state = vendor.state.lock().unwrap();
    state.calls.push(("find", about.name.clone()));
    if let Some(Reply::Fail(failure)) = state.replies.get_mut("find").and_then(VecDeque::pop_front)
    {
        return Err(failure);
    }
    let ids = state.made.iter().filter(|made| **made == ("create", about.name.clone()));
    Ok(Found { ids: ids.map(|made| made.1.clone()).collect() })
}

async fn create(vendor: Arc<Vendor>, call: Call, about: About) -> Result<Made, Failure> {
    if about.name == "Zoë" {
        call.warn("accent", "The name has an accent.");
    }
    vendor.write("create", about).await
}

async fn look_for(vendor: Arc<Vendor>, _: Call, about: About) -> Result<LookUp<Made>, Failure> {
    Ok(vendor.look_up("create", &about))
}

async fn upload(vendor: Arc<Vendor>, _: Call, about: About) -> Result<Made, Failure> {
    vendor.write("upload", about).await
}

async fn find_upload(vendor: Arc<Vendor>, _: Call, about: About) -> Result<LookUp<Made>, Failure> {
    Ok(vendor.look_up("upload", &about))
}

async fn send(vendor: Arc<Vendor>, _: Call, about: About) -> Result<Made, Failure> {
    vendor.write("send", about).await
}

async fn note(vendor: Arc<Vendor>, _: Call, about: About) -> Result<Made, Failure> {
    vendor.write("note", about).await
}

fn verify(_: &Connection, _: &NoSettings, delivery: &Delivery) -> Result<Verdict, Refusal> {
    match delivery.header("x-proof") {
        Some("good") if &*delivery.body == b"ping" => Ok(Verdict::Ping),
        Some("good") => Ok(Verdict::Events),
        _ => Err(Refusal::unauthorized("no proof")),
    }
}

fn decode(_: &NoSettings, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
    let happened: Happened = serde_json::from_slice(&delivery.body).map_err(|error| {
        Failure::permanent("unreadable", format!("the body is no event: {error}"))
    })?;
    let (person, fact) = (happened.name.clone(), happened.fact.clone());
    Ok(vec![Event::new(fact.clone(), fact, &happened)?.order_key(person)])
}

/// Returns the connector: `find` reads; `create` writes once for each event and can be looked up, and holds its name;
/// `upload` writes once for each event and name and can be looked up; `send` writes and cannot be looked up; `note` writes once for each event, step and cause.
pub(crate) fn connector() -> Connector {
    let mut vendor = Connector::new::<NoSettings, Vendor, _>(
        "vendor",
        "A vendor in memory.",
        |_, _| Ok(Vendor::default()),
        |_, _| async { Vec::new() },
    );
    vendor.actions = vec![
        Action::read("find", "Finds.", find).exclusive(|about: &About| about.name.to_lowercase()),
        Action::write("create", "Creates.", create)
            .once(|_: &About, identity| identity.event.clone())
            .exclusive(|about: &About| about.name.to_lowercase())
            .look_up(SETTLE, look_for),
        Action::write("upload", "Uploads.", upload)
            .once(|about: &About, identity| format!("{}/{}", identity.event, about.name))
            .look_up(SETTLE, find_upload),
        Action::write("send", "Sends.", send),
        Action::write("note", "Notes.", note).once(|_: &About, identity| {
            format!("{}/{}/{}", identity.event, identity.path, identity.cause)
        }),
    ];
    let hired =
        Trigger::new::<NoSettings, Happened>("happened", "Something happened.", "", verify, decode);
    vendor.trigger(hired)
}

/// Returns the body of an event.
pub(crate) fn body(name: &str, fact: &str, documents: &[&str]) -> Value {
    serde_json::json!({ "name": name, "fact": fact, "documents": documents })
}
