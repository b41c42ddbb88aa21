//! Deaths of the process around a commit: before it nothing is there, after it everything.

use std::{env, process::Command};

use super::*;

/// Where the process that is to die finds its directory.
const DIR: &str = "RECIPE_RUNNER_TEST_DIR";

/// What the process does that is to die: accept, claim, append and end, one commit each.
#[tokio::test]
async fn the_process_that_dies() {
    #[expect(clippy::disallowed_methods, reason = "the test tells its own child where to work")]
    let Ok(dir) = env::var(DIR) else { return };
    let store = Store::open(dir.as_ref()).unwrap();
    let a = job(&store, "hires", "a").await;
    let mut append = running(a, vec![entry(1, "s", started())]);
    append.claim = Some(claim("k", "s"));
    store.append(append).await.unwrap();
    store.append(running(a, vec![entry(2, "s", Kind::Fired)])).await.unwrap();
    let output = Arc::new(json!(1));
    let end = Kind::Succeeded { output: output.clone(), recovered: false, warnings: Vec::new() };
    let mut append = running(a, vec![entry(3, "s", end)]);
    append.settle = Some((effect("k"), Some(output)));
    store.append(append).await.unwrap();
}

#[tokio::test]
async fn a_death_before_a_commit_leaves_nothing_and_one_after_it_everything() {
    let stages = ["accept", "claim", "append", "end"];
    for (stage, name) in stages.iter().enumerate() {
        for (moment, kept) in [("before_commit", stage), ("after_commit", stage + 1)] {
            let dir = tempfile::tempdir().unwrap();
            let child = Command::new(env::current_exe().unwrap())
                .args(["--exact", "store::tests::crash::the_process_that_dies"])
                .env(DIR, dir.path())
                .env("RECIPE_RUNNER_CRASH_AT", format!("{name}.{moment}:1"))
                .output()
                .unwrap();
            assert!(!child.status.success(), "{name}.{moment} was not reached");
            let store = Store::open(dir.path()).unwrap();
            let rows = store.unfinished().await.unwrap();
            assert_eq!(rows.len(), usize::from(kept > 0), "{name}.{moment}");
            let entries = rows.first().map_or(0, |row| row.entries as usize);
            assert_eq!(entries, kept.saturating_sub(1), "{name}.{moment}");
            let effect = store.find_effect(effect("k")).await.unwrap();
            assert_eq!(effect.is_some(), kept > 1, "{name}.{moment}");
            assert_eq!(effect.is_some_and(|effect| effect.output.is_some()), kept > 3);
        }
    }
}
