//! GoCo: finds and creates employees, matches departments, locations and job titles, uploads documents.
//!
//! GoCo has a public API, but of its reference only the introduction could be read. What GoCo itself says is the
//! `Authorization: Bearer` header and where the key is made; five paths are known from one merged third-party
//! integration; everything else is an assumption. So nothing of it is in the logic: every path, field name, envelope
//! and limit is a [setting](Settings) whose documentation says how sure it is.

mod check;
mod connection;
mod create;
mod documents;
mod employees;
mod explain;
mod json;
mod lists;
mod names;
mod references;
mod settings;

pub use connection::connector;
pub use create::{CreateEmployee, CreatedEmployee};
pub use documents::{UploadDocument, UploadedDocument};
pub use employees::{FindEmployees, FoundEmployee, FoundEmployees};
pub use references::{IfMissing, MatchNames, Matched, Names};
pub use settings::{
    Auth, DocumentMode, Documents, Endpoint, Fields, Labels, Limits, Matching, Method, Naming,
    Pagination, PagingMode, Paths, RefStyle, RefStyles, Settings, Statuses,
};
