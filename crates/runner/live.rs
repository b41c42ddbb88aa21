//! The running service: an engine with its doors open (hooks, pages, control socket), its watchers, and its end.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{
    control, exit::Trouble, hooks, notify, pages, reload, request::Running, serve, service::Service,
};

/// A running service. It ends with [`end`](Self::end); dropping it alone leaves its jobs to the next start.
pub struct Live {
    /// What it runs.
    pub service: Arc<Service>,
    doors: TaskTracker,
}

impl Live {
    /// Opens the doors of a service whose store is open, then goes on with unfinished jobs. `listener` replaces the address in
    /// `runner.yaml`.
    pub async fn begin(
        service: Arc<Service>,
        listener: Option<TcpListener>,
    ) -> Result<Self, Trouble> {
        let runner = service.engine.deployment().project.runner.clone();
        let listener = match listener {
            Some(listener) => listener,
            None => TcpListener::bind(&runner.listen).await.map_err(|error| {
                Trouble::cannot(format!("cannot listen at `{}`: {error}", runner.listen))
                    .cure("write another address as `listen` into runner.yaml")
            })?,
        };
        let listen =
            listener.local_addr().map_or_else(|_| runner.listen.clone(), |at| at.to_string());
        let control = control::bind(&service.dir.join(&runner.data_dir))?;
        let page = pages::Token::make()?;
        let public_url = runner.public_url.clone().unwrap_or_else(|| format!("http://{listen}"));
        service.set_running(Running {
            process: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
            since: service.engine.clock().now(),
            page: format!("http://{listen}/jobs?token={}", page.text()),
            public_url: public_url.trim_end_matches('/').into(),
            listen,
        });

        let engine = Arc::new(service.engine.clone());
        let routes = hooks::routes(engine, service.engine.clock().clone(), hooks::LARGEST_BODY)
            .merge(pages::routes(service.clone(), &page));
        let doors = TaskTracker::new();
        doors.spawn(serve::serve(listener, routes, service.stop.clone()));
        doors.spawn(control::serve(control, service.clone(), service.stop.clone()));
        doors.spawn(reload::watch(service.clone()));
        doors.spawn(notify::listen(service.clone()));
        if let Some(running) = service.running() {
            tracing::info!(listen = running.listen, process = running.process, "the service runs");
        }
        service.engine.resume();
        Ok(Self { service, doors })
    }

    /// Closes the doors once every request is answered, and ends once calls in flight are journaled.
    pub async fn end(self) {
        self.service.stop.cancel();
        self.doors.close();
        self.doors.wait().await;
        self.service.engine.stop().await;
    }
}

/// Returns how long ago that was, for people.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..=1 => "just now".into(),
        2..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        7200..=172_799 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let now = Timestamp::from_second(10_000_000).unwrap_or_default();
        let told = |seconds: i64| {
            ago(now, Timestamp::from_second(10_000_000 - seconds).unwrap_or_default())
        };
        assert_eq!(told(0), "just now");
        assert_eq!(told(-5), "just now");
        assert_eq!(told(90), "90 s ago");
        assert_eq!(told(600), "10 min ago");
        assert_eq!(told(7200), "2 h ago");
        assert_eq!(told(172_800), "2 days ago");
    }
}
