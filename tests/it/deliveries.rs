//! From Greenhouse's door to a job: what is taken, what is refused, what is the same event, and that nothing is lost.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
};

use serde_json::{Value, json};

use crate::town::{JOHNNY, NORA, RECIPE, Town, ZOE};

#[test]
fn a_redelivered_event_makes_one_job() {
    let mut town = Town::new();
    town.start();
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    let (body, signature) = town.signed(&event);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(town.post(&body, Some(&signature)), 200));
        }
    });
    let job = town.wait(1, "succeeded");
    assert_eq!(town.post(&body, Some(&signature)), 200, "also when it is over");
    assert_eq!(town.jobs(), [1]);
    assert_eq!(job["repeats"], 7);
    assert_eq!(town.employees(JOHNNY).len(), 1);
    assert_eq!(town.notes(JOHNNY).len(), 1);
}

#[test]
fn a_rehire_makes_another_job() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    // Taken back, offered anew, hired again.
    town.offer_anew(JOHNNY);
    town.hire(JOHNNY);
    let job = town.wait(2, "skipped");
    assert_eq!(town.jobs(), [2, 1]);
    assert!(job["note"].as_str().unwrap().contains("already has Johnny Smith"), "{job:#}");
    assert_eq!(town.employees(JOHNNY).len(), 1);
    assert_eq!(town.notes(JOHNNY).len(), 2);
}

#[test]
fn what_greenhouse_did_not_sign_is_refused_and_makes_nothing() {
    let mut town = Town::new();
    town.start();
    let (body, signature) = town.signed(&town.greenhouse.hire(JOHNNY).unwrap());
    let (other, _) = town.signed(&town.greenhouse.hire(ZOE).unwrap());
    let forged = format!("sha256 {}", "0".repeat(64));
    let bare = signature.strip_prefix("sha256 ").unwrap();
    for (what, body, signature) in [
        ("no signature", &body, None),
        ("an empty one", &body, Some("")),
        ("a forged one", &body, Some(forged.as_str())),
        ("one without its algorithm", &body, Some(bare)),
        ("one cut short", &body, Some(&signature[..signature.len() - 1])),
        ("that of another body", &other, Some(signature.as_str())),
    ] {
        assert_eq!(town.post(body, signature), 401, "{what}");
    }
    let mut changed = body.clone();
    *changed.last_mut().unwrap() = b' ';
    assert_eq!(town.post(&changed, Some(&signature)), 401, "one letter is another");
    assert!(town.jobs().is_empty());
    assert!(!town.json(&["status"])["recipes"][0]["last_refusal"].is_null());

    // What was refused is told with its reason, and nothing can be made of it.
    let operator = town.token("operator");
    let told = town.api("GET", &format!("/refused?recipe={RECIPE}"), &operator, &Value::Null).1;
    let all = told["refused"].as_array().unwrap();
    assert_eq!(all.len(), 7, "{told:#}");
    assert_eq!((&all[0]["answered"], &all[0]["size"]), (&json!(401), &json!(body.len())));
    assert!(all[0]["headers"].as_array().unwrap().contains(&json!("signature")), "{told:#}");
    for secret in [bare, &"0".repeat(64), "Johnny"] {
        assert!(!told.to_string().contains(secret), "`{secret}` is in {told:#}");
    }
    assert_eq!(town.api("POST", "/deliveries/1/replay", &operator, &Value::Null).0, 404);
    let page = town.get("/deliveries", &operator);
    assert!(page.contains("signature") && page.contains("cannot be played again"), "{page}");

    assert_eq!(town.post(&body, Some(&signature)), 200, "and the real one is taken");
    town.wait(1, "succeeded");
    assert!(town.employees(ZOE).is_empty());
}

#[test]
fn a_ping_is_answered_and_makes_no_job() {
    let mut town = Town::new();
    town.start();
    let ping = town.block_on(town.greenhouse.sender().ping(&town.url())).unwrap();
    assert!(ping.delivered(), "{ping:?}");
    // Another event of the same webhook, as when somebody ticked the wrong box.
    let sent = town.send(&json!({ "action": "candidate_stage_change", "payload": {} }));
    assert!(sent.delivered(), "{sent:?}");
    assert!(town.jobs().is_empty());
    assert!(!town.json(&["status"])["recipes"][0]["last_ping_at"].is_null());
}

#[test]
fn a_genuine_event_that_cannot_be_read_waits_for_a_person() {
    let mut town = Town::new();
    town.start();
    let sent = town.send(&json!({ "action": "hire_candidate", "payload": { "application": 7 } }));
    assert!(sent.delivered(), "{sent:?}");
    town.wait(1, "needs_attention");
}

#[test]
fn a_recipe_that_is_off_loses_nothing() {
    let mut town = Town::new();
    town.start();
    assert_eq!(town.cli(&["stop", RECIPE]).code, Some(0));
    let ping = town.block_on(town.greenhouse.sender().ping(&town.url())).unwrap();
    assert!(ping.delivered(), "a webhook saved meanwhile is not disabled");
    town.hire(JOHNNY);
    town.hire(NORA);
    assert_eq!(town.job(1)["status"], "queued");
    assert!(town.goco.company(|company| company.requests.is_empty()));

    // Also when the service is stopped, or killed, in the meantime: it stays off, and keeps what it holds.
    let stopped = town.cli(&["stop"]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert_eq!(town.ended(), Some(0));
    town.start_with(&["start"], None);
    town.hire(ZOE);
    town.kill();
    town.start_with(&["start"], None);
    for job in 1..=3 {
        assert_eq!(town.job(job)["status"], "queued");
    }
    assert!(town.goco.company(|company| company.requests.is_empty()));

    assert_eq!(town.cli(&["start", RECIPE]).code, Some(0));
    for (job, person) in [(1, JOHNNY), (2, NORA), (3, ZOE)] {
        town.wait(job, "succeeded");
        assert_eq!(town.employees(person).len(), 1);
    }
    assert_eq!(town.jobs().len(), 3);
}

#[test]
fn a_hire_sent_while_the_service_is_down_arrives_when_it_is_back() {
    let mut town = Town::new();
    town.start();
    town.stay_at_this_address();
    let (url, mut sender) = (town.url(), town.greenhouse.sender());
    sender.minute *= 10;
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    town.kill();
    let sent = town.spawn(async move { sender.send(&url, &event).await.unwrap() });
    town.start();
    let sent = town.block_on(sent).unwrap();
    assert!(sent.delivered(), "{sent:?}");
    town.wait(1, "succeeded");
    assert_eq!(town.employees(JOHNNY).len(), 1);
}

#[test]
fn a_recipe_that_was_never_right_asks_its_sender_to_come_again_until_it_is() {
    let mut town = Town::new();
    let path = format!("recipes/{RECIPE}.yaml");
    let right = std::fs::read_to_string(town.dir().join(&path)).unwrap();
    town.write(&path, &right.replace("trigger: greenhouse.hired", "trigger: greenhouse.hird"));
    town.start_with(&["start"], None);
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    let (body, signature) = town.signed(&event);
    let ask = || {
        let more = format!("signature: {signature}\r\n");
        let body = std::str::from_utf8(&body).unwrap();
        town.ask("POST", &format!("/hooks/{RECIPE}"), None, &more, body)
    };
    let refused = ask();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("30")), "{refused:?}");
    assert!(refused.body.contains("never been right"), "{refused:?}");
    // Put right, it takes what comes at once, and works it once somebody switches it on.
    town.write(&path, &right);
    town.until("the recipe is right", || (ask().status == 200).then_some(()));
    assert_eq!(town.cli(&["start", RECIPE]).code, Some(0));
    assert_eq!(town.over(1)["status"], "succeeded");
    town.employee(JOHNNY);
}

#[test]
fn what_is_too_large_is_told_and_what_goes_to_no_recipe_is_not() {
    let mut town = Town::new();
    town.start();
    let operator = town.token("operator");
    let more = "user-agent: Greenhouse\r\n";
    let size = (4 << 20) + 1;
    let head =
        format!("POST /hooks/{RECIPE} HTTP/1.1\r\nhost: a\r\n{more}content-length: {size}\r\n\r\n");
    let mut stream = TcpStream::connect(town.host()).unwrap();
    // It is refused before its end was read, so neither the sending nor the answer need come to theirs.
    drop(stream.write_all(&[head.as_bytes(), &vec![b'x'; size]].concat()));
    drop(stream.read_to_end(&mut Vec::new()));
    let absent = town.ask("POST", "/hooks/absent", None, more, "{}");
    assert_eq!(absent.status, 404);
    let told = town.api("GET", "/refused", &operator, &Value::Null).1;
    let all = told["refused"].as_array().unwrap();
    assert_eq!(all.len(), 1, "{told:#}");
    assert_eq!((&all[0]["answered"], &all[0]["size"]), (&json!(413), &Value::Null));
    assert_eq!((&all[0]["sender"], &all[0]["recipe"]), (&json!("Greenhouse"), &json!(RECIPE)));
    assert_eq!(all[0]["reason"], "its body is too large");
}

/// Whatever a job is made of again (its job, its delivery), and however: it sees the headers and the query that came.
#[test]
fn what_is_made_again_has_the_headers_and_the_query_that_came() {
    let mut town = Town::new();
    let kind = |name: &str| {
        format!(
            "title: {name}\nlabel: \"{{{{ event.headers['x-kind'] | default('none') }}}} of {{{{ event.query.day | default('none') }}}}\"\n\
             trigger: {{ on: webhook.received, connection: webhook }}\n\
             steps:\n  - action: log.write\n    with: {{ message: seen }}\n"
        )
    };
    town.write("recipes/kinds.yaml", &kind("Kinds"));
    town.write("recipes/others.yaml", &kind("Others"));
    let mut connections = std::fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    connections.push_str("webhook: { insecure: true }\n");
    town.write("connections.yaml", &connections);
    town.start_with(&["start", "kinds", "others"], None);
    let operator = town.token("operator");
    let sent = town.ask("POST", "/hooks/kinds?day=Monday", None, "x-kind: alarm\r\n", "{}");
    assert_eq!(sent.status, 200, "{sent:?}");
    town.wait(1, "succeeded");

    assert_eq!(town.cli(&["run", "kinds", "--event", "1", "--yes"]).code, Some(0));
    for (path, body) in [
        ("/recipes/kinds/jobs", json!({ "delivery": 1 })),
        ("/deliveries/1/replay", Value::Null),
        // Another recipe may begin with the same delivery.
        ("/recipes/others/jobs", json!({ "delivery": 1 })),
    ] {
        let (status, made) = town.api("POST", path, &operator, &body);
        assert_eq!(status, 201, "{path}: {made}");
    }
    for job in 1..=5 {
        assert_eq!(town.wait(job, "succeeded")["label"], "alarm of Monday", "job {job}");
    }
    for from in [json!({ "job": 1 }), json!({ "delivery": 1 })] {
        let plan = town.api("POST", "/recipes/kinds/plan", &operator, &from).1;
        assert_eq!(plan["label"], "alarm of Monday", "{plan:#}");
    }

    // A job is no event of another recipe: its history would tell of events that this one never got.
    let (status, refused) =
        town.api("POST", "/recipes/others/jobs", &operator, &json!({ "job": 1 }));
    assert_eq!((status, &refused["code"]), (409, &json!("wrong_input")), "{refused}");
    let words = "job 1 is one of `kinds`, and this makes one of `others`";
    assert!(refused["detail"].as_str().unwrap().contains(words), "{refused}");
    assert_eq!(town.jobs().len(), 5, "nothing was made");
}
