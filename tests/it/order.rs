//! Hired, taken back, hired again: the jobs of one person go one after the other across recipes, and who waits for whom is
//! shown.

use sandbox::goco::{Fault, Operation, Trouble};
use serde_json::{Value, json};

use crate::town::{JOHNNY, RECIPE, Town, ZOE};

/// Long enough to look at what waits.
const HOLD: u64 = 3000;

fn unhired() -> Value {
    json!({ "action": "unhire_candidate", "payload": { "application": {
        "id": 46_194_062,
        "status": "active",
        "last_activity_at": "2026-11-23T12:00:00Z",
        "current_stage": { "id": 7, "name": "Offer", "interviews": [] },
        "candidate": { "id": JOHNNY, "first_name": "Johnny", "last_name": "Smith" },
        "jobs": [{ "id": 9, "name": "Web Developer", "departments": [], "offices": [] }],
    } } })
}

#[test]
fn hired_taken_back_and_hired_again_go_in_order_and_who_waits_for_whom_is_shown() {
    let mut town = Town::new();
    let key = "key: { group: people, value: event.candidate.id }";
    town.edit_recipe(
        "trigger: greenhouse.hired\n",
        &format!("trigger: {{ on: greenhouse.hired, {key} }}\n"),
    );
    town.write(
        "recipes/taken-back.yaml",
        &format!(
            "trigger: {{ on: greenhouse.unhired, {key} }}\nsteps:\n  - action: log.write\n    with: {{ message: taken \
             back }}\n"
        ),
    );
    town.goco.switch(|switches| {
        let (on, trouble) = (Operation::CreateEmployee, Trouble::HoldAfter(HOLD));
        switches.faults.push(Fault { on, after: 0, times: 1, trouble });
    });
    town.start_with(&["start", RECIPE, "taken-back"], None);
    town.hire(JOHNNY);
    town.until("GoCo is at work", || (town.asked(Operation::CreateEmployee) > 0).then_some(()));
    let (body, signature) = town.signed(&unhired());
    let (body, more) = (String::from_utf8(body).unwrap(), format!("signature: {signature}\r\n"));
    let taken = town.ask("POST", "/hooks/taken-back", None, &more, &body);
    assert_eq!(taken.status, 200, "{taken:?}");
    town.offer_anew(JOHNNY);
    town.hire(JOHNNY);
    // Somebody else does not wait.
    town.hire(ZOE);
    assert_eq!(town.over(4)["status"], "succeeded");
    for (job, before) in [(2, 1), (3, 2)] {
        assert_eq!(town.job(job)["blocked_by"], before, "{}", town.said());
        let shown = town.cli(&["jobs", "show", &job.to_string()]);
        assert!(shown.out.contains(&format!("job {before}")), "{shown:?}");
    }
    let jobs = [1, 2, 3].map(|job| town.over(job));
    let moment = |job: &Value, name: &str| -> jiff::Timestamp {
        job[name].as_str().unwrap().parse().unwrap()
    };
    for two in jobs.windows(2) {
        assert!(moment(&two[1], "started_at") >= moment(&two[0], "finished_at"), "{two:#?}");
    }
    let ended = jobs.map(|job| job["status"].as_str().unwrap().to_owned());
    assert_eq!(ended, ["succeeded", "succeeded", "skipped"]);
    town.employee(JOHNNY);
}
