//! Once keys: a write is claimed by one step, and done once, ever.

use super::*;

/// A step that begins a write under a key.
fn start(job: JobId, seq: u32, claim: Claim) -> Append {
    let path = claim.path.clone();
    Append { claim: Some(claim), ..running(job, vec![entry(seq, &path, started())]) }
}

/// The end of a step, with or without its effect's output.
fn end(job: JobId, seq: u32, path: &str, key: &str, output: Option<Value>) -> Append {
    let kind = Kind::Chose { choice: Choice::Then };
    Append {
        settle: Some((effect(key), output.map(Arc::new))),
        ..running(job, vec![entry(seq, path, kind)])
    }
}

#[tokio::test]
async fn a_claim_is_the_steps_for_the_first_time_and_again() {
    let (_dir, store) = store();
    let a = job(&store, "hires", "a").await;
    assert_eq!(store.append(start(a, 1, claim("k", "create"))).await, Ok(Claimed::Mine));
    assert_eq!(store.append(start(a, 2, claim("k", "create"))).await, Ok(Claimed::Mine));
    assert_eq!(row(&store, a).await.entries, 2);
    let found = store.find_effect(effect("k")).await.unwrap().unwrap();
    assert_eq!((found.job, found.path.as_str(), found.output), (a, "create", None));
    assert_eq!(store.effects(a).await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_job_or_step_does_not_get_what_is_held() {
    let (_dir, store) = store();
    let (a, b) = (job(&store, "hires", "a").await, job(&store, "hires", "b").await);
    store.append(start(a, 1, claim("k", "create"))).await.unwrap();
    assert_eq!(store.append(start(b, 1, claim("k", "create"))).await, Ok(Claimed::HeldBy(a)));
    let other_step = start(a, 2, claim("k", "rounds[1].create"));
    assert_eq!(store.append(other_step.clone()).await, Ok(Claimed::HeldBy(a)));
    // Nothing of either append was written.
    assert_eq!(row(&store, b).await.entries, 0);
    assert_eq!(row(&store, b).await.standing.status, Status::Queued);
    assert_eq!(row(&store, a).await.entries, 1);
    // A job that may go on keeps its claim whoever asks; its own other step may take it over.
    let by_force = Claim { take_over: true, ..claim("k", "create") };
    assert_eq!(store.append(start(b, 1, by_force)).await, Ok(Claimed::HeldBy(a)));
    let mut own = other_step;
    own.claim.as_mut().unwrap().take_over = true;
    assert_eq!(store.append(own).await, Ok(Claimed::Mine));
    // Another key, action or connection is another effect.
    assert_eq!(store.append(start(b, 1, claim("k2", "create"))).await, Ok(Claimed::Mine));
    let elsewhere = Effect { connection: "goco-test".into(), ..effect("k") };
    let elsewhere = Claim { effect: elsewhere, ..claim("k", "create") };
    assert_eq!(store.append(start(b, 2, elsewhere)).await, Ok(Claimed::Mine));
}

#[tokio::test]
async fn what_is_done_answers_with_its_output_for_ever() {
    let (dir, store) = store();
    let (a, b) = (job(&store, "hires", "a").await, job(&store, "hires", "b").await);
    let output = json!({"id": 7, "name": "Zoë"});
    store.append(start(a, 1, claim("k", "create"))).await.unwrap();
    store.append(end(a, 2, "create", "k", Some(output.clone()))).await.unwrap();
    let done = Ok(Claimed::Done(Arc::new(output)));
    assert_eq!(store.append(start(a, 3, claim("k", "create"))).await, done);
    // The first output stays, and what is done is not given back.
    store.append(end(b, 1, "create", "k", Some(json!("another")))).await.unwrap();
    store.append(end(a, 3, "create", "k", None)).await.unwrap();
    finish(&store, a, 3, Status::Failed).await;
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let by_force = Claim { take_over: true, ..claim("k", "create") };
    assert_eq!(store.append(start(b, 2, by_force)).await, done);
    assert_eq!(row(&store, b).await.entries, 1);
}

#[tokio::test]
async fn what_certainly_did_not_happen_is_free_again() {
    let (_dir, store) = store();
    let (a, b) = (job(&store, "hires", "a").await, job(&store, "hires", "b").await);
    store.append(start(a, 1, claim("k", "create"))).await.unwrap();
    // Only its holder can give it back.
    store.append(end(b, 1, "create", "k", None)).await.unwrap();
    assert_eq!(store.append(start(b, 2, claim("k", "create"))).await, Ok(Claimed::HeldBy(a)));
    store.append(end(a, 2, "create", "k", None)).await.unwrap();
    assert_eq!(store.append(start(b, 2, claim("k", "create"))).await, Ok(Claimed::Mine));
}

#[tokio::test]
async fn what_a_job_left_unsettled_is_unsure_until_it_is_taken_over() {
    let (_dir, store) = store();
    for status in [Status::Failed, Status::Cancelled, Status::Succeeded, Status::Skipped] {
        let key = status.word();
        let a = job(&store, "hires", &format!("{key} a")).await;
        let b = job(&store, "hires", &format!("{key} b")).await;
        store.append(start(a, 1, claim(key, "create"))).await.unwrap();
        finish(&store, a, 1, status).await;
        assert_eq!(store.append(start(b, 1, claim(key, "create"))).await, Ok(Claimed::Unsure(a)));
        assert_eq!(row(&store, b).await.entries, 0);
        // The job itself goes on with what it claimed.
        let again = Append { entries: Arc::default(), ..start(a, 0, claim(key, "create")) };
        let again = Append { standing: standing(status), ..again };
        assert_eq!(store.append(again).await, Ok(Claimed::Mine));
        let by_force = Claim { take_over: true, ..claim(key, "create") };
        assert_eq!(store.append(start(b, 1, by_force)).await, Ok(Claimed::Mine));
        assert_eq!(store.find_effect(effect(key)).await.unwrap().unwrap().job, b);
        assert_eq!(store.effects(a).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_held_effect_is_held_in_every_status_that_is_not_final() {
    let (_dir, store) = store();
    let a = job(&store, "hires", "a").await;
    let b = job(&store, "hires", "b").await;
    store.append(start(a, 1, claim("k", "create"))).await.unwrap();
    for status in [Status::Queued, Status::Running, Status::Waiting, Status::NeedsAttention] {
        let stand = Append { standing: standing(status), ..running(a, Vec::new()) };
        store.append(stand).await.unwrap();
        assert_eq!(store.append(start(b, 1, claim("k", "create"))).await, Ok(Claimed::HeldBy(a)));
    }
}
