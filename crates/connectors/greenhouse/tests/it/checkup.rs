//! The check-up of a connection: green where all is well, and for each red line the cure.

use connector::{Clock, Finding, SystemClock};
use sandbox::greenhouse::{Operation, Switches};
use serde_json::json;

use crate::bench::{Bench, KINDS};

const CLOCK: &str = "this machine's clock is right";

#[tokio::test]
async fn a_good_connection_is_green() {
    for kind in KINDS {
        let bench = Bench::new(kind).await;
        bench.clock.set(SystemClock.now());
        let findings = bench.check().await;
        let red: Vec<_> = red(&findings);
        assert!(red.is_empty(), "{kind}: {red:?}");
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
    let author = "the author of notes is a user";
    let table = [
        ("acting_user", "158105", "the acting user is a Site Admin", "Site Admin"),
        ("note_author", "gone@example.com", author, "Choose an active user"),
        ("note_author", "who@example.com", author, "an active Greenhouse user in `note_author`"),
        ("webhook_secret", "123", "the webhook secret is strong", "32 random characters"),
    ];
    for (setting, value, what, expected) in table {
        let bench = Bench::with("harvest_v3", Switches::default(), |settings| {
            settings[setting] = value.into();
        })
        .await;
        let findings = bench.check().await;
        let found = findings.iter().find(|finding| finding.what == what).unwrap();
        let cure = found.cure.as_deref().unwrap_or_else(|| panic!("{setting}: {found:?}"));
        assert!(cure.contains(expected), "{setting}: {found:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told() {
    // The sandbox's HTTP server tells the system's time in `Date`.
    for (ahead, right) in [(0, true), (10, true), (120, false), (-3600, false)] {
        let bench = Bench::new("harvest_v1").await;
        bench.clock.set(SystemClock.now());
        bench.pass(ahead);
        let findings = bench.check().await;
        let clock = findings.iter().find(|finding| finding.what == CLOCK);
        let clock = clock.unwrap_or_else(|| panic!("{ahead}: {findings:?}"));
        assert_eq!(clock.cure.is_none(), right, "{ahead}: {clock:?}");
        let side = if ahead < 0 { "behind" } else { "ahead" };
        assert!(right || clock.seen.contains(side), "{ahead}: {clock:?}");
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
