//! Calls of a case that go through the real connector: on a recorded exchange, or on a real connection.

use std::sync::Arc;

use connector::{
    Action, Call, Clock, Connection, Connector, Failure, Identity, ManualClock, Opening, Warning,
    http::{Recorded, Wire},
};
use jiff::Timestamp;
use recipe::{Format, Object, Recording, Type};
use serde_json::Value;

use super::{Bench, Problem};
use crate::machine::{Due, What};

/// What stands for a secret: long and in base64, as most vendors' keys are.
pub(super) const SECRET: &str = "cGxhY2Vob2xkZXItc2VjcmV0";

/// What a call gives: its output with its warnings, or its failure.
pub type Called = Result<(Value, Vec<Warning>), Failure>;

/// Has the connector work on a recording, without a network.
pub(super) fn replay(
    bench: &Bench<'_>,
    recording: &Recording,
    action: &Action,
    due: &Due,
    now: Timestamp,
) -> Result<Called, Problem> {
    let broken =
        |message: String, help: Vec<String>| Problem { message, help, span: recording.span };
    let path = &recording.path;
    let text = (bench.files)(path)
        .map_err(|why| broken(format!("`{path}` cannot be read: {why}"), Vec::new()))?;
    let exchanges = Recorded::read(&text).map_err(|why| {
        let form = "an exchange is `{ \"request\": { \"method\": …, \"path\": … }, \"response\": { \"status\": …, \"body\": … } }`";
        broken(format!("`{path}` is no recording: {why}"), vec![form.into()])
    })?;
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::jumping(now));
    let connection = placeholder(bench, due, &clock)
        .map_err(|failure| broken(failure.message, failure.hint.into_iter().collect()))?;
    let wire = Wire::replaying(exchanges);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|problem| broken(format!("the call cannot be made: {problem}"), Vec::new()))?;
    let called = runtime.block_on(called(action, &connection, due, &wire, clock));
    if let Err(failure) = &called
        && is_of_recording(failure)
    {
        let help = failure.hint.clone().into_iter().collect();
        return Err(broken(format!("step `{}`, `{path}`: {}", due.path, failure.message), help));
    }
    let unused = wire.unused();
    // A call that failed may have had more to ask.
    if called.is_ok() && !unused.is_empty() {
        let message =
            format!("step `{}` did not ask for `{}` of `{path}`", due.path, unused.join("`, `"));
        return Err(broken(message, vec!["remove it from the recording".into()]));
    }
    Ok(called)
}

/// Returns whether a failure is one of the recording, not of the vendor.
pub(super) fn is_of_recording(failure: &Failure) -> bool {
    ["not_recorded", "recording_differs", "wrong_recording"].contains(&failure.code.as_str())
}

/// Calls an action over a wire.
pub async fn called(
    action: &Action,
    connection: &Connection,
    due: &Due,
    wire: &Wire,
    clock: Arc<dyn Clock>,
) -> Called {
    let identity =
        Identity { event: "test".into(), path: due.path.to_string(), cause: due.cause.clone() };
    let call = Call::new(identity, clock).over(wire.clone());
    let input = due.input.clone();
    debug_assert!(due.what == What::Call, "a look-up is answered by the case");
    let prepared = action.prepare(connection, &call, input.clone()).await?;
    let output = action.run(connection, &call, input, prepared).await?;
    Ok((output, call.take_warnings()))
}

/// Opens a connection with the project's settings; what they refer to is nobody's business and replaced.
pub(super) fn placeholder(
    bench: &Bench<'_>,
    due: &Due,
    clock: &Arc<dyn Clock>,
) -> Result<Connection, Failure> {
    let Some(name) = &due.connection else { return Ok(Connection::new("", ())) };
    let connector = bench.connectors.iter().find(|one| one.name == due.connector);
    let settings = bench.project.connections.get(name).map(|connection| &connection.settings);
    let (Some(connector), Some(settings)) = (connector, settings) else {
        return Err(Failure::permanent(
            "no_connection",
            format!("there is no connection `{name}`"),
        ));
    };
    connector
        .open(without_references(connector, settings), &Opening::new(name.clone(), clock.clone()))
}

/// Returns the settings of a connection with what they refer to replaced.
pub(super) fn without_references(connector: &Connector, settings: &Value) -> Value {
    match connector.spec().connection {
        Some(object) => replaced(settings, &object),
        None => settings.clone(),
    }
}

fn replaced(settings: &Value, object: &Object) -> Value {
    let Value::Object(map) = settings else { return settings.clone() };
    let of = |(name, value): (&String, &Value)| {
        let kind = object.field(name).map(|field| &field.shape.of);
        let value = match (value, kind) {
            (Value::String(text), kind)
                if text.starts_with("env:") || text.starts_with("file:") =>
            {
                let url = matches!(kind, Some(Type::Text(text)) if text.format == Format::Url);
                if url { "https://vendor.example".into() } else { SECRET.into() }
            }
            (value, Some(Type::Object(object))) => replaced(value, object),
            (value, _) => value.clone(),
        };
        (name.clone(), value)
    };
    Value::Object(map.iter().map(of).collect())
}
