//! The people of a fresh tenant: the documented sample, and those on whom integrations stumble.

use connector::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::{
    Account, Application, Attachment, Candidate, Contact, Job, Offer, Office, User,
};

/// A candidate in one line of the table below.
struct Person {
    id: u64,
    name: (&'static str, &'static str),
    phones: &'static [(&'static str, &'static str)],
    emails: &'static [(&'static str, &'static str)],
    job: (u64, &'static str, &'static str),
    offices: &'static [(u64, &'static str, &'static str)],
    /// First day, employment type, job title; nobody without one has an offer.
    offer: Option<(&'static str, &'static str, &'static str)>,
    documents: &'static [(&'static str, &'static str)],
}

const NEW_YORK: (u64, &str, &str) = (13, "New York City", "New York, NY");
const ST_LOUIS: (u64, &str, &str) = (14, "St. Louis", "");
const DEVELOPER: (u64, &str, &str) = (323_753, "Developer", "Technology");

/// In Greenhouse's documentation Johnny Smith has neither a mobile phone nor the offer fields that a hire sync reads;
/// here he has them, so that every field of a hire can be seen to arrive.
const PEOPLE: &[Person] = &[
    Person {
        id: 35_897_443,
        name: ("Johnny", "Smith"),
        phones: &[("518-555-1212", "work"), ("212-555-1212", "home"), ("917-555-1212", "mobile ")],
        emails: &[("personal@example.com", "personal"), ("work@example.com", "work")],
        job: DEVELOPER,
        offices: &[NEW_YORK, ST_LOUIS],
        offer: Some(("2027-01-04", "Full-time", "Senior Developer")),
        documents: &[("resume.pdf", "resume"), ("signed offer.pdf", "signed_offer_letter")],
    },
    Person {
        id: 35_897_444,
        name: ("Zoë", "O'Neil & Søn"),
        phones: &[("+45 20 55 12 12", "mobile")],
        emails: &[("zoe@example.com", "personal")],
        job: (323_754, "Account Executive <EMEA>", "Sales"),
        offices: &[(15, "San Francisco", "San Francisco, CA")],
        offer: Some(("2027-02-01", "Part-time", "Account Executive")),
        documents: &[("Lebenslauf – Zoë.pdf", "resume")],
    },
    Person {
        id: 35_897_445,
        name: ("小龍", "李"),
        phones: &[],
        emails: &[("work-only@example.com", "work")],
        job: DEVELOPER,
        offices: &[ST_LOUIS],
        offer: Some(("", "", "")),
        documents: &[],
    },
    Person {
        id: 35_897_446,
        name: ("Nora", "Offerless"),
        phones: &[("917-555-0000", "mobile")],
        emails: &[("nora@example.com", "personal")],
        job: DEVELOPER,
        offices: &[],
        offer: None,
        documents: &[("cover letter.txt", "cover_letter")],
    },
    Person {
        id: 35_897_447,
        name: ("Ada", "Byron"),
        phones: &[],
        emails: &[("ada@example.com", "personal")],
        job: DEVELOPER,
        offices: &[NEW_YORK],
        offer: Some(("2027-01-04", "Full-time", "Developer")),
        documents: &[],
    },
];

/// Returns the account of a fresh tenant.
pub(super) fn account(now: Timestamp) -> Account {
    let candidates =
        (0_u64..).zip(PEOPLE).map(|(index, person)| candidate(index, person, now)).collect();
    Account { users: users(), candidates, ..Account::default() }
}

fn users() -> Vec<User> {
    let user =
        |id, first_name: &str, last_name: &str, others: &[&str], site_admin, deactivated| User {
            id,
            first_name: first_name.into(),
            last_name: last_name.into(),
            primary_email: format!("{}@example.com", first_name.to_lowercase()),
            other_emails: others.iter().map(ToString::to_string).collect(),
            site_admin,
            deactivated,
        };
    vec![
        user(158_104, "Robert", "Johnson", &["bob.johnson@example.com"], true, false),
        user(158_105, "Rita", "Recruiter", &[], false, false),
        user(158_106, "Gone", "Long Since", &[], true, true),
    ]
}

fn candidate(index: u64, person: &Person, now: Timestamp) -> Candidate {
    let contacts = |all: &[(&str, &str)]| {
        all.iter()
            .map(|(value, kind)| Contact { value: (*value).into(), kind: (*kind).into() })
            .collect()
    };
    let attachment = |(number, (filename, kind)): (u64, &(&str, &str))| Attachment {
        id: 1000 + index * 10 + number,
        filename: (*filename).into(),
        kind: (*kind).into(),
        content: format!("%PDF-1.4\n% {filename} of {} {}\n", person.name.0, person.name.1)
            .into_bytes(),
    };
    Candidate {
        id: person.id,
        first_name: person.name.0.into(),
        last_name: person.name.1.into(),
        title: Some("Previous Title".into()),
        phone_numbers: contacts(person.phones),
        email_addresses: contacts(person.emails),
        addresses: contacts(&[("455 Broadway\nNew York, NY 10280", "home")]),
        attachments: (0..).zip(person.documents).map(attachment).collect(),
        custom_fields: fields(&[("desired_level", "Desired Level", "short_text", json!("Senior"))]),
        application: Application {
            id: 46_194_062 + index,
            status: "active".into(),
            updated_at: Some(now),
            job: job(index, person),
            offers: person.offer.map(|offered| offer(index, offered, now)).into_iter().collect(),
            custom_fields: json!({}),
        },
    }
}

fn job(index: u64, person: &Person) -> Job {
    let office = |(id, name, location): &(u64, &str, &str)| Office {
        id: *id,
        name: (*name).into(),
        location: Some((*location).to_owned()).filter(|location| !location.is_empty()),
    };
    let range = json!({ "unit": "USD", "min_value": "10000.0", "max_value": "20000.0" });
    Job {
        // One job for each person, because their offices differ.
        id: person.job.0 + index * 10,
        name: person.job.1.into(),
        departments: vec![(if person.job.2 == "Technology" { 7 } else { 8 }, person.job.2.into())],
        offices: person.offices.iter().map(office).collect(),
        custom_fields: fields(&[
            ("employment_type", "Employment Type", "single_select", json!("Full-time")),
            ("salary_range", "Salary Range", "currency_range", range),
        ]),
    }
}

fn offer(
    index: u64,
    (starts_on, employment_type, job_title): (&str, &str, &str),
    now: Timestamp,
) -> Offer {
    let or_null = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    Offer {
        id: 506_409 + index,
        version: 2,
        status: "Created".into(),
        created_at: now,
        resolved_at: None,
        starts_on: Some(starts_on.to_owned()).filter(|day| !day.is_empty()),
        custom_fields: fields(&[
            ("salary", "Salary", "currency", json!({ "amount": 80000, "unit": "USD" })),
            ("employment_type", "Employment Type", "single_select", or_null(employment_type)),
            ("job_title", "Job Title", "short_text", or_null(job_title)),
        ]),
    }
}

fn fields(all: &[(&str, &str, &str, Value)]) -> Value {
    let one = |(key, name, kind, value): &(&str, &str, &str, Value)| {
        ((*key).to_owned(), json!({ "name": name, "type": kind, "value": value }))
    };
    Value::Object(all.iter().map(one).collect::<Map<_, _>>())
}
