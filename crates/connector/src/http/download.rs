//! Files fetched into temporary files, without credentials.

use std::{io, sync::Arc, time::Duration};

use reqwest::header::{CONTENT_TYPE, LOCATION};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use url::Url;

use super::{
    address::check_url,
    client::{after, left},
    fault::Fault,
    recording::Replayed,
    retry_after::asked_wait,
    settings::ClientSettings,
    told::Told,
};
use crate::{call::Call, clock::Clock, failure::Failure, hmac::hex};

/// How often a download is redirected before that is called going round in circles.
const MAX_REDIRECTS: usize = 5;

/// What a download may take.
#[derive(Debug, Clone, Copy)]
pub struct DownloadLimits {
    /// The most bytes: 25 MiB.
    pub max_bytes: u64,
    /// How long it may take in all: 5 min.
    pub timeout: Duration,
}

impl Default for DownloadLimits {
    fn default() -> Self {
        Self { max_bytes: 25 << 20, timeout: Duration::from_mins(5) }
    }
}

/// A file that was downloaded; it is removed when this is dropped.
#[derive(Debug)]
pub struct Downloaded {
    /// Where it lies.
    pub file: NamedTempFile,
    /// Its length.
    pub len: u64,
    /// The SHA-256 of its content, in lower-case hex.
    pub sha256_hex: String,
    /// What the host says it is.
    pub content_type: Option<String>,
}

impl Downloaded {
    /// Returns its content.
    pub async fn content(&self) -> Result<Vec<u8>, Failure> {
        tokio::fs::read(self.file.path()).await.map_err(|problem| {
            Failure::transient(
                "unreadable_file",
                format!("the temporary file cannot be read: {problem}"),
            )
        })
    }
}

/// Fetches a file from anywhere public; redirects are followed anywhere public too, there being no credentials.
pub(super) async fn download(
    sender: &reqwest::Client,
    settings: &ClientSettings,
    clock: &dyn Clock,
    url: &str,
    call: &Call,
    limits: DownloadLimits,
) -> Result<Downloaded, Failure> {
    let mut told = Told::discreet("downloading a file");
    let mut url = Url::parse(url).map_err(|problem| {
        Failure::permanent("invalid_request", format!("the file's URL cannot be read: {problem}"))
    })?;
    if let Some(recorded) = call.wire.download(&url) {
        return save_recorded(&recorded?, &told, settings, clock, call).await;
    }
    call.wire.downloads(&url)?;
    let deadline = after(clock.now(), limits.timeout);
    for _ in 0..=MAX_REDIRECTS {
        check_url(&url, settings.allow_private_addresses)?;
        told.went_to(&url);
        let sent = sender.get(url.clone()).timeout(left(clock.now(), deadline)).send().await;
        let response = sent.map_err(|problem| told.not_answered(&problem, limits.timeout, call))?;
        told.answered(response.status(), response.headers());
        if let (true, Some(location)) =
            (response.status().is_redirection(), response.headers().get(LOCATION))
        {
            let to = location.to_str().ok().and_then(|location| url.join(location).ok());
            url = to.ok_or_else(|| {
                told.fault(Fault::Redirected, "redirects to what is no URL", call)
            })?;
            continue;
        }
        if !response.status().is_success() {
            let class = settings.statuses.class_of(response.status().as_u16());
            let fault = Fault::Status(class, asked_wait(response.headers(), clock.now()));
            return Err(told.status(fault, b"", call));
        }
        call.wire.keep_download(&url, response.headers());
        return save(response, &told, call, limits).await;
    }
    Err(told.fault(Fault::Redirected, "redirects again and again", call))
}

async fn save(
    mut response: reqwest::Response,
    told: &Told,
    call: &Call,
    limits: DownloadLimits,
) -> Result<Downloaded, Failure> {
    let too_large = || {
        let why = format!("sent more than the {} bytes allowed", limits.max_bytes);
        told.fault(Fault::TooLarge, &why, call)
    };
    if response.content_length().is_some_and(|len| len > limits.max_bytes) {
        return Err(too_large());
    }
    let content_type =
        response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(Into::into);
    let file = NamedTempFile::new().map_err(unwritable)?;
    let mut writer = tokio::fs::File::from_std(file.reopen().map_err(unwritable)?);
    let (mut len, mut hash) = (0, Sha256::new());
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) =
            chunk.map_err(|problem| told.not_answered(&problem, limits.timeout, call))?
        else {
            break;
        };
        len += chunk.len() as u64;
        if len > limits.max_bytes {
            return Err(too_large());
        }
        hash.update(&chunk);
        writer.write_all(&chunk).await.map_err(unwritable)?;
    }
    writer.flush().await.map_err(unwritable)?;
    Arc::new(told.clone()).keep(call);
    Ok(Downloaded { file, len, sha256_hex: hex(&hash.finalize()), content_type })
}

/// Saves what a recording has for a file.
async fn save_recorded(
    recorded: &Replayed,
    told: &Told,
    settings: &ClientSettings,
    clock: &dyn Clock,
    call: &Call,
) -> Result<Downloaded, Failure> {
    if !recorded.status.is_success() {
        let class = settings.statuses.class_of(recorded.status.as_u16());
        let fault = Fault::Status(class, asked_wait(&recorded.headers, clock.now()));
        return Err(told.status(fault, b"", call));
    }
    let file = NamedTempFile::new().map_err(unwritable)?;
    tokio::fs::write(file.path(), &recorded.body).await.map_err(unwritable)?;
    let content_type = recorded.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    Ok(Downloaded {
        file,
        len: recorded.body.len() as u64,
        sha256_hex: hex(&Sha256::digest(&recorded.body)),
        content_type: content_type.map(Into::into),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it has the form that `map_err` takes")]
fn unwritable(problem: io::Error) -> Failure {
    Failure::transient(
        "unwritable_file",
        format!("the temporary file cannot be written: {problem}"),
    )
    .hint("Look whether there is room where temporary files lie.")
}
