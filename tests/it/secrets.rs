//! Canaries: no secret is ever said, logged, stored or noted, whether all goes well or not.

use std::fs;

use crate::town::{JOHNNY, RECIPE, Town, ZOE, files};

/// What must be seen nowhere, each so odd that it is found if it is.
const WEBHOOK: &str = "canary-webhook-4b1d7e20c9";
const CLIENT: &str = "canary-client-9f02ab31de";
const GOCO: &str = "canary-goco-77c1e05b42";

#[test]
fn no_secret_is_said_logged_stored_or_noted() {
    let mut town = Town::new();
    town.greenhouse.switch(|switches| {
        switches.webhook_secret = WEBHOOK.into();
        switches.client_secret = CLIENT.into();
    });
    town.goco.switch(|switches| switches.key = GOCO.into());
    for (name, secret) in [("webhook", WEBHOOK), ("client", CLIENT), ("goco", GOCO)] {
        town.write(&format!("secrets/{name}"), secret);
    }
    town.start_with(&["start", RECIPE, "--log", "trace"], None);
    let (body, signature) = town.signed(&town.greenhouse.hire(JOHNNY).unwrap());
    assert_eq!(town.post(&body, Some("sha256 0")), 401);
    assert_eq!(town.post(&body, Some(&signature)), 200);
    town.wait(1, "succeeded");
    // And when the keys are refused.
    town.goco.switch(|switches| switches.key = "another".into());
    town.greenhouse.switch(|switches| switches.client_secret = "another".into());
    town.greenhouse.account(sandbox::greenhouse::Account::revoke_tokens);
    town.hire(ZOE);
    town.until("it fails", || {
        let job = town.job(2);
        let failed = job["steps"].as_array().unwrap().iter();
        let mut failed = failed.filter(|step| !step["failures"].as_array().unwrap().is_empty());
        failed.next().map(|_| ())
    });
    for words in [
        &["doctor"][..],
        &["status"],
        &["status", "--format", "json"],
        &["jobs", "show", "1"],
        &["jobs", "show", "2"],
        &["check", "--format", "json"],
    ] {
        town.cli(words);
    }
    let token = town.token("operator");
    let page: String = [
        "/",
        "/jobs",
        "/jobs/1",
        "/jobs/2",
        "/api/v1/jobs",
        "/api/v1/jobs/1",
        "/api/v1/jobs/2",
        "/api/v1/jobs/1/journal",
        "/api/v1/jobs/2/journal",
        "/api/v1/deliveries",
        "/api/v1/deliveries/1",
        "/api/v1/connections",
        "/api/v1/recipes",
        &format!("/api/v1/recipes/{RECIPE}"),
        &format!("/api/v1/recipes/{RECIPE}/check"),
        "/api/v1/audit",
        "/metrics",
        "/deliveries",
        "/deliveries/1",
        "/connections",
        "/connections/check",
        "/audit",
        &format!("/recipes/{RECIPE}"),
        &format!("/recipes/{RECIPE}/check"),
    ]
    .map(|path| town.get(path, &token))
    .join("\n");
    assert!(page.contains("Johnny Smith"), "{page}");

    let signed = signature.strip_prefix("sha256 ").unwrap();
    let canaries = [WEBHOOK, CLIENT, GOCO, signed, &token];
    let said = town.said();
    assert!(said.contains("goco.create_employee"), "too little was said to find anything");
    let notes: String = town.notes(JOHNNY).into_iter().map(|note| note.body).collect();
    for canary in canaries {
        for (place, text) in [("the output", &said), ("the page", &page), ("a note", &notes)] {
            let seen = text.lines().find(|line| line.contains(canary));
            assert!(seen.is_none(), "`{canary}` is in {place}: {seen:?}");
        }
    }
    town.kill();
    let stored = files(&town.dir().join(".recipe-runner"));
    assert!(stored.len() >= 2, "{stored:?}");
    let mut known = false;
    for path in stored.iter().filter(|path| path.is_file()) {
        let bytes = fs::read(path).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        known |= has("Johnny Smith");
        for canary in canaries {
            assert!(!has(canary), "`{canary}` is in {}", path.display());
        }
    }
    assert!(known, "what is stored can be read at all");
}
