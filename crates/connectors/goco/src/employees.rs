//! Employees: who is in GoCo under a name.
//!
//! GoCo's help centre (help.goco.io, "How does the Greenhouse integration work? What data syncs with it?") says that
//! first and last name decide whether somebody is there already. The path and the properties are assumed.

use std::sync::Arc;

use connector::{Action, Call, Failure, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    connection::Goco,
    json::{Id, dotted, dotted_text},
    lists::List,
    names::{normalise, normalise_email},
};

/// Who is looked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindEmployees {
    /// The first name. Case, white space and the spelling of characters make no difference.
    #[schemars(example = "{{ event.candidate.first_name }}")]
    pub first_name: String,
    /// The last name.
    #[schemars(example = "{{ event.candidate.last_name }}")]
    pub last_name: String,
    /// The personal e-mail address. It narrows nothing: it says of everybody found whether it is the same.
    #[serde(default)]
    #[schemars(
        example = "{{ event.candidate.email_addresses | where(type='personal') | pluck('value') | first }}"
    )]
    pub personal_email: Option<String>,
}

/// Who was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FoundEmployees {
    /// Everybody of that name, whatever their status.
    pub employees: Vec<FoundEmployee>,
}

/// Somebody of that name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FoundEmployee {
    /// The id.
    pub id: String,
    /// The first and last name.
    pub full_name: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The personal e-mail address, where GoCo shows it.
    pub personal_email: Option<String>,
    /// The status in GoCo's words, where GoCo shows it.
    pub status: Option<String>,
    /// Whether the status says that the person has left: a possible rehire.
    pub terminated: bool,
    /// Whether the personal e-mail address is the one given.
    pub same_email: bool,
}

/// Returns the action `find_employees`.
pub(crate) fn find() -> Action {
    async fn run(
        goco: Arc<Goco>,
        call: Call,
        input: FindEmployees,
    ) -> Result<FoundEmployees, Failure> {
        let wanted = normalise(&input.first_name, &input.last_name);
        if wanted.is_empty() {
            return Err(Failure::permanent("invalid_input", "there is no name to look for")
                .hint("Give a first name and a last name."));
        }
        let email = input.personal_email.as_deref().map(normalise_email).unwrap_or_default();
        let people = goco.employees(&call).await?;
        let employees = people.into_iter().filter(|person| person.name() == wanted);
        Ok(FoundEmployees { employees: employees.map(|person| person.found(&email)).collect() })
    }
    Action::read("find_employees", "Finds everybody of a name, in all employees", run)
        .exclusive(|input: &FindEmployees| exclusive_key(&input.first_name, &input.last_name))
}

/// Returns what no other job may touch between the search for a person and the end of the job.
pub(crate) fn exclusive_key(first_name: &str, last_name: &str) -> String {
    format!("employee:{}", normalise(first_name, last_name))
}

/// An employee, as far as the connector reads one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: Id,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) personal_email: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) terminated: bool,
}

/// Where the properties of an employee are, as this company's API spells them.
struct Columns {
    id: String,
    first_name: String,
    last_name: String,
    personal_email: Option<String>,
    status: Option<String>,
    /// The statuses of those who have left, in lower case.
    terminated: Vec<String>,
}

impl Goco {
    /// Returns all employees, or why that cannot be said.
    pub(crate) async fn employees(&self, call: &Call) -> Result<Vec<Person>, Failure> {
        let entries = self.list(call, &List::employees(self)).await?;
        let fields = &self.settings.fields;
        let columns = Columns {
            id: self.field(&fields.id),
            first_name: self.field(&fields.first_name),
            last_name: self.field(&fields.last_name),
            personal_email: fields.personal_email.as_ref().map(|name| self.field(name)),
            status: fields.status.as_ref().map(|name| self.field(name)),
            terminated: self
                .settings
                .matching
                .terminated_statuses
                .iter()
                .map(|status| status.to_lowercase())
                .collect(),
        };
        let names = [&columns.first_name, &columns.last_name];
        let named = |entry: View<'_>| names.iter().all(|name| dotted(entry, name).is_some());
        if !entries.is_empty() && !entries.iter().any(named) {
            // Read on, nobody would have a name and everybody would be created again.
            return Err(Failure::permanent(
                "unexpected_answer",
                format!("GoCo's employees have no `{}` and `{}`", names[0], names[1]),
            )
            .hint("Set `fields.first_name`, `fields.last_name` or `naming` of the connection."));
        }
        entries.iter().map(|entry| columns.person(entry)).collect()
    }
}

impl Columns {
    fn person(&self, entry: View<'_>) -> Result<Person, Failure> {
        let text = |name: &str| dotted_text(entry, name);
        let optional = |name: &Option<String>| name.as_deref().and_then(text);
        let id = dotted(entry, &self.id).and_then(Id::read).ok_or_else(|| {
            Failure::permanent(
                "unexpected_answer",
                format!("an employee in GoCo's list has no `{}`", self.id),
            )
            .hint("Set `fields.id` of the connection.")
        })?;
        let status = optional(&self.status);
        let terminated = status
            .as_ref()
            .is_some_and(|status| self.terminated.contains(&status.trim().to_lowercase()));
        Ok(Person {
            id,
            first_name: text(&self.first_name).unwrap_or_default(),
            last_name: text(&self.last_name).unwrap_or_default(),
            personal_email: optional(&self.personal_email).filter(|email| !email.trim().is_empty()),
            status,
            terminated,
        })
    }
}

impl Person {
    /// Returns the name as it is compared.
    pub(crate) fn name(&self) -> String {
        normalise(&self.first_name, &self.last_name)
    }

    /// Returns the name as it is shown.
    pub(crate) fn full_name(&self) -> String {
        full_name(&self.first_name, &self.last_name)
    }

    fn found(self, email: &str) -> FoundEmployee {
        let same_email = !email.is_empty()
            && self.personal_email.as_deref().map(normalise_email).as_deref() == Some(email);
        FoundEmployee {
            id: self.id.text(),
            full_name: self.full_name(),
            first_name: self.first_name,
            last_name: self.last_name,
            personal_email: self.personal_email,
            status: self.status,
            terminated: self.terminated,
            same_email,
        }
    }
}

/// Returns a first and a last name as they are shown.
pub(crate) fn full_name(first_name: &str, last_name: &str) -> String {
    format!("{} {}", first_name.trim(), last_name.trim()).trim().to_owned()
}
