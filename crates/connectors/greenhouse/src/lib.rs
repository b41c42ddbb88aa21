//! Greenhouse Recruiting: the triggers `hired`, `unhired` and `offer_approved`, and actions over Harvest v3 or v1.
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
mod hires;
mod jobs;
mod missed;
mod notes;
mod offer_approved;
mod offers;
mod place;
mod rights;
mod settings;
mod signature;
mod tokens;
mod unhired;
mod users;

pub use applications::{Application, WhichApplication};
pub use attachments::{Attachment, Attachments, WhoseAttachments};
pub use candidates::{Candidate, WhichCandidate};
pub use contacts::{Contact, Education, Employment, Person};
pub use custom_fields::{CustomField, CustomFieldTypes, CustomFields, FieldType};
pub use greenhouse::connector;
pub use hired::{Hire, HiredApplication, HiredSettings, Opening, Source};
pub use hires::{Hires, ListedHire, Since};
pub use jobs::{Department, Job, Office};
pub use notes::{NewNote, Note, Visibility};
pub use offer_approved::{Approval, OfferApprovedSettings};
pub use offers::Offer;
pub use settings::{Environment, Kind, Limits, Settings};
pub use unhired::{Unhire, UnhiredSettings};
