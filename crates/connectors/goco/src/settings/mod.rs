//! The settings of a connection to GoCo.
//!
//! The grade of each fact is in its documentation: *confirmed* is GoCo's own word, *attested* comes from one merged
//! third-party integration (`aipotheosis-labs/aci`, `backend/apps/goco`), *likely* means that the capability is
//! attested and its shape assumed, *assumed* is what similar systems do.

mod api;
mod handling;

use std::collections::BTreeMap;

use connector::{
    Failure, Finding, Secret,
    jiff::{civil::Date, fmt::strtime},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

pub use api::{
    Auth, Endpoint, Fields, Method, Naming, Pagination, PagingMode, Paths, RefStyle, RefStyles,
};
pub use handling::{DocumentMode, Documents, Labels, Limits, Matching, Statuses};

/// A connection to one company in GoCo.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The API key, made in GoCo under Marketplace › API Credentials by a Full Access Admin. It may do everything in
    /// the company. (Confirmed.)
    pub api_key: Secret,
    /// The company's slug: `acme` in `https://secure.goco.io/companies/acme/home`. (That it is this slug is likely.)
    pub company: String,
    /// Where the API's paths begin. (Attested.)
    #[serde(default = "base_url")]
    pub base_url: String,
    /// Whether loopback and private addresses may be reached, for a sandbox or a gateway in the same network. Covers
    /// the addresses that documents are downloaded from.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// How the key is sent. (Confirmed.)
    #[serde(default)]
    pub auth: Auth,
    /// Headers sent with every request. No secrets here.
    #[serde(default)]
    pub extra_headers: BTreeMap<String, String>,
    /// The API's paths; `{company}` and `{employee_id}` are put in.
    #[serde(default)]
    pub paths: Paths,
    /// How an employee's properties are called. (Assumed.)
    #[serde(default)]
    pub fields: Fields,
    /// How words in property names are joined. (Assumed.)
    #[serde(default)]
    pub naming: Naming,
    /// Properties that every new employee gets as they are; dots nest.
    #[serde(default)]
    pub constants: Map<String, Value>,
    /// Whether an employee refers to a department and its like by id or by label. (Assumed.)
    #[serde(default)]
    pub ref_style: RefStyles,
    /// Where an entry of a reference list has its label, first match wins. (Assumed.)
    #[serde(default = "ref_label_pointers")]
    pub ref_label_pointers: Vec<String>,
    /// The employment types that GoCo accepts, when they are known. Others are refused before anything is sent.
    #[serde(default)]
    pub employment_types: Vec<String>,
    /// Parts of an employment type that mean a contractor. GoCo hires contractors in another way than employees
    /// (confirmed), so they are refused.
    #[serde(default = "contractor_words")]
    pub contractor_words: Vec<String>,
    /// The key that the body of a request is wrapped in. (Assumed: none.)
    #[serde(default)]
    pub request_wrap: Option<String>,
    /// Where a list is in an answer, first match wins; `{resource}` is `employees`, `departments` … (Assumed.)
    #[serde(default = "list_pointers")]
    pub list_pointers: Vec<String>,
    /// Where an object is in an answer, first match with an id wins; `{resource}` is `employee` or `document`.
    /// (Assumed.)
    #[serde(default = "object_pointers")]
    pub object_pointers: Vec<String>,
    /// How lists come in pages. (Assumed.)
    #[serde(default)]
    pub pagination: Pagination,
    /// How a start date is written. (Assumed.)
    #[serde(default = "date_format")]
    pub date_format: String,
    /// How documents are uploaded. (Assumed.)
    #[serde(default)]
    pub documents: Documents,
    /// How people and labels are compared.
    #[serde(default)]
    pub matching: Matching,
    /// What HTTP statuses mean. (Assumed.)
    #[serde(default)]
    pub status_classes: Statuses,
    /// Where an error's words are, as a text, a list, or a map of property to texts; first match wins. (Assumed.)
    #[serde(default = "error_pointers")]
    pub error_pointers: Vec<String>,
    /// How much is asked of GoCo at once. (Assumed: GoCo publishes no limits.)
    #[serde(default)]
    pub limits: Limits,
    /// How long GoCo may take to list a new employee. Only after it does absence from the list count as proof that a
    /// create without an answer did not happen. (Assumed.)
    #[serde(default = "settle_seconds")]
    pub settle_seconds: u32,
}

impl Settings {
    /// Says what cannot work, before anything is sent.
    pub(crate) fn validate(&self) -> Result<(), Failure> {
        let company = self.company.trim();
        if company.is_empty() || company.contains(['/', ' ', ':']) {
            return Err(wrong(format!("`company` is `{company}`, which is no slug")).hint(
                "Write only the part between `companies/` and the next `/` of the address GoCo shows in the browser.",
            ));
        }
        if self.api_key.expose().trim().is_empty() {
            return Err(wrong("`api_key` is empty")
                .hint("Make a key in GoCo under Marketplace › API Credentials."));
        }
        self.written_date(Date::constant(2027, 1, 4))?;
        let pagination = &self.pagination;
        let pointers = [
            ("ref_label_pointers", &self.ref_label_pointers),
            ("list_pointers", &self.list_pointers),
            ("object_pointers", &self.object_pointers),
            ("error_pointers", &self.error_pointers),
            ("pagination.next_pointers", &pagination.next_pointers),
            ("pagination.total_pointers", &pagination.total_pointers),
            ("documents.id_pointers", &self.documents.id_pointers),
        ];
        for (name, pointers) in pointers {
            if let Some(bad) = pointers.iter().find(|one| !one.is_empty() && !one.starts_with('/'))
            {
                return Err(wrong(format!("`{name}` has `{bad}`, which is no JSON pointer"))
                    .hint(format!("Write it as `/{bad}`.")));
            }
        }
        for (name, path) in self.paths.all() {
            if !path.starts_with('/') {
                return Err(wrong(format!(
                    "`paths.{name}` is `{path}`, which does not begin with `/`"
                ))
                .hint(
                    "Write the part after the base URL, such as `/companies/{company}/employees`.",
                ));
            }
        }
        if pagination.size == 0 || pagination.max_pages == 0 || self.limits.max_concurrency == 0 {
            return Err(wrong(
                "`pagination.size`, `pagination.max_pages` and `limits.max_concurrency` are at least 1",
            ));
        }
        Ok(())
    }

    /// Returns a date as GoCo reads it.
    pub(crate) fn written_date(&self, date: Date) -> Result<String, Failure> {
        strtime::format(&self.date_format, date).map_err(|problem| {
            wrong(format!(
                "`date_format` is `{}`, which writes no date: {problem}",
                self.date_format
            ))
            .hint("Write it like `%Y-%m-%d`.")
        })
    }
}

fn wrong(message: impl Into<String>) -> Failure {
    Failure::permanent("invalid_setting", message)
}

/// Says what is unwise in the settings.
pub(crate) fn lints(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if settings.paths.employee_create.is_some()
        && settings.settle_seconds < 10
        && settings.base_url == base_url()
    {
        findings.push(Finding::bad(
            "how long GoCo may take to list a new employee",
            format!("`settle_seconds` is {}", settings.settle_seconds),
            "Leave it at 60 for a real account: a create without an answer could be repeated too early.",
        ));
    }
    if settings.documents.mode == DocumentMode::Off {
        findings.push(Finding::bad(
            "documents",
            "`documents.mode` is `off`, so documents are not uploaded",
            "Set it to `multipart` unless that is meant.",
        ));
    }
    findings
}

fn base_url() -> String {
    "https://api.goco.io/public/api/v1".into()
}

fn ref_label_pointers() -> Vec<String> {
    texts(&["/name", "/title", "/label"])
}

fn contractor_words() -> Vec<String> {
    texts(&["contractor", "1099", "freelance"])
}

fn list_pointers() -> Vec<String> {
    texts(&["", "/data", "/items", "/results", "/{resource}"])
}

fn object_pointers() -> Vec<String> {
    texts(&["", "/data", "/{resource}"])
}

fn error_pointers() -> Vec<String> {
    // What names the property comes before what only says that something is wrong.
    texts(&["/errors", "/error", "/message", "/detail", "/title"])
}

fn date_format() -> String {
    "%Y-%m-%d".into()
}

fn settle_seconds() -> u32 {
    60
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
