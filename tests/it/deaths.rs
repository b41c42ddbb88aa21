//! The service is killed wherever it can be, and started again: exactly one employee, one note, each document once.
//!
//! Two ways to die: at every crash point of the engine, every time a hire passes it; and by SIGKILL while a vendor has
//! already done what it was asked and has not answered yet.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::{self, Write as _},
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use sandbox::{
    goco::{self, Operation as Goco, Trouble},
    greenhouse::{self, Operation as Greenhouse},
};

use crate::town::{JOHNNY, RECIPE, Town};

/// How many towns there are at once.
const SIDE_BY_SIDE: usize = 2;

/// Builds a town in which a failed call is tried again soon.
fn town() -> Town {
    let town = Town::new();
    town.edit_recipe(
        "trigger: greenhouse.hired\n",
        "trigger: greenhouse.hired\nsettings: { retry: { attempts: 9, wait: 10ms } }\n",
    );
    town
}

/// Says how the hire stands after everything: what must never differ, and how it came about.
fn outcome(town: &Town) -> Result<String, String> {
    let job = town.over(1);
    let employees = town.employees(JOHNNY);
    let documents = employees.first().map(|one| town.documents(one)).unwrap_or_default();
    let (notes, jobs) = (town.notes(JOHNNY).len(), town.jobs().len());
    let recovered: Vec<&str> = job["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["recovered"] == true)
        .map(|step| step["path"].as_str().unwrap())
        .collect();
    let found = format!(
        "{} job, {}; {} employee, {} documents, {notes} note; found done: {}",
        jobs,
        job["status"].as_str().unwrap(),
        employees.len(),
        documents.len(),
        if recovered.is_empty() { "nothing".into() } else { recovered.join(", ") },
    );
    let right = jobs == 1
        && job["status"] == "succeeded"
        && employees.len() == 1
        && documents == ["resume.pdf", "signed offer.pdf"]
        && notes == 1;
    if right { Ok(found) } else { Err(format!("{found}\n{job:#}\n{}", town.said())) }
}

/// Does all of the work, several at a time; tells what came of each, and compares the grid with the one of the page.
#[expect(clippy::print_stdout, reason = "the grid is the test's report")]
fn grid<T: Send>(
    name: &str,
    work: Vec<T>,
    play: impl Fn(T) -> Vec<(String, Result<String, String>)> + Sync,
) -> usize {
    let (work, rows) = (Mutex::new(VecDeque::from(work)), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().pop_front();
                    let Some(next) = next else { return };
                    let played = play(next);
                    rows.lock().unwrap().extend(played);
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort();
    let drawn = drawn(&rows);
    println!("{drawn}");
    let wrong: Vec<_> =
        rows.iter().filter_map(|(point, outcome)| Some((point, outcome.as_ref().err()?))).collect();
    assert!(wrong.is_empty(), "{} went wrong: {wrong:?}", wrong.len());
    compare(name, &drawn);
    rows.len()
}

/// Draws a grid: each point with its deaths, what came of them all, and what was found done afterwards.
fn drawn(rows: &[(String, Result<String, String>)]) -> String {
    let mut points: BTreeMap<&str, (usize, BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for (point, outcome) in rows {
        let (deaths, outcomes, done) =
            points.entry(point.split_once(' ').map_or(point, |(name, _)| name)).or_default();
        *deaths += 1;
        let outcome = outcome.as_ref().map_or("WRONG", String::as_str);
        let (outcome, found) = outcome.split_once("; found done: ").unwrap_or((outcome, ""));
        outcomes.insert(outcome);
        done.extend(found.split(", ").filter(|step| *step != "nothing"));
    }
    let mut table = String::from("| died | times | what came of it, each time | found done |\n");
    table.push_str("|---|---:|---|---|\n");
    for (point, (deaths, outcomes, done)) in points {
        let joined = |words: BTreeSet<&str>| words.into_iter().collect::<Vec<_>>().join(", ");
        writeln!(table, "| `{point}` | {deaths} | {} | {} |", joined(outcomes), joined(done))
            .unwrap();
    }
    table
}

/// Looks whether the page has a row for every point; `UPDATE=1` writes the grid there. How often a point is passed, and
/// what is found done, differs a little from time to time.
fn compare(name: &str, drawn: &str) {
    if wants_update() {
        return keep(name, drawn);
    }
    let points = |table: &str| -> Vec<String> {
        table.lines().filter_map(|line| Some(line.split('`').nth(1)?.to_owned())).collect()
    };
    let [_, stored, _] = page(name);
    assert_eq!(points(&stored), points(drawn), "docs/durability.md is old: run this with UPDATE=1");
}

/// Returns whether the page is to be written anew.
#[expect(clippy::disallowed_methods, reason = "`UPDATE=1` writes the page anew")]
pub fn wants_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// Writes a table into the page.
pub fn keep(name: &str, drawn: &str) {
    let [before, _, after] = page(name);
    fs::write(durability(), format!("{before}{drawn}{after}")).unwrap();
}

/// Returns the page: up to the table of that name, the table, and what follows.
fn page(name: &str) -> [String; 3] {
    let text = fs::read_to_string(durability()).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let begin = text.find(&begin).unwrap() + begin.len();
    let end = begin + text[begin..].find(&end).unwrap();
    [&text[..begin], &text[begin..end], &text[end..]].map(str::to_owned)
}

fn durability() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/durability.md")
}

#[cfg(feature = "crash-points")]
#[test]
fn whatever_the_moment_of_death_there_is_one_employee_and_one_note() {
    // A hire passes the busiest point some twenty times.
    const MOST: usize = 100;
    let deaths = grid("points", engine::CRASH_POINTS.to_vec(), |point| {
        let mut rows = Vec::new();
        for time in 1..=MOST {
            let at = format!("{point}:{time}");
            let Some(outcome) = die_at(&at) else {
                assert!(time > 1, "no hire passes `{point}`");
                return rows;
            };
            rows.push((format!("{point} {time:>2}"), outcome));
        }
        panic!("`{point}` is passed more than {MOST} times")
    });
    assert!(deaths >= 50, "only {deaths} deaths: points were lost");
}

/// Lets the service die at a crash point, starts it again and says how it went; `None` when it never came to the point.
#[cfg(feature = "crash-points")]
fn die_at(point: &str) -> Option<Result<String, String>> {
    let mut town = town();
    if point.starts_with("append.") {
        // What is neither a claim nor an end goes with one of them, unless a read takes longer than a moment.
        let fault = goco::Fault {
            on: Goco::CreateEmployee,
            after: 0,
            times: 1,
            trouble: Trouble::CutAfter,
        };
        town.goco.switch(|switches| {
            switches.faults.push(fault);
            switches.latency_ms = 120;
        });
    }
    // It may die while it begins.
    let ready = town.start_or_die(&["start", RECIPE], Some(point));
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    let sent = ready.then(|| town.send_once(&event));
    let died = !ready
        || town.until("it dies or the job is over", || {
            if town.has_ended() {
                return Some(true);
            }
            let over = !town.notes(JOHNNY).is_empty() && town.job(1)["status"] == "succeeded";
            over.then_some(false)
        });
    if !died {
        // It may die after its last word about the job.
        town.terminate();
    }
    if ready && town.ended() == Some(0) {
        return None;
    }
    town.start();
    if !sent.is_some_and(|sent| sent.delivered()) {
        assert!(town.send(&event).delivered());
    }
    Some(outcome(&town))
}

#[cfg(feature = "crash-points")]
#[test]
fn killed_while_a_missed_hire_is_taken_in_it_arrives_once() {
    for point in ["accept.before_commit:1", "accept.after_commit:1"] {
        let mut town = town();
        town.start();
        town.until("its source is there", || {
            let status = town.json(&["status"]);
            status["recipes"][0]["source"]["next_at"][0].is_string().then_some(())
        });
        town.kill();
        let event = town.greenhouse.hire(JOHNNY).unwrap();
        town.start_and_die(&["start", RECIPE], point);
        town.start();
        town.until("the hire is there", || (town.jobs().len() == 1).then_some(()));
        outcome(&town).unwrap_or_else(|why| panic!("{point}: {why}"));
        // Its webhook comes after all.
        assert!(town.send(&event).delivered());
        outcome(&town).unwrap_or_else(|why| panic!("{point}: {why}"));
    }
}

#[test]
fn killed_while_a_vendor_is_about_to_answer_there_is_one_employee_and_one_note() {
    let moments = moments();
    assert!(moments.len() >= 10, "{moments:?}");
    let all = moments.len();
    let deaths = grid("answers", moments, |moment| vec![(moment.to_string(), killed_in(moment))]);
    assert_eq!(deaths, all);
}

/// A request that has been done and is not answered yet; the number counts those before it of its kind.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Goco(Goco, u32),
    Greenhouse(Greenhouse, u32),
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goco(on, after) => write!(f, "GoCo:{on:?}:{}", after + 1),
            Self::Greenhouse(on, after) => write!(f, "Greenhouse:{on:?}:{}", after + 1),
        }
    }
}

/// Builds a town in which nothing but the hire asks the vendors for anything.
fn quiet_town() -> Town {
    let town = town();
    town.edit_recipe(
        "trigger: greenhouse.hired\n",
        "trigger: { on: greenhouse.hired, catch_up: never }\n",
    );
    town
}

/// Returns every request that a hire makes, as a hire makes it: what it asks for one day is in the grid by itself.
fn moments() -> Vec<Moment> {
    let mut town = quiet_town();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    let goco = town.goco.company(|company| company.requests.clone());
    let greenhouse = town.greenhouse.account(|account| account.requests.clone());
    let mut moments = Vec::new();
    for (place, request) in goco.iter().enumerate() {
        let on = request.operation;
        let before = goco[..place].iter().filter(|other| other.operation == on).count();
        moments.push(Moment::Goco(on, u32::try_from(before).unwrap()));
    }
    for (place, request) in greenhouse.iter().enumerate() {
        let on = request.operation;
        let before = greenhouse[..place].iter().filter(|other| other.operation == on).count();
        moments.push(Moment::Greenhouse(on, u32::try_from(before).unwrap()));
    }
    moments
}

fn killed_in(moment: Moment) -> Result<String, String> {
    let mut town = quiet_town();
    let (times, trouble) = (1, Trouble::HoldAfter(60_000));
    match moment {
        Moment::Goco(on, after) => {
            let fault = goco::Fault { on, after, times, trouble };
            town.goco.switch(|switches| switches.faults.push(fault));
        }
        Moment::Greenhouse(on, after) => {
            let fault = greenhouse::Fault { on, after, times, trouble };
            town.greenhouse.switch(|switches| switches.faults.push(fault));
        }
    }
    town.start();
    town.hire(JOHNNY);
    town.until("it asks", || {
        let asked = match moment {
            Moment::Goco(on, after) => town.asked(on) > after as usize,
            Moment::Greenhouse(on, after) => {
                town.greenhouse.account(|account| account.count(on)) > after as usize
            }
        };
        asked.then_some(())
    });
    town.kill();
    town.start();
    outcome(&town)
}
