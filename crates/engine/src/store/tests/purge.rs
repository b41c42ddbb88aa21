//! Purging, and what it leaves; recipes and pins.

use super::*;
use crate::store::{Keep, Pin, Purged, RecipeState, content_hash};

const NOTHING: Keep = Keep { since: None, recipes: Vec::new(), bytes: None };

/// A finished job with a journal of some size; it ended at [`at`]\(9\).
async fn old(store: &Store, key: &str, status: Status) -> JobId {
    let id = job(store, "hires", key).await;
    let text = Arc::new(json!(noise(20_000)));
    let big = Kind::Succeeded { output: text, recovered: false, warnings: Vec::new() };
    let mut append = running(id, vec![entry(1, "s", big)]);
    append.claim = Some(claim(key, "s"));
    append.settle = Some((effect(key), Some(Arc::new(json!({"id": key})))));
    store.append(append).await.unwrap();
    finish(store, id, 1, status).await;
    id
}

#[tokio::test]
async fn only_finished_jobs_older_than_asked_go() {
    let (_dir, store) = store();
    let gone = old(&store, "gone", Status::Succeeded).await;
    let stays = job(&store, "hires", "stays").await;
    assert_eq!(store.purge(NOTHING).await.unwrap(), Purged::default());
    let keep = Keep { since: Some(at(9)), ..NOTHING };
    assert_eq!(store.purge(keep).await.unwrap(), Purged::default());
    let keep = Keep { since: Some(at(10)), ..NOTHING };
    assert_eq!(store.purge(keep).await.unwrap(), Purged { jobs: 1, deliveries: 1 });
    assert_eq!(store.load(gone).await.unwrap(), None);
    assert!(store.load(stays).await.unwrap().is_some());
    assert_eq!(store.counts().await.unwrap().len(), 1);
    let found =
        crate::store::JobQuery { search: Some("gone".into()), limit: 9, ..Default::default() };
    assert_eq!(store.jobs(found).await.unwrap(), []);
}

#[tokio::test]
async fn what_was_known_stays_known() {
    let (_dir, store) = store();
    let done = old(&store, "done", Status::Succeeded).await;
    let failed = old(&store, "failed", Status::Failed).await;
    let next = job(&store, "hires", "next").await;
    store.purge(Keep { since: Some(at(100)), ..NOTHING }).await.unwrap();
    // The event of a job that ended well makes no other, purged or not.
    let again = store.accept(intake("hires", vec![new_job("done")])).await.unwrap().1;
    assert_eq!(again, [Accepted::Repeat { job: done, status: Status::Succeeded }]);
    // A failed one has no journal to go on with: a new job, once, whose ids are never those of another.
    let again = store.accept(intake("hires", vec![new_job("failed")])).await.unwrap().1;
    let [Accepted::New(new)] = again[..] else { panic!("{again:?}") };
    assert!(new > next && new != failed);
    let again = store.accept(intake("hires", vec![new_job("failed")])).await.unwrap().1;
    assert_eq!(again, [Accepted::Repeat { job: new, status: Status::Queued }]);
    // What it did is not done again.
    let mut append = running(new, vec![entry(1, "s", started())]);
    append.claim = Some(claim("failed", "s"));
    let done = Claimed::Done(Arc::new(json!({"id": "failed"})));
    assert_eq!(store.append(append).await, Ok(done));
    assert_eq!(store.effects(failed).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_claim_of_a_purged_job_is_unsure() {
    let (_dir, store) = store();
    let a = job(&store, "hires", "a").await;
    let mut append = running(a, vec![entry(1, "s", started())]);
    append.claim = Some(claim("k", "s"));
    store.append(append).await.unwrap();
    finish(&store, a, 1, Status::Cancelled).await;
    store.purge(Keep { since: Some(at(100)), ..NOTHING }).await.unwrap();
    let b = job(&store, "hires", "b").await;
    let mut append = running(b, vec![entry(1, "s", started())]);
    append.claim = Some(claim("k", "s"));
    assert_eq!(store.append(append).await, Ok(Claimed::Unsure(a)));
}

#[tokio::test]
async fn the_budget_takes_the_oldest_and_gives_the_space_back() {
    let (_dir, store) = store();
    let mut ids = Vec::new();
    for n in 0..120 {
        ids.push(old(&store, &n.to_string(), Status::Succeeded).await);
    }
    let running = job(&store, "hires", "unfinished").await;
    let before = store.size().await.unwrap();
    assert!(before.finished > 120 * 20_000 && before.unfinished > 0, "{before:?}");
    let keep = Keep { bytes: Some(10 * 21_000), ..NOTHING };
    let purged = store.purge(keep).await.unwrap();
    assert!((105..=115).contains(&purged.jobs), "{purged:?}");
    let after = store.size().await.unwrap();
    assert!(after.finished <= 210_000, "{after:?}");
    assert_eq!(after.unfinished, before.unfinished);
    // Ended at the same moment, they go in order of acceptance.
    let left =
        store.jobs(crate::store::JobQuery { limit: 200, ..Default::default() }).await.unwrap();
    let newest = ids.split_off(usize::try_from(purged.jobs).unwrap());
    assert_eq!(
        left.iter().rev().map(|row| row.id).collect::<Vec<_>>(),
        [newest, vec![running]].concat()
    );
    let pages = |name: &'static str| {
        store.read(move |db| Ok(db.pragma_query_value(None, name, |row| row.get::<_, i64>(0))?))
    };
    assert_eq!(pages("freelist_count").await.unwrap(), 0);
    assert!(pages("page_count").await.unwrap() * 4096 < 1_000_000);
}

#[tokio::test]
async fn a_delivery_goes_with_its_last_job() {
    let (_dir, store) = store();
    let (delivery, accepted) =
        store.accept(intake("hires", vec![new_job("a"), new_job("b")])).await.unwrap();
    let [Accepted::New(a), Accepted::New(b)] = accepted[..] else { panic!("{accepted:?}") };
    finish(&store, a, 0, Status::Skipped).await;
    let keep = Keep { since: Some(at(100)), ..NOTHING };
    assert_eq!(store.purge(keep.clone()).await.unwrap(), Purged { jobs: 1, deliveries: 0 });
    assert!(store.load(b).await.unwrap().is_some());
    finish(&store, b, 0, Status::Skipped).await;
    let ping = Intake { received_at: at(200), ..intake("hires", Vec::new()) };
    let (ping, _) = store.accept(ping).await.unwrap();
    assert_eq!(store.purge(keep).await.unwrap(), Purged { jobs: 1, deliveries: 1 });
    assert_eq!(store.delivery(delivery).await.unwrap(), None);
    assert!(store.delivery(ping).await.unwrap().is_some());
}

#[tokio::test]
async fn the_budget_takes_the_pings_of_the_time_it_takes_jobs_of() {
    let (_dir, store) = store();
    let mut pings = Vec::new();
    for seconds in [0, 100] {
        let ping = Intake { received_at: at(seconds), ..intake("hires", Vec::new()) };
        pings.push(store.accept(ping).await.unwrap().0);
    }
    old(&store, "a", Status::Succeeded).await;
    let purged = store.purge(Keep { bytes: Some(0), ..NOTHING }).await.unwrap();
    assert_eq!(purged, Purged { jobs: 1, deliveries: 2 });
    assert_eq!(store.delivery(pings[0]).await.unwrap(), None);
    assert!(store.delivery(pings[1]).await.unwrap().is_some());
}

#[tokio::test]
async fn others_write_between_the_slices_of_a_purge() {
    let (_dir, store) = store();
    for n in 0..200 {
        let id = job(&store, "hires", &n.to_string()).await;
        finish(&store, id, 0, Status::Succeeded).await;
    }
    let before = store.stats().commits;
    let purged = store.purge(Keep { since: Some(at(100)), ..NOTHING }).await.unwrap();
    assert_eq!(purged.jobs, 200);
    assert!(store.stats().commits - before >= 4, "{:?}", store.stats());
}

#[tokio::test]
async fn recipes_and_pins_outlive_the_process() {
    let (dir, store) = store();
    store.start_recipe("hires", at(1)).await.unwrap();
    store.stop_recipe("hires", at(2)).await.unwrap();
    store.start_recipe("hires", at(5)).await.unwrap();
    store.stop_recipe("leavers", at(6)).await.unwrap();
    let version = store.save_version("hires", "name: hires").await.unwrap();
    assert_eq!(version, content_hash(b"name: hires"));
    assert_eq!(version.len(), 16);
    let tables = store.save_pin(Pin::Tables, b"a,b").await.unwrap();
    assert_eq!(store.save_pin(Pin::Tables, b"a,b").await.unwrap(), tables);
    job(&store, "hires", "a").await;
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let hires = RecipeState {
        name: "hires".into(),
        on: true,
        version: Some(version.clone()),
        first_started_at: Some(at(1)),
        last_event_at: Some(at(0)),
    };
    let leavers = RecipeState {
        name: "leavers".into(),
        on: false,
        version: None,
        first_started_at: None,
        last_event_at: None,
    };
    assert_eq!(store.recipe_states().await.unwrap(), [hires, leavers]);
    let text = store.load_pin(Pin::Recipe, &version).await.unwrap().unwrap();
    assert_eq!(&*text, b"name: hires");
    assert_eq!(&*store.load_pin(Pin::Tables, &tables).await.unwrap().unwrap(), b"a,b");
    assert_eq!(store.load_pin(Pin::Properties, &tables).await.unwrap(), None);
    assert!(store.forget_recipe("leavers").await.unwrap());
    assert!(!store.forget_recipe("leavers").await.unwrap());
    assert_eq!(store.recipe_states().await.unwrap().len(), 1);
}
