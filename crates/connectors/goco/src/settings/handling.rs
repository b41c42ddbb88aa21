//! How a connection handles what it reads and sends: documents, comparisons, statuses, limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::texts;

/// How documents are uploaded.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Documents {
    /// What is sent.
    pub mode: DocumentMode,
    /// The property of the file, in a form.
    pub file_field: String,
    /// The property of the file's name.
    pub name_field: String,
    /// The property of the content type, in JSON.
    pub content_type_field: String,
    /// The property of the base64 text, in JSON.
    pub content_field: String,
    /// The property of the link, in JSON.
    pub url_field: String,
    /// The property of the document's type (`resume`); null does not send it.
    pub type_field: Option<String>,
    /// Properties that every document gets as they are.
    pub extra: Map<String, Value>,
    /// Where a new document's id is, first match wins.
    pub id_pointers: Vec<String>,
    /// The most bytes a document may have: 25 MiB.
    pub max_bytes: u64,
    /// How long an upload may take.
    pub timeout_ms: u32,
}

impl Default for Documents {
    fn default() -> Self {
        Self {
            mode: DocumentMode::Multipart,
            file_field: "file".into(),
            name_field: "name".into(),
            content_type_field: "content_type".into(),
            content_field: "content".into(),
            url_field: "url".into(),
            type_field: None,
            extra: Map::new(),
            id_pointers: texts(&["/id", "/data/id", "/document/id"]),
            max_bytes: 25 << 20,
            timeout_ms: 120_000,
        }
    }
}

/// What is sent of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentMode {
    /// A form with the file.
    #[default]
    Multipart,
    /// JSON with the content as base64.
    Base64Json,
    /// JSON with the link, which GoCo then fetches by itself.
    UrlJson,
    /// Nothing: documents are left out.
    Off,
}

/// How people and labels are compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Matching {
    /// How the labels of departments, locations and job titles are compared. GoCo says "the same" and "exactly".
    /// (Confirmed.)
    pub labels: Labels,
    /// The statuses of people who have left, in any case. (Assumed.)
    pub terminated_statuses: Vec<String>,
    /// Parts of a 422's text that mean that the person exists already, in any case. (Assumed.)
    pub duplicate_texts: Vec<String>,
    /// How long the reference lists are kept before they are read again. A label that is not found is always looked
    /// for in a fresh list.
    pub cache_seconds: u32,
}

impl Default for Matching {
    fn default() -> Self {
        Self {
            labels: Labels::Exact,
            terminated_statuses: texts(&["terminated", "inactive", "former"]),
            duplicate_texts: texts(&[
                "already been taken",
                "already exists",
                "already in use",
                "duplicate",
            ]),
            cache_seconds: 600,
        }
    }
}

/// How labels are compared, once trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// Letter by letter.
    #[default]
    Exact,
    /// In any case.
    IgnoreCase,
}

/// What HTTP statuses mean. 408, 425 and every 5xx mean that GoCo is in trouble: a read is tried again, a write is
/// looked up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Statuses {
    /// The key is not accepted.
    pub auth: Vec<u16>,
    /// There is no such company, path or person.
    pub not_found: Vec<u16>,
    /// What was sent is refused.
    pub validation: Vec<u16>,
    /// The person exists already.
    pub duplicate: Vec<u16>,
    /// Too many requests, nothing was done. A 503 is not among them, because on a write nobody can tell.
    pub throttle: Vec<u16>,
}

impl Default for Statuses {
    fn default() -> Self {
        Self {
            auth: vec![401, 403],
            not_found: vec![404],
            validation: vec![400, 406, 422],
            duplicate: vec![409],
            throttle: vec![429],
        }
    }
}

/// How much is asked of GoCo at once, by all recipes together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most requests under way at once.
    pub max_concurrency: u32,
    /// The least time between the starts of two requests.
    pub min_interval_ms: u32,
    /// How long GoCo may take to answer.
    pub timeout_ms: u32,
    /// The most bytes of an answer: 32 MiB.
    pub max_answer_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_concurrency: 2,
            min_interval_ms: 500,
            timeout_ms: 30_000,
            max_answer_bytes: 32 << 20,
        }
    }
}
