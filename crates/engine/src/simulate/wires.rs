//! Calls of a case that go through the real connector: on a recorded exchange, or on a real connection.

use std::sync::Arc;

use connector::{
    Action, Call, Clock, Connection, Failure, Identity, ManualClock, Opening, Warning,
    http::{Recorded, Wire},
};
use jiff::Timestamp;
use recipe::{Format, Object, Recording, Span, Type};
use serde_json::Value;

use super::Bench;
use crate::machine::{Due, What};

/// What a call gives: its output with its warnings, or its failure.
pub type Called = Result<(Value, Vec<Warning>), Failure>;

/// A recording that cannot be used.
pub(super) struct Broken {
    pub(super) message: String,
    pub(super) help: Vec<String>,
    pub(super) span: Span,
}

/// Has the connector work on a recording, without a network.
pub(super) fn replay(
    bench: &Bench<'_>,
    recording: &Recording,
    action: &Action,
    due: &Due,
    now: Timestamp,
) -> Result<Called, Broken> {
    let broken =
        |message: String, help: Vec<String>| Broken { message, help, span: recording.span };
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
        && ["not_recorded", "recording_differs", "wrong_recording"].contains(&failure.code.as_str())
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
    let input = (*due.input).clone();
    debug_assert!(due.what == What::Call, "a look-up is answered by the case");
    let prepared = action.prepare(connection, &call, input.clone()).await?;
    let output = action.run(connection, &call, input, prepared).await?;
    Ok((output, call.take_warnings()))
}

/// Opens a connection with the project's settings; what they refer to is nobody's business and replaced.
fn placeholder(
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
    let settings = match connector.spec().connection {
        Some(object) => replaced(settings, &object),
        None => settings.clone(),
    };
    connector.open(settings, &Opening::new(name.clone(), clock.clone()))
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
                // Long and in base64, as most vendors' keys are.
                if url {
                    "https://vendor.example".into()
                } else {
                    "cGxhY2Vob2xkZXItc2VjcmV0".into()
                }
            }
            (value, Some(Type::Object(object))) => replaced(value, object),
            (value, _) => value.clone(),
        };
        (name.clone(), value)
    };
    Value::Object(map.iter().map(of).collect())
}
