//! Attachment links: signed, without credentials, good for seven days, like those of the object store behind the real
//! thing.

use connector::{Secret, hmac, http::segment, jiff::Timestamp};

use super::{
    account::{Account, Attachment},
    answer::Answer,
};

/// Where files lie.
pub(super) const ROOT: &str = "/files/";

/// Returns a link to an attachment, made now.
pub(super) fn link(
    origin: &str,
    attachment: &Attachment,
    now: Timestamp,
    live_seconds: i64,
) -> String {
    let (id, date) = (attachment.id, now.as_second());
    format!(
        "{origin}{ROOT}{id}/{}?X-Amz-Date={date}&X-Amz-Expires={live_seconds}&X-Amz-Signature={}",
        segment(&attachment.filename),
        signature(id, date, live_seconds)
    )
}

/// Answers a request for a file.
pub(super) fn fetch(
    account: &Account,
    path: &str,
    query: &[(String, String)],
    now: Timestamp,
) -> Answer {
    let parameter =
        |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let number = |name: &str| parameter(name).and_then(|value| value.parse::<i64>().ok());
    let id = path.strip_prefix(ROOT).and_then(|rest| rest.split('/').next()?.parse::<u64>().ok());
    let (Some(id), Some(date), Some(live)) = (id, number("X-Amz-Date"), number("X-Amz-Expires"))
    else {
        return denied("AccessDenied", "Access Denied");
    };
    if parameter("X-Amz-Signature") != Some(&signature(id, date, live)) {
        return denied(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
        );
    }
    if now.as_second() >= date + live {
        return denied("AccessDenied", "Request has expired");
    }
    let mut attachments = account.candidates.iter().flat_map(|candidate| &candidate.attachments);
    match attachments.find(|attachment| attachment.id == id) {
        None => Answer { status: 404, ..denied("NoSuchKey", "The specified key does not exist.") },
        Some(attachment) => Answer {
            status: 200,
            headers: Vec::new(),
            content_type: content_type(&attachment.filename),
            body: attachment.content.clone(),
        },
    }
}

fn denied(code: &str, message: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Answer {
        status: 403,
        headers: Vec::new(),
        content_type: "application/xml",
        body: body.into_bytes(),
    }
}

fn signature(id: u64, date: i64, live: i64) -> String {
    let key = Secret::new("the sandbox's own, known to everybody");
    hmac::sign_sha256_hex(&key, format!("{id}/{date}/{live}").as_bytes())
}

fn content_type(filename: &str) -> &'static str {
    match filename.rsplit('.').next() {
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}
