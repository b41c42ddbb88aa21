//! Deliveries: each event becomes one job, for ever.

use super::*;

#[tokio::test]
async fn a_delivery_comes_back_as_it_came() {
    let (_dir, store) = store();
    let body: Arc<[u8]> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut sent = intake("hires", vec![new_job("a"), NewJob { event_index: 1, ..new_job("b") }]);
    sent.body = body.clone();
    let (delivery, accepted) = store.accept(sent).await.unwrap();
    let [Accepted::New(a), Accepted::New(b)] = accepted[..] else { panic!("{accepted:?}") };
    assert!(a < b);
    let loaded = store.load(b).await.unwrap().unwrap();
    assert_eq!(loaded.row.event_index, 1);
    assert_eq!(loaded.row.order_key.as_deref(), Some("order of b"));
    assert_eq!(loaded.row.once_key, "once b");
    assert_eq!(loaded.row.label, "Label b");
    assert_eq!(loaded.row.accepted_at, at(0));
    assert_eq!(loaded.row.standing.status, Status::Queued);
    assert_eq!(loaded.entries, []);
    assert_eq!(loaded.delivery, store.delivery(delivery).await.unwrap().unwrap());
    assert_eq!(loaded.delivery.body, body);
    assert_eq!(loaded.delivery.received_at, at(0));
    assert_eq!(loaded.delivery.headers, [("content-type".into(), "application/json".into())]);
    assert_eq!(loaded.delivery.query, "a=1");
    let listed = store.deliveries("hires", None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].size, &listed[0].jobs[..]), (400_000, &[a, b][..]));
    assert_eq!(store.deliveries("hires", Some(delivery), 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_repeat_is_counted_and_makes_no_job() {
    let (_dir, store) = store();
    let first = job(&store, "hires", "a").await;
    let again = |status| vec![Accepted::Repeat { job: first, status }];
    let repeat = store.accept(intake("hires", vec![new_job("a")])).await.unwrap().1;
    assert_eq!(repeat, again(Status::Queued));
    finish(&store, first, 0, Status::Failed).await;
    let repeat = store.accept(intake("hires", vec![new_job("a")])).await.unwrap().1;
    assert_eq!(repeat, again(Status::Failed));
    assert_eq!(row(&store, first).await.repeats, 2);
    // The same key of another recipe is another event.
    assert_ne!(job(&store, "leavers", "a").await, first);
}

#[tokio::test]
async fn an_event_twice_in_one_delivery_is_one_job() {
    let (_dir, store) = store();
    let accepted = store.accept(intake("hires", vec![new_job("a"), new_job("a")])).await.unwrap().1;
    let [Accepted::New(first), Accepted::Repeat { job, status: Status::Queued }] = accepted[..]
    else {
        panic!("{accepted:?}")
    };
    assert_eq!(first, job);
}

#[tokio::test]
async fn many_at_once_make_one_job_and_few_commits() {
    let (_dir, store) = store();
    let before = store.stats();
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = if n % 2 == 0 { "same".to_owned() } else { format!("own {n}") };
                store.accept(intake("hires", vec![new_job(&key)])).await.unwrap().1
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        made += usize::from(matches!(task.await.unwrap()[..], [Accepted::New(_)]));
    }
    assert_eq!(made, 101);
    let stats = store.stats();
    assert_eq!(stats.requests - before.requests, 200);
    assert_eq!(stats.waits - before.waits, 200);
    assert!(stats.commits - before.commits < 100, "{stats:?}");
}

#[tokio::test]
async fn what_cannot_be_read_waits_for_a_person() {
    let (_dir, store) = store();
    let broken = NewJob { attention: Some("the body is no JSON".into()), ..new_job("a") };
    let accepted = store.accept(intake("hires", vec![broken])).await.unwrap().1;
    let [Accepted::New(id)] = accepted[..] else { panic!("{accepted:?}") };
    let row = row(&store, id).await;
    assert_eq!(row.standing.status, Status::NeedsAttention);
    assert_eq!(row.standing.note, "the body is no JSON");
    assert_eq!(row.attention.as_deref(), Some("the body is no JSON"));
}

#[tokio::test]
async fn a_ping_is_kept_without_a_job() {
    let (_dir, store) = store();
    let ping = Intake { verdict: "ping".into(), ..intake("hires", Vec::new()) };
    let (delivery, accepted) = store.accept(ping).await.unwrap();
    assert_eq!(accepted, []);
    assert_eq!(store.delivery(delivery).await.unwrap().unwrap().verdict, "ping");
    // A ping is no event.
    assert_eq!(store.recipe_states().await.unwrap(), []);
}
