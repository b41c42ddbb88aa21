//! Persons of the sandbox in place of real ones: the same everywhere, and in the form of what they replace.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::json;

use super::*;

fn of(values: &[&Value]) -> StandIns {
    let mut found = Found::default();
    for value in values {
        found.look_through(value);
    }
    found.stand_ins()
}

#[test]
fn the_same_person_is_the_same_everywhere() {
    let event = json!({
        "candidate": {
            "id": 35_897_443, "first_name": "Johnny", "last_name": "Li",
            "email_addresses": [{ "value": "Johnny.Li@Example.org", "type": "personal" }],
            "phone_numbers": [{ "value": "(518) 555-1212", "type": "mobile" }],
        },
        "departments": [{ "id": 7, "name": "Listening" }],
    });
    let answer = json!([
        { "full_name": "LI, Johnny", "work_email": "johnny.li@example.org", "cell": "+1 518 555 1212" },
        { "file": "johnny_li-cv.pdf", "note": "JohnnyLi.pdf of johnny was read; call 5185551212" },
        { "search": "/people?email=johnny.li%40example.org&name=Johnny+Li" },
    ]);
    let made = of(&[&event, &answer]);
    assert_eq!(
        made.value(&event),
        json!({
            "candidate": {
                "id": 35_897_443, "first_name": "Alex", "last_name": "Stone",
                "email_addresses": [{ "value": "person1@example.com", "type": "personal" }],
                "phone_numbers": [{ "value": "(518) 555-0100", "type": "mobile" }],
            },
            "departments": [{ "id": 7, "name": "Listening" }],
        })
    );
    assert_eq!(
        made.value(&answer),
        json!([
            { "full_name": "STONE, Alex", "work_email": "person1@example.com", "cell": "+1 518 555 0100" },
            { "file": "alex_stone-cv.pdf", "note": "AlexStone.pdf of alex was read; call 5185550100" },
            { "search": "/people?email=person1%40example.com&name=Alex+Stone" },
        ])
    );
    let text = made.value(&answer).to_string();
    assert!(made.is_seen_in(&answer.to_string()) && !made.is_seen_in(&text), "{text}");
}

#[test]
fn what_is_replaced_keeps_its_form() {
    let value = json!({
        "date_of_birth": "1991-07-23", "ssn": "123-45-6789", "iban": "DE89 3704 0044",
        "salary": 85_000, "gender": "Female",
        "address": { "street": "455 Broadway", "city": "Springfield", "state": "NY", "zip": "10280" },
        "custom_fields": { "born": { "name": "Birthday", "value": "7/23/1991" },
                           "pay": { "name": "Salary range", "value": { "unit": "USD", "min_value": "10000.0" } } },
        "access_token": "AbC123xyz", "link": "https://files.example/a/resume.pdf?X-Amz-Signature=0123abcd&v=1",
        "start_date": "2015-01-23", "office": "Springfield",
    });
    let new = of(&[&value]).value(&value);
    assert_eq!(new["date_of_birth"], "1980-01-01");
    assert_eq!(new["ssn"], "000-00-0001");
    assert_eq!(new["iban"], "XX00 0000 0002");
    assert_eq!((&new["salary"], &new["gender"]), (&json!(50_000), &json!("not stated")));
    assert_eq!(
        new["address"],
        json!({ "street": "1 Example Street", "city": "Exampleton", "state": "NY", "zip": "00003" })
    );
    assert_eq!(new["custom_fields"]["born"]["value"], "2/02/1980");
    assert_eq!(
        new["custom_fields"]["pay"]["value"],
        json!({ "unit": "USD", "min_value": "50000.0" })
    );
    let token = new["access_token"].as_str().unwrap();
    assert!(token != "AbC123xyz" && token.len() == 9, "{token}");
    let link = new["link"].as_str().unwrap();
    assert!(link.starts_with("https://files.example/a/resume.pdf?X-Amz-Signature="), "{link}");
    assert!(!link.contains("0123abcd") && link.ends_with("&v=1"), "{link}");
    assert_eq!((&new["start_date"], &new["office"]), (&json!("2015-01-23"), &json!("Springfield")));
}

#[test]
fn what_one_wants_is_kept_or_replaced_too() {
    let value =
        json!({ "gender": "Female", "contact_email": "hr@acme.example", "note": "for Globex" });
    let mut found = Found::default();
    found.keep("hr@acme.example");
    found.keep_under("gender");
    found.name("Globex");
    found.exactly("acme-key", "placeholder");
    found.look_through(&value);
    let made = found.stand_ins();
    assert_eq!(
        made.value(&value),
        json!({ "gender": "Female", "contact_email": "hr@acme.example", "note": "for Stone" })
    );
    assert_eq!(made.text("?key=acme-key"), "?key=placeholder");
    assert_eq!(made.counted(), ["1 name"]);
}

#[test]
fn somebody_elses_name_is_no_stand_in() {
    let value =
        json!([{ "first_name": "Alex" }, { "first_name": "Bo" }, { "first_name": "Alexandra" }]);
    let new = of(&[&value]).value(&value);
    assert_eq!(
        new,
        json!([{ "first_name": "Robin" }, { "first_name": "Sam" }, { "first_name": "Kim" }])
    );
}
