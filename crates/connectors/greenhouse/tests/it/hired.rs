//! The trigger `hired`, from raw bytes to events: signatures, what a delivery is, and every shape a hire comes in.

use std::sync::Arc;

use connector::{
    Connection, Delivery, Event, Failure, ManualClock, Opening, Secret, Verdict, hmac,
    jiff::Timestamp,
};
use serde_json::{Value, json};

use crate::bench::trigger;

const SECRET: &str = "3f9a1c77e0b24d5f86a1c77e0b24d5f8";
/// The documented sample: <https://developers.greenhouse.io/webhooks.html#candidate-or-prospect-hired>.
const HIRE: &str = include_str!("data/hire_candidate.json");

#[test]
fn signatures_of_the_raw_bytes_are_accepted_and_others_refused() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("data/signatures.json")).unwrap();
    assert_eq!(vectors.len(), 7);
    for vector in &vectors {
        let text = |key: &str| vector[key].as_str().unwrap();
        let connection = open(Some(text("secret")));
        let delivery = delivery(text("body").as_bytes(), Some(text("signature")));
        let verdict = trigger().verify(&connection, &json!({}), &delivery);
        assert_eq!(verdict.is_ok(), vector["valid"] == true, "{}: {verdict:?}", text("name"));
    }
}

#[test]
fn a_delivery_without_a_valid_signature_is_refused_with_401() {
    let body = HIRE.as_bytes();
    let good = format!("sha256 {}", hmac::sign_sha256_hex(&Secret::new(SECRET), body));
    let other = format!("sha256 {}", hmac::sign_sha256_hex(&Secret::new(SECRET), b"{}"));
    let cases = [
        (Some(SECRET), Some(good.as_str()), true),
        (Some(SECRET), None, false),
        (Some(SECRET), Some(""), false),
        (Some(SECRET), Some(&good[7..]), false),
        (Some(SECRET), Some(other.as_str()), false),
        (Some("another secret of some length"), Some(good.as_str()), false),
        (None, Some(good.as_str()), false),
        // An empty secret is no secret: anybody could sign with it.
        (Some(""), Some(good.as_str()), false),
    ];
    for (secret, signature, genuine) in cases {
        let verdict = trigger().verify(&open(secret), &json!({}), &delivery(body, signature));
        match verdict {
            Ok(verdict) => assert_eq!((genuine, verdict), (true, Verdict::Events), "{secret:?}"),
            Err(refusal) => assert!(!genuine && refusal.status == 401, "{secret:?}: {refusal:?}"),
        }
    }
}

#[test]
fn a_genuine_delivery_is_a_ping_a_hire_or_something_else() {
    let cases: [(&[u8], Verdict); 6] = [
        (br#"{"action":"ping","payload":{"web_hook_id":1,"content-type":"x"}}"#, Verdict::Ping),
        (br#"{"action":"hire_candidate","payload":{}}"#, Verdict::Events),
        (br#"{"action":"unhire_candidate","payload":{}}"#, Verdict::Other),
        (br#"{"action":"offer_updated","payload":{}}"#, Verdict::Other),
        // Genuine and unreadable: kept, and put to a person.
        (br#"{"payload":{}}"#, Verdict::Events),
        (b"\xff not json", Verdict::Events),
    ];
    for (body, expected) in cases {
        let signature = format!("sha256 {}", hmac::sign_sha256_hex(&Secret::new(SECRET), body));
        let delivery = delivery(body, Some(&signature));
        let verdict = trigger().verify(&open(Some(SECRET)), &json!({}), &delivery).unwrap();
        assert_eq!(verdict, expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn the_documented_payload_becomes_the_event() {
    let event = decode(HIRE.as_bytes()).unwrap();
    assert_eq!(event.dedupe_key, "46194062/506409/2/2014-11-20T22:49:14Z");
    assert_eq!(event.once_key, "46194062/506409");
    assert_eq!(event.order_key.as_deref(), Some("35897443"));
    let expected = [
        ("/occurred_at", json!("2014-11-20T22:49:14Z")),
        ("/candidate/id", json!("35897443")),
        ("/candidate/first_name", json!("Johnny")),
        ("/candidate/last_name", json!("Smith")),
        ("/candidate/title", json!("Previous Title")),
        ("/candidate/phone_numbers/0", json!({ "value": "518-555-1212", "type": "work" })),
        (
            "/candidate/email_addresses/0",
            json!({ "value": "personal@example.com", "type": "personal" }),
        ),
        ("/candidate/educations/0/start_date", json!("2012-01-01")),
        ("/candidate/employments/0/company_name", json!("Greenhouse")),
        ("/candidate/recruiter/employee_id", json!("456DEF")),
        ("/candidate/attachments/0/filename", json!("resume.pdf")),
        ("/candidate/attachments/0/type", json!("resume")),
        ("/candidate/custom_fields/desired_level/value", json!("Senior")),
        ("/application/id", json!("46194062")),
        (
            "/application/url",
            json!("https://app.greenhouse.io/people/35897443?application_id=46194062"),
        ),
        ("/application/source", json!({ "id": "25", "name": "Monster" })),
        ("/application/credited_to/id", json!("158104")),
        ("/application/opening", json!({ "opening_id": "1234-56", "custom_fields": {} })),
        ("/application/custom_fields/custom_application_field/value", json!("Example123")),
        ("/job/id", json!("323753")),
        ("/job/name", json!("Developer")),
        ("/job/departments/0/name", json!("Technology")),
        ("/job/offices/0/location", json!("New York, NY")),
        (
            "/job/offices/1",
            json!({ "id": "14", "name": "St. Louis", "location": null, "external_id": null }),
        ),
        ("/job/custom_fields/employment_type/value", json!("Full-time")),
        ("/job/custom_fields/salary_range/value/min_value", json!(10000)),
        ("/offer/id", json!("506409")),
        ("/offer/version", json!(2)),
        ("/offer/sent_on", json!("2014-11-10")),
        ("/offer/starts_on", json!("2015-01-23")),
        ("/offer/custom_fields/salary/value", json!({ "amount": 80000, "unit": "USD" })),
        ("/offer/custom_fields/seasons/value", json!(["Season 1", "Season 2"])),
    ];
    for (pointer, value) in expected {
        assert_eq!(event.payload.value().pointer(pointer), Some(&value), "{pointer}");
    }
    assert_eq!(event.payload.value()["jobs"][0], event.payload.value()["job"]);
}

/// One variation of the documented payload: what is changed, and what must come of it.
struct Variation {
    name: &'static str,
    /// A pointer below `payload.application`, and the value put there; nothing removes what is there.
    changes: Vec<(&'static str, Option<Value>)>,
    /// Pointers into the event and what they must hold.
    expected: Vec<(&'static str, Value)>,
}

#[test]
fn every_known_variation_decodes() {
    let variation = |name, changes, expected| Variation { name, changes, expected };
    let variations = [
        variation(
            "no offer at all",
            vec![("/offer", None)],
            vec![("/offer", json!(null)), ("/occurred_at", json!(null))],
        ),
        variation("offer null", vec![("/offer", Some(json!(null)))], vec![("/offer", json!(null))]),
        variation("offer empty", vec![("/offer", Some(json!({})))], vec![("/offer", json!(null))]),
        variation(
            "start date in the other names and forms",
            vec![("/offer/starts_at", None), ("/offer/start_date", Some(json!("04/15/2013")))],
            vec![("/offer/starts_on", json!("2013-04-15"))],
        ),
        variation(
            "start date under the API's name",
            vec![
                ("/offer/starts_at", Some(json!(null))),
                ("/offer/starts_on", Some(json!("2027-01-04"))),
            ],
            vec![("/offer/starts_on", json!("2027-01-04"))],
        ),
        variation(
            "no start date",
            vec![("/offer/starts_at", Some(json!("")))],
            vec![("/offer/starts_on", json!(null))],
        ),
        variation(
            "sent under the name in the documentation's table",
            vec![("/offer/sent_at", None), ("/offer/sent_on", Some(json!("2014-11-11")))],
            vec![("/offer/sent_on", json!("2014-11-11"))],
        ),
        variation(
            "blanks after a type and around a value, and capitals",
            vec![(
                "/candidate/phone_numbers",
                Some(json!([
                    { "value": " 212-555-1212 ", "type": "Mobile " },
                    { "value": "", "type": "home" },
                    null,
                    { "value": "1", "type": "other " },
                ])),
            )],
            vec![(
                "/candidate/phone_numbers",
                json!([{ "value": "212-555-1212", "type": "mobile" }, { "value": "1", "type": "other" }]),
            )],
        ),
        variation(
            "lists that are missing or null",
            vec![
                ("/candidate/phone_numbers", None),
                ("/candidate/email_addresses", Some(json!(null))),
                ("/candidate/attachments", Some(json!(null))),
                ("/candidate/educations", None),
                ("/candidate/custom_fields", Some(json!(null))),
            ],
            vec![
                ("/candidate/phone_numbers", json!([])),
                ("/candidate/email_addresses", json!([])),
                ("/candidate/attachments", json!([])),
                ("/candidate/custom_fields", json!({})),
            ],
        ),
        variation(
            "people that are missing, null, empty, or just a name",
            vec![
                ("/candidate/recruiter", Some(json!(null))),
                ("/candidate/coordinator", Some(json!({}))),
                ("/credited_to", Some(json!("Bob Johnson"))),
                ("/source", Some(json!({ "id": 25, "name": "Monster" }))),
                ("/opening", None),
            ],
            vec![
                ("/candidate/recruiter", json!(null)),
                ("/candidate/coordinator", json!(null)),
                ("/application/credited_to/name", json!("Bob Johnson")),
                ("/application/source/name", json!("Monster")),
                ("/application/opening", json!(null)),
            ],
        ),
        variation(
            "an opening with a blank id and fields",
            vec![(
                "/opening",
                Some(
                    json!({ "opening_id": "", "custom_fields": { "team": { "name": "Team", "type": "short_text", "value": "A" } } }),
                ),
            )],
            vec![
                ("/application/opening/opening_id", json!(null)),
                ("/application/opening/custom_fields/team/value", json!("A")),
            ],
        ),
        variation(
            "only the deprecated job",
            vec![("/jobs", None)],
            vec![
                ("/job/name", json!("Developer")),
                ("/job/opened_at", json!("2014-11-20T22:49:14Z")),
                ("/jobs/0/id", json!("323753")),
            ],
        ),
        variation(
            "no job",
            vec![("/jobs", Some(json!([]))), ("/job", None)],
            vec![("/job/name", json!(null)), ("/job/departments", json!([])), ("/jobs", json!([]))],
        ),
        variation(
            "an office as the API writes it, a department without a name",
            vec![
                (
                    "/jobs/0/offices",
                    Some(json!([{ "id": 13, "name": "NYC", "location": { "name": "New York" } }])),
                ),
                ("/jobs/0/departments", Some(json!([{ "id": 7, "name": null }]))),
            ],
            vec![
                ("/job/offices/0/location", json!("New York")),
                ("/job/offices/0/external_id", json!(null)),
                ("/job/departments", json!([])),
            ],
        ),
        variation(
            "an attachment without a name and one without a link",
            vec![(
                "/candidate/attachments",
                Some(json!([
                    { "url": "https://files.example.com/a/signed%20offer.pdf?X-Amz-Signature=1", "type": "Signed_Offer_Letter" },
                    { "filename": "lost.pdf", "url": null, "type": "attachment" },
                ])),
            )],
            vec![(
                "/candidate/attachments",
                json!([{
                    "filename": "signed%20offer.pdf",
                    "url": "https://files.example.com/a/signed%20offer.pdf?X-Amz-Signature=1",
                    "type": "signed_offer_letter",
                }]),
            )],
        ),
        variation(
            "ids as text, keys nobody documented, a status",
            vec![
                ("/id", Some(json!("46194062"))),
                ("/status", Some(json!("hired"))),
                ("/prospect", Some(json!(false))),
                ("/candidate/tags", Some(json!(["x"]))),
                ("/something_new", Some(json!({ "a": [1] }))),
            ],
            vec![("/application/id", json!("46194062")), ("/application/status", json!("hired"))],
        ),
        variation(
            "names that are missing",
            vec![
                ("/candidate/first_name", Some(json!(null))),
                ("/candidate/last_name", Some(json!(" Ng "))),
            ],
            vec![("/candidate/first_name", json!("")), ("/candidate/last_name", json!("Ng"))],
        ),
    ];
    for variation in variations {
        let event = decode(&varied(&variation.changes))
            .unwrap_or_else(|failure| panic!("{}: {failure}", variation.name));
        for (pointer, value) in &variation.expected {
            assert_eq!(
                event.payload.value().pointer(pointer),
                Some(value),
                "{}: {pointer}",
                variation.name
            );
        }
    }
}

#[test]
fn keys_tell_a_rehire_from_a_repeat() {
    let keys = |changes: &[(&str, Option<Value>)]| {
        let event = decode(&varied(changes)).unwrap();
        (event.dedupe_key, event.once_key)
    };
    let at = "/offer/resolved_at";
    let same = keys(&[]);
    assert_eq!(
        keys(&[(at, Some(json!("2014-11-20T22:49:14.000Z")))]),
        same,
        "the API's spelling of the moment"
    );
    assert_eq!(keys(&[("/candidate/title", Some(json!("Other")))]), same);
    let again = keys(&[(at, Some(json!("2014-11-21T10:00:00Z")))]);
    assert_ne!(again.0, same.0, "another acceptance is another event");
    assert_eq!(again.1, same.1, "of the same business fact");
    let revised = keys(&[("/offer/version", Some(json!(3)))]);
    assert_ne!(revised.0, same.0);
    assert_eq!(revised.1, same.1);
    let rehired = keys(&[("/offer/id", Some(json!(506_410)))]);
    assert_ne!((&rehired.0, &rehired.1), (&same.0, &same.1));
    let bare = keys(&[("/offer", None)]);
    assert_eq!(bare, ("46194062/no-offer".to_owned(), "46194062/no-offer".to_owned()));
    let drafted = keys(&[("/offer/version", None), (at, Some(json!(null)))]);
    assert_eq!(drafted.0, "46194062/506409/-/-");
}

#[test]
fn what_does_not_decode_says_where() {
    let cases: [(&str, Option<Value>, &str); 9] = [
        ("/id", None, "`payload.application.id` in the webhook is missing, expected an id"),
        (
            "/candidate",
            None,
            "`payload.application.candidate` in the webhook is missing, expected a map",
        ),
        (
            "/candidate/id",
            Some(json!({})),
            "`payload.application.candidate.id` in the webhook is a map, expected an id",
        ),
        (
            "/candidate/first_name",
            Some(json!(["A"])),
            "`payload.application.candidate.first_name` in the webhook is a list, expected text",
        ),
        (
            "/candidate/phone_numbers",
            Some(json!("212")),
            "`payload.application.candidate.phone_numbers` in the webhook is a text, expected a list",
        ),
        (
            "/candidate/phone_numbers/1/value",
            Some(json!({ "a": 1 })),
            "`payload.application.candidate.phone_numbers[1].value` in the webhook is a map, expected text",
        ),
        (
            "/jobs/0/departments",
            Some(json!({ "id": 1 })),
            "`payload.application.jobs[0].departments` in the webhook is a map, expected a list",
        ),
        (
            "/offer/starts_at",
            Some(json!("soon")),
            "`payload.application.offer.starts_at` in the webhook is a text, expected a date such as `2027-01-04`",
        ),
        (
            "/offer/id",
            Some(json!(null)),
            "`payload.application.offer.id` in the webhook is missing, expected an id",
        ),
    ];
    for (pointer, value, expected) in cases {
        let failure = decode(&varied(&[(pointer, value)])).unwrap_err();
        assert_eq!(failure.message, expected);
        assert_eq!(failure.code, "invalid_payload");
    }
    let failure = decode(br#"{"action":"hire_candidate","payload":{}}"#).unwrap_err();
    assert_eq!(failure.message, "`payload.application` in the webhook is missing, expected a map");
    let failure = decode(b"not json").unwrap_err();
    assert!(failure.message.starts_with("the webhook's body is not JSON: "), "{failure}");
}

#[test]
fn custom_fields_of_every_documented_type_are_kept() {
    let sample: Value =
        serde_json::from_str(include_str!("data/custom_fields_by_type.json")).unwrap();
    let fields = &sample["custom_fields"];
    let event = decode(&varied(&[("/offer/custom_fields", Some(fields.clone()))])).unwrap();
    let read = &event.payload.value()["offer"]["custom_fields"];
    for (key, field) in fields.as_object().unwrap() {
        assert_eq!(read[key]["value"], field["value"], "{key}");
        assert_eq!(read[key]["type"], field["type"], "{key}");
        assert_eq!(read[key]["name"], field["name"], "{key}");
    }
    assert_eq!(read["compensation_field"]["frequency"], "annually");
}

#[test]
fn the_payload_has_the_shape_that_the_checker_sees() {
    let recipe_shape = &trigger().spec.event;
    let whole = decode(HIRE.as_bytes()).unwrap().payload;
    let bare = varied(&[
        ("/offer", None),
        ("/jobs", None),
        ("/job", None),
        ("/candidate/recruiter", None),
    ]);
    for payload in [whole, decode(&bare).unwrap().payload] {
        conforms(recipe_shape, payload.value(), "event");
    }
}

/// Asserts that a value is of a shape: types, nulls, and no field that the shape does not name.
fn conforms(shape: &recipe::Shape, value: &Value, path: &str) {
    if value.is_null() {
        assert!(shape.nullable, "`{path}` is null");
        return;
    }
    match (&shape.of, value) {
        (recipe::Type::Object(object), Value::Object(map)) => {
            for (key, value) in map {
                let of = object.field(key).map(|field| &field.shape).or(object.others.as_deref());
                conforms(
                    of.unwrap_or_else(|| panic!("`{path}` has no `{key}`")),
                    value,
                    &format!("{path}.{key}"),
                );
            }
            for field in object.fields.iter().filter(|field| !field.shape.nullable) {
                assert!(map.contains_key(&field.name), "`{path}` misses `{}`", field.name);
            }
        }
        (recipe::Type::List(of), Value::Array(list)) => {
            for value in list {
                conforms(of, value, &format!("{path}[]"));
            }
        }
        (recipe::Type::Any, _)
        | (recipe::Type::Text(_), Value::String(_))
        | (recipe::Type::Boolean, Value::Bool(_))
        | (recipe::Type::Integer, Value::Number(_)) => {}
        (of, value) => panic!("`{path}` is {value}, expected {of:?}"),
    }
}

fn open(secret: Option<&str>) -> Connection {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let settings =
        json!({ "client_id": "id", "client_secret": "secret", "webhook_secret": secret });
    connector_greenhouse::connector().open(settings, &Opening::new("greenhouse", clock)).unwrap()
}

fn delivery(body: &[u8], signature: Option<&str>) -> Delivery {
    let signature = signature.map(|value| ("signature".to_owned(), value.to_owned()));
    Delivery {
        headers: signature.into_iter().collect(),
        query: String::new(),
        body: body.into(),
        received_at: Timestamp::UNIX_EPOCH,
    }
}

fn decode(body: &[u8]) -> Result<Event, Failure> {
    let events = trigger().decode(&json!({}), &delivery(body, None))?;
    assert_eq!(events.len(), 1);
    Ok(events.into_iter().next().unwrap())
}

/// Returns the documented payload with changes below `payload.application`.
fn varied(changes: &[(&str, Option<Value>)]) -> Vec<u8> {
    let mut body: Value = serde_json::from_str(HIRE).unwrap();
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(&format!("/payload/application{parent}")).unwrap();
        match (parent, value) {
            (Value::Object(map), Some(value)) => drop(map.insert(key.into(), value.clone())),
            (Value::Object(map), None) => drop(map.remove(key)),
            (other, _) => panic!("{pointer}: {other} is no map"),
        }
    }
    serde_json::to_vec(&body).unwrap()
}
