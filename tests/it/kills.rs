//! The service is killed at random moments while hires come in and vendors misbehave: nothing lost, nothing doubled.
//!
//! `RECIPE_RUNNER_KILLS=100` has a hundred lives end instead of ten, and with `UPDATE=1` its table is written into
//! `docs/durability.md`; `RECIPE_RUNNER_SEED` begins elsewhere.

use std::{collections::BTreeMap, fmt::Write as _, fs, thread, time::Duration};

use engine::{JobQuery, Store};
use sandbox::{
    goco::{Fault, Operation, Trouble},
    greenhouse,
};
use serde_json::Value;

use crate::{
    deaths::{keep, wants_update},
    town::{JOHNNY, Town},
};

/// How many are hired in one town.
const HIRES: u32 = 6;
/// How often the service of one town is killed.
const KILLS: usize = 2;
/// The longest life, in milliseconds; a town without a kill is through in about that time.
const LIFE: u64 = 900;
/// How long GoCo takes for an answer, in milliseconds.
const LATENCY: u64 = 100;

#[test]
#[expect(clippy::print_stdout, reason = "the table is the test's report")]
#[expect(clippy::disallowed_methods, reason = "how many kills is the caller's choice")]
fn killed_at_random_moments_under_load_nothing_is_lost_and_nothing_doubled() {
    let number = |name: &str, otherwise: usize| {
        std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok()).unwrap_or(otherwise)
    };
    let (kills, seed) = (number("RECIPE_RUNNER_KILLS", 10), number("RECIPE_RUNNER_SEED", 2026));
    let mut counts: BTreeMap<(String, String), (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for town in 0..kills.div_ceil(KILLS) {
        let mut random = Random(seed as u64 * 1_000_003 + town as u64);
        let (trouble, told) = random.trouble();
        let lives: Vec<u64> = (0..KILLS).map(|_| random.below(LIFE)).collect();
        match lived(trouble, &lives) {
            Ok((outcome, midst)) => {
                let (towns, in_the_midst) = counts.entry((told.into(), outcome)).or_default();
                *towns += 1;
                *in_the_midst += midst;
            }
            Err(why) => {
                wrong.push(format!("town {town} of seed {seed} ({told}, {lives:?}): {why}"));
            }
        }
    }
    let mut table = String::from(
        "| the vendors | killed | while at work | what came of six hires |\n|---|---:|---:|---|\n",
    );
    for ((told, outcome), (towns, midst)) in &counts {
        writeln!(table, "| {told} | {} times | {midst} | {outcome} |", towns * KILLS).unwrap();
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let midst: usize = counts.values().map(|(_, midst)| midst).sum();
    assert!(midst * 2 >= kills, "only {midst} of {kills} kills met the service at work");
    if kills >= 100 && wants_update() {
        keep("kills", &table);
    }
}

#[test]
fn a_stop_under_load_ends_what_is_under_way_and_leaves_nothing_in_the_dark() {
    let mut town = Town::new();
    town.goco.switch(|switches| {
        let (on, trouble) = (Operation::CreateEmployee, Trouble::HoldAfter(400));
        switches.faults.push(Fault { on, after: 0, times: 6, trouble });
    });
    let people = crowd(&town);
    town.start();
    for person in &people {
        town.hire(*person);
    }
    town.until("some are being created", || {
        (town.asked(Operation::CreateEmployee) > 0).then_some(())
    });
    town.terminate();
    assert_eq!(town.ended(), Some(0), "{}", town.said());
    let begun = town.asked(Operation::CreateEmployee);
    // Every call that had begun has its end in the journal: nothing has to be looked up.
    town.start();
    judge(&town, &people).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(town.asked(Operation::CreateEmployee), people.len(), "{begun} had begun");
    for job in town.jobs() {
        let job = town.job(job);
        let steps = job["steps"].as_array().unwrap();
        assert!(steps.iter().all(|step| step["recovered"] != true), "{job:#}");
        // A write that was claimed and waited for its place was not sent before the stop, and says so.
        let mut failures = steps.iter().flat_map(|step| step["failures"].as_array().unwrap());
        assert!(failures.all(|failure| failure["code"] == "not_sent"), "{job:#}");
    }
}

/// Hires, kills, starts again, and looks at everything; says how often the service was killed at work. The sender sends
/// until it hears 200, as Greenhouse does.
fn lived(trouble: Option<Fault>, lives: &[u64]) -> Result<(String, usize), String> {
    let mut town = Town::new();
    town.goco.switch(|switches| switches.latency_ms = LATENCY);
    town.edit_recipe(
        "trigger: greenhouse.hired\n",
        "trigger: greenhouse.hired\nsettings: { retry: { attempts: 9, wait: 20ms } }\n",
    );
    if let Some(fault) = trouble {
        town.goco.switch(|switches| switches.faults.push(fault));
        town.greenhouse.switch(|switches| {
            let fault = greenhouse::Fault::once(greenhouse::Operation::AddNote, Trouble::CutAfter);
            switches.faults.push(fault);
        });
    }
    let people = crowd(&town);
    let events: Vec<Value> =
        people.iter().map(|person| town.greenhouse.hire(*person).unwrap()).collect();
    town.start();
    town.stay_at_this_address();
    let url = town.url();
    let mut sending: Vec<_> = events
        .iter()
        .map(|event| {
            let (sender, url, event) = (town.greenhouse.sender(), url.clone(), event.clone());
            town.spawn(async move { sender.send(&url, &event).await.unwrap().delivered() })
        })
        .collect();
    let mut midst = 0;
    for life in lives {
        thread::sleep(Duration::from_millis(*life));
        town.kill();
        midst += usize::from(is_at_work(&town));
        town.start();
    }
    for (event, sent) in events.iter().zip(&mut sending) {
        // What was answered 200 is not sent again: it must be there.
        if !town.block_on(sent).unwrap() && !town.send(event).delivered() {
            return Err("a webhook was never taken".into());
        }
    }
    Ok((judge(&town, &people)?, midst))
}

/// Returns whether hires are to be worked on by a service that was killed. A copy is looked at: the service itself must
/// find the file as it left it.
fn is_at_work(town: &Town) -> bool {
    let (from, to) = (town.dir().join(".recipe-runner"), tempfile::tempdir().unwrap());
    for name in ["store.db", "store.db-wal"] {
        fs::copy(from.join(name), to.path().join(name)).unwrap();
    }
    let store = Store::open(to.path()).unwrap();
    let jobs = town.block_on(store.jobs(JobQuery { limit: 10, ..JobQuery::default() })).unwrap();
    jobs.len() < HIRES as usize || jobs.iter().any(|job| !job.standing.status.is_final())
}

/// Says how it stands after everything.
fn judge(town: &Town, people: &[u64]) -> Result<String, String> {
    let jobs = town.jobs();
    if jobs.len() != people.len() {
        return Err(format!("{} hires, {} jobs\n{}", people.len(), jobs.len(), town.said()));
    }
    let (mut ended, mut recovered): (BTreeMap<String, usize>, usize) = (BTreeMap::new(), 0);
    for id in &jobs {
        // Read whole: every journal is readable.
        let job = town.over(*id);
        let status = job["status"].as_str().unwrap().to_owned();
        let reason = job["note"].as_str().unwrap_or_default();
        if status != "succeeded" && (status != "needs_attention" || reason.is_empty()) {
            return Err(format!("job {id}: {job:#}"));
        }
        let steps = job["steps"].as_array().unwrap();
        recovered += steps.iter().filter(|step| step["recovered"] == true).count();
        *ended.entry(status).or_default() += 1;
    }
    let waiting = ended.get("needs_attention").copied().unwrap_or(0);
    let (mut employees, mut notes, mut documents) = (0, 0, 0);
    for person in people {
        let found = town.employees(*person);
        let noted = town.notes(*person).len();
        let files = found.first().map(|one| town.documents(one)).unwrap_or_default();
        let mut once = files.clone();
        once.dedup();
        if found.len() > 1 || noted > 1 || once != files {
            return Err(format!("{person}: {found:?}, {noted} notes, {files:?}\n{}", town.said()));
        }
        employees += found.len();
        notes += noted;
        documents += files.len();
    }
    let lost = people.len() - employees;
    if lost > waiting || (waiting == 0 && (notes != people.len() || documents != 2 * people.len()))
    {
        return Err(format!(
            "{employees} employees, {notes} notes, {documents} documents: {ended:?}"
        ));
    }
    let ended: Vec<String> = ended
        .into_iter()
        .map(|(status, jobs)| format!("{jobs} {}", status.replace('_', " ")))
        .collect();
    let found = if recovered > 0 { "; some writes found done" } else { "" };
    Ok(format!(
        "{}; {employees} employees, {notes} notes, {documents} documents, none lost, none twice{found}",
        ended.join(", ")
    ))
}

/// Adds people like Johnny, each with an application, an offer and files of their own.
fn crowd(town: &Town) -> Vec<u64> {
    town.greenhouse.account(|account| {
        let johnny = account.candidate(JOHNNY).unwrap().clone();
        (0..u64::from(HIRES))
            .zip(["Ash", "Birch", "Cedar", "Elm", "Fir", "Oak"])
            .map(|(number, last_name)| {
                let mut one = johnny.clone();
                let add = (number + 1) * 1_000_000;
                one.id += add;
                one.first_name = format!("Johnny {number}");
                one.last_name = last_name.into();
                for mail in &mut one.email_addresses {
                    mail.value = format!("{number}.{}", mail.value);
                }
                one.application.id += add;
                for offer in &mut one.application.offers {
                    offer.id += add;
                }
                for file in &mut one.attachments {
                    file.id += add;
                }
                let id = one.id;
                account.candidates.push(one);
                id
            })
            .collect()
    })
}

/// A generator whose numbers follow from the seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Returns how the vendors misbehave, if they do.
    fn trouble(&mut self) -> (Option<Fault>, &'static str) {
        let on =
            [Operation::CreateEmployee, Operation::UploadDocument][usize::from(self.below(2) == 1)];
        let (trouble, told) = match self.below(4) {
            0 => return (None, "behave"),
            1 => (Trouble::CutAfter, "do it, and cut the line"),
            2 => (Trouble::CutBefore, "cut the line"),
            _ => (Trouble::HoldAfter(150), "do it, and answer late"),
        };
        let after = u32::try_from(self.below(HIRES.into())).unwrap();
        (Some(Fault { on, after, times: 2, trouble }), told)
    }
}
