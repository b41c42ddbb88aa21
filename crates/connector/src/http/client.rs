//! The client of one connection to one host.

use std::sync::Arc;

use reqwest::Method;

use super::{
    download::{DownloadLimits, Downloaded},
    request::Request,
    settings::ClientSettings,
};
use crate::{call::Call, connector::Opening, failure::Failure};

/// The client of one connection to one host; clones share their limits.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: ClientSettings,
}

impl Client {
    /// Returns a client. Does no I/O.
    pub fn new(settings: ClientSettings, opening: &Opening) -> Result<Self, Failure> {
        let _ = opening;
        Ok(Self { shared: Arc::new(Shared { settings }) })
    }

    /// Returns what it was made with.
    pub fn settings(&self) -> &ClientSettings {
        &self.shared.settings
    }

    /// Begins a request to `path` below the base URL; encode what is put into it with [`segment`](super::segment).
    /// An absolute URL is taken when it lies below the base URL, as the link to a next page does.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let _ = (method, path);
        unimplemented!()
    }

    /// Begins a GET.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// Begins a POST.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// Begins a PATCH.
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    /// Begins a PUT.
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// Begins a DELETE.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// Downloads a file from anywhere public, over https and without credentials, into a temporary file.
    ///
    /// The URL is treated as a secret: its query is shown nowhere.
    pub async fn download(
        &self,
        url: &str,
        call: &Call,
        limits: DownloadLimits,
    ) -> Result<Downloaded, Failure> {
        let _ = (url, call, limits);
        unimplemented!()
    }
}
