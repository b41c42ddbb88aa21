//! Creating an employee, once.
//!
//! That GoCo's API can create an employee is likely (a unified-API vendor ships it, docs.unified.to); path, properties
//! and answer are assumed and come from the settings.

use std::{sync::Arc, time::Duration};

use connector::{Action, Call, Failure, LookUp, View, http::Answer, jiff::civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    connection::Goco,
    employees::{Person, exclusive_key, full_name},
    json::{Id, dotted, first_at, put},
    names::{normalise, normalise_email},
    references::Kind,
};

/// How long after a create the list is asked again and again, when GoCo only says that it accepted it.
const PAUSES: [u64; 8] = [1, 2, 4, 8, 10, 10, 10, 15];

/// A new employee. What is not given, or empty, is not sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEmployee {
    /// The first name.
    #[schemars(example = "{{ event.candidate.first_name }}")]
    pub first_name: String,
    /// The last name.
    #[schemars(example = "{{ event.candidate.last_name }}")]
    pub last_name: String,
    /// The personal e-mail address. People log in to GoCo with it.
    #[serde(default)]
    #[schemars(
        example = "{{ event.candidate.email_addresses | where(type='personal') | pluck('value') | first }}"
    )]
    pub personal_email: Option<String>,
    /// The personal phone number.
    #[serde(default)]
    #[schemars(
        example = "{{ event.candidate.phone_numbers | where(type='mobile') | pluck('value') | first }}"
    )]
    pub personal_phone: Option<String>,
    /// The first day, such as `2027-01-04`.
    #[serde(default)]
    #[schemars(extend("format" = "date"))]
    #[schemars(example = "{{ event.offer.starts_on }}")]
    pub start_date: Option<String>,
    /// The employment type in GoCo's own words. It can decide about benefits, so it is never guessed.
    #[serde(default)]
    #[schemars(example = "Full Time")]
    pub employment_type: Option<String>,
    /// The department's id, from `match_department`.
    #[serde(default)]
    #[schemars(example = "{{ steps.department.id }}")]
    pub department_id: Option<String>,
    /// The location's id, from `match_location`.
    #[serde(default)]
    #[schemars(example = "{{ steps.location.id }}")]
    pub location_id: Option<String>,
    /// The job title's id, from `match_job_title`.
    #[serde(default)]
    #[schemars(example = "{{ steps.job_title.id }}")]
    pub job_title_id: Option<String>,
    /// Other properties, sent as they are; dots in their names nest.
    #[serde(default)]
    #[schemars(example = json!({ "work.employee_number": "E-1024" }))]
    pub other: Map<String, Value>,
}

/// The new employee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CreatedEmployee {
    /// The id.
    pub id: String,
    /// The first and last name.
    pub full_name: String,
}

/// Returns the action `create_employee`.
pub(crate) fn action() -> Action {
    async fn run(
        goco: Arc<Goco>,
        call: Call,
        input: CreateEmployee,
    ) -> Result<CreatedEmployee, Failure> {
        goco.create(&call, &input).await
    }
    async fn look_up(
        goco: Arc<Goco>,
        call: Call,
        input: CreateEmployee,
    ) -> Result<LookUp<CreatedEmployee>, Failure> {
        Ok(match goco.sought(&call, &input).await? {
            Sought::One(person) => LookUp::Found(created(&person.id, &input)),
            Sought::Nobody => LookUp::Absent,
            Sought::Unclear(why) => LookUp::Inconclusive(why),
        })
    }
    Action::write("create_employee", "Creates an employee", run)
        // The event alone: neither a second recipe nor a renamed step creates the person again.
        .once(|_: &CreateEmployee, identity| identity.event.clone())
        .exclusive(|input: &CreateEmployee| exclusive_key(&input.first_name, &input.last_name))
        .look_up(Duration::from_mins(1), look_up)
        .settle_of(|goco: &Goco| Duration::from_secs(goco.settings.settle_seconds.into()))
}

/// Who was found in the place of the new employee.
enum Sought {
    One(Person),
    Nobody,
    Unclear(String),
}

impl Goco {
    async fn create(
        &self,
        call: &Call,
        input: &CreateEmployee,
    ) -> Result<CreatedEmployee, Failure> {
        let Some(endpoint) = &self.settings.paths.employee_create else {
            return Err(Failure::permanent(
                "not_configured",
                "this connection to GoCo is read-only",
            )
            .hint("Set `paths.employee_create` of the connection."));
        };
        let body = self.body(call, input).await?;
        let name = full_name(&input.first_name, &input.last_name);
        let request = self
            .write(endpoint.method, &self.path(&endpoint.path, ""))
            .json(&body)
            .doing(format!("creating the employee {name} in GoCo"));
        let answer = match request.send(call).await {
            Ok(answer) => answer,
            Err(failure) if self.means_duplicate(&failure) => {
                return self.confirm_duplicate(call, input, failure).await;
            }
            Err(failure) => return Err(self.explain(call, failure, "paths.employee_create").await),
        };
        let id = self.new_id(&answer)?;
        if answer.status == 202 || id.is_none() {
            return self.listed(call, input, id).await;
        }
        let id = id.expect("looked at in the line above");
        Ok(created(&id, input))
    }

    /// Returns the body of the request: what has a value, under the names of the settings.
    async fn body(&self, call: &Call, input: &CreateEmployee) -> Result<Value, Failure> {
        let fields = &self.settings.fields;
        let mut properties: Vec<(String, Value)> = Vec::new();
        for (field, name, text) in [
            (&fields.first_name, "first name", &input.first_name),
            (&fields.last_name, "last name", &input.last_name),
        ] {
            let text = text.trim();
            if text.is_empty() {
                return Err(Failure::permanent("invalid_input", format!("the {name} is empty"))
                    .hint("GoCo needs a first name and a last name."));
            }
            properties.push((self.field(field), text.into()));
        }
        let optional = [
            (&fields.personal_email, "personal_email", &input.personal_email),
            (&fields.personal_phone, "personal_phone", &input.personal_phone),
            (&fields.start_date, "start_date", &input.start_date),
            (&fields.employment_type, "employment_type", &input.employment_type),
            (&fields.department, "department", &input.department_id),
            (&fields.location, "location", &input.location_id),
            (&fields.job_title, "job_title", &input.job_title_id),
        ];
        for (field, key, text) in optional {
            let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
                continue;
            };
            let Some(field) = field else {
                call.warn(
                    "field_not_configured",
                    format!(
                        "`fields.{key}` of the GoCo connection is null, so `{text}` was left out."
                    ),
                );
                continue;
            };
            let value = match key {
                "start_date" => self.date(text)?.into(),
                "employment_type" => {
                    self.check_employment_type(text)?;
                    self.reference_value(call, Kind::EmploymentType, text).await?
                }
                "department" => self.reference_value(call, Kind::Department, text).await?,
                "location" => self.reference_value(call, Kind::Location, text).await?,
                "job_title" => self.reference_value(call, Kind::JobTitle, text).await?,
                _ => text.into(),
            };
            properties.push((self.field(field), value));
        }
        properties.extend(input.other.iter().map(|(name, value)| (name.clone(), value.clone())));
        // The step knows better than the connection.
        let constants = self.settings.constants.iter();
        let constants: Vec<_> = constants
            .filter(|(name, _)| !properties.iter().any(|(taken, _)| taken == *name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut body = Map::new();
        for (name, value) in properties.into_iter().chain(constants) {
            put(&mut body, &name, value).map_err(|problem| {
                Failure::permanent("invalid_input", format!("the new employee's {problem}"))
                    .hint("Look at `other` of the step, and at `fields` and `constants` of the connection.")
            })?;
        }
        Ok(match &self.settings.request_wrap {
            Some(key) => Value::Object(Map::from_iter([(key.clone(), Value::Object(body))])),
            None => Value::Object(body),
        })
    }

    fn date(&self, text: &str) -> Result<String, Failure> {
        let date: Date = text.parse().map_err(|_| {
            Failure::permanent("invalid_input", format!("the start date `{text}` is no date"))
                .hint("A start date is written like `2027-01-04`.")
        })?;
        self.settings.written_date(date)
    }

    fn check_employment_type(&self, text: &str) -> Result<(), Failure> {
        let lower = text.to_lowercase();
        if self.settings.contractor_words.iter().any(|word| lower.contains(&word.to_lowercase())) {
            return Err(Failure::permanent(
                "contractor",
                format!("the employment type is `{text}`, and GoCo hires contractors in another way than employees"),
            )
            .hint(
                "Add the person in GoCo by hand: Add Person › Contractor. If GoCo calls an employee this, change \
                 `contractor_words` of the connection.",
            ));
        }
        let known = &self.settings.employment_types;
        if known.is_empty() || known.iter().any(|one| one == text) {
            return Ok(());
        }
        let known = known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
        Err(Failure::permanent("not_found", format!("GoCo has no employment type `{text}`")).hint(format!(
            "Use one of GoCo's words ({known}), for example by a row in the recipe's table of employment types."
        )))
    }

    /// Returns the new id from the body, else from the end of the `Location` header.
    fn new_id(&self, answer: &Answer) -> Result<Option<Id>, Failure> {
        let field = self.field(&self.settings.fields.id);
        let resource = self.field("employee");
        let body = answer.payload()?;
        let pointers = &self.settings.object_pointers;
        let in_body = first_at(body.view(), pointers, &resource, |object| {
            dotted(object, &field).and_then(Id::read)
        });
        let in_header = || {
            let location = answer.header("location")?;
            let path = location.split(['?', '#']).next()?.trim_end_matches('/');
            Id::read(View::Text(path.rsplit_once('/')?.1))
        };
        Ok(in_body.or_else(in_header))
    }

    /// Waits until the list shows the new employee. `id` is what the answer named, which may be that of a queued
    /// request and not the person's.
    async fn listed(
        &self,
        call: &Call,
        input: &CreateEmployee,
        id: Option<Id>,
    ) -> Result<CreatedEmployee, Failure> {
        let mut left = u64::from(self.settings.settle_seconds);
        for pause in PAUSES {
            match self.sought(call, input).await {
                Ok(Sought::One(person)) => return Ok(created(&person.id, input)),
                Ok(Sought::Nobody | Sought::Unclear(_)) | Err(_) => {}
            }
            if left == 0 {
                break;
            }
            let pause = pause.min(left);
            left -= pause;
            call.clock.sleep(Duration::from_secs(pause)).await;
        }
        let name = full_name(&input.first_name, &input.last_name);
        match id {
            Some(id) => {
                call.warn(
                    "not_listed_yet",
                    format!("GoCo accepted {name} but does not list the person yet. Look in GoCo whether the person is there."),
                );
                Ok(created(&id, input))
            }
            None => Err(Failure::unknown(
                "no_id",
                format!("GoCo accepted {name} but neither named an id nor lists the person"),
            )
            .hint("Look in GoCo whether the person is there.")),
        }
    }

    fn means_duplicate(&self, failure: &Failure) -> bool {
        let words = || {
            let answer = failure.exchange.as_ref().and_then(|exchange| exchange.answer.as_deref());
            format!("{} {}", failure.message, answer.unwrap_or_default()).to_lowercase()
        };
        match failure.code.as_str() {
            "conflict" => true,
            "invalid" => {
                let words = words();
                self.settings
                    .matching
                    .duplicate_texts
                    .iter()
                    .any(|text| words.contains(&text.to_lowercase()))
            }
            _ => false,
        }
    }

    /// GoCo says that the person exists: true when the list shows the same name and e-mail.
    async fn confirm_duplicate(
        &self,
        call: &Call,
        input: &CreateEmployee,
        mut failure: Failure,
    ) -> Result<CreatedEmployee, Failure> {
        let name = full_name(&input.first_name, &input.last_name);
        let sought = self.sought(call, input).await?;
        if let Sought::One(person) = &sought
            && email_of(input).is_some()
        {
            call.warn(
                "existed_already",
                format!(
                    "GoCo had {name} already, with the same e-mail address, so nobody was created."
                ),
            );
            return Ok(created(&person.id, input));
        }
        failure.code = "duplicate".into();
        Err(failure.hint(match sought {
            Sought::One(person) => format!(
                "Look at {} in GoCo (id {}): if it is the same person, nothing is left to do; if not, add {name} by hand.",
                person.full_name(),
                person.id.text()
            ),
            Sought::Nobody | Sought::Unclear(_) => format!(
                "Search GoCo for the e-mail address: somebody has it under another name than {name}, or has left. \
                 Correct that person, or add {name} by hand."
            ),
        }))
    }

    /// Looks for the new employee in a complete list: by name and e-mail address, by name alone where no address was
    /// given. People who have left are others.
    async fn sought(&self, call: &Call, input: &CreateEmployee) -> Result<Sought, Failure> {
        let people = self.employees(call).await?;
        let shows_emails = people.iter().any(|person| person.personal_email.is_some());
        let wanted = normalise(&input.first_name, &input.last_name);
        let mut named: Vec<Person> = people
            .into_iter()
            .filter(|person| !person.terminated && person.name() == wanted)
            .collect();
        if let Some(email) = email_of(input).filter(|_| shows_emails) {
            let silent = named.iter().filter(|person| person.personal_email.is_none()).count();
            named.retain(|person| {
                person.personal_email.as_deref().map(normalise_email).as_deref() == Some(&email)
            });
            if named.is_empty() && silent > 0 {
                return Ok(Sought::Unclear(format!(
                    "GoCo has somebody called {} whose e-mail address it does not show",
                    full_name(&input.first_name, &input.last_name)
                )));
            }
        }
        let several = named.len();
        Ok(match named.pop() {
            None => Sought::Nobody,
            Some(person) if several == 1 => Sought::One(person),
            Some(person) => {
                Sought::Unclear(format!("GoCo has {several} people called {}", person.full_name()))
            }
        })
    }
}

fn email_of(input: &CreateEmployee) -> Option<String> {
    input.personal_email.as_deref().map(normalise_email).filter(|email| !email.is_empty())
}

fn created(id: &Id, input: &CreateEmployee) -> CreatedEmployee {
    CreatedEmployee { id: id.text(), full_name: full_name(&input.first_name, &input.last_name) }
}
