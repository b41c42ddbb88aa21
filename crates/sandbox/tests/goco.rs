//! GoCo's sandbox refuses what a real tenant refuses.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use connector::{
    Call, Identity, ManualClock, Opening, Secret, SystemClock,
    http::{Client, ClientSettings, Method},
    jiff::{SignedDuration, Timestamp},
};
use sandbox::goco::{GocoTenant, Operation, Switches};
use serde_json::{Value, json};

/// Asks with the right key, and returns the status and the body.
async fn ask(tenant: &GocoTenant, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    ask_with(tenant, "sandbox-goco-key", method, path, body).await
}

async fn ask_with(
    tenant: &GocoTenant,
    key: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let clock = Arc::new(SystemClock);
    let opening = Opening::new("goco", clock.clone());
    let settings = ClientSettings {
        allow_private_addresses: true,
        ..ClientSettings::new(&tenant.url()).unwrap()
    };
    let client = Client::new(settings, &opening).unwrap();
    let mut request = client
        .request(method, path)
        .bearer(&Secret::new(key))
        .accept(&[400, 401, 404, 413, 415, 422]);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send(&Call::new(Identity::default(), clock)).await.unwrap();
    (answer.status, answer.value().unwrap())
}

fn switches(json: Value) -> Switches {
    serde_json::from_value(json).unwrap()
}

const EMPLOYEES: &str = "/companies/acme-widgets/employees";

#[tokio::test]
async fn keys_companies_and_paths_that_are_not_there_are_refused() {
    let tenant = GocoTenant::start(Switches::default()).await.unwrap();
    assert_eq!(ask_with(&tenant, "another", Method::GET, "/companies", None).await.0, 401);
    let table = [
        ("/companies", 200),
        ("/companies/acme-widgets/departments", 200),
        ("/companies/acme-gadgets/departments", 404),
        ("/companies/acme-widgets/people", 404),
        ("/companies/acme-widgets/employees/9001", 200),
        ("/companies/acme-widgets/employees/4711", 404),
        ("/companies/acme-widgets/employees/g-9001", 404),
        ("/companies/acme-widgets/employees/9001/documents", 200),
    ];
    for (path, status) in table {
        assert_eq!(ask(&tenant, Method::GET, path, None).await.0, status, "{path}");
    }
    assert_eq!(ask(&tenant, Method::PATCH, EMPLOYEES, Some(json!({}))).await.0, 404);
    let statuses: Vec<_> =
        tenant.company(|company| company.requests.iter().map(|request| request.status).collect());
    assert_eq!(statuses.len(), 10);
    assert_eq!(statuses[0], Some(401));
}

#[tokio::test]
async fn an_employee_is_taken_only_with_properties_that_are_right() {
    let tenant = GocoTenant::start(Switches::default()).await.unwrap();
    let table = [
        (json!({ "first_name": "Johnny" }), Some("last_name")),
        (json!({ "first_name": " ", "last_name": "Smith" }), Some("first_name")),
        (json!({ "first_name": "J", "last_name": "S", "nickname": "Jo" }), Some("nickname")),
        (json!({ "firstName": "J", "first_name": "J", "last_name": "S" }), Some("firstName")),
        (
            json!({ "first_name": "J", "last_name": "S", "department_id": 999 }),
            Some("department_id"),
        ),
        (
            json!({ "first_name": "J", "last_name": "S", "department_id": "103" }),
            Some("department_id"),
        ),
        (json!({ "first_name": "J", "last_name": "S", "location_id": 103 }), Some("location_id")),
        (
            json!({ "first_name": "J", "last_name": "S", "job_title_id": null }),
            Some("job_title_id"),
        ),
        (
            json!({ "first_name": "J", "last_name": "S", "start_date": "23.01.2015" }),
            Some("start_date"),
        ),
        (
            json!({ "first_name": "J", "last_name": "S", "start_date": "2015-02-30" }),
            Some("start_date"),
        ),
        (
            json!({ "first_name": "J", "last_name": "S", "employment_type": "Full-time" }),
            Some("employment_type"),
        ),
        (
            json!({ "first_name": "J", "last_name": "S", "personal_email": "j" }),
            Some("personal_email"),
        ),
        (json!({ "first_name": "J", "last_name": "S", "department_id": 103 }), None),
    ];
    for (body, wrong) in table {
        let (status, answer) = ask(&tenant, Method::POST, EMPLOYEES, Some(body.clone())).await;
        match wrong {
            Some(property) => {
                assert_eq!(status, 422, "{body}");
                assert!(answer["errors"][property].is_array(), "{body}: {answer}");
            }
            None => assert_eq!((status, &answer["id"]), (201, &json!(9004)), "{answer}"),
        }
    }
    assert_eq!(ask(&tenant, Method::POST, EMPLOYEES, Some(json!([]))).await.0, 400);
    assert_eq!(ask(&tenant, Method::POST, EMPLOYEES, None).await.0, 400);
    tenant.company(|company| assert_eq!(company.employees.len(), 4));
}

#[tokio::test]
async fn a_cursor_that_was_not_given_is_refused() {
    let paged = switches(json!({ "paging": "cursor", "page_size": 2 }));
    let tenant = GocoTenant::start(paged).await.unwrap();
    let (_, first) = ask(&tenant, Method::GET, EMPLOYEES, None).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let next = format!("{EMPLOYEES}?cursor={}", first["next_cursor"].as_str().unwrap());
    let (_, last) = ask(&tenant, Method::GET, &next, None).await;
    assert_eq!((last["items"].as_array().unwrap().len(), &last["next_cursor"]), (1, &Value::Null));
    for cursor in ["2", "after-9", ""] {
        let path = format!("{EMPLOYEES}?cursor={cursor}");
        assert_eq!(ask(&tenant, Method::GET, &path, None).await.0, 400, "{cursor}");
    }
}

#[tokio::test]
async fn a_document_needs_its_employee_and_the_form_that_the_tenant_takes() {
    let json = switches(json!({ "documents": "base64_json" }));
    let tenant = GocoTenant::start(json).await.unwrap();
    let path = |id: &str| format!("{EMPLOYEES}/{id}/documents");
    let document = |content: &str| {
        Some(json!({ "name": "a.txt", "content_type": "text/plain", "content": content }))
    };
    let table = [
        (path("9001"), document("aGVsbG8="), 201),
        (path("9001"), document("aGVsbG8"), 422),
        (path("9001"), document("a-_="), 422),
        (path("9001"), Some(json!({ "name": "a.txt" })), 422),
        (path("9001"), None, 415),
        (path("4711"), document("aGVsbG8="), 404),
    ];
    for (path, body, status) in table {
        assert_eq!(ask(&tenant, Method::POST, &path, body.clone()).await.0, status, "{body:?}");
    }
    tenant.company(|company| {
        assert_eq!(company.documents.len(), 1);
        assert_eq!(company.documents[0].content, b"hello");
        assert_eq!(company.count(Operation::UploadDocument), 6);
    });
    tenant.switch(|switches| switches.documents = sandbox::goco::DocumentMode::Refused);
    assert_eq!(ask(&tenant, Method::POST, &path("9001"), document("aGVsbG8=")).await.0, 422);
}

#[tokio::test]
async fn a_new_employee_is_listed_once_the_lag_has_passed() {
    let start: Timestamp = "2027-01-04T09:00:00Z".parse().unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let lagging = switches(json!({ "list_lag_ms": 20_000 }));
    let tenant = GocoTenant::start_at(lagging, clock.clone()).await.unwrap();
    let body = json!({ "first_name": "Johnny", "last_name": "Smith" });
    assert_eq!(ask(&tenant, Method::POST, EMPLOYEES, Some(body)).await.0, 201);
    for (seconds, listed) in [(0, 3), (19, 3), (20, 4)] {
        clock.set(start + SignedDuration::from_secs(seconds));
        let (_, people) = ask(&tenant, Method::GET, EMPLOYEES, None).await;
        assert_eq!(people.as_array().unwrap().len(), listed, "{seconds}");
    }
}
