//! Cutting what finished jobs held: what is left says what happened, and nothing of anybody.

use std::fs;

use super::*;
use crate::store::{Loaded, Size};

const CANARY: &str = "Zerafina.Quill@example.com";

/// A finished job that holds somebody's data wherever a journal can.
async fn told(store: &Store, key: &str, status: Status) -> JobId {
    let mut intake = intake("hires", vec![new_job(key)]);
    intake.body = format!("{{\"email\": \"{CANARY}\"}}").into_bytes().into();
    intake.headers.push(("x-from".into(), CANARY.into()));
    let accepted = store.accept(intake).await.unwrap().1;
    let [Accepted::New(id)] = accepted[..] else { panic!("{accepted:?}") };
    let value = Arc::new(json!({ "email": CANARY, "rest": noise(2000) }));
    let warning = connector::Warning { code: "odd".into(), message: CANARY.into() };
    let failure = connector::Failure::permanent("no", CANARY).hint(CANARY);
    let kinds = [
        Kind::Chose { choice: Choice::Items(Arc::new(vec![value.clone()])) },
        Kind::Started { attempt: 1, input: value.clone(), once: Some(CANARY.into()) },
        Kind::Failed { failure, retry_at: None, looking_up: false },
        Kind::Succeeded { output: value.clone(), recovered: false, warnings: vec![warning] },
        Kind::Succeeded { output: Arc::new(json!(true)), recovered: false, warnings: Vec::new() },
        Kind::Signalled { by: "Grace".into(), answer: value.clone() },
    ];
    let entries = (1..).zip(kinds).map(|(seq, kind)| entry(seq, "s", kind)).collect();
    store.append(running(id, entries)).await.unwrap();
    let Kind::Finished { mut outcome } = finished(status) else { unreachable!() };
    (outcome.message, outcome.output) = (CANARY.into(), Some(value));
    let mut end = standing(status);
    end.note = CANARY.into();
    let append =
        Append { standing: end, ..running(id, vec![entry(7, "", Kind::Finished { outcome })]) };
    store.append(append).await.unwrap();
    id
}

async fn load(store: &Store, job: JobId) -> Loaded {
    store.load(job).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_left_of_a_job_says_what_happened_and_nothing_of_anybody() {
    let (dir, store) = store();
    let old = told(&store, "old", Status::Succeeded).await;
    let failed = told(&store, "failed", Status::Failed).await;
    let open = job(&store, "hires", "open").await;
    let (before, whole) = (store.size().await.unwrap(), load(&store, old).await);
    assert_eq!(store.cut(at(9)).await.unwrap(), 0);
    assert_eq!(load(&store, old).await, whole);
    assert_eq!(store.cut(at(10)).await.unwrap(), 2);
    assert_eq!(store.cut(at(10)).await.unwrap(), 0);

    let left = load(&store, old).await;
    assert!(left.row.cut && left.delivery.cut && left.delivery.body.is_empty());
    assert_eq!(left.row.standing.status, Status::Succeeded);
    let steps = |loaded: &Loaded| -> Vec<_> {
        let one = |entry: &Entry| (entry.seq, entry.path.clone(), entry.at);
        loaded.entries.iter().map(one).collect()
    };
    assert_eq!(steps(&left), steps(&whole));
    let (Kind::Started { input: then, .. }, Kind::Started { input: now, attempt: 1, .. }) =
        (&whole.entries[1].kind, &left.entries[1].kind)
    else {
        panic!("{:?}", left.entries)
    };
    let text = then.to_string();
    assert_eq!(now["cut"]["bytes"], text.len());
    assert_eq!(now["cut"]["sha256"], crate::cut::hash(text.as_bytes()));
    assert_eq!(left.entries[4], whole.entries[4], "yes and no say nothing of anybody");
    assert!(!load(&store, open).await.row.cut);

    let Size { finished, unfinished, .. } = store.size().await.unwrap();
    assert!(finished * 2 < before.finished && unfinished == before.unfinished);
    // A repeat of an event whose job failed and is cut makes a job anew, as if it were purged.
    let again = store.accept(intake("hires", vec![new_job("failed")])).await.unwrap().1;
    assert!(matches!(again[..], [Accepted::New(new)] if new != failed), "{again:?}");
    let again = store.accept(intake("hires", vec![new_job("old")])).await.unwrap().1;
    assert_eq!(again, [Accepted::Repeat { job: old, status: Status::Succeeded }]);
    // Nothing of it is left in the file either.
    let copy = dir.path().join("copy.db");
    store.backup(copy.clone()).await.unwrap();
    let bytes = fs::read(copy).unwrap();
    let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    assert!(!found, "the file still has what was cut");
}

#[tokio::test]
async fn a_body_stays_while_a_job_of_it_may_go_on() {
    let (_dir, store) = store();
    let (_, accepted) =
        store.accept(intake("hires", vec![new_job("a"), new_job("b")])).await.unwrap();
    let [Accepted::New(a), Accepted::New(b)] = accepted[..] else { panic!("{accepted:?}") };
    finish(&store, a, 0, Status::Skipped).await;
    assert_eq!(store.cut(at(100)).await.unwrap(), 1);
    assert!(load(&store, a).await.row.cut);
    assert!(!load(&store, b).await.delivery.body.is_empty());
    finish(&store, b, 0, Status::Skipped).await;
    assert_eq!(store.cut(at(100)).await.unwrap(), 1);
    assert!(load(&store, b).await.delivery.cut);
}
