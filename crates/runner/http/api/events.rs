//! Server-sent events: which job now stands where, as it happens. No names, no values: whoever wants more asks.

use std::convert::Infallible;

use axum::response::{
    IntoResponse,
    sse::{Event, KeepAlive, Sse},
};
use engine::Notice;
use futures_util::stream;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use crate::http::{openapi::News, permission::Viewer, problem::Problem};

pub async fn listen(may: Viewer) -> Result<News, Problem> {
    let notices = may.site.service.engine.notices();
    let stop = may.site.service.stop.clone();
    let access = (may.site.service.clone(), may.person);
    let events = stream::unfold((notices, stop, access), async |(mut notices, stop, access)| {
        let notice = tokio::select! {
            () = stop.cancelled() => return None,
            notice = notices.recv() => notice,
        };
        // A token that was taken back hears no more.
        let known = access.0.access.tokens().iter().any(|token| token.name == access.1.name);
        let event = match notice {
            _ if !known => return None,
            Ok(notice) => told(&notice),
            // Some were missed: whoever listens looks again at what it shows.
            Err(RecvError::Lagged(_)) => Event::default().event("missed").data("{}"),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok::<_, Infallible>(event), (notices, stop, access)))
    });
    Ok(News(Sse::new(events).keep_alive(KeepAlive::default()).into_response()))
}

fn told(notice: &Notice) -> Event {
    let Notice { job, recipe, status, .. } = notice;
    let data = json!({ "job": job, "recipe": recipe, "status": status });
    Event::default().event("job").data(data.to_string())
}
