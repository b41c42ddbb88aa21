//! Tokens of Harvest v3: minted once, in the right name, renewed in time, and after a 401 exactly once.

use std::sync::Arc;

use connector::{Call, FailureKind, Identity, http::Wire};
use sandbox::greenhouse::{Fault, Operation, Switches, TokenSays, Trouble};
use serde_json::json;

use crate::bench::{APPLICATION, Bench, JOHNNY};

#[tokio::test]
async fn many_calls_at_once_mint_one_token() {
    // A second token would make the first worthless, and some of these calls fail.
    let bench = Arc::new(with_id_of_acting_user(Switches::default()).await);
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(minted(&bench), 1);
    bench.account(|account| {
        assert!(
            account.requests.iter().all(|request| request.status == Some(200)),
            "{:?}",
            account.requests
        );
    });
}

#[tokio::test]
async fn a_call_that_may_not_leave_asks_for_no_token_either() {
    let bench = with_id_of_acting_user(Switches::default()).await;
    let call = Call::new(Identity::default(), bench.clock.clone()).over(Wire::closed());
    let input = json!({ "candidate_id": JOHNNY });
    let failure = bench.call(&call, "get_candidate", input).await.unwrap_err();
    assert_eq!(failure.code, "no_network");
    assert_eq!(bench.account(|account| account.requests.len()), 0);
}

#[tokio::test]
async fn a_token_revoked_under_many_calls_is_replaced_once() {
    let bench = Arc::new(with_id_of_acting_user(Switches::default()).await);
    read(&bench).await;
    bench.account(sandbox::greenhouse::Account::revoke_tokens);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(minted(&bench), 2);
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_its_end() {
    for says in [TokenSays::Both, TokenSays::ExpiresAt, TokenSays::ExpiresIn, TokenSays::Neither] {
        let bench =
            with_id_of_acting_user(Switches { token_says: says, ..Switches::default() }).await;
        read(&bench).await;
        bench.pass(3600 - 61);
        read(&bench).await;
        assert_eq!(minted(&bench), 1, "{says:?}");
        bench.pass(1);
        read(&bench).await;
        assert_eq!(minted(&bench), 2, "{says:?}");
        let refused = bench
            .account(|account| account.requests.iter().any(|request| request.status == Some(401)));
        assert!(!refused, "{says:?}");
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_request_sent_once_more_reads_and_writes_alike() {
    let bench = with_id_of_acting_user(Switches::default()).await;
    read(&bench).await;
    bench.account(sandbox::greenhouse::Account::revoke_tokens);
    read(&bench).await;
    bench.account(sandbox::greenhouse::Account::revoke_tokens);
    let note = json!({ "candidate_id": JOHNNY, "body": "Hello" });
    bench.run("add_note", note).await.unwrap();
    assert_eq!(bench.account(|account| account.notes.len()), 1);
    assert_eq!(minted(&bench), 3);

    // A second refusal is final: no endless loop.
    let refusal = Trouble::Answer {
        status: 401,
        retry_after: None,
        body: json!({ "message": "Unauthorized" }),
    };
    bench.tenant.switch(|switches| {
        switches.faults = vec![Fault { times: 9, ..Fault::once(Operation::Candidates, refusal) }];
    });
    let before = bench.account(|account| account.count(Operation::Candidates));
    let failure = bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.kind), ("unauthorized", FailureKind::Permanent));
    assert!(failure.hint.as_deref().unwrap().contains("even a fresh token"), "{failure:?}");
    assert_eq!(bench.account(|account| account.count(Operation::Candidates)) - before, 2);
}

#[tokio::test]
async fn a_page_refused_in_the_middle_of_a_list_begins_the_list_anew() {
    let switches = Switches { page_size: 1, token_seconds: 3600, ..Switches::default() };
    let bench = with_id_of_acting_user(switches).await;
    let refusal = Trouble::Answer {
        status: 401,
        retry_after: None,
        body: json!({ "message": "Unauthorized" }),
    };
    read(&bench).await;
    bench.tenant.switch(|switches| {
        switches.faults = vec![Fault { after: 1, ..Fault::once(Operation::Attachments, refusal) }];
    });
    let listed = bench.run("list_attachments", json!({ "candidate_id": JOHNNY })).await.unwrap();
    assert_eq!(listed["attachments"].as_array().unwrap().len(), 2, "nothing twice");
}

#[tokio::test]
async fn the_acting_user_is_found_by_either_address_or_id() {
    for acting in ["robert@example.com", "bob.johnson@example.com", "158104"] {
        let bench = Bench::with("harvest_v3", Switches::default(), |settings| {
            settings["acting_user"] = acting.into();
            settings["note_author"] = json!(null);
        })
        .await;
        bench.run("add_note", json!({ "candidate_id": JOHNNY, "body": "Hello" })).await.unwrap();
        let author = bench.account(|account| account.notes[0].user_id);
        assert_eq!(author, Some(158_104), "{acting}");
        // The second token is minted for the id found the first time.
        bench.pass(3600);
        let before = bench.account(|account| account.count(Operation::Users));
        bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await.unwrap();
        assert_eq!(bench.account(|account| account.count(Operation::Users)), before, "{acting}");
    }
    let bench = Bench::with("harvest_v3", Switches::default(), |settings| {
        settings["acting_user"] = "nobody@example.com".into();
    })
    .await;
    let failure = bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await.unwrap_err();
    assert_eq!(
        failure.message,
        "Greenhouse has no user `nobody@example.com`, named by `acting_user`"
    );
}

#[tokio::test]
async fn without_an_acting_user_the_credentials_own_user_acts() {
    let bench = Bench::with("harvest_v3", Switches::default(), |settings| {
        settings["acting_user"] = json!(null);
        let auth_url = format!("{}/token", settings["auth_url"].as_str().unwrap());
        settings["auth_url"] = auth_url.into();
    })
    .await;
    read(&bench).await;
    assert_eq!(minted(&bench), 1);
    bench.tenant.switch(|switches| switches.service_user_is_site_admin = false);
    let failure =
        bench.run("get_application", json!({ "application_id": APPLICATION })).await.unwrap_err();
    assert_eq!(failure.code, "forbidden");
    assert!(failure.hint.unwrap().contains("Site Admin"));
}

#[tokio::test]
async fn a_wrong_credential_says_so_and_shows_nothing_of_itself() {
    let cases = [("wrong.acme", "x", "unauthorized"), ("malformed", "y", "invalid")];
    for (id, secret, code) in cases {
        let bench = Bench::with("harvest_v3", Switches::default(), |settings| {
            settings["client_id"] = id.into();
            settings["client_secret"] = format!("canary-{secret}").into();
        })
        .await;
        let failure =
            bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await.unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.kind),
            (code, FailureKind::Permanent),
            "{failure:?}"
        );
        assert!(failure.message.starts_with("getting a token"), "{failure}");
        assert!(failure.hint.as_deref().unwrap().contains("`client_id` and `client_secret`"));
        let shown = serde_json::to_string(&failure).unwrap();
        assert!(!shown.contains(id) && !shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_never_makes_a_write_unknown() {
    let troubles = [
        Trouble::Answer { status: 500, retry_after: None, body: json!(null) },
        Trouble::CutAfter,
        Trouble::CutBefore,
    ];
    for trouble in troubles {
        let shown = format!("{trouble:?}");
        let faults = vec![Fault::once(Operation::Token, trouble)];
        let bench = with_id_of_acting_user(Switches { faults, ..Switches::default() }).await;
        let note = json!({ "candidate_id": JOHNNY, "body": "Hello" });
        let failure = bench.run("add_note", note.clone()).await.unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Transient { .. }), "{shown}: {failure:?}");
        bench.run("add_note", note).await.unwrap();
        assert_eq!(bench.account(|account| account.notes.len()), 1, "{shown}");
    }
}

#[tokio::test]
async fn a_token_is_never_in_what_is_kept_of_a_call() {
    let bench = with_id_of_acting_user(Switches::default()).await;
    let call = connector::Call::new(connector::Identity::default(), bench.clock.clone());
    let action = crate::bench::action("get_candidate");
    let input = json!({ "candidate_id": JOHNNY });
    let prepared = action.prepare(&bench.connection, &call, input.clone()).await.unwrap();
    action.run(&bench.connection, &call, input, prepared).await.unwrap();
    let kept = serde_json::to_string(&call.take_exchange().unwrap()).unwrap();
    assert!(kept.contains("/v3/candidates") && !kept.contains("sandbox.158104"), "{kept}");
}

#[test]
fn settings_that_cannot_work_are_refused_when_opened() {
    let clock = Arc::new(connector::SystemClock);
    let cases = [
        (
            json!({}),
            "the connection `greenhouse` has no `client_id`, which `kind: harvest_v3` needs",
        ),
        (
            json!({ "client_id": "a.b" }),
            "the connection `greenhouse` has no `client_secret`, which `kind: harvest_v3` needs",
        ),
        (
            json!({ "kind": "harvest_v1", "user_email": "a@b.c" }),
            "the connection `greenhouse` has no `api_key`, which `kind: harvest_v1` needs",
        ),
        (
            json!({ "kind": "harvest_v1", "api_key": "k" }),
            "the connection `greenhouse` has no `user_email`, which `kind: harvest_v1` needs",
        ),
        (
            json!({ "client_id": "a.b", "client_secret": "c", "note_author": "Bob" }),
            "`note_author` is `Bob`, expected an e-mail address or a numeric user id",
        ),
    ];
    for (settings, expected) in cases {
        let Err(failure) = crate::bench::open(settings, clock.clone()) else {
            panic!("opened: {expected}")
        };
        assert_eq!(failure.message, expected);
    }
}

async fn with_id_of_acting_user(switches: Switches) -> Bench {
    Bench::with("harvest_v3", switches, |settings| settings["acting_user"] = "158104".into()).await
}

async fn read(bench: &Bench) {
    bench.run("get_candidate", json!({ "candidate_id": JOHNNY })).await.unwrap();
}

fn minted(bench: &Bench) -> usize {
    bench.account(|account| account.count(Operation::Token))
}
