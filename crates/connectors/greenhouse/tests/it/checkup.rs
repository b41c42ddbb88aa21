//! The check-up of a connection: green where all is well, and for each red line the cure.

use connector::Finding;
use sandbox::greenhouse::{Operation, Switches};
use serde_json::json;

use crate::bench::{Bench, KINDS};

#[tokio::test]
async fn a_good_connection_is_green_but_for_the_clock_that_stands_still() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        let findings = bench.check().await;
        let red: Vec<_> = red(&findings);
        // The sandbox's HTTP server tells the system's time, and this clock stands in November.
        assert!(
            red.iter().all(|finding| finding.what == "this machine's clock is right"),
            "{kind}: {red:?}"
        );
        let seen = |what: &str| {
            findings
                .iter()
                .find(|finding| finding.what == what)
                .map(|finding| finding.seen.as_str())
        };
        assert_eq!(seen("which account this is"), Some("sandbox"));
        assert_eq!(seen("the author of notes is a user"), Some("Robert Johnson (158104)"));
        assert_eq!(seen("applications can be read"), Some("yes"));
        assert_eq!(bench.account(|account| account.notes.len()), 0, "a check-up writes nothing");
    }
}

#[tokio::test]
async fn every_missing_read_is_named_with_its_cure() {
    let table = [
        (Operation::Candidates, "candidates can be read", "harvest:candidates:list"),
        (Operation::Applications, "applications can be read", "harvest:applications:list"),
        (Operation::Offers, "offers can be read", "harvest:offers:list"),
        (Operation::Attachments, "attachments can be read", "harvest:attachments:list"),
        (Operation::Notes, "notes can be read", "harvest:notes:list"),
        (Operation::UserEmails, "users' e-mails can be read", "harvest:user_emails:list"),
    ];
    for kind in KINDS {
        for (operation, what, scope) in table {
            if kind == "harvest_v1"
                && matches!(operation, Operation::Attachments | Operation::UserEmails)
            {
                continue;
            }
            let switches = Switches { denied: vec![operation], ..Switches::default() };
            let bench = Bench::with(kind, switches, |_| {}).await;
            let findings = bench.check().await;
            let red = red(&findings);
            let found = red.iter().find(|finding| finding.what == what);
            let cure = found
                .and_then(|finding| finding.cure.as_deref())
                .unwrap_or_else(|| panic!("{kind} {what}: {red:?}"));
            let expected = if kind == "harvest_v3" { scope } else { "Manage Permissions" };
            assert!(cure.contains(expected), "{kind} {what}: {cure}");
        }
    }
}

#[tokio::test]
async fn a_wrong_credential_is_one_red_line_and_nothing_more_is_asked() {
    for (kind, key, line) in [
        ("harvest_v3", "client_secret", "a token is given for the credential"),
        ("harvest_v1", "api_key", "the API key is accepted"),
    ] {
        let bench =
            Bench::with(kind, Switches::default(), |settings| settings[key] = "wrong".into()).await;
        let findings = bench.check().await;
        let red = red(&findings);
        assert_eq!(
            red.iter().map(|finding| finding.what.as_str()).collect::<Vec<_>>(),
            [line],
            "{kind}"
        );
        assert!(
            red[0].cure.as_deref().unwrap().contains("API Credential Management"),
            "{:?}",
            red[0]
        );
    }
}

#[tokio::test]
async fn people_who_cannot_act_and_weak_secrets_are_red() {
    let table = [
        (
            "acting_user",
            "158105",
            "the acting user is a Site Admin",
            "Rita Recruiter (158105) is none",
        ),
        (
            "note_author",
            "gone@example.com",
            "the author of notes is a user",
            "Gone Long Since (158106) is deactivated",
        ),
        (
            "note_author",
            "who@example.com",
            "the author of notes is a user",
            "named by `note_author`",
        ),
        ("webhook_secret", "123", "the webhook secret is strong", "public instructions"),
    ];
    for (setting, value, what, seen) in table {
        let bench = Bench::with("harvest_v3", Switches::default(), |settings| {
            settings[setting] = value.into();
        })
        .await;
        if setting == "acting_user" {
            // Not being one keeps the user from reading users; let that pass for this line.
            bench.account(|account| account.users[1].site_admin = true);
            bench.run("get_candidate", json!({ "candidate_id": "35897443" })).await.unwrap();
        }
        let findings = if setting == "acting_user" {
            let before = bench.check().await;
            assert!(
                before.iter().any(|finding| finding.what == what && finding.cure.is_none()),
                "{before:?}"
            );
            bench.account(|account| account.users[1].site_admin = false);
            let after = bench.check().await;
            let found = after.iter().find(|finding| finding.what == what).unwrap();
            assert!(
                found.cure.as_deref().is_some_and(|cure| cure.contains("Site Admin")),
                "{found:?}"
            );
            continue;
        } else {
            bench.check().await
        };
        let found = findings.iter().find(|finding| finding.what == what).unwrap();
        assert!(found.cure.is_some() && found.seen.contains(seen), "{setting}: {found:?}");
    }
}

#[tokio::test]
async fn an_unwise_secret_is_a_lint_before_anything_is_opened() {
    let connector = connector_greenhouse::connector();
    let lint = |secret: Option<&str>| {
        let settings =
            json!({ "client_id": "a.b", "client_secret": "c", "webhook_secret": secret });
        connector.lint(&settings)
    };
    assert_eq!(lint(Some("3f9a1c77e0b24d5f86a1c77e0b24d5f8")), []);
    assert!(lint(None)[0].seen.contains("every webhook is refused"));
    assert!(lint(Some("123"))[0].seen.contains("`123`"));
    assert!(lint(Some("short"))[0].cure.as_deref().unwrap().contains("Secret key"));
}

fn red(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.cure.is_some()).collect()
}
