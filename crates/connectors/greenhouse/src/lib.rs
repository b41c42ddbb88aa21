//! Greenhouse Recruiting: the trigger `hired`, and actions over Harvest v3 or v1.
//!
//! Facts from <https://developers.greenhouse.io> (webhooks, Harvest v1) and <https://harvestdocs.greenhouse.io>
//! (Harvest v3).

mod account;
mod applications;
mod attachments;
mod candidates;
mod checkup;
mod contacts;
mod custom_fields;
mod greenhouse;
mod harvest;
mod hired;
mod jobs;
mod notes;
mod offers;
mod place;
mod rights;
mod settings;
mod tokens;
mod users;

pub use applications::{Application, WhichApplication};
pub use attachments::{Attachment, Attachments, WhoseAttachments};
pub use candidates::{Candidate, WhichCandidate};
pub use contacts::{Contact, Education, Employment, Person};
pub use custom_fields::{CustomField, CustomFields};
pub use greenhouse::connector;
pub use hired::{Hire, HiredApplication, HiredSettings, Opening, Source};
pub use jobs::{Department, Job, Office};
pub use notes::{NewNote, Note, Visibility};
pub use offers::Offer;
pub use settings::{Environment, Kind, Limits, Settings};
