//! What GoCo's API looks like: paths, property names, pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::texts;

/// How the key is sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// The header.
    pub header: String,
    /// What stands before the key.
    pub prefix: String,
}

impl Default for Auth {
    fn default() -> Self {
        Self { header: "Authorization".into(), prefix: "Bearer ".into() }
    }
}

/// The API's paths below the base URL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Paths {
    /// The companies that the key sees. (Attested.)
    pub companies: String,
    /// The departments. (Attested.)
    pub departments: String,
    /// The locations. (Attested.)
    pub locations: String,
    /// The job titles. (Attested.)
    pub job_titles: String,
    /// The employment types; none is known, so they are not read.
    pub employment_types: Option<String>,
    /// The employees, all of them. (Likely.)
    pub employees: String,
    /// Creates an employee; null makes the connection read-only. (Likely.)
    pub employee_create: Option<Endpoint>,
    /// An employee's documents; when it is set, an upload without an answer is looked up there. (Assumed: none.)
    pub documents: Option<String>,
    /// Uploads a document. (Assumed.)
    pub document_create: Endpoint,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            companies: "/companies".into(),
            departments: "/companies/{company}/departments".into(),
            locations: "/companies/{company}/locations".into(),
            job_titles: "/companies/{company}/job_titles".into(),
            employment_types: None,
            employees: "/companies/{company}/employees".into(),
            employee_create: Some(Endpoint {
                method: Method::Post,
                path: "/companies/{company}/employees".into(),
            }),
            documents: None,
            document_create: Endpoint {
                method: Method::Post,
                path: "/companies/{company}/employees/{employee_id}/documents".into(),
            },
        }
    }
}

impl Paths {
    /// Returns every path that is set, with its name.
    pub(crate) fn all(&self) -> Vec<(&'static str, &str)> {
        let mut paths = vec![
            ("companies", self.companies.as_str()),
            ("departments", &self.departments),
            ("locations", &self.locations),
            ("job_titles", &self.job_titles),
            ("employees", &self.employees),
            ("document_create", &self.document_create.path),
        ];
        paths.extend(self.employment_types.as_deref().map(|path| ("employment_types", path)));
        paths.extend(self.documents.as_deref().map(|path| ("documents", path)));
        paths.extend(
            self.employee_create.as_ref().map(|one| ("employee_create", one.path.as_str())),
        );
        paths
    }
}

/// A method and a path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// The path.
    pub path: String,
}

/// The method of a request that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
}

/// How an employee's properties are called. A dot nests: `contact.personal_email`. Null means that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// The id.
    pub id: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The personal e-mail address.
    pub personal_email: Option<String>,
    /// The personal phone number.
    pub personal_phone: Option<String>,
    /// The start date.
    pub start_date: Option<String>,
    /// The employment type.
    pub employment_type: Option<String>,
    /// The status, such as `active`.
    pub status: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// The location.
    pub location: Option<String>,
    /// The job title.
    pub job_title: Option<String>,
}

impl Default for Fields {
    fn default() -> Self {
        let some = |name: &str| Some(name.to_owned());
        Self {
            id: "id".into(),
            first_name: "first_name".into(),
            last_name: "last_name".into(),
            personal_email: some("personal_email"),
            personal_phone: some("personal_phone"),
            start_date: some("start_date"),
            employment_type: some("employment_type"),
            status: some("status"),
            department: some("department_id"),
            location: some("location_id"),
            job_title: some("job_title_id"),
        }
    }
}

/// How words in property names are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Naming {
    /// `first_name`: names are sent and read as they are set.
    #[default]
    Snake,
    /// `firstName`: the underscores of `fields` become capitals.
    Camel,
}

/// How an employee refers to an entry of a reference list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefStyle {
    /// By its id, in the JSON type in which GoCo gave it.
    #[default]
    Id,
    /// By its label.
    Label,
}

/// How an employee refers to entries of the reference lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RefStyles {
    /// To a department.
    pub department: RefStyle,
    /// To a location.
    pub location: RefStyle,
    /// To a job title.
    pub job_title: RefStyle,
    /// To an employment type; `id` needs `paths.employment_types`.
    pub employment_type: RefStyle,
}

impl Default for RefStyles {
    fn default() -> Self {
        Self {
            department: RefStyle::Id,
            location: RefStyle::Id,
            job_title: RefStyle::Id,
            employment_type: RefStyle::Label,
        }
    }
}

/// How lists come in pages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pagination {
    /// How the next page is found.
    pub mode: PagingMode,
    /// The parameter of the page's number.
    pub page_param: String,
    /// The number of the first page.
    pub first_page: u32,
    /// The parameter of a page's size, beside a page number or a cursor.
    pub size_param: String,
    /// The parameter of a page's size, beside an offset.
    pub limit_param: String,
    /// The parameter of the first entry's index.
    pub offset_param: String,
    /// The parameter of the cursor.
    pub cursor_param: String,
    /// How many entries a page is asked to have, in every mode but `auto`.
    pub size: u32,
    /// The most pages a list may have; a longer one is a failure, never a part of a list.
    pub max_pages: u32,
    /// Where the next page is named in the body: a URL, a cursor or a page number.
    pub next_pointers: Vec<String>,
    /// Where the number of all entries is in the body.
    pub total_pointers: Vec<String>,
    /// In `auto`: whether a list counts as incomplete when GoCo refuses to be asked for a second page.
    pub strict: bool,
}

impl Default for Pagination {
    fn default() -> Self {
        Self {
            mode: PagingMode::Auto,
            page_param: "page".into(),
            first_page: 1,
            size_param: "per_page".into(),
            limit_param: "limit".into(),
            offset_param: "offset".into(),
            cursor_param: "cursor".into(),
            size: 100,
            max_pages: 500,
            next_pointers: texts(&[
                "/links/next",
                "/links/next/href",
                "/_links/next/href",
                "/meta/next_page",
                "/pagination/next",
                "/next",
                "/next_page",
                "/next_cursor",
                "/meta/next_cursor",
                "/meta/page/next_cursor",
            ]),
            total_pointers: texts(&[
                "/total",
                "/total_count",
                "/meta/total",
                "/meta/total_count",
                "/pagination/total",
            ]),
            strict: false,
        }
    }
}

/// How the next page is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PagingMode {
    /// By what the answer says (a `Link` header, a link or cursor or counter in the body), else by asking for a
    /// second page once by number and once by offset.
    #[default]
    Auto,
    /// There is one page.
    None,
    /// By number, until a page brings nothing new.
    Page,
    /// By offset, until a page brings nothing new.
    Offset,
    /// By the cursor or link in the body.
    Cursor,
    /// By the `Link` header.
    Link,
}
