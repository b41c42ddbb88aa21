//! The `log` connector: lines in the program's own log.

use std::sync::Arc;

use connector::{Action, Call, Connector, Failure, http::redact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) fn connector() -> Connector {
    Connector::without_connection("log", "Lines in the log of recipe-runner.").action(
        Action::write(
            "write",
            "Writes a line to the log; what looks like a token, an e-mail address or a telephone number is cut.",
            write,
        )
        .idempotent(),
    )
}

#[derive(Deserialize, JsonSchema)]
struct Line {
    /// What to say.
    #[schemars(example = "{{ event.candidate.first_name }} was hired")]
    message: String,
    /// How loudly.
    #[serde(default)]
    level: Level,
}

#[derive(Deserialize, Serialize, JsonSchema, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Level {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

#[derive(Serialize, JsonSchema)]
struct Written {}

async fn write(_: Arc<()>, call: Call, line: Line) -> Result<Written, Failure> {
    let message = redact(&line.message);
    let step = &call.identity.path;
    match line.level {
        Level::Debug => tracing::debug!(target: "recipe", step, "{message}"),
        Level::Info => tracing::info!(target: "recipe", step, "{message}"),
        Level::Warn => tracing::warn!(target: "recipe", step, "{message}"),
        Level::Error => tracing::error!(target: "recipe", step, "{message}"),
    }
    Ok(Written {})
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Mutex;

    use connector::{Clock, EffectSpec, Identity, ManualClock, Opening, jiff::Timestamp};
    use serde_json::json;
    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span,
    };

    use super::*;

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Visit for &Kept {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            self.0.lock().unwrap().push(format!("{}={value:?}", field.name()));
        }
    }

    impl Subscriber for Kept {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap().push(event.metadata().level().to_string());
            event.record(&mut { self });
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[tokio::test]
    async fn a_line_reaches_the_log_at_its_level_without_secrets() {
        let kept = Kept::default();
        let _guard = tracing::subscriber::set_default(kept.clone());
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let connector = connector();
        let write = &connector.actions[0];
        assert_eq!(write.spec.effect, EffectSpec::Idempotent);
        let connection = connector.open(json!(null), &Opening::new("log", clock.clone())).unwrap();
        let call = Call::new(Identity { path: "tell".into(), ..Identity::default() }, clock);
        for input in [
            json!({ "message": "hired ada@example.com" }),
            json!({ "message": "odd", "level": "warn" }),
        ] {
            let prepared = write.prepare(&connection, &call, input.clone()).await.unwrap();
            assert_eq!(write.run(&connection, &call, input, prepared).await.unwrap(), json!({}));
        }
        let kept = kept.0.lock().unwrap().clone();
        assert_eq!(
            kept,
            ["INFO", "message=hired ***", "step=\"tell\"", "WARN", "message=odd", "step=\"tell\""]
        );
    }
}
