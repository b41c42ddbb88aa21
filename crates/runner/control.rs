//! The control socket: the API over a Unix socket in the data folder, for commands.
//!
//! It is open to its owner only; that it can be opened is the permission of an admin, and to do what is done at this
//! machine alone.

use std::{
    fs,
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
};

use axum::Router;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::{exit::Trouble, serve};

/// The most bytes that fit into a socket's address on every system we know.
const LONGEST_ADDRESS: usize = 100;

/// Binds the control socket of a data folder whose lock we hold; a socket left behind by a killed process is replaced.
pub fn bind(data_dir: &Path) -> Result<UnixListener, Trouble> {
    let path = data_dir.join("control.sock");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Trouble::file("replace", &path, &error));
        }
        _ => {}
    }
    let address = Address::of(&path)?;
    let listener = UnixListener::bind(&address.path)
        .map_err(|error| Trouble::file("listen at", &path, &error))?;
    fs::set_permissions(&address.path, fs::Permissions::from_mode(0o600))
        .map_err(|error| Trouble::file("protect", &path, &error))?;
    Ok(listener)
}

/// Answers commands until `stop`.
pub async fn serve(listener: UnixListener, routes: Router, stop: CancellationToken) {
    serve::serve(listener, routes, stop).await;
}

/// A running service, as seen by a command.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// Returns the service that runs in that data folder, if one answers.
    pub async fn find(data_dir: &Path) -> Result<Option<Self>, Trouble> {
        let path = data_dir.join("control.sock");
        let address = Address::of(&path);
        match address {
            Err(_) if !path.exists() => return Ok(None),
            _ => {}
        }
        match UnixStream::connect(&address?.path).await {
            Ok(_) => Ok(Some(Self { path })),
            Err(error) => match error.kind() {
                // Reset: it closed its socket while we stood in the queue.
                std::io::ErrorKind::NotFound
                | std::io::ErrorKind::ConnectionRefused
                | std::io::ErrorKind::ConnectionReset => Ok(None),
                _ => Err(Trouble::file("open", &path, &error)
                    .cure("run the command as the user the service runs as")),
            },
        }
    }

    /// Sends one request, and returns the status and the body of the answer.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Trouble> {
        let gone = |error: &dyn std::fmt::Display| {
            Trouble::cannot(format!("the service does not answer: {error}"))
        };
        let address = Address::of(&self.path)?;
        let stream = UnixStream::connect(&address.path).await.map_err(|error| gone(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| gone(&error))?;
        let driving = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|error| gone(&error))?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| gone(&error))?.to_bytes();
        drop(sender);
        driving.abort();
        Ok((status, bytes))
    }
}

/// A path short enough for a socket. A longer one is reached through a descriptor of its folder.
struct Address {
    path: PathBuf,
    _folder: Option<fs::File>,
}

impl Address {
    fn of(path: &Path) -> Result<Self, Trouble> {
        if path.as_os_str().len() <= LONGEST_ADDRESS {
            return Ok(Self { path: path.into(), _folder: None });
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Trouble::cannot(format!("`{}` is no path of a socket", path.display())));
        };
        let open = fs::File::open(folder).map_err(|error| Trouble::file("open", folder, &error))?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())).join(name);
        Ok(Self { path, _folder: Some(open) })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;
    use crate::{
        code::Code,
        desk::Desk,
        exit::Exit,
        http, init,
        request::{ServiceStatus, Switched},
        service::Service,
        story::Story,
    };

    #[tokio::test]
    async fn commands_reach_the_service_and_its_refusals_come_back() {
        let dir = tempfile::tempdir().unwrap();
        // Long enough that the socket is reached through a descriptor.
        let project = dir.path().join("a-folder-with-a-long-name".repeat(5));
        init::write(&project).unwrap();
        let data_dir = project.join(".recipe-runner");
        assert!(Client::find(&data_dir).await.unwrap().is_none());

        let secrets = |_: &str| Some("0123456789abcdef0123456789abcdef@acme.example".to_owned());
        let service = Service::open(&project, secrets).await.unwrap();
        let listener = bind(&data_dir).unwrap();
        let mode = fs::metadata(data_dir.join("control.sock")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let routes = http::for_the_owner(service.clone());
        let serving = tokio::spawn(serve(listener, routes, service.stop.clone()));

        let desk = Desk::Running(Client::find(&data_dir).await.unwrap().unwrap());
        let switch = |name: &str| json!({ "recipes": [name], "on": true });
        let switched: Vec<Switched> =
            desk.post("switch", &switch("greenhouse-hired-to-goco")).await.unwrap();
        assert_eq!(switched[0].url, "http://127.0.0.1:7117/hooks/greenhouse-hired-to-goco");
        assert!(switched[0].set_up.contains(&switched[0].url), "{}", switched[0].set_up);
        let status: ServiceStatus = desk.get("status").await.unwrap();
        assert!(status.recipes[0].on);

        let trouble = desk.get::<Story>("jobs/7").await.unwrap_err();
        assert_eq!((trouble.exit, trouble.code), (Exit::Usage, Code::NoJob));
        assert!(trouble.message.contains("no job 7"), "{trouble}");
        let trouble = desk.post::<Vec<Switched>>("switch", &switch("absent")).await.unwrap_err();
        assert_eq!(trouble.message, "there is no recipe `absent`");
        assert_eq!(trouble.cures, ["there is: greenhouse-hired-to-goco"]);
        let trouble = desk.get::<Story>("of/another/version").await.unwrap_err();
        assert_eq!((trouble.exit, trouble.code), (Exit::Usage, Code::NotFound));

        desk.post::<()>("stop", &json!({})).await.unwrap();
        serving.await.unwrap();
        service.engine.stop().await;
        assert!(Client::find(&data_dir).await.unwrap().is_none());
    }
}
