//! Uploading a document to an employee, once for the same content.
//!
//! GoCo names documents as an area of its API (confirmed); path, form and limits are assumed and come from the
//! settings.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use connector::{
    Action, Call, Failure, FailureKind, LookUp, View,
    http::{DownloadLimits, Downloaded, Multipart, Request},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    connection::Goco,
    json::{Id, dotted, dotted_text, first_at, put},
    lists::List,
    settings::DocumentMode,
};

/// The longest file name that is sent.
const LONGEST_NAME: usize = 120;

/// A document and whose it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadDocument {
    /// The employee's id.
    #[schemars(example = "{{ steps.employee.id }}")]
    pub employee_id: String,
    /// The file name. What no file system likes is replaced.
    #[schemars(example = "{{ document.filename }}")]
    pub name: String,
    /// Where the file is, open to whoever knows the link: no credentials are sent.
    #[schemars(example = "{{ document.url }}")]
    pub url: String,
    /// What it is, such as `resume`; sent where the connection sets `documents.type_field`.
    #[serde(default)]
    #[schemars(example = "{{ document.type }}")]
    pub r#type: Option<String>,
}

/// The uploaded document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UploadedDocument {
    /// Its id, where GoCo names one.
    pub id: Option<String>,
    /// The file name it was sent under.
    pub name: String,
    /// How many bytes it has; 0 when the connection leaves documents out.
    pub bytes: u64,
}

/// Returns the action `upload_document`.
pub(crate) fn action() -> Action {
    async fn prepare(
        goco: Arc<Goco>,
        call: Call,
        input: UploadDocument,
    ) -> Result<(String, Ready), Failure> {
        goco.fetch(&call, &input).await
    }
    async fn run(
        goco: Arc<Goco>,
        call: Call,
        input: UploadDocument,
        ready: Ready,
    ) -> Result<UploadedDocument, Failure> {
        goco.upload(&call, &input, ready).await
    }
    async fn look_up(
        goco: Arc<Goco>,
        call: Call,
        input: UploadDocument,
    ) -> Result<LookUp<UploadedDocument>, Failure> {
        goco.look_up_document(&call, &input).await
    }
    Action::prepared_write("upload_document", "Uploads a document to an employee", prepare, run)
        .look_up(Duration::from_mins(1), look_up)
        .settle_of(|goco: &Goco| Duration::from_secs(goco.settings.settle_seconds.into()))
}

/// A file ready to be sent; none when documents are left out.
struct Ready {
    name: String,
    file: Option<Downloaded>,
}

impl Goco {
    async fn fetch(&self, call: &Call, input: &UploadDocument) -> Result<(String, Ready), Failure> {
        let employee = input.employee_id.trim();
        if employee.is_empty() {
            return Err(Failure::permanent(
                "invalid_input",
                "there is no employee to upload the document to",
            )
            .hint("Give `employee_id`, for example the id from `create_employee`."));
        }
        let name = safe_name(&input.name);
        let documents = &self.settings.documents;
        if documents.mode == DocumentMode::Off {
            return Ok((format!("{employee}/{name}/off"), Ready { name, file: None }));
        }
        let limits = DownloadLimits { max_bytes: documents.max_bytes, ..DownloadLimits::default() };
        let file = self
            .client
            .download(&input.url, call, limits)
            .await
            .map_err(|failure| not_fetched(failure, &name, documents.max_bytes))?;
        Ok((format!("{employee}/{name}/{}", file.sha256_hex), Ready { name, file: Some(file) }))
    }

    async fn upload(
        &self,
        call: &Call,
        input: &UploadDocument,
        ready: Ready,
    ) -> Result<UploadedDocument, Failure> {
        let Ready { name, file } = ready;
        let Some(file) = file else { return Ok(UploadedDocument { id: None, name, bytes: 0 }) };
        let documents = &self.settings.documents;
        let endpoint = &self.settings.paths.document_create;
        let request = self
            .write(endpoint.method, &self.path(&endpoint.path, input.employee_id.trim()))
            .timeout(Duration::from_millis(documents.timeout_ms.into()))
            .doing(format!("uploading `{name}` to GoCo"));
        let request = self.carry(request, input, &name, &file).await?;
        let answer = match request.send(call).await {
            Ok(answer) => answer,
            Err(failure) => return Err(self.refused_document(call, failure, &name, input).await),
        };
        // The document is there: an answer that cannot be read only costs the id. But a page is what a login or a proxy
        // shows, and then nobody knows.
        let page = answer.body.trim_ascii_start().starts_with(b"<");
        let body = match answer.value() {
            Err(failure) if page => return Err(failure),
            body => body.unwrap_or_default(),
        };
        let id = first_at((&body).into(), &documents.id_pointers, "", Id::read).map(|id| id.text());
        Ok(UploadedDocument { id, name, bytes: file.len })
    }

    async fn carry(
        &self,
        request: Request,
        input: &UploadDocument,
        name: &str,
        file: &Downloaded,
    ) -> Result<Request, Failure> {
        let documents = &self.settings.documents;
        let kind = file.content_type.as_deref().unwrap_or("application/octet-stream");
        let typed = documents
            .type_field
            .as_ref()
            .zip(input.r#type.as_ref().filter(|text| !text.trim().is_empty()));
        let mut properties: Vec<(&str, Value)> = match documents.mode {
            DocumentMode::Multipart | DocumentMode::Off => Vec::new(),
            DocumentMode::Base64Json => {
                let content = BASE64_STANDARD.encode(file.content().await?);
                vec![
                    (&documents.content_type_field, kind.into()),
                    (&documents.content_field, content.into()),
                ]
            }
            DocumentMode::UrlJson => vec![(&documents.url_field, input.url.as_str().into())],
        };
        properties.push((&documents.name_field, name.into()));
        properties.extend(typed.map(|(field, text)| (field.as_str(), json!(text.trim()))));
        properties
            .extend(documents.extra.iter().map(|(field, value)| (field.as_str(), value.clone())));
        if documents.mode == DocumentMode::Multipart {
            let mut form = Multipart::new();
            for (field, value) in properties {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                form = form.text(field, text);
            }
            return Ok(request.multipart(form.file(
                &documents.file_field,
                name,
                Some(kind),
                file.file.path(),
            )));
        }
        let mut body = Map::new();
        for (field, value) in properties {
            put(&mut body, field, value).map_err(|problem| {
                Failure::permanent("invalid_setting", format!("the document's {problem}"))
                    .hint("Look at `documents` of the connection.")
            })?;
        }
        Ok(request.json(&body))
    }

    async fn refused_document(
        &self,
        call: &Call,
        failure: Failure,
        name: &str,
        input: &UploadDocument,
    ) -> Failure {
        if failure.code == "invalid" {
            return failure.hint(format!(
                "GoCo does not take `{name}`. Upload it in GoCo by hand, in a format and size that GoCo takes."
            ));
        }
        let failure = self.explain(call, failure, "paths.document_create").await;
        if failure.code != "path_unknown" {
            return failure;
        }
        let failure = Failure { code: "not_found".into(), ..failure };
        failure.hint(format!(
            "Look whether GoCo still has the employee with the id `{}`. If so, GoCo takes documents elsewhere: look it \
             up at developers.goco.io and set `paths.document_create` of the connection.",
            input.employee_id.trim()
        ))
    }

    async fn look_up_document(
        &self,
        call: &Call,
        input: &UploadDocument,
    ) -> Result<LookUp<UploadedDocument>, Failure> {
        let Some(path) = &self.settings.paths.documents else {
            return Ok(LookUp::Inconclusive(
                "the connection knows no list of an employee's documents (`paths.documents`)"
                    .into(),
            ));
        };
        let path = self.path(path, input.employee_id.trim());
        let list = List { resource: "documents", setting: "paths.documents", path };
        let name = safe_name(&input.name);
        let documents = self.list(call, &list).await?;
        let field = self.field(&self.settings.documents.name_field);
        let same =
            |document: &View<'_>| dotted_text(*document, &field).as_deref() == Some(name.as_str());
        let Some(document) = documents.iter().find(same) else { return Ok(LookUp::Absent) };
        let id = dotted(document, &self.field(&self.settings.fields.id)).and_then(Id::read);
        let bytes = dotted(document, "size").and_then(View::as_u64).unwrap_or_default();
        Ok(LookUp::Found(UploadedDocument { id: id.map(|id| id.text()), name, bytes }))
    }
}

/// Says which file could not be fetched, and what to do about it.
fn not_fetched(mut failure: Failure, name: &str, max_bytes: u64) -> Failure {
    let status = failure.exchange.as_ref().and_then(|exchange| exchange.status);
    failure.message = format!("`{name}`: {}", failure.message);
    if failure.code == "answer_too_large" {
        failure.code = "too_large".into();
        return failure.hint(format!(
            "`{name}` is larger than the {} MB that the connection allows (`documents.max_bytes`). Upload it in GoCo \
             by hand.",
            max_bytes.div_ceil(1 << 20)
        ));
    }
    // Links to attachments live for some days; hosts answer an old one in each of these ways.
    if matches!(status, Some(401 | 403 | 404 | 410)) {
        failure.code = "link_expired".into();
        failure.kind = FailureKind::Permanent;
        return failure.hint(format!(
            "The link to `{name}` is no longer good; links to attachments live for some days only. Upload the file in \
             GoCo by hand, or let the recipe ask for a fresh link before it uploads."
        ));
    }
    failure
}

/// Returns a file name that no system trips over: no path, no control characters, not hidden, not too long.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|letter| !letter.is_control())
        .map(|letter| if "<>:\"|?*".contains(letter) { '_' } else { letter })
        .collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = words.trim_start_matches('.').trim();
    if name.is_empty() {
        return "document".into();
    }
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.chars().count() <= 10 => {
            (stem, format!(".{extension}"))
        }
        _ => (name, String::new()),
    };
    let room = LONGEST_NAME - extension.chars().count();
    format!("{}{extension}", stem.chars().take(room).collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_become_safe_and_keep_their_extension() {
        let table = [
            ("resume.pdf", "resume.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\Lebenslauf  2027.pdf", "Lebenslauf 2027.pdf"),
            (".hidden", "hidden"),
            ("a\u{0}b\r\nc.pdf", "abc.pdf"),
            ("what?.pdf", "what_.pdf"),
            ("", "document"),
            ("履歴書.pdf", "履歴書.pdf"),
        ];
        for (given, expected) in table {
            assert_eq!(safe_name(given), expected);
        }
        let long = safe_name(&format!("{}.pdf", "x".repeat(400)));
        assert_eq!(long.len(), LONGEST_NAME);
        assert!(long.ends_with("x.pdf"), "{long}");
    }
}
