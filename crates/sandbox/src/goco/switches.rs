//! The switches of a GoCo tenant: how it answers, and what goes wrong in it.

use serde::Deserialize;
use serde_json::Value;

/// How the tenant answers. The default is the contract's default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// The API key it accepts.
    pub key: String,
    /// The company's slug.
    pub company: String,
    /// What is put around lists and objects.
    pub envelope: Envelope,
    /// How JSON keys are spelled.
    pub naming: Naming,
    /// How long lists are cut into pages.
    pub paging: Paging,
    /// How many entries a page has, unless the request asks for fewer.
    pub page_size: usize,
    /// Whether the number of all entries is told (`X-Total-Count`, and `meta.total` inside an envelope).
    pub totals: bool,
    /// The JSON type of ids, in answers and in requests.
    pub ids: IdType,
    /// How a created employee is answered.
    pub created: Created,
    /// What happens when a person with the same personal e-mail is created again.
    pub duplicate: Duplicate,
    /// The key that a request's body must be wrapped in.
    pub request_wrap: Option<String>,
    /// How long a created employee stays out of the list.
    pub list_lag_ms: u64,
    /// How long every answer takes.
    pub latency_ms: u64,
    /// What an upload of a document looks like.
    pub documents: DocumentMode,
    /// What goes wrong, in order.
    pub faults: Vec<Fault>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            key: "sandbox-goco-key".into(),
            company: "acme-widgets".into(),
            envelope: Envelope::Bare,
            naming: Naming::Snake,
            paging: Paging::None,
            page_size: 100,
            totals: false,
            ids: IdType::Number,
            created: Created::default(),
            duplicate: Duplicate::Allowed,
            request_wrap: None,
            list_lag_ms: 0,
            latency_ms: 0,
            documents: DocumentMode::Multipart,
            faults: Vec::new(),
        }
    }
}

/// What is put around lists and objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// Nothing; a list that carries a cursor is under `items`.
    Bare,
    /// `{"data": …}`.
    Data,
    /// `{"employees": […]}`, `{"employee": {…}}`.
    Named,
}

/// How JSON keys are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Naming {
    /// `first_name`.
    Snake,
    /// `firstName`.
    Camel,
}

/// How long lists are cut into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paging {
    /// Not at all; parameters are ignored.
    None,
    /// `page` from 1 on, and `per_page`.
    Page,
    /// `page` from 0 on, and `per_page`.
    PageFromZero,
    /// `offset` and `limit`.
    Offset,
    /// `cursor`, with `next_cursor` in the body.
    Cursor,
    /// A `Link` header with `rel="next"`.
    Link,
    /// `links.next` in the body, a whole URL.
    NextUrl,
}

/// The JSON type of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdType {
    /// `101`.
    Number,
    /// `"g-101"`.
    Text,
}

/// How a created employee is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Created {
    /// 200, 201 or 202.
    pub status: u16,
    /// Where the new id is.
    pub id: IdPlace,
}

impl Default for Created {
    fn default() -> Self {
        Self { status: 201, id: IdPlace::Body }
    }
}

/// Where a new id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdPlace {
    /// In the body, which is the whole employee.
    Body,
    /// At the end of the `Location` header; the body is empty.
    Location,
    /// Nowhere; the body is empty.
    Nowhere,
}

/// What happens when a person with the same personal e-mail is created again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicate {
    /// There are two of them.
    Allowed,
    /// 409.
    Conflict,
    /// 422, with words about it.
    Invalid,
}

/// What an upload of a document looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentMode {
    /// A form with `file` and `name`.
    Multipart,
    /// `name`, `content_type`, `content`.
    Base64Json,
    /// `name`, `url`.
    UrlJson,
    /// Every document is refused with 422.
    Refused,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// At which operation.
    pub on: Operation,
    /// How many requests are spared before it.
    #[serde(default)]
    pub after: u32,
    /// How many requests it hits.
    #[serde(default = "one")]
    pub times: u32,
    /// What goes wrong.
    pub trouble: Trouble,
}

fn one() -> u32 {
    1
}

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The connection is cut and nothing was done.
    CutBefore,
    /// It is done, and the connection is cut without an answer.
    CutAfter,
    /// It is done, and the answer comes that many milliseconds late.
    HoldAfter(u64),
    /// Nothing is done, and this is the answer.
    Answer {
        /// The status.
        status: u16,
        /// The `Retry-After` header.
        #[serde(default)]
        retry_after: Option<String>,
        /// The body, JSON.
        #[serde(default)]
        body: Value,
    },
    /// Nothing is done, and a login page answers 200.
    Html,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `GET /companies`.
    Companies,
    /// `GET …/departments`.
    Departments,
    /// `GET …/locations`.
    Locations,
    /// `GET …/job_titles`.
    JobTitles,
    /// `GET …/custom_fields`.
    CustomFields,
    /// `GET …/employment_types`; GoCo is not known to have it.
    EmploymentTypes,
    /// `GET …/employees`.
    Employees,
    /// `GET …/employees/{id}`.
    Employee,
    /// `POST …/employees`.
    CreateEmployee,
    /// `GET …/employees/{id}/documents`.
    Documents,
    /// `POST …/employees/{id}/documents`.
    UploadDocument,
    /// Any other path or method.
    Unknown,
}
