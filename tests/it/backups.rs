//! Backups: made while the service works, put back, and gone on from, with nothing done twice.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, thread};

use sandbox::goco::Operation;
use serde_json::json;

use crate::town::{JOHNNY, NORA, Said, Town, ZOE};

fn file(town: &Town, name: &str) -> PathBuf {
    town.dir().join(name)
}

fn backup(town: &Town, name: &str) -> Said {
    town.cli(&["backup", file(town, name).to_str().unwrap()])
}

fn restore(town: &Town, name: &str, more: &[&str]) -> Said {
    town.cli(&[&["restore", file(town, name).to_str().unwrap()], more].concat())
}

fn stop(town: &mut Town) {
    town.terminate();
    assert_eq!(town.ended(), Some(0));
}

#[test]
fn a_backup_of_a_service_at_work_is_gone_on_from_and_nothing_is_done_twice() {
    let mut town = Town::new();
    town.start();
    town.goco.switch(|switches| switches.latency_ms = 1000);
    town.hire(JOHNNY);
    town.until("GoCo is at work", || (town.asked(Operation::CreateEmployee) > 0).then_some(()));
    // Nobody has written down yet what GoCo answers.
    let made = backup(&town, "then.db");
    assert_eq!(made.code, Some(0), "{made:?}");
    let mode = fs::metadata(file(&town, "then.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = backup(&town, "then.db");
    assert_eq!(again.code, Some(3), "{again:?}");
    assert!(again.err.contains("is there already"), "{again:?}");
    town.goco.switch(|switches| switches.latency_ms = 0);
    assert_eq!(town.over(1)["status"], "succeeded");
    let zoe = town.greenhouse.hire(ZOE).unwrap();
    assert!(town.send(&zoe).delivered());
    assert_eq!(town.over(2)["status"], "succeeded");
    let notes = (town.notes(JOHNNY).len(), town.notes(ZOE).len());

    // Not under a service, and not over what is newer, unless somebody says so.
    let refused = restore(&town, "then.db", &["--drop-newer"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.err.contains("the service runs"), "{refused:?}");
    stop(&mut town);
    let before = fs::read(town.dir().join(".recipe-runner/store.db")).unwrap();
    let refused = restore(&town, "then.db", &[]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let words = "1 job came after the copy was made, 1 job went on since";
    assert!(refused.err.contains(words), "{refused:?}");
    assert!(fs::read(town.dir().join(".recipe-runner/store.db")).unwrap() == before);
    let restored = restore(&town, "then.db", &["--drop-newer"]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    for part in ["the copy", "in place", "dropped", "is kept as", "1 job go"] {
        assert!(restored.err.contains(part), "`{part}` is missing: {restored:?}");
    }

    town.start();
    // Johnny's job goes on where it was; what GoCo has done is known from the store that was replaced.
    assert_eq!(town.over(1)["status"], "succeeded");
    // Zoë's is gone; her event is known all the same.
    assert!(town.send(&zoe).delivered());
    assert_eq!(town.jobs(), [1]);
    // The number of her job is not given out again.
    town.hire(NORA);
    assert_eq!(town.over(3)["status"], "succeeded");
    for person in [JOHNNY, ZOE, NORA] {
        town.employee(person);
    }
    assert_eq!(town.asked(Operation::CreateEmployee), 3);
    assert_eq!((town.notes(JOHNNY).len(), town.notes(ZOE).len()), notes);
    assert_eq!(town.documents(&town.employee(JOHNNY)).len(), 2);
}

#[test]
fn a_backup_is_whole_however_much_comes_meanwhile() {
    let mut town = Town::new();
    town.add_desk();
    town.write(
        "recipes/look.yaml",
        "trigger: { on: webhook.received }\nsteps:\n  - action: log.write\n    with: { message: seen }\n",
    );
    town.start_with(&["start", "look"], None);
    let answered = thread::scope(|scope| {
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let town = &town;
                scope.spawn(move || {
                    for number in 0..60 {
                        let more = format!(
                            "x-webhook-token: a token of more than sixteen characters\r\nidempotency-key: {sender}-{number}\r\n"
                        );
                        let body = json!({ "number": number }).to_string();
                        let answered = town.ask("POST", "/hooks/look", None, &more, &body);
                        assert_eq!(answered.status, 200, "{answered:?}");
                    }
                })
            })
            .collect();
        for number in 0..5 {
            let made = backup(&town, &format!("{number}.db"));
            assert_eq!(made.code, Some(0), "{made:?}");
        }
        senders.into_iter().map(|sender| sender.join().unwrap()).count()
    });
    assert_eq!(answered, 4);
    stop(&mut town);
    // The disk is lost, and the folder with it; each of the copies can be gone on from.
    let mut jobs = Vec::new();
    for number in 0..5 {
        fs::remove_dir_all(town.dir().join(".recipe-runner")).unwrap();
        let restored = restore(&town, &format!("{number}.db"), &[]);
        assert_eq!(restored.code, Some(0), "{restored:?}");
        town.start_with(&["start", "look"], None);
        town.until("its jobs are over", || {
            let open = |status: &&str| {
                !town.json(&["jobs", "list", "--status", status]).as_array().unwrap().is_empty()
            };
            (!["queued", "running"].iter().any(open)).then_some(())
        });
        jobs.push(town.json(&["jobs", "list", "--limit", "500"]).as_array().unwrap().len());
        stop(&mut town);
    }
    assert!(jobs.is_sorted(), "{jobs:?}");
    assert!(
        !fs::read_dir(town.dir().join(".recipe-runner"))
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_string_lossy().ends_with(".part") })
    );
}

#[test]
fn what_is_no_backup_is_refused_and_changes_nothing() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.over(1);
    stop(&mut town);
    let made = backup(&town, "good.db");
    assert_eq!(made.code, Some(0), "{made:?}");
    let good = fs::read(file(&town, "good.db")).unwrap();
    fs::write(file(&town, "half.db"), &good[..good.len() / 2]).unwrap();
    fs::write(file(&town, "text.db"), "no database at all".repeat(1000)).unwrap();
    let place = town.dir().join(".recipe-runner/store.db");
    let before = fs::read(&place).unwrap();
    for name in ["half.db", "text.db", "absent.db"] {
        let refused = restore(&town, name, &[]);
        assert!(matches!(refused.code, Some(2 | 3)), "{refused:?}");
        assert!(refused.err.contains(name), "{refused:?}");
    }
    assert!(fs::read(&place).unwrap() == before, "the store was changed");

    // A store that is damaged is what backups are for.
    let spoilt: Vec<u8> =
        before.iter().enumerate().map(|(at, byte)| if at < 4096 { *byte } else { 0xa5 }).collect();
    fs::write(&place, &spoilt).unwrap();
    let restored = restore(&town, "good.db", &[]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert!(restored.err.contains("cannot be read"), "{restored:?}");
    let kept = fs::read_dir(place.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> =
        kept.filter(|path| path.to_string_lossy().contains("store-before-")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(fs::read(&kept[0]).unwrap() == spoilt);
    town.start();
    assert_eq!(town.over(1)["status"], "succeeded");
    town.employee(JOHNNY);
}
