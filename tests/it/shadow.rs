//! Beside an older integration: a recipe that shows each of its writes and sends what a person lets go; and the first real
//! job, watched step by step.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use sandbox::goco::Operation;
use serde_json::{Value, json};

use crate::town::{JOHNNY, NORA, RECIPE, Town, step};

#[test]
fn a_held_write_is_shown_and_sent_or_refused_as_a_person_says() {
    let mut town = Town::new();
    town.edit_recipe("\nsteps:\n", "\nsettings: { writes: hold }\n\nsteps:\n");
    town.start();
    let operator = town.token("operator");
    town.hire(JOHNNY);
    let job = town.wait(1, "needs_attention");
    // Everything up to the first write was really asked for; the write was not sent, and is there to be read.
    assert_eq!(step(&job, "existing")["state"], "done");
    let held = step(&job, "employee");
    assert_eq!(held["state"], "held", "{job:#}");
    assert_eq!(held["input"]["personal_email"], "personal@example.com", "{held:#}");
    assert_eq!(town.employees(JOHNNY), []);
    let shown = town.cli(&["jobs", "show", "1"]);
    assert!(shown.out.contains("held") && shown.out.contains("personal@example.com"), "{shown:?}");

    // The request is shown exactly as it leaves later, without the secret, and is not sent by showing it.
    let requests = town.json(&["jobs", "show", "1", "--requests"]);
    assert_eq!((&requests[0]["path"], requests.as_array().unwrap().len()), (&"employee".into(), 1));
    let request = &requests[0]["requests"][0];
    assert_eq!(request["method"], "POST", "{requests:#}");
    assert!(request["url"].as_str().unwrap().starts_with(&town.goco.url()), "{requests:#}");
    assert_eq!(request["body"]["personal_email"], "personal@example.com", "{requests:#}");
    assert_eq!(requests[0]["failure"], Value::Null);
    let key = sandbox::goco::Switches::default().key;
    assert!(!requests.to_string().contains(&key), "{requests:#}");
    let told = town.cli(&["jobs", "show", "1", "--requests"]);
    assert!(
        told.out.contains("POST http") && told.out.contains("personal@example.com"),
        "{told:?}"
    );
    assert_eq!(town.asked(Operation::CreateEmployee), 0);

    // It outlives a death, and a plain retry sends nothing.
    town.kill();
    town.start();
    drop(town.cli(&["jobs", "retry", "1"]));
    assert_eq!(town.wait(1, "needs_attention")["status"], "needs_attention");
    assert_eq!(town.employees(JOHNNY), []);

    // By the command line it is let go: sent once, with what was shown.
    let let_go = town.cli(&["jobs", "resolve", "1", "employee", "--not-happened"]);
    assert_eq!(let_go.code, Some(0), "{let_go:?}");
    let path = "documents[0].upload";
    town.until("the next write is held", || {
        (step_state(&town, 1, path).as_deref() == Some("held")).then_some(())
    });
    let employee = town.employee(JOHNNY);
    assert_eq!(employee.personal_email.as_deref(), Some("personal@example.com"));

    // Over the API a write is refused: its step fails as the recipe says for that, and is never sent.
    let resolve = |step: &str, verdict: &str| {
        let body = json!({ "step": step, "verdict": verdict });
        let (status, answer) = town.api("POST", "/jobs/1/resolve", &operator, &body);
        assert!(status < 300, "{status} {answer}");
    };
    resolve(path, "give_up");
    let path = "documents[1].upload";
    town.until("the write after it is held", || {
        (step_state(&town, 1, path).as_deref() == Some("held")).then_some(())
    });
    resolve(path, "not_happened");
    town.until("the note is held", || {
        (step_state(&town, 1, "note").as_deref() == Some("held")).then_some(())
    });
    assert_eq!(town.notes(JOHNNY), []);
    let requests = town.api("GET", "/jobs/1/held", &operator, &Value::Null).1;
    let shown = requests[0]["requests"][0]["body"].to_string();
    resolve("note", "not_happened");
    town.wait(1, "succeeded");
    assert_eq!(town.documents(&employee).len(), 1);
    // The note that arrived is the one that was shown, down to the mark at its end.
    let notes = town.notes(JOHNNY);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].body.contains("[ref ") && shown.contains(&notes[0].body),
        "{shown}\n{notes:?}"
    );
    let nothing = town.cli(&["jobs", "show", "1", "--requests"]);
    assert_eq!(nothing.out.trim(), "job 1 holds no write");

    // A write that is refused and that the job cannot do without ends it.
    town.hire(NORA);
    town.wait(2, "needs_attention");
    let refused = town.cli(&["jobs", "resolve", "2", "employee", "--give-up"]);
    assert_eq!(refused.code, Some(0), "{refused:?}");
    town.until("the note about it is held", || {
        (step_state(&town, 2, "note").as_deref() == Some("held")).then_some(())
    });
    assert_eq!(town.employees(NORA), []);
}

fn step_state(town: &Town, job: i64, path: &str) -> Option<String> {
    let job = town.job(job);
    let steps = job["steps"].as_array()?;
    let found = steps.iter().find(|step| step["path"] == path)?;
    found["state"].as_str().map(str::to_owned)
}

/// Has somebody wait for the next event.
fn waiting(town: &Town) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recipe-runner"));
    command.args(["run", RECIPE, "--event", "next", "--yes", "--project"]).arg(town.dir());
    command
        .env_remove("RECIPE_RUNNER_PROJECT")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Where no service runs, the command is one until the job of the next event is over, and says where to send it.
#[test]
fn the_next_event_is_taken_without_a_service_and_one_of_a_recipe_that_is_off_is_not_waited_for() {
    let mut town = Town::new();
    let mut child = waiting(&town);
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let waits = err.find(|line| line.contains("waiting for the next event")).unwrap();
    let url = waits.split(' ').find(|word| word.starts_with("http://")).expect("it says where");
    let rest = thread::spawn(move || err.collect::<Vec<_>>());
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    let sent = town.block_on(town.greenhouse.sender().send(url, &event)).unwrap();
    assert!(sent.delivered(), "{sent:?}");
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), rest.join().unwrap());
    assert_eq!(output.status.code(), Some(0), "{out}{err:?}");
    assert_eq!(out.lines().next(), Some("job 1 Johnny Smith"), "{out}");
    assert_eq!(town.employees(JOHNNY).len(), 1);

    // It is off again, as it was; a service that does nothing with its events says so instead of waiting for ever.
    town.start_with(&["start"], None);
    let refused = town.cli(&["run", RECIPE, "--event", "next", "--yes"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.err.contains("is off") && refused.err.contains("recipe-runner start"),
        "{refused:?}"
    );
}

/// Of the events that come while somebody waits for the next one, the first is followed to its end.
#[test]
fn the_next_real_event_is_followed_step_by_step() {
    let mut town = Town::new();
    town.start();
    town.hire(NORA);
    town.wait(1, "succeeded");
    let mut child = waiting(&town);
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(err.next().unwrap().contains("waiting for the next event"), "it waits first");
    let rest = thread::spawn(move || err.collect::<Vec<_>>());
    // Both come before it looks again, or not: the first it is.
    town.hire(JOHNNY);
    town.hire(crate::town::ZOE);
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), rest.join().unwrap());
    assert_eq!(output.status.code(), Some(0), "{out}{err:?}");
    assert_eq!(out.lines().next(), Some("job 2 Johnny Smith"), "{out}");
    let followed = |step: &str| out.lines().any(|line| line.starts_with(&format!("✓ {step}")));
    for step in ["existing", "employee", "documents[1].upload", "note"] {
        assert!(followed(step), "{step} is not in\n{out}");
    }
    assert!(err.iter().any(|line| line.contains("succeeded")), "{err:?}");
    assert_eq!(town.employees(JOHNNY).len(), 1);
}
