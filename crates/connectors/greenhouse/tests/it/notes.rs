//! Notes: their author, their mark, and what is known of them when no answer came.

use connector::{FailureKind, Identity, LookUp};
use sandbox::greenhouse::{Fault, Operation, Switches, Trouble};
use serde_json::{Value, json};

use crate::bench::{APPLICATION, Bench, JOHNNY, KINDS, action};

#[tokio::test]
async fn a_note_is_written_as_its_author_and_ends_with_its_mark() {
    for kind in KINDS {
        let bench = Bench::with(kind, Switches::default(), |settings| {
            settings["note_author"] = "rita@example.com".into();
        })
        .await;
        let input = json!({ "candidate_id": JOHNNY, "application_id": APPLICATION, "body": "GoCo sync failed: <no title>\n" });
        let written = bench.run_as(&identity("no_title"), "add_note", input).await.unwrap();
        let mark = written["mark"].as_str().unwrap();
        assert!(mark.len() >= 6 && mark.bytes().all(|digit| digit.is_ascii_hexdigit()), "{mark}");
        bench.account(|account| {
            let [note] = account.notes_of(35_897_443)[..] else { panic!("{:?}", account.notes) };
            assert_eq!(note.body, format!("GoCo sync failed: <no title> [ref {mark}]"), "{kind}");
            assert_eq!(note.visibility, "admin_only");
            assert_eq!(note.user_id, Some(158_105), "{kind}");
            assert_eq!(written["id"], note.id.to_string());
            let about = if kind == "harvest_v3" { Some(46_194_062) } else { None };
            assert_eq!(note.application_id, about, "{kind}");
        });
        // The author is looked up once.
        let before = bench.account(|account| account.count(Operation::Users));
        bench.run_as(&identity("other"), "add_note", note()).await.unwrap();
        assert_eq!(bench.account(|account| account.count(Operation::Users)), before, "{kind}");
    }
}

#[tokio::test]
async fn visibility_is_what_the_recipe_says() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        for visibility in ["admin_only", "private", "public"] {
            let input =
                json!({ "candidate_id": JOHNNY, "body": "Hello", "visibility": visibility });
            bench.run_as(&identity(visibility), "add_note", input).await.unwrap();
            assert_eq!(
                bench.account(|account| account.notes.last().unwrap().visibility.clone()),
                visibility
            );
        }
    }
}

#[tokio::test]
async fn the_mark_is_that_of_the_fact_and_not_of_the_words() {
    let bench = Bench::new("harvest_v3").await;
    let mark = async |identity: &Identity, body: &str| {
        let input = json!({ "candidate_id": JOHNNY, "body": body });
        bench.run_as(identity, "add_note", input).await.unwrap()["mark"].clone()
    };
    let first = mark(&identity("a"), "one").await;
    assert_eq!(mark(&identity("a"), "other words").await, first);
    assert_ne!(mark(&identity("b"), "one").await, first, "another error");
    assert_ne!(
        mark(&Identity { path: "other".into(), ..identity("a") }, "one").await,
        first,
        "another step"
    );
    assert_ne!(
        mark(&Identity { event: "1/no-offer".into(), ..identity("a") }, "one").await,
        first,
        "another event"
    );

    let call = connector::Call::new(identity("a"), bench.clock.clone());
    let prepared = action("add_note").prepare(&bench.connection, &call, note()).await.unwrap();
    assert_eq!(prepared.key, "46194062/506409/note/a");
}

#[tokio::test]
async fn a_note_whose_answer_was_lost_is_found_by_its_mark() {
    for kind in KINDS {
        let hold = Trouble::HoldAfter(60_000);
        let after = [Trouble::CutAfter, hold];
        for trouble in after {
            let shown = format!("{kind} {trouble:?}");
            let faults = vec![Fault::once(Operation::AddNote, trouble)];
            let switches = Switches { faults, page_size: 2, ..Switches::default() };
            let bench = Bench::with(kind, switches, |settings| {
                settings["limits"] = json!({ "timeout_seconds": 1 });
            })
            .await;
            let failure = bench.run_as(&identity("x"), "add_note", note()).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unknown, "{shown}: {failure:?}");
            // Others write notes meanwhile, so that the one sought is not on the first page.
            for other in ["a", "b", "c"] {
                bench.run_as(&identity(other), "add_note", note()).await.unwrap();
            }
            let found = bench.look_up(&identity("x"), "add_note", note()).await.unwrap();
            let id = bench.account(|account| account.notes[0].id.to_string());
            let LookUp::Found(found) = found else { panic!("{shown}: {found:?}") };
            assert_eq!(found["id"], id, "{shown}");
            let never = bench.look_up(&identity("never"), "add_note", note()).await.unwrap();
            assert_eq!(never, LookUp::Absent, "{shown}");
        }
    }
}

#[tokio::test]
async fn a_note_that_never_arrived_is_absent_and_one_that_lags_is_found_after_a_while() {
    for kind in KINDS {
        let faults = vec![Fault::once(Operation::AddNote, Trouble::CutBefore)];
        let bench = Bench::with(kind, Switches { faults, ..Switches::default() }, |_| {}).await;
        let failure = bench.run_as(&identity("x"), "add_note", note()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unknown, "{kind}: {failure:?}");
        assert_eq!(
            bench.look_up(&identity("x"), "add_note", note()).await.unwrap(),
            LookUp::Absent
        );

        bench.tenant.switch(|switches| switches.notes_lag_ms = 30_000);
        bench.run_as(&identity("y"), "add_note", note()).await.unwrap();
        assert_eq!(
            bench.look_up(&identity("y"), "add_note", note()).await.unwrap(),
            LookUp::Absent
        );
        assert!(
            action("add_note").settle(&bench.connection).as_secs() > 30,
            "absence counts only later"
        );
        bench.pass(30);
        let found = bench.look_up(&identity("y"), "add_note", note()).await.unwrap();
        assert!(matches!(found, LookUp::Found(_)), "{kind}: {found:?}");
    }
}

#[tokio::test]
async fn how_long_a_note_may_take_to_show_is_a_setting() {
    let settle = async |seconds: Option<u32>| {
        let bench = Bench::with("harvest_v3", Switches::default(), |settings| {
            if let Some(seconds) = seconds {
                settings["settle_seconds"] = seconds.into();
            }
        })
        .await;
        action("add_note").settle(&bench.connection).as_secs()
    };
    assert_eq!((settle(None).await, settle(Some(5)).await), (60, 5));
}

#[tokio::test]
async fn a_look_up_that_cannot_read_everything_does_not_say_absent() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        bench.run_as(&identity("x"), "add_note", note()).await.unwrap();
        let troubles = [
            Trouble::Answer { status: 500, retry_after: None, body: json!(null) },
            Trouble::Answer { status: 200, retry_after: None, body: json!({ "unexpected": true }) },
            Trouble::Html,
        ];
        for trouble in troubles {
            let shown = format!("{kind} {trouble:?}");
            bench.tenant.switch(|switches| {
                switches.faults = vec![Fault::once(Operation::Notes, trouble)];
            });
            let outcome = bench.look_up(&identity("x"), "add_note", note()).await;
            assert!(
                matches!(outcome, Err(_) | Ok(LookUp::Inconclusive(_))),
                "{shown}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn trouble_on_a_write_is_unknown_only_when_it_may_have_happened() {
    let answer = |status, retry_after: Option<&str>| Trouble::Answer {
        status,
        retry_after: retry_after.map(Into::into),
        body: json!({ "message": "trouble" }),
    };
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        let table = [
            (answer(500, None), Some(FailureKind::Unknown)),
            (answer(503, None), Some(FailureKind::Unknown)),
            (answer(408, None), Some(FailureKind::Unknown)),
            (answer(429, Some("7")), None),
            (answer(422, None), Some(FailureKind::Permanent)),
            (answer(403, None), Some(FailureKind::Permanent)),
        ];
        for (trouble, expected) in table {
            let shown = format!("{kind} {trouble:?}");
            bench.tenant.switch(|switches| {
                switches.faults = vec![Fault::once(Operation::AddNote, trouble)];
            });
            let failure = bench.run_as(&identity("x"), "add_note", note()).await.unwrap_err();
            if let Some(kind) = expected {
                assert_eq!(failure.kind, kind, "{shown}: {failure:?}");
            } else {
                let later = matches!(failure.kind, FailureKind::Transient { after: Some(_) });
                assert!(later, "{shown}: {failure:?}");
                bench.pass(30);
            }
            assert!(failure.message.starts_with("adding the note"), "{failure}");
        }
        assert_eq!(bench.account(|account| account.notes.len()), 0);
    }
}

#[tokio::test]
async fn what_greenhouse_refuses_is_told_with_a_cure() {
    let bench = Bench::new("harvest_v3").await;
    let unknown = json!({ "candidate_id": "1", "body": "Hello" });
    let failure = bench.run("add_note", unknown.clone()).await.unwrap_err();
    assert_eq!(failure.code, "not_found");
    assert!(failure.hint.unwrap().contains("`note_author`"));
    let blank = json!({ "candidate_id": JOHNNY, "body": "  " });
    assert_eq!(
        bench.run("add_note", blank).await.unwrap_err().message,
        "the note says nothing: `body` is blank"
    );
    bench.tenant.switch(|switches| switches.denied = vec![Operation::AddNote]);
    let failure = bench.run("add_note", note()).await.unwrap_err();
    assert!(failure.hint.unwrap().contains("`harvest:notes:create`"));

    let bench = Bench::with("harvest_v1", Switches::default(), |settings| {
        settings["user_email"] = "nobody@example.com".into();
        settings["note_author"] = json!(null);
    })
    .await;
    let failure = bench.run("add_note", note()).await.unwrap_err();
    assert_eq!(
        failure.message,
        "Greenhouse has no user `nobody@example.com`, named by `user_email`"
    );
    assert_eq!(bench.account(|account| account.count(Operation::AddNote)), 0);
}

#[tokio::test]
async fn a_long_note_is_shortened_before_its_mark() {
    let bench = Bench::new("harvest_v3").await;
    let input = json!({ "candidate_id": JOHNNY, "body": "ä".repeat(30_000) });
    let written = bench.run("add_note", input.clone()).await.unwrap();
    let body = bench.account(|account| account.notes[0].body.clone());
    assert!(body.chars().count() < 20_050);
    assert!(
        body.ends_with(&format!(" … [ref {}]", written["mark"].as_str().unwrap())),
        "{}",
        &body[body.len() - 40..]
    );
}

fn identity(cause: &str) -> Identity {
    Identity { event: "46194062/506409".into(), path: "note".into(), cause: cause.into() }
}

fn note() -> Value {
    json!({ "candidate_id": JOHNNY, "body": "GoCo sync failed" })
}
