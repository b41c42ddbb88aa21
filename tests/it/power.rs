//! Power cuts: the disk as it may be left, with the end of the log missing or torn. What was answered 200 is there.

use std::{fs, path::Path};

use engine::{JobQuery, Store};
use serde_json::json;

use crate::town::Town;

/// The sizes in a write-ahead log: its head, and a frame with its page.
const HEAD: u64 = 32;
const FRAME: u64 = 24 + 4096;
const TOKEN: &str = "a token of more than sixteen characters";

#[test]
fn what_was_answered_200_is_there_wherever_the_log_is_cut() {
    let mut town = Town::new();
    let connections = fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    town.write("connections.yaml", &format!("{connections}webhook:\n  token: file:secrets/desk\n"));
    town.write("secrets/desk", TOKEN);
    town.write(
        "recipes/look.yaml",
        "trigger: { on: webhook.received }\nsteps:\n  - action: log.write\n    with: { message: seen }\n",
    );
    town.start_with(&["start", "look"], None);
    let data = town.dir().join(".recipe-runner");
    let (file, log) = (data.join("store.db"), data.join("store.db-wal"));
    // How long the log was when each was answered; what it needs is synced by then.
    let mut answered = Vec::new();
    for number in 0..12 {
        let more = format!("x-webhook-token: {TOKEN}\r\nidempotency-key: {number}\r\n");
        let body = json!({ "number": number }).to_string();
        let answer = town.ask("POST", "/hooks/look", None, &more, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answered.push(fs::metadata(&log).unwrap().len());
    }
    town.kill();
    let (file, log) = (fs::read(file).unwrap(), fs::read(log).unwrap());
    let frames = (log.len() as u64 - HEAD) / FRAME;
    assert!(frames > 60, "only {frames} frames");
    let mut cuts = 0;
    for frame in 0..=frames {
        for torn in [0, 23, 2000] {
            let length = HEAD + frame * FRAME + torn;
            let Some(cut) = log.get(..usize::try_from(length).unwrap()) else { continue };
            let due = answered.iter().filter(|answered| **answered <= length).count();
            let kept = kept(&town, &file, cut);
            assert!(kept >= due, "cut at {length}: {kept} jobs of {due}");
            cuts += 1;
        }
    }
    assert!(cuts > 180, "only {cuts} cuts");
}

/// Returns how many jobs there are on a disk that was left like this.
fn kept(town: &Town, file: &[u8], log: &[u8]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(Path::new(dir.path()).join(name), bytes);
    write("store.db", file).unwrap();
    write("store.db-wal", log).unwrap();
    let store = Store::open(dir.path()).unwrap();
    town.block_on(store.jobs(JobQuery { limit: 100, ..JobQuery::default() })).unwrap().len()
}
