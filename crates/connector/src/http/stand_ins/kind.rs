//! What a value is, by the name it stands under.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::http::redact::SECRETS;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A token, a key, a signature.
    Secret,
    Email,
    Phone,
    FirstName,
    /// A last name, or a whole one.
    Name,
    Address,
    Birth,
    /// A number that the state or a bank gave.
    Number,
    /// What somebody earns.
    Amount,
    /// What nobody may ask: gender, health, origin.
    Sensitive,
}

impl Kind {
    /// Returns what one of them is called when they are counted.
    pub(super) fn counted(self) -> Option<&'static str> {
        Some(match self {
            Self::Secret => "secret",
            Self::Email => "e-mail address",
            Self::FirstName | Self::Name => "name",
            Self::Address => "address",
            Self::Birth => "date of birth",
            Self::Number => "personal number",
            Self::Phone | Self::Amount | Self::Sensitive => return None,
        })
    }
}

/// Returns what stands under a key.
pub(super) fn kind_of(key: &str) -> Option<Kind> {
    // The first that is found wins: `email_address` is an e-mail address.
    const TABLE: &[(Kind, &[&str])] = &[
        (Kind::Secret, SECRETS),
        (Kind::Secret, &["sessionid"]),
        (Kind::Email, &["email"]),
        (Kind::Phone, &["phone", "mobilenumber", "cellnumber", "fax"]),
        (
            Kind::FirstName,
            &["firstname", "givenname", "middlename", "preferredname", "nickname", "forename"],
        ),
        (
            Kind::Name,
            &[
                "lastname",
                "surname",
                "familyname",
                "fullname",
                "legalname",
                "maidenname",
                "birthname",
                "candidatename",
                "employeename",
            ],
        ),
        (Kind::Birth, &["birth", "dob"]),
        (
            Kind::Number,
            &[
                "ssn",
                "socialsecurity",
                "nationalid",
                "passport",
                "taxid",
                "taxnumber",
                "iban",
                "bankaccount",
                "accountnumber",
                "routingnumber",
                "sortcode",
                "driverslicense",
                "nationalinsurance",
            ],
        ),
        (Kind::Amount, &["salary", "wage", "compensation", "payrate", "bonus"]),
        (
            Kind::Sensitive,
            &[
                "gender",
                "pronoun",
                "ethnic",
                "race",
                "veteran",
                "disab",
                "marital",
                "religion",
                "nationality",
                "citizenship",
            ],
        ),
        (
            Kind::Address,
            &[
                "homeaddress",
                "streetaddress",
                "addressline",
                "addresses",
                "mailingaddress",
                "street",
                "postalcode",
                "zipcode",
                "postcode",
            ],
        ),
    ];
    let key = plain(key);
    if ["address", "address1", "address2", "zip"].contains(&key.as_str()) {
        return Some(Kind::Address);
    }
    let holds = |(kind, words): &(Kind, &[&str])| {
        words.iter().any(|word| key.contains(word)).then_some(*kind)
    };
    TABLE.iter().find_map(holds)
}

/// Returns what stands under a key of this object, itself of some kind.
pub(super) fn of_object(
    object: &Map<String, Value>,
    key: &str,
    outer: Option<Kind>,
    labelled: Option<Kind>,
    kept: &BTreeSet<String>,
) -> Option<Kind> {
    const PEOPLE: &[Kind] = &[Kind::Email, Kind::FirstName];
    let own = plain(key);
    if kept.contains(&own) {
        return None;
    }
    if let Some(kind) = kind_of(key) {
        return Some(kind);
    }
    if own == "name" || own == "displayname" {
        let has = |key: &String| kind_of(key).is_some_and(|kind| PEOPLE.contains(&kind));
        return object.keys().any(has).then_some(Kind::Name);
    }
    if own == "value" && labelled.is_some() {
        return labelled;
    }
    // `{ "value": "…", "type": "home" }` under `addresses`.
    let says_how = [
        "type",
        "kind",
        "label",
        "id",
        "primary",
        "country",
        "state",
        "region",
        "unit",
        "currency",
        "createdat",
        "updatedat",
    ];
    outer.filter(|_| !says_how.contains(&own.as_str()))
}

/// Returns what the value of a labelled field is: `{ "name": "Date of birth", "value": "…" }`.
pub(super) fn of_labelled(object: &Map<String, Value>, kept: &BTreeSet<String>) -> Option<Kind> {
    let label = object.get("name").or_else(|| object.get("label"))?.as_str()?;
    object.get("value")?;
    if kept.contains(&plain(label)) { None } else { kind_of(label) }
}

/// Returns a key in lower case, without signs.
pub(super) fn plain(key: &str) -> String {
    key.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}
