//! The desk: where a command asks, whether a service runs or not. It asks the API either way: over the control socket,
//! or in this process.

use std::{fmt::Write as _, path::Path, sync::Arc};

use http_body_util::Full;
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HOST},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    control::Client,
    exit::Trouble,
    http::{self, BY, Problem},
    references,
    service::{self, Service},
};

/// Who answers a command.
pub enum Desk {
    /// The running service.
    Running(Client),
    /// This process, which holds the lock of the data folder.
    Here(Arc<Service>),
}

impl Desk {
    /// Finds the running service of a project, or opens its store in this process.
    pub async fn open(dir: &Path) -> Result<Self, Trouble> {
        match Client::find(&service::data_dir(dir)?).await? {
            Some(client) => Ok(Self::Running(client)),
            None => Ok(Self::Here(Service::open(dir, references::environment).await?)),
        }
    }

    /// Gets what is under `/api/v1/`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        self.ask(Method::GET, path, None).await
    }

    /// Has something done.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Trouble> {
        let body = serde_json::to_vec(body).expect("our own values serialise");
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Has something taken away.
    pub async fn delete(&self, path: &str) -> Result<(), Trouble> {
        self.ask(Method::DELETE, path, None).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<T, Trouble> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/{path}"))
            .header(HOST, "localhost")
            .header(BY, escaped(&person()));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let request = request.body(body).expect("what is not our own word is escaped");
        let (status, bytes) = match self {
            Self::Running(client) => client.send(request).await?,
            Self::Here(service) => http::ask_here(service, request).await,
        };
        read(status, &bytes)
    }

    /// Returns whether a service runs.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    /// Ends what this process began; everything is on disk when this returns.
    pub async fn close(self) {
        if let Self::Here(service) = self {
            service.engine.stop().await;
        }
    }
}

/// Returns who sits at this terminal, for the journal.
pub fn person() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(references::environment)
        .find(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "someone at the command line".into())
}

/// Returns a query with those of the fields that are given.
pub fn query(fields: &[(&str, Option<String>)]) -> String {
    let mut query = String::new();
    for (name, value) in fields {
        if let Some(value) = value {
            let sign = if query.is_empty() { '?' } else { '&' };
            write!(query, "{sign}{name}={}", escaped(value)).expect("writing to text cannot fail");
        }
    }
    query
}

/// Returns a text as a part of an address.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("writing to text cannot fail");
        }
    }
    escaped
}

fn read<T: DeserializeOwned>(status: StatusCode, bytes: &[u8]) -> Result<T, Trouble> {
    // An answer without a body says that it is done.
    let bytes: &[u8] = if bytes.is_empty() { b"null" } else { bytes };
    let strange = || {
        Trouble::cannot(format!(
            "the service answers in a way this program does not know ({status})"
        ))
        .cure("the service runs another version: end it with SIGTERM, then start it again")
    };
    if status.is_success() {
        return serde_json::from_slice(bytes).map_err(|_| strange());
    }
    let problem: Problem = serde_json::from_slice(bytes).map_err(|_| strange())?;
    Err(problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    #[test]
    fn an_answer_of_another_version_is_told_as_one() {
        let told = read::<Vec<String>>(StatusCode::OK, b"{}").map_err(|trouble| trouble.message);
        let words = "the service answers in a way this program does not know (200 OK)";
        assert_eq!(told, Err(words.into()));
        assert!(read::<()>(StatusCode::NOT_FOUND, b"").is_err());
        assert_eq!(read::<()>(StatusCode::NO_CONTENT, b"").map_err(|told| told.code), Ok(()));
    }

    #[test]
    fn a_refusal_is_told_with_its_cures() {
        let problem = br#"{"status":404,"code":"no_job","title":"Not Found","detail":"there is no job 7","hints":["x"]}"#;
        let trouble = read::<()>(StatusCode::NOT_FOUND, problem).err();
        assert_eq!(trouble, Some(Trouble::of(Code::NoJob, "there is no job 7").cure("x")));
    }

    #[test]
    fn what_people_write_reaches_the_service_as_they_wrote_it() {
        let text = query(&[("a", None), ("search", Some("Zoë & Søn/#1".into())), ("n", None)]);
        assert_eq!(text, "?search=Zo%C3%AB%20%26%20S%C3%B8n%2F%231");
    }
}
