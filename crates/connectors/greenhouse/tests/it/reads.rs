//! The reads, over both versions of the API: the same answer whichever it is.

use connector::{FailureKind, Identity};
use sandbox::greenhouse::{Fault, Offer, Operation, Switches, Trouble};
use serde_json::{Value, json};

use crate::bench::{APPLICATION, Bench, JOHNNY, KINDS, action};

#[tokio::test]
async fn a_candidate_reads_the_same_from_v3_and_v1() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        let read = bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await.unwrap();
        assert_eq!(read["id"], JOHNNY, "{kind}");
        assert_eq!((&read["first_name"], &read["last_name"]), (&json!("Johnny"), &json!("Smith")));
        assert_eq!(read["title"], "Previous Title");
        assert_eq!(read["phone_numbers"][2], json!({ "value": "917-555-1212", "type": "mobile" }));
        assert_eq!(read["email_addresses"][0]["type"], "personal");
        assert_eq!(read["custom_fields"]["desired_level"]["value"], "Senior");
        assert_eq!(read["custom_fields"]["desired_level"]["name"], "Desired Level");
    }
}

#[tokio::test]
async fn an_application_says_active_whatever_the_version_calls_it() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        let read = async || {
            bench.run("get_application", json!({ "application_id": APPLICATION })).await.unwrap()
        };
        let before = read().await;
        assert_eq!(before["status"], "active", "{kind}");
        assert_eq!(before["stage_name"], "Offer", "{kind}");
        assert_eq!(before["candidate_id"], JOHNNY);
        assert_eq!(before["job_id"], "323753");
        bench.tenant.hire(35_897_443).unwrap();
        let after = read().await;
        assert_eq!(
            (&after["status"], &after["stage_name"]),
            (&json!("hired"), &json!(null)),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn the_current_offer_is_the_newest_version_or_nulls() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        bench.account(|account| {
            let offers = &mut account.candidate_mut(35_897_443).unwrap().application.offers;
            let newest = Offer {
                id: 506_500,
                version: 3,
                starts_on: Some("2027-03-01".into()),
                ..offers[0].clone()
            };
            offers[0].status = "Deprecated".into();
            offers.push(newest);
        });
        bench.tenant.hire(35_897_443).unwrap();
        let read =
            bench.run("get_current_offer", json!({ "application_id": APPLICATION })).await.unwrap();
        assert_eq!((&read["id"], &read["version"]), (&json!("506500"), &json!(3)), "{kind}");
        assert_eq!(
            (&read["status"], &read["starts_on"]),
            (&json!("accepted"), &json!("2027-03-01")),
            "{kind}"
        );
        assert_eq!(read["resolved_at"], "2026-11-23T16:30:00Z", "{kind}");
        assert_eq!(read["sent_on"], "2026-11-23", "{kind}");
        assert_eq!(read["custom_fields"]["employment_type"]["value"], "Full-time", "{kind}");
        assert_eq!(
            read["custom_fields"]["salary"]["value"],
            json!({ "amount": 80000, "unit": "USD" })
        );

        let none =
            bench.run("get_current_offer", json!({ "application_id": "46194065" })).await.unwrap();
        let filled: Vec<_> =
            none.as_object().unwrap().values().filter(|value| !value.is_null()).collect();
        assert_eq!(filled, [&json!({})], "{kind}: every field is null, custom fields are empty");
    }
}

#[tokio::test]
async fn attachments_have_fresh_links_that_work() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        for input in [
            json!({ "application_id": APPLICATION }),
            json!({ "candidate_id": JOHNNY }),
            json!({ "candidate_id": JOHNNY, "application_id": APPLICATION }),
        ] {
            let read = bench.run("list_attachments", input.clone()).await.unwrap();
            let mut names: Vec<&str> = read["attachments"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["filename"].as_str().unwrap())
                .collect();
            names.sort_unstable();
            assert_eq!(names, ["resume.pdf", "signed offer.pdf"], "{kind} {input}");
            let first = fetch(&bench, &read["attachments"][0]["url"]).await;
            assert_eq!(first, Some(200), "{kind}");
        }
        let refused = bench.run("list_attachments", json!({})).await.unwrap_err();
        assert_eq!(refused.message, "neither `application_id` nor `candidate_id` is given");
        // A link dies; the next list has one that lives.
        let read = async || {
            bench.run("list_attachments", json!({ "candidate_id": JOHNNY })).await.unwrap()
        };
        let old = read().await;
        bench.pass(8 * 24 * 3600);
        assert_eq!(fetch(&bench, &old["attachments"][0]["url"]).await, Some(403), "{kind}");
        assert_eq!(
            fetch(&bench, &read().await["attachments"][0]["url"]).await,
            Some(200),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        let cases = [
            ("get_candidate", json!({ "candidate_id": "1" }), "Greenhouse has no candidate `1`"),
            (
                "get_application",
                json!({ "application_id": "1" }),
                "Greenhouse has no application `1`",
            ),
        ];
        for (name, input, message) in cases {
            let failure = bench.run(name, input).await.unwrap_err();
            assert_eq!(
                (failure.code.as_str(), failure.message.as_str()),
                ("not_found", message),
                "{kind}"
            );
            assert!(failure.hint.is_some());
        }
    }
    // An id from a recipe never becomes another path.
    let bench = Bench::new("harvest_v1").await;
    let failure = bench
        .run("get_candidate", json!({ "candidate_id": "35897443/../../v1/users/158104" }))
        .await;
    assert_eq!(failure.unwrap_err().code, "not_found");
}

#[tokio::test]
async fn a_missing_permission_names_what_to_tick() {
    for (kind, expected) in
        [("harvest_v3", "`harvest:offers:list`"), ("harvest_v1", "`Offers › GET")]
    {
        let switches = Switches { denied: vec![Operation::Offers], ..Switches::default() };
        let bench = Bench::with(kind, switches, |_| {}).await;
        let failure = bench
            .run("get_current_offer", json!({ "application_id": APPLICATION }))
            .await
            .unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.kind),
            ("forbidden", FailureKind::Permanent),
            "{kind}"
        );
        assert!(
            failure.hint.as_deref().unwrap_or_default().contains(expected),
            "{kind}: {:?}",
            failure.hint
        );
    }
}

#[tokio::test]
async fn trouble_at_greenhouse_is_transient_for_a_read() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await.unwrap();
        let answer = |status, body| Trouble::Answer { status, retry_after: None, body };
        let troubles = [
            answer(500, json!({ "message": "Internal error" })),
            answer(503, Value::Null),
            Trouble::CutBefore,
            Trouble::CutAfter,
        ];
        for trouble in troubles {
            let shown = format!("{kind} {trouble:?}");
            bench.tenant.switch(|switches| {
                switches.faults = vec![Fault::once(Operation::Candidates, trouble)];
            });
            let failure =
                bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await.unwrap_err();
            assert!(matches!(failure.kind, FailureKind::Transient { .. }), "{shown}: {failure:?}");
            bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await.unwrap();
        }
        bench.tenant.switch(|switches| switches.unreachable = true);
        let failure = bench
            .run("get_application", json!({ "application_id": APPLICATION }))
            .await
            .unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Transient { .. }), "{kind}: {failure:?}");
    }
}

#[tokio::test]
async fn a_login_page_is_not_taken_for_an_answer() {
    let bench = Bench::new("harvest_v3").await;
    bench.tenant.switch(|switches| {
        switches.faults = vec![Fault::once(Operation::Offers, Trouble::Html)];
    });
    let failure = bench.run("get_current_offer", json!({ "application_id": APPLICATION })).await;
    assert!(failure.is_err(), "{failure:?}");
}

#[tokio::test]
async fn long_lists_are_read_to_their_end() {
    // Pages of one entry: the cursor has to travel alone, or the tenant answers 422.
    let switches = Switches { page_size: 1, ..Switches::default() };
    let bench = Bench::with("harvest_v3", switches, |_| {}).await;
    let read = bench.run("list_attachments", json!({ "candidate_id": JOHNNY })).await.unwrap();
    assert_eq!(read["attachments"].as_array().unwrap().len(), 2);
    assert_eq!(bench.account(|account| account.count(Operation::Attachments)), 2);
}

#[test]
fn every_action_has_a_schema_without_surprises() {
    for name in
        ["get_current_offer", "get_candidate", "get_application", "list_attachments", "add_note"]
    {
        let spec = action(name).spec;
        assert!(!spec.summary.is_empty());
        let undescribed: Vec<&str> = spec
            .input
            .fields
            .iter()
            .filter(|field| field.summary.is_empty())
            .map(|field| field.name.as_str())
            .collect();
        assert!(undescribed.is_empty(), "{name}: {undescribed:?}");
        assert!(matches!(spec.output.of, recipe::Type::Object(_)), "{name}");
    }
    let effect = action("add_note").spec.effect;
    assert!(matches!(effect, connector::EffectSpec::Write { looks_up: true, .. }), "{effect:?}");
    assert_eq!(Identity::default().event, "");
}

/// Fetches a link without credentials and returns the status.
async fn fetch(bench: &Bench, url: &Value) -> Option<u16> {
    let origin = bench.tenant.url();
    let path = url.as_str().unwrap().strip_prefix(origin.as_str()).unwrap();
    let mut settings = connector::http::ClientSettings::new(&origin).unwrap();
    settings.allow_private_addresses = true;
    let opening = connector::Opening::new("files", bench.clock.clone());
    let client = connector::http::Client::new(settings, &opening).unwrap();
    let call = connector::Call::new(Identity::default(), bench.clock.clone());
    match client.get(path).send(&call).await {
        Ok(answer) => Some(answer.status),
        Err(failure) => failure.exchange.and_then(|exchange| exchange.status),
    }
}
