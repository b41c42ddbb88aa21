//! What a Greenhouse tenant knows: users, candidates with their applications, notes, and what was asked of it.

use connector::jiff::Timestamp;
use serde_json::Value;

use super::{switches::Operation, tokens::Token};

/// The account: everything in it is open to look at and to change while it serves.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Users.
    pub users: Vec<User>,
    /// Candidates, each with one application.
    pub candidates: Vec<Candidate>,
    /// Notes, in the order they were written.
    pub notes: Vec<Note>,
    /// Every request, in the order they were answered.
    pub requests: Vec<Request>,
    pub(super) tokens: Vec<Token>,
    /// What each cursor that was given out stands for.
    pub(super) cursors: Vec<Cursor>,
    /// When the present window of the rate limit began, and how many requests it has seen.
    pub(super) window: (i64, u32),
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: u64,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The address one logs in with.
    pub primary_email: String,
    /// Further addresses.
    pub other_emails: Vec<String>,
    /// Whether lists may be read in this user's name.
    pub site_admin: bool,
    /// Whether the user can no longer act.
    pub deactivated: bool,
}

/// A candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The id.
    pub id: u64,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The title at the previous employer.
    pub title: Option<String>,
    /// Phone numbers.
    pub phone_numbers: Vec<Contact>,
    /// E-mail addresses.
    pub email_addresses: Vec<Contact>,
    /// Postal addresses.
    pub addresses: Vec<Contact>,
    /// Documents, those of the application and offer included.
    pub attachments: Vec<Attachment>,
    /// Custom fields, by key.
    pub custom_fields: Value,
    /// The application.
    pub application: Application,
}

/// A phone number or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The number or address.
    pub value: String,
    /// What it is for.
    pub kind: String,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The id.
    pub id: u64,
    /// The file name.
    pub filename: String,
    /// `resume`, `signed_offer_letter` …
    pub kind: String,
    /// The bytes behind the link.
    pub content: Vec<u8>,
}

/// An application.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// The id.
    pub id: u64,
    /// `active`, `rejected` or `hired`.
    pub status: String,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// The job.
    pub job: Job,
    /// The versions of the offer, oldest first.
    pub offers: Vec<Offer>,
    /// Custom fields, by key.
    pub custom_fields: Value,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The departments: id and name.
    pub departments: Vec<(u64, String)>,
    /// The offices.
    pub offices: Vec<Office>,
    /// Custom fields, by key.
    pub custom_fields: Value,
}

/// An office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// Where it is.
    pub location: Option<String>,
}

/// A version of an offer.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// The id.
    pub id: u64,
    /// The version.
    pub version: u64,
    /// `Created`, `Accepted`, `Rejected` or `Deprecated`.
    pub status: String,
    /// When it was drafted.
    pub created_at: Timestamp,
    /// When it was accepted or rejected.
    pub resolved_at: Option<Timestamp>,
    /// The first day of work.
    pub starts_on: Option<String>,
    /// Custom fields, by key.
    pub custom_fields: Value,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The id.
    pub id: u64,
    /// In whose feed it is.
    pub candidate_id: u64,
    /// About which application.
    pub application_id: Option<u64>,
    /// Who wrote it; nobody known when it was written by the credential's own user.
    pub user_id: Option<u64>,
    /// What it says.
    pub body: String,
    /// `admin_only`, `private` or `public`.
    pub visibility: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// From when on lists show it.
    pub listed_from: Timestamp,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What it asked for.
    pub operation: Operation,
    /// The method.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// The status, or `None` when the connection was cut.
    pub status: Option<u16>,
}

/// What a cursor stands for: the rest of a list.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    pub(super) operation: Operation,
    pub(super) filters: Vec<(String, String)>,
    pub(super) from: usize,
}

impl Account {
    /// Returns the candidate of that id.
    pub fn candidate(&self, id: u64) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.id == id)
    }

    /// Returns the candidate of that id, to be changed.
    pub fn candidate_mut(&mut self, id: u64) -> Option<&mut Candidate> {
        self.candidates.iter_mut().find(|candidate| candidate.id == id)
    }

    /// Returns the candidate of that name.
    pub fn named(&self, first_name: &str, last_name: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| {
            candidate.first_name == first_name && candidate.last_name == last_name
        })
    }

    /// Returns the notes in a candidate's feed.
    pub fn notes_of(&self, candidate_id: u64) -> Vec<&Note> {
        self.notes.iter().filter(|note| note.candidate_id == candidate_id).collect()
    }

    /// Returns how often an operation was asked for.
    pub fn count(&self, operation: Operation) -> usize {
        self.requests.iter().filter(|request| request.operation == operation).count()
    }

    /// Makes every token that was given out worthless, as when somebody renews the credential.
    pub fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Marks a candidate as hired: the newest offer is accepted, the opening is closed.
    pub fn hire(&mut self, candidate_id: u64, now: Timestamp) {
        let Some(candidate) = self.candidate_mut(candidate_id) else { return };
        candidate.application.status = "hired".into();
        candidate.application.updated_at = Some(now);
        if let Some(offer) = candidate.application.offers.last_mut() {
            offer.status = "Accepted".into();
            offer.resolved_at = offer.resolved_at.or(Some(now));
        }
    }

    /// Takes a hire back.
    pub fn unhire(&mut self, candidate_id: u64) {
        if let Some(candidate) = self.candidate_mut(candidate_id) {
            candidate.application.status = "active".into();
        }
    }
}
