//! What a GoCo tenant knows: its reference lists, employees, documents, and what was asked of it.

use connector::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::switches::{IdType, Operation};

/// The company: everything in it is open to look at and to change while it serves.
#[derive(Debug, Clone)]
pub struct Company {
    /// Departments.
    pub departments: Vec<Reference>,
    /// Locations.
    pub locations: Vec<Reference>,
    /// Job titles.
    pub job_titles: Vec<Reference>,
    /// The only words an employment type may have.
    pub employment_types: Vec<Reference>,
    /// Employees, in the order they came.
    pub employees: Vec<Employee>,
    /// Documents, in the order they came.
    pub documents: Vec<Document>,
    /// Every request, in the order they were answered.
    pub requests: Vec<Request>,
    next_id: u64,
}

/// An entry of a reference list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its id.
    pub id: u64,
    /// Its label.
    pub name: String,
}

/// An employee.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Employee {
    /// The id.
    pub id: u64,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The personal e-mail address.
    pub personal_email: Option<String>,
    /// The personal phone number.
    pub personal_phone: Option<String>,
    /// The first day, `2027-01-04`.
    pub start_date: Option<String>,
    /// The employment type.
    pub employment_type: Option<String>,
    /// `active`, `incomplete` or `terminated`.
    pub status: String,
    /// The department.
    pub department_id: Option<u64>,
    /// The location.
    pub location_id: Option<u64>,
    /// The job title.
    pub job_title_id: Option<u64>,
    /// From when on the list shows the person.
    pub listed_from: Timestamp,
}

/// An uploaded document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// The id.
    pub id: u64,
    /// Whose it is.
    pub employee_id: u64,
    /// Its file name.
    pub name: String,
    /// Its content type.
    pub content_type: Option<String>,
    /// Its bytes; empty when only a link was given.
    pub content: Vec<u8>,
    /// The link that was given instead of bytes.
    pub url: Option<String>,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What it asked for.
    pub operation: Operation,
    /// The method.
    pub method: String,
    /// The path below the API's root, with the query.
    pub target: String,
    /// The status, or `None` when the connection was cut.
    pub status: Option<u16>,
}

impl Company {
    /// Returns a small company: the reference values of the demo's hire, and a few people, one of them terminated.
    pub fn seeded() -> Self {
        let mut company = Self {
            departments: references(101, &["Engineering", "Sales", "Technology"]),
            locations: references(201, &["New York City", "San Francisco", "Remote - US"]),
            job_titles: references(301, &["Developer", "Senior Developer", "Account Executive"]),
            employment_types: references(401, &["Full-Time", "Part-Time"]),
            employees: Vec::new(),
            documents: Vec::new(),
            requests: Vec::new(),
            next_id: 9001,
        };
        for (first_name, last_name, status) in [
            ("Ada", "Byron", "active"),
            ("Grace", "Hopper", "terminated"),
            ("Alan", "Turing", "incomplete"),
        ] {
            company.employ(Employee {
                first_name: first_name.into(),
                last_name: last_name.into(),
                personal_email: Some(format!("{}@example.com", first_name.to_lowercase())),
                status: status.into(),
                ..Employee::default()
            });
        }
        company
    }

    /// Adds a person, with the next free id, and returns the id.
    pub fn employ(&mut self, person: Employee) -> u64 {
        let id = self.new_id();
        self.employees.push(Employee { id, ..person });
        id
    }

    /// Returns how often an operation was asked for.
    pub fn count(&self, operation: Operation) -> usize {
        self.requests.iter().filter(|request| request.operation == operation).count()
    }

    /// Returns the employees of that name.
    pub fn named(&self, first_name: &str, last_name: &str) -> Vec<&Employee> {
        self.employees
            .iter()
            .filter(|person| person.first_name == first_name && person.last_name == last_name)
            .collect()
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }
}

impl Employee {
    /// Returns the person as the API shows them, keys in snake case.
    pub(super) fn json(&self, ids: IdType) -> Value {
        let mut fields = Map::new();
        fields.insert("id".into(), ids.json(self.id));
        let texts = [
            ("first_name", Some(&self.first_name)),
            ("last_name", Some(&self.last_name)),
            ("personal_email", self.personal_email.as_ref()),
            ("personal_phone", self.personal_phone.as_ref()),
            ("start_date", self.start_date.as_ref()),
            ("employment_type", self.employment_type.as_ref()),
            ("status", Some(&self.status)),
        ];
        fields.extend(texts.map(|(key, text)| (key.into(), json!(text))));
        let references = [
            ("department_id", self.department_id),
            ("location_id", self.location_id),
            ("job_title_id", self.job_title_id),
        ];
        fields.extend(
            references.map(|(key, id)| (key.into(), id.map_or(Value::Null, |id| ids.json(id)))),
        );
        Value::Object(fields)
    }
}

impl IdType {
    /// Returns an id as this type writes it.
    pub(super) fn json(self, id: u64) -> Value {
        match self {
            Self::Number => json!(id),
            Self::Text => json!(format!("g-{id}")),
        }
    }

    /// Reads an id from a request's body: the other type is refused, as a typed API does.
    pub(super) fn read(self, value: &Value) -> Option<u64> {
        match self {
            Self::Number => value.as_u64(),
            Self::Text => self.read_text(value.as_str()?),
        }
    }

    /// Reads an id from a path.
    pub(super) fn read_text(self, text: &str) -> Option<u64> {
        match self {
            Self::Number => text.parse().ok(),
            Self::Text => text.strip_prefix("g-")?.parse().ok(),
        }
    }
}

fn references(first: u64, names: &[&str]) -> Vec<Reference> {
    (first..).zip(names).map(|(id, name)| Reference { id, name: (*name).to_owned() }).collect()
}
