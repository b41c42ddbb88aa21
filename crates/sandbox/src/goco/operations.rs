//! What a GoCo tenant does with a request: checks it like the real thing, then reads or changes the company.

use connector::jiff::{SignedDuration, Timestamp, civil::Date};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Asked, spelled},
    company::{Company, Document, Employee, Reference},
    switches::{DocumentMode, Duplicate, IdPlace, Operation, Switches},
};

/// A request, read.
pub(super) struct Asking<'a> {
    pub(super) operation: Operation,
    /// The employee's id in the path, as written.
    pub(super) employee: Option<String>,
    /// The company's slug in the path.
    pub(super) company: Option<String>,
    /// The absolute URL without its query.
    pub(super) url: String,
    pub(super) query: &'a [(String, String)],
    pub(super) authorization: Option<&'a str>,
    pub(super) body: Sent,
    pub(super) now: Timestamp,
}

/// The body of a request.
pub(super) enum Sent {
    /// None, or one that is no JSON and no form.
    Nothing,
    /// JSON.
    Json(Value),
    /// A form: name, file name, content type and bytes of each part.
    Form(Vec<Part>),
}

/// A part of a form.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) content: Vec<u8>,
}

/// Returns the operation of a method and a path below the API's root, with the company and the employee in the path.
pub(super) fn route(method: &str, path: &str) -> (Operation, Option<String>, Option<String>) {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let some = |text: &str| Some(text.to_owned());
    match (method, segments.as_slice()) {
        ("GET", ["companies"]) => (Operation::Companies, None, None),
        ("GET", ["companies", company, "departments"]) => {
            (Operation::Departments, some(company), None)
        }
        ("GET", ["companies", company, "locations"]) => (Operation::Locations, some(company), None),
        ("GET", ["companies", company, "job_titles"]) => {
            (Operation::JobTitles, some(company), None)
        }
        ("GET", ["companies", company, "custom_fields"]) => {
            (Operation::CustomFields, some(company), None)
        }
        ("GET", ["companies", company, "employment_types"]) => {
            (Operation::EmploymentTypes, some(company), None)
        }
        ("GET", ["companies", company, "employees"]) => (Operation::Employees, some(company), None),
        ("POST", ["companies", company, "employees"]) => {
            (Operation::CreateEmployee, some(company), None)
        }
        ("GET", ["companies", company, "employees", id]) => {
            (Operation::Employee, some(company), some(id))
        }
        ("GET", ["companies", company, "employees", id, "documents"]) => {
            (Operation::Documents, some(company), some(id))
        }
        ("POST", ["companies", company, "employees", id, "documents"]) => {
            (Operation::UploadDocument, some(company), some(id))
        }
        _ => (Operation::Unknown, None, None),
    }
}

/// Answers a request.
pub(super) fn answer(company: &mut Company, switches: &Switches, asking: &Asking<'_>) -> Answer {
    if asking.authorization != Some(format!("Bearer {}", switches.key).as_str()) {
        return Answer::error(401, "Invalid API key");
    }
    if asking.company.as_ref().is_some_and(|slug| *slug != switches.company) {
        return Answer::error(404, "Company not found");
    }
    match asking.operation {
        Operation::Companies => {
            let own = json!({ "id": switches.ids.json(1), "name": "Acme Widgets", "url_name": switches.company });
            list(switches, asking, "companies", vec![own])
        }
        Operation::Departments => references(switches, asking, "departments", &company.departments),
        Operation::Locations => references(switches, asking, "locations", &company.locations),
        Operation::JobTitles => references(switches, asking, "job_titles", &company.job_titles),
        Operation::EmploymentTypes => {
            references(switches, asking, "employment_types", &company.employment_types)
        }
        Operation::CustomFields => list(switches, asking, "custom_fields", Vec::new()),
        Operation::Employees => {
            let listed = company.employees.iter().filter(|person| person.listed_from <= asking.now);
            list(
                switches,
                asking,
                "employees",
                listed.map(|person| person.json(switches.ids)).collect(),
            )
        }
        Operation::Employee => match employee(company, switches, asking) {
            Some(person) => Answer::object(200, switches, "employee", person.json(switches.ids)),
            None => Answer::error(404, "Employee not found"),
        },
        Operation::CreateEmployee => create(company, switches, asking),
        Operation::Documents => match employee(company, switches, asking) {
            Some(person) => {
                let documents =
                    company.documents.iter().filter(|document| document.employee_id == person.id);
                list(
                    switches,
                    asking,
                    "documents",
                    documents.map(|one| document_json(one, switches)).collect(),
                )
            }
            None => Answer::error(404, "Employee not found"),
        },
        Operation::UploadDocument => upload(company, switches, asking),
        Operation::Unknown => Answer::error(404, "No such path"),
    }
}

fn list(
    switches: &Switches,
    asking: &Asking<'_>,
    resource: &'static str,
    entries: Vec<Value>,
) -> Answer {
    Asked { switches, resource, url: asking.url.clone(), query: asking.query }.page(entries)
}

fn references(
    switches: &Switches,
    asking: &Asking<'_>,
    resource: &'static str,
    entries: &[Reference],
) -> Answer {
    let entries =
        entries.iter().map(|one| json!({ "id": switches.ids.json(one.id), "name": one.name }));
    list(switches, asking, resource, entries.collect())
}

fn employee<'a>(
    company: &'a Company,
    switches: &Switches,
    asking: &Asking<'_>,
) -> Option<&'a Employee> {
    let id = switches.ids.read_text(asking.employee.as_deref()?)?;
    company.employees.iter().find(|person| person.id == id)
}

fn create(company: &mut Company, switches: &Switches, asking: &Asking<'_>) -> Answer {
    let Sent::Json(body) = &asking.body else {
        return Answer::error(400, "The body must be JSON");
    };
    let body = match &switches.request_wrap {
        Some(key) => body.get(key),
        None => Some(body),
    };
    let Some(Value::Object(fields)) = body else {
        return Answer::error(400, "The body must be an object");
    };
    let mut person = match read_person(company, switches, fields) {
        Ok(person) => person,
        Err(errors) => return Answer::invalid(&errors),
    };
    let known = person.personal_email.is_some()
        && company.employees.iter().any(|other| other.personal_email == person.personal_email);
    if known {
        match switches.duplicate {
            Duplicate::Allowed => {}
            Duplicate::Conflict => {
                return Answer::error(409, "A team member with this email exists");
            }
            Duplicate::Invalid => {
                let key = spelled(switches.naming, "personal_email");
                return Answer::invalid(&Map::from_iter([(
                    key,
                    json!(["has already been taken"]),
                )]));
            }
        }
    }
    let lag = SignedDuration::from_millis(i64::try_from(switches.list_lag_ms).unwrap_or(i64::MAX));
    person.listed_from = asking.now.saturating_add(lag).unwrap_or(Timestamp::MAX);
    person.status = "incomplete".into();
    let id = company.employ(person.clone());
    person.id = id;

    let status = switches.created.status;
    match switches.created.id {
        IdPlace::Body => Answer::object(status, switches, "employee", person.json(switches.ids)),
        IdPlace::Location => {
            let id = switches.ids.json(id);
            let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            Answer::empty(status).header("location", format!("{}/{id}", asking.url))
        }
        IdPlace::Nowhere => Answer::empty(status),
    }
}

/// Reads a new employee, or says for each property what is wrong about it.
fn read_person(
    company: &Company,
    switches: &Switches,
    fields: &Map<String, Value>,
) -> Result<Employee, Map<String, Value>> {
    let mut person = Employee::default();
    let mut errors = Map::new();
    let key = |name: &str| spelled(switches.naming, name);
    let mut wrong = |name: String, what: &str| {
        errors.insert(name, json!([what]));
    };
    for (name, value) in fields {
        let text = value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        let reference = |list: &[Reference]| {
            switches.ids.read(value).filter(|id| list.iter().any(|one| one.id == *id))
        };
        if *name == key("first_name") {
            person.first_name = text.unwrap_or_default();
        } else if *name == key("last_name") {
            person.last_name = text.unwrap_or_default();
        } else if *name == key("personal_email") {
            person.personal_email = text.filter(|text| text.contains('@'));
            if person.personal_email.is_none() {
                wrong(name.clone(), "is not an email address");
            }
        } else if *name == key("personal_phone") {
            person.personal_phone = text;
            if person.personal_phone.is_none() {
                wrong(name.clone(), "is not a phone number");
            }
        } else if *name == key("start_date") {
            person.start_date =
                text.filter(|text| text.len() == 10 && text.parse::<Date>().is_ok());
            if person.start_date.is_none() {
                wrong(name.clone(), "is not a date like 2027-01-04");
            }
        } else if *name == key("employment_type") {
            person.employment_type =
                text.filter(|text| company.employment_types.iter().any(|one| one.name == *text));
            if person.employment_type.is_none() {
                wrong(name.clone(), "is not included in the list");
            }
        } else if *name == key("department_id") {
            person.department_id = reference(&company.departments);
            if person.department_id.is_none() {
                wrong(name.clone(), "is invalid");
            }
        } else if *name == key("location_id") {
            person.location_id = reference(&company.locations);
            if person.location_id.is_none() {
                wrong(name.clone(), "is invalid");
            }
        } else if *name == key("job_title_id") {
            person.job_title_id = reference(&company.job_titles);
            if person.job_title_id.is_none() {
                wrong(name.clone(), "is invalid");
            }
        } else {
            wrong(name.clone(), "is not a known property");
        }
    }
    for (name, text) in [("first_name", &person.first_name), ("last_name", &person.last_name)] {
        if text.is_empty() {
            wrong(key(name), "can't be blank");
        }
    }
    if errors.is_empty() { Ok(person) } else { Err(errors) }
}

fn upload(company: &mut Company, switches: &Switches, asking: &Asking<'_>) -> Answer {
    let Some(employee_id) = employee(company, switches, asking).map(|person| person.id) else {
        return Answer::error(404, "Employee not found");
    };
    let mut document = Document {
        id: 0,
        employee_id,
        name: String::new(),
        content_type: None,
        content: Vec::new(),
        url: None,
    };
    let read = match (switches.documents, &asking.body) {
        (DocumentMode::Multipart, Sent::Form(parts)) => read_form(&mut document, parts),
        (DocumentMode::Base64Json, Sent::Json(body)) => read_base64(&mut document, body),
        (DocumentMode::UrlJson, Sent::Json(body)) => read_link(&mut document, body),
        (DocumentMode::Refused, _) => return Answer::error(422, "This file type is not allowed"),
        _ => return Answer::error(415, "Unsupported media type"),
    };
    if let Err(what) = read {
        return Answer::error(422, what);
    }
    document.id = company.new_id();
    company.documents.push(document.clone());
    Answer::object(201, switches, "document", document_json(&document, switches))
}

fn read_form(document: &mut Document, parts: &[Part]) -> Result<(), &'static str> {
    for part in parts {
        match part.name.as_str() {
            "file" => {
                document.content.clone_from(&part.content);
                document.content_type.clone_from(&part.content_type);
                if document.name.is_empty() {
                    document.name = part.file_name.clone().unwrap_or_default();
                }
            }
            "name" => document.name = String::from_utf8_lossy(&part.content).into_owned(),
            _ => return Err("unknown part of the form"),
        }
    }
    if document.name.is_empty() || document.content.is_empty() {
        Err("a file and a name are needed")
    } else {
        Ok(())
    }
}

fn read_base64(document: &mut Document, body: &Value) -> Result<(), &'static str> {
    let text = |key: &str| {
        body[key].as_str().map(str::to_owned).ok_or("name, content_type and content are needed")
    };
    document.name = text("name")?;
    document.content_type = Some(text("content_type")?);
    document.content = decode_base64(&text("content")?).ok_or("content is not base64")?;
    Ok(())
}

fn read_link(document: &mut Document, body: &Value) -> Result<(), &'static str> {
    let text = |key: &str| body[key].as_str().map(str::to_owned).ok_or("name and url are needed");
    document.name = text("name")?;
    document.url = Some(text("url")?);
    Ok(())
}

fn document_json(document: &Document, switches: &Switches) -> Value {
    json!({
        "id": switches.ids.json(document.id),
        "name": document.name,
        "content_type": document.content_type,
        "size": document.content.len(),
    })
}

/// Decodes padded standard base64.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.as_bytes().chunks(4) {
        let padding = group.iter().rev().take_while(|letter| **letter == b'=').count();
        let mut bits = 0_u32;
        for letter in group {
            let six = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' if padding <= 2 => 0,
                _ => return None,
            };
            bits = bits << 6 | u32::from(six);
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..4 - padding.min(2)]);
    }
    Some(out)
}
