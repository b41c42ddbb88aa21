//! Notifications: a job that needs attention or asks a question, or a recipe that keeps failing, is told to the webhook
//! in `runner.yaml`.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use connector::{
    Call, Failure, Identity, Opening,
    http::{Client, ClientSettings},
};
use engine::{Choice, Kind, Notice, Status};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::{mask, references::Lookup, service::Service};

/// A recipe keeps failing when that many of its jobs have failed in a row.
const IN_A_ROW: u32 = 3;
/// The waits before a notification is sent again; after the last it is given up and logged.
const WAITS: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_mins(2)];

/// Listens to the engine until the service stops.
pub async fn listen(service: Arc<Service>) {
    let mut notices = service.engine.notices();
    let mut watch = Watch::default();
    loop {
        let notice = tokio::select! {
            () = service.stop.cancelled() => return,
            notice = notices.recv() => notice,
        };
        match notice {
            Ok(notice) => {
                let worth = watch.message(&notice, &service);
                for message in questions(&notice, &service).into_iter().chain(worth) {
                    tokio::spawn(tell(service.clone(), notice.clone(), message));
                }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "some notifications were missed; `status` knows all");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// What was told already: nobody wants the same message at every step.
#[derive(Debug, Default)]
struct Watch {
    told: HashSet<i64>,
    failed_in_a_row: HashMap<String, u32>,
}

/// What is worth telling.
#[derive(Debug, PartialEq, Eq)]
enum Worth {
    Attention,
    KeepsFailing(u32),
}

impl Watch {
    fn worth(&mut self, job: i64, recipe: &str, status: Status) -> Option<Worth> {
        if status == Status::NeedsAttention {
            return self.told.insert(job).then_some(Worth::Attention);
        }
        self.told.remove(&job);
        match status {
            Status::Failed => {
                let count = self.failed_in_a_row.entry(recipe.to_owned()).or_default();
                *count += 1;
                // Then at 6, 12, 24 …: a message a night is read, a message a job is not.
                let multiple = *count / IN_A_ROW;
                (count.is_multiple_of(IN_A_ROW) && multiple.is_power_of_two())
                    .then_some(Worth::KeepsFailing(*count))
            }
            Status::Succeeded => {
                self.failed_in_a_row.remove(recipe);
                None
            }
            _ => None,
        }
    }

    fn message(&mut self, notice: &Notice, service: &Service) -> Option<Value> {
        let Notice { job, recipe, label, status, note, .. } = notice;
        let url = service.running().map(|running| format!("{}/jobs/{job}", running.public_url));
        let (kind, text) = match self.worth(job.0, recipe, *status)? {
            Worth::Attention => (
                "job_needs_attention",
                format!("{recipe}: job {job} ({label}) needs attention: {note}"),
            ),
            Worth::KeepsFailing(count) => (
                "recipe_keeps_failing",
                format!(
                    "{recipe}: {count} jobs have failed in a row, the last one {job} ({label}): {note}"
                ),
            ),
        };
        Some(json!({
            "text": text, "kind": kind, "recipe": recipe, "job": job, "label": label,
            "status": status, "note": note, "url": url,
        }))
    }
}

/// Returns what to tell of the questions that a job has just come to: somebody must answer them.
fn questions(notice: &Notice, service: &Service) -> Vec<Value> {
    let Notice { job, recipe, label, status, note, entries } = notice;
    let asked = entries.iter().filter_map(|entry| match &entry.kind {
        Kind::Chose { choice: Choice::Asked { ask, .. } } => Some((&entry.path, ask)),
        _ => None,
    });
    asked
        .map(|(step, ask)| {
            let url = service.running().map(|running| format!("{}/jobs/{job}", running.public_url));
            let text = format!(
                "{recipe}: job {job} ({label}) asks: {ask} Answer on its page, or with `recipe-runner jobs answer \
                 {job} {step} …`"
            );
            json!({
                "text": text, "kind": "job_asks", "recipe": recipe, "job": job, "label": label,
                "status": status, "note": note, "url": url, "step": step, "ask": ask,
            })
        })
        .collect()
}

/// Sends a message without what the job's recipe masks.
async fn tell(service: Arc<Service>, notice: Notice, mut message: Value) {
    match service.hidden_of(notice.job.0, &notice.recipe).await {
        Ok(hidden) => {
            for part in ["text", "label", "note", "ask"] {
                if let Some(part) = message.get_mut(part) {
                    mask::hide_values(part, &hidden);
                }
            }
        }
        Err(trouble) => {
            tracing::error!(
                why = trouble.message,
                "a notification is not sent: nobody can say what is masked in it"
            );
            return;
        }
    }
    send(service, message).await;
}

async fn send(service: Arc<Service>, message: Value) {
    let Some(webhook) = service.engine.deployment().project.runner.notify_webhook.clone() else {
        return;
    };
    let mut waits = WAITS.into_iter();
    loop {
        let Err(why) = post(&service, &webhook, &message).await else { return };
        let Some(wait) = waits.next() else {
            tracing::error!(why, "a notification could not be sent and is given up");
            return;
        };
        tracing::warn!(why, "a notification could not be sent; trying again");
        tokio::select! {
            () = service.stop.cancelled() => return,
            () = service.engine.clock().sleep(wait) => {}
        }
    }
}

async fn post(service: &Service, webhook: &str, message: &Value) -> Result<(), String> {
    let lookup = Lookup { dir: &service.dir, variable: &service.variable };
    let url = lookup.resolve(webhook).map_err(|why| format!("`{webhook}`: {why}"))?;
    let told = |failure: Failure| failure.message;
    let mut settings = ClientSettings::new(&url).map_err(told)?;
    // Who runs the service chose the address; a chat in the same network is as good as any.
    settings.allow_private_addresses = true;
    let clock = service.engine.clock().clone();
    let opening = Opening::new("notifications", clock.clone());
    let client = Client::new(settings, &opening).map_err(told)?;
    let call = Call::new(Identity::default(), clock);
    client
        .post("")
        .doing("sending a notification")
        .json(message)
        .send(&call)
        .await
        .map_err(told)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use super::*;

    #[test]
    fn a_job_that_needs_attention_is_told_once_until_it_goes_on() {
        let mut watch = Watch::default();
        assert_eq!(watch.worth(1, "hire", Status::NeedsAttention), Some(Worth::Attention));
        assert_eq!(watch.worth(1, "hire", Status::NeedsAttention), None);
        assert_eq!(watch.worth(1, "hire", Status::Running), None);
        assert_eq!(watch.worth(1, "hire", Status::NeedsAttention), Some(Worth::Attention));
    }

    #[tokio::test]
    async fn what_is_told_arrives() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = tempfile::tempdir().unwrap();
        crate::init::write(dir.path()).unwrap();
        let service = Service::open(dir.path(), |_| None).await.unwrap();
        let (arrived, mut arrives) = tokio::sync::mpsc::channel::<Value>(1);
        let chat = axum::Router::new().route(
            "/hook",
            axum::routing::post(|axum::Json(message): axum::Json<Value>| async move {
                arrived.send(message).await.unwrap();
            }),
        );
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        fs::write(dir.path().join("chat"), url).unwrap();
        tokio::spawn(crate::serve::serve(listener, chat, service.stop.clone()));

        let message = json!({ "text": "job 7 needs attention" });
        post(&service, "file:chat", &message).await.unwrap();
        assert_eq!(arrives.recv().await.unwrap(), message);
        let why = post(&service, "env:CHAT", &message).await.unwrap_err();
        assert_eq!(why, "`env:CHAT`: the variable is not set");
        service.stop.cancel();
        service.engine.stop().await;
    }

    #[test]
    fn a_recipe_that_keeps_failing_is_told_ever_more_rarely() {
        let mut watch = Watch::default();
        let told: Vec<u32> = (1..=30)
            .filter(|job| watch.worth((*job).into(), "hire", Status::Failed).is_some())
            .collect();
        assert_eq!(told, [3, 6, 12, 24]);
        assert_eq!(watch.worth(31, "hire", Status::Succeeded), None);
        assert_eq!(watch.worth(32, "hire", Status::Failed), None);
    }
}
