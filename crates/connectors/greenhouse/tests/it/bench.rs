//! A tenant, a clock that stands still, and a connection between them.

use std::sync::Arc;

use connector::{
    Action, Call, Clock, Connection, Failure, Finding, Identity, LookUp, ManualClock, Opening,
    Trigger,
    jiff::{SignedDuration, Timestamp},
};
use sandbox::greenhouse::{Account, GreenhouseTenant, Switches};
use serde_json::Value;

/// The documented sample's candidate and application.
pub(crate) const JOHNNY: &str = "35897443";
pub(crate) const APPLICATION: &str = "46194062";
/// Both kinds of connection.
pub(crate) const KINDS: [&str; 2] = ["harvest_v3", "harvest_v1"];

/// A tenant and a connection to it.
pub(crate) struct Bench {
    pub(crate) tenant: GreenhouseTenant,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) connection: Connection,
}

impl Bench {
    pub(crate) async fn new(kind: &str) -> Self {
        Self::with(kind, Switches::default(), |_| {}).await
    }

    /// Returns a bench whose tenant has these switches and whose connection these settings.
    pub(crate) async fn with(
        kind: &str,
        switches: Switches,
        change: impl FnOnce(&mut Value),
    ) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-23T16:30:00Z".parse().unwrap()));
        let tenant = GreenhouseTenant::start_at(switches, clock.clone()).await.unwrap();
        let mut settings = tenant.connection(kind);
        change(&mut settings);
        let connection = open(settings, clock.clone()).unwrap();
        Self { tenant, clock, connection }
    }

    pub(crate) async fn run(&self, action: &str, input: Value) -> Result<Value, Failure> {
        self.run_as(&Identity::default(), action, input).await
    }

    pub(crate) async fn run_as(
        &self,
        identity: &Identity,
        name: &str,
        input: Value,
    ) -> Result<Value, Failure> {
        self.call(&Call::new(identity.clone(), self.clock.clone()), name, input).await
    }

    pub(crate) async fn call(
        &self,
        call: &Call,
        name: &str,
        input: Value,
    ) -> Result<Value, Failure> {
        let action = action(name);
        let prepared = action.prepare(&self.connection, call, input.clone()).await?;
        action.run(&self.connection, call, input, prepared).await
    }

    pub(crate) async fn look_up(
        &self,
        identity: &Identity,
        name: &str,
        input: Value,
    ) -> Result<LookUp<Value>, Failure> {
        let call = Call::new(identity.clone(), self.clock.clone());
        action(name).look_up_outcome(&self.connection, &call, input).await
    }

    pub(crate) async fn check(&self) -> Vec<Finding> {
        let call = Call::new(Identity::default(), self.clock.clone());
        connector_greenhouse::connector().check(&self.connection, call).await
    }

    pub(crate) fn account<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        self.tenant.account(look)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        let now: Timestamp = self.clock.now();
        self.clock.set(now + SignedDuration::from_secs(seconds));
    }
}

pub(crate) fn open(settings: Value, clock: Arc<dyn Clock>) -> Result<Connection, Failure> {
    connector_greenhouse::connector().open(settings, &Opening::new("greenhouse", clock))
}

pub(crate) fn action(name: &str) -> Action {
    let found =
        connector_greenhouse::connector().actions.into_iter().find(|action| action.name == name);
    found.unwrap_or_else(|| panic!("no action `{name}`"))
}

pub(crate) fn trigger() -> Trigger {
    connector_greenhouse::connector()
        .triggers
        .into_iter()
        .find(|trigger| trigger.name == "hired")
        .unwrap()
}
