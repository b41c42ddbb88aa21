//! Canaries: no secret is ever said, logged, stored, shown or noted, whether all goes well, goes wrong or breaks off; what
//! a recipe masks is seen nowhere either but in its own store; and a viewer sees nobody's data.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use sandbox::goco::{Fault, Operation, Trouble};
use serde_json::{Value, json};

use crate::{
    access::{ROLES, ask_first, routes, take},
    overload::noise,
    town::{JOHNNY, RECIPE, Town, ZOE, files},
};

/// What must be seen nowhere, each so odd that it is found if it is.
const WEBHOOK: &str = "canary-webhook-4b1d7e20c9";
const CLIENT: &str = "canary-client-9f02ab31de";
const GOCO: &str = "canary-goco-77c1e05b42";
/// What a recipe masks.
const MAIL: &str = "canary-mail-5d81@example.com";
const PHONE: &str = "917-555-7311";
const NAME: &str = "Canaryson";

/// What was seen, and where.
struct Seen(Vec<(String, String)>);

impl Seen {
    /// Looks at everything that can be got over HTTP, as everybody who can get it.
    fn everywhere(town: &Town, tokens: &[String]) -> Self {
        let mut seen = Vec::new();
        for route in routes().iter().filter(|route| route.method == "GET") {
            // Its news are heard while something happens.
            if route.path == "/api/v1/events" {
                continue;
            }
            let who = [None].into_iter().chain(tokens.iter().map(|token| Some(token.as_str())));
            for (place, token) in who.enumerate() {
                let role = if place == 0 { "nobody" } else { ROLES[place - 1] };
                let answered = take(town, route, token);
                seen.push((format!("{} as {role}", route.path), answered.head + &answered.body));
            }
        }
        Self(seen)
    }

    fn add(&mut self, place: &str, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    fn nowhere(&self, canaries: &[&str]) {
        for canary in canaries {
            for (place, text) in &self.0 {
                if let Some(at) = text.find(canary) {
                    let around = &text.as_bytes()[at.saturating_sub(200)..text.len().min(at + 100)];
                    panic!("`{canary}` is in {place}: {}", String::from_utf8_lossy(around));
                }
            }
        }
    }

    /// Returns whether it is somewhere: otherwise too little was looked at to find anything.
    fn somewhere(&self, word: &str) -> bool {
        self.0.iter().any(|(_, text)| text.contains(word))
    }
}

/// Returns what the commands tell that show something.
fn commands(town: &Town) -> String {
    [
        &["doctor"][..],
        &["doctor", "--format", "json"],
        &["status"],
        &["status", "--format", "json"],
        &["jobs", "list"],
        &["jobs", "list", "--format", "json"],
        &["jobs", "show", "1"],
        &["jobs", "show", "2"],
        &["jobs", "show", "1", "--format", "json"],
        &["plan", RECIPE, "--event", "1"],
        &["plan", RECIPE, "--past", "3"],
        &["tokens", "list"],
        &["check", "--format", "json"],
    ]
    .into_iter()
    .map(|words| {
        let said = town.cli(words);
        said.out + &said.err
    })
    .collect()
}

/// Hears the news while something happens.
fn news(town: &Town, token: &str, meanwhile: impl FnOnce()) -> String {
    let (host, path) = (town.host(), "/api/v1/events");
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n");
    town.hear(&head, meanwhile, "event: job")
}

/// Returns whether the data folder holds a text, in any of its files.
fn stored(town: &Town, text: &str) -> Option<String> {
    let folder = town.dir().join(".recipe-runner");
    let kept = files(&folder).into_iter().filter(|path| path.is_file());
    for path in kept {
        let bytes = fs::read(&path).unwrap();
        if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            return Some(path.display().to_string());
        }
    }
    None
}

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
    let tokens = ROLES.map(|role| town.token(role));
    let (body, signature) = town.signed(&town.greenhouse.hire(JOHNNY).unwrap());
    assert_eq!(town.post(&body, Some("sha256 0")), 401);
    let heard = news(&town, &tokens[0], || assert_eq!(town.post(&body, Some(&signature)), 200));
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
    let mut seen = Seen::everywhere(&town, &tokens);
    seen.add("the news", heard);
    seen.add("the commands", commands(&town));
    let notes: String = town.notes(JOHNNY).into_iter().map(|note| note.body).collect();
    seen.add("a note", notes);
    let signed = signature.strip_prefix("sha256 ").unwrap();
    seen.add("the output", town.said());
    let mut canaries = vec![WEBHOOK, CLIENT, GOCO, signed];
    canaries.extend(tokens.iter().map(String::as_str));
    assert!(seen.somewhere("Johnny Smith") && seen.somewhere("goco.create_employee"));
    seen.nowhere(&canaries);
    town.kill();
    assert!(stored(&town, "Johnny Smith").is_some(), "what is stored can be read at all");
    for canary in canaries {
        assert_eq!(stored(&town, canary), None, "`{canary}`");
    }
}

#[cfg(feature = "crash-points")]
#[test]
fn no_secret_is_said_when_something_breaks_off() {
    let mut town = Town::new();
    town.goco.switch(|switches| switches.key = GOCO.into());
    town.write("secrets/goco", GOCO);
    let words = ["start", RECIPE, "--log", "trace"];
    // A fault of ours, with an answer of GoCo in hand; then a death at the same place.
    town.start_with(&words, Some("call.after:2:panic"));
    town.hire(JOHNNY);
    town.until("it breaks off", || town.said().contains("ended the drive").then_some(()));
    let mut seen = Seen::everywhere(&town, &ROLES.map(|role| town.token(role)));
    seen.add("the commands", commands(&town));
    town.kill();
    town.start_and_die(&words, "call.after:1");
    town.start_with(&words, None);
    town.wait(1, "succeeded");
    seen.add("the output", town.said());
    assert!(seen.somewhere("the crash point `call.after` is reached"), "the panic was told");
    seen.nowhere(&[GOCO]);
}

#[test]
fn what_a_recipe_masks_is_seen_nowhere_and_a_viewer_sees_nobody() {
    let mut town = Town::new();
    let (chat, told) = chat();
    town.settings(&format!("listen: 127.0.0.1:0\nnotifications: {{ webhook: '{chat}' }}\n"), true);
    let mask = "[event.candidate.email_addresses, event.candidate.phone_numbers, event.candidate.last_name]";
    town.edit_recipe("\nsteps:\n", &format!("\nsettings: {{ mask: {mask} }}\n\nsteps:\n"));
    ask_first(&town, "May {{ event.candidate.first_name }} {{ event.candidate.last_name }} start?");
    town.person(JOHNNY, |person| {
        person.last_name = NAME.into();
        for mail in &mut person.email_addresses {
            mail.value = MAIL.into();
        }
        for phone in &mut person.phone_numbers {
            phone.value = PHONE.into();
        }
    });
    // GoCo repeats what it was sent.
    town.goco.switch(|switches| {
        let body = json!({ "errors": [format!("{NAME} <{MAIL}>, {PHONE}: somebody-has-it")] });
        let trouble = Trouble::Answer { status: 422, retry_after: None, body };
        switches.faults.push(Fault { on: Operation::CreateEmployee, after: 0, times: 1, trouble });
    });
    town.start_with(&["start", RECIPE, "--log", "trace"], None);
    let tokens = ROLES.map(|role| town.token(role));
    let (body, signature) = town.signed(&town.greenhouse.hire(JOHNNY).unwrap());
    assert!(String::from_utf8_lossy(&body).contains(MAIL), "it is sent at all");
    assert_eq!(town.post(&body, Some("sha256 0")), 401);
    let heard = news(&town, &tokens[0], || assert_eq!(town.post(&body, Some(&signature)), 200));
    town.wait(1, "waiting");
    town.until("the question is told", || told.lock().unwrap().contains("job_asks").then_some(()));
    let mut seen = Seen::everywhere(&town, &tokens);
    let answer = json!({ "approved": true, "comment": format!("{NAME}, {MAIL}") });
    let answer = json!({ "step": "approval", "answer": answer });
    assert_eq!(town.api("POST", "/jobs/1/answer", &tokens[1], &answer).0, 204);
    town.wait(1, "failed");
    seen.0.extend(Seen::everywhere(&town, &tokens).0);
    seen.add("the news", heard);
    seen.add("the commands", commands(&town));
    let plan =
        town.api("POST", &format!("/recipes/{RECIPE}/plan"), &tokens[1], &json!({ "job": 1 }));
    assert_eq!(plan.0, 200, "{plan:?}");
    seen.add("the plan", plan.1.to_string());
    let event: Value = serde_json::from_slice(&body).unwrap();
    let plan =
        town.api("POST", &format!("/recipes/{RECIPE}/plan"), &tokens[1], &json!({ "body": event }));
    assert_eq!(plan.0, 200, "{plan:?}");
    seen.add("the plan of a body", plan.1.to_string());
    // On the page as well, and what it offers to try.
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    let path = format!("/recipes/{RECIPE}/try");
    let page = town.ask("POST", &path, Some(&tokens[1]), kind, "from=job:1");
    assert!(page.body.contains("would end as"), "{page:?}");
    seen.add("the page of the plan", page.body);
    seen.add("the page that offers it", town.get(&path, &tokens[1]));
    // The masks of the last good version count while the file is broken, also after a restart.
    town.edit_recipe("trigger: greenhouse.hired", "trigger: greenhouse.hird");
    town.kill();
    town.start_with(&["start", "--log", "trace"], None);
    seen.0.extend(Seen::everywhere(&town, &tokens).0);
    seen.add("the commands once more", commands(&town));
    seen.add("the chat", told.lock().unwrap().clone());
    seen.add("the output", town.said());
    for word in ["***", "Johnny", "somebody-has-it", "job_asks", "employee"] {
        assert!(seen.somewhere(word), "`{word}` would have been seen");
    }
    seen.nowhere(&[MAIL, PHONE, NAME]);
    // Whom it is about a viewer does not learn at all.
    let mut of_viewers =
        Seen(seen.0.into_iter().filter(|(place, _)| place.ends_with("viewer")).collect());
    assert!(of_viewers.0.len() > 40);
    of_viewers.nowhere(&["Johnny", "somebody-has-it"]);
    of_viewers.0.retain(|(place, _)| place.starts_with("/jobs as"));
    assert!(of_viewers.somewhere("J."), "they see that there is somebody");
    town.kill();
    assert!(stored(&town, MAIL).is_some(), "the store keeps it whole");
}

#[test]
fn what_came_in_a_form_is_not_shown_when_its_recipe_masks() {
    let mut town = Town::new();
    town.write(
        "recipes/form.yaml",
        "title: Form\ntrigger:\n  on: webhook.received\n  connection: webhook\n\
         settings: { mask: [event.body.mail, event.query.mail] }\n\
         steps:\n  - action: log.write\n    with: { message: \"{{ event.body.mail | default('none') }}\" }\n",
    );
    let mut connections = fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    connections.push_str("webhook: { insecure: true }\n");
    town.write("connections.yaml", &connections);
    town.start_with(&["start", "form", "--log", "trace"], None);
    let tokens = ROLES.map(|role| town.token(role));
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    let odd = MAIL.replace('@', "%40");
    let sent =
        town.ask("POST", &format!("/hooks/form?mail={odd}"), None, kind, &format!("mail={odd}"));
    assert_eq!(sent.status, 200, "{sent:?}");
    town.over(1);
    let mut seen = Seen::everywhere(&town, &tokens);
    seen.add("the commands", commands(&town));
    assert!(seen.somewhere("masks parts of its events"));
    seen.nowhere(&[MAIL, &odd]);
}

#[test]
fn what_is_masked_of_a_variable_is_seen_nowhere_and_called_jobs_inherit_it() {
    let mut town = Town::new();
    town.write(
        "recipes/caller.yaml",
        "title: Caller\nlabel: About somebody\ntrigger:\n  on: webhook.received\n  connection: webhook\n\
         settings: { mask: [vars.code, event.body.whom] }\nsteps:\n\
         \x20 - set: { code: \"canary-vars-{{ event.body.part }}\" }\n\
         \x20 - call: called\n    with: { whom: \"{{ event.body.whom | default('nobody') | text }}\" }\n\
         \x20 - stop: skipped\n    reason: \"it is {{ vars.code }}\"\n",
    );
    town.write(
        "recipes/called.yaml",
        "title: Called\nlabel: \"For {{ input.whom }}\"\ninput: { whom: text }\nsteps:\n\
         \x20 - stop: succeeded\n    reason: \"for {{ input.whom }}\"\n",
    );
    let mut connections = fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    connections.push_str("webhook: { insecure: true }\n");
    town.write("connections.yaml", &connections);
    town.start_with(&["start", "caller", "called", "--log", "trace"], None);
    let tokens = ROLES.map(|role| town.token(role));
    let body = json!({ "whom": "canary-input-77", "part": "9f9f" }).to_string();
    let kind = "content-type: application/json\r\n";
    assert_eq!(town.ask("POST", "/hooks/caller", None, kind, &body).status, 200);
    assert_eq!(town.over(1)["status"], "skipped");
    assert_eq!(town.over(2)["recipe"], "called");
    let mut seen = Seen::everywhere(&town, &tokens);
    for path in ["/api/v1/jobs/2", "/jobs/2", "/api/v1/jobs/2/journal"] {
        seen.add(path, town.get(path, &tokens[2]));
    }
    let plan = town.api("POST", "/recipes/caller/plan", &tokens[1], &json!({ "job": 1 }));
    assert_eq!(plan.0, 200, "{plan:?}");
    seen.add("the plan", plan.1.to_string());
    seen.add("the commands", commands(&town));
    seen.add("the output", town.said());
    assert!(seen.somewhere("it is ***") && seen.somewhere("For ***"), "it would have been seen");
    seen.nowhere(&["canary-input-77", "canary-vars-9f9f"]);
}

#[test]
fn what_a_purged_caller_gave_is_not_shown() {
    let mut town = Town::new();
    town.settings("listen: 127.0.0.1:0\nretention: { megabytes: 1 }\n", true);
    town.write(
        "recipes/caller.yaml",
        "title: Caller\nlabel: About somebody\ntrigger:\n  on: webhook.received\n  connection: webhook\n\
         settings: { mask: [event.body.whom] }\nsteps:\n\
         \x20 - call: called\n    background: true\n    with: { whom: \"{{ event.body.whom | default('nobody') | text }}\" }\n",
    );
    town.write(
        "recipes/called.yaml",
        "title: Called\nlabel: \"For {{ input.whom }}\"\ninput: { whom: text }\nsteps:\n  - stop: succeeded\n",
    );
    town.write(
        "recipes/large.yaml",
        "title: Large\ntrigger:\n  on: webhook.received\n  connection: webhook\nsteps:\n  - stop: succeeded\n",
    );
    let mut connections = fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    connections.push_str("webhook: { insecure: true }\n");
    town.write("connections.yaml", &connections);
    // The called recipe is off, so its job outlives the one that called it.
    town.start_with(&["start", "caller", "large"], None);
    let tokens = ROLES.map(|role| town.token(role));
    let kind = "content-type: application/json\r\n";
    let body = json!({ "whom": "canary-input-78" }).to_string();
    assert_eq!(town.ask("POST", "/hooks/caller", None, kind, &body).status, 200);
    town.over(1);
    let shown = |path: &str| town.get(path, &tokens[2]);
    assert!(shown("/jobs/2").contains("For ***"), "{}", shown("/jobs/2"));
    let mut large = 0;
    town.until("the caller is purged", || {
        large += 1;
        let body = json!({ "noise": noise(large, 300_000) }).to_string();
        town.ask("POST", "/hooks/large", None, kind, &body);
        (town.ask("GET", "/api/v1/jobs/1", Some(&tokens[2]), "", "").status == 404).then_some(())
    });
    assert!(shown("/api/v1/jobs/2").contains("queued"), "the called one is there");
    for path in ["/jobs", "/jobs/2", "/api/v1/jobs", "/api/v1/jobs/2", "/api/v1/jobs/2/journal"] {
        assert!(!shown(path).contains("canary-input-78"), "{path}: {}", shown(path));
    }
}

/// Listens as a chat does; returns where, and what was told.
fn chat() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let told: Arc<Mutex<String>> = Arc::default();
    let hears = told.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut all, mut some) = (Vec::new(), [0; 4096]);
            // A message is one object, and its end is the end of the request.
            while !all.ends_with(b"}") {
                match stream.read(&mut some) {
                    Ok(read) if read > 0 => all.extend_from_slice(&some[..read]),
                    _ => break,
                }
            }
            hears.lock().unwrap().push_str(&String::from_utf8_lossy(&all));
            drop(
                stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                ),
            );
        }
    });
    (url, told)
}
