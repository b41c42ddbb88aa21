//! The running service: an engine with its doors open (hooks, pages, control socket), its watchers, and its end.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{
    control, exit::Trouble, hooks, http, notify, reload, request::Running, serve, service::Service,
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
            None => bind("listen", &runner.listen, runner.behind_proxy).await?,
        };
        let hooks_listener = match &runner.listen_hooks {
            Some(address) => Some(bind("listen_hooks", address, runner.behind_proxy).await?),
            None => None,
        };
        let (listen, listens_at) = address(&listener, &runner.listen);
        let hooks_at = match &hooks_listener {
            Some(listener) => address(listener, &runner.listen).0,
            None => listen.clone(),
        };
        let control = control::bind(&service.dir.join(&runner.data_dir))?;
        let public_url = runner.public_url.clone().unwrap_or_else(|| format!("http://{listen}"));
        service.set_running(Running {
            process: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
            since: service.engine.clock().now(),
            page: format!("http://{listen}/"),
            hooks: runner
                .public_url
                .clone()
                .unwrap_or_else(|| format!("http://{hooks_at}"))
                .trim_end_matches('/')
                .into(),
            public_url: public_url.trim_end_matches('/').into(),
            listen,
        });

        let engine = Arc::new(service.engine.clone());
        let hooks = hooks::routes(engine, service.engine.clock().clone(), hooks::LARGEST_BODY);
        let hosts = http::Hosts::of(&public_url, listens_at, runner.behind_proxy);
        let site = http::routes(service.clone(), hosts);
        let doors = TaskTracker::new();
        match hooks_listener {
            None => {
                doors.spawn(serve::serve(listener, hooks.merge(site), service.stop.clone()));
            }
            Some(own) => {
                doors.spawn(serve::serve(own, hooks, service.stop.clone()));
                doors.spawn(serve::serve(listener, site, service.stop.clone()));
            }
        }
        let commands = http::for_the_owner(service.clone());
        doors.spawn(control::serve(control, commands, service.stop.clone()));
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
        self.service.engine.stop_replying();
        self.doors.close();
        self.doors.wait().await;
        self.service.engine.stop().await;
    }
}

/// Opens a listener. Where others could reach it, there must be a proxy that speaks TLS: people's data must not travel
/// in the clear.
async fn bind(key: &str, address: &str, behind_proxy: bool) -> Result<TcpListener, Trouble> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Trouble::cannot(format!("cannot listen at `{address}`: {error}"))
            .cure(format!("write another address as `{key}` into runner.yaml"))
    })?;
    let is_loopback = listener.local_addr().is_ok_and(|at| at.ip().is_loopback());
    if is_loopback || behind_proxy {
        return Ok(listener);
    }
    Err(Trouble::cannot(format!(
        "`{key}: {address}` can be reached from other machines, and this program speaks no TLS"
    ))
    .cure("listen at `127.0.0.1`, and let a proxy on this machine speak https")
    .cure("if a proxy that speaks https stands in front on another machine, say so in runner.yaml: `behind_proxy: true`"))
}

/// Returns where it listens; and once more, if that is a name by which others ask it.
fn address(listener: &TcpListener, otherwise: &str) -> (String, Option<String>) {
    let Ok(at) = listener.local_addr() else { return (otherwise.into(), None) };
    let is_name = !at.ip().is_loopback() && !at.ip().is_unspecified();
    (at.to_string(), is_name.then(|| at.to_string()))
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
