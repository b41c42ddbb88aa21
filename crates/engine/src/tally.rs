//! How the last jobs of a recipe went, step by step: what a picture of the recipe shows beside each of its boxes.

use std::collections::HashMap;

use crate::{
    journal::{JobId, StepPath},
    machine::names,
    service::Engine,
    store::{JobQuery, StoreError, Went},
};

/// At most so many jobs are looked at, and so many entries of their journals: a picture must not wait for a history.
const MOST_JOBS: usize = 200;
const MOST_ENTRIES: u64 = 10_000;

/// How the last jobs of a recipe went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many jobs were looked at, the newest.
    pub jobs: usize,
    /// By the name of the step; of one that no job came to there is none.
    pub steps: HashMap<String, StepTally>,
}

/// How many jobs went how at a step. Of a step in a loop: in any of its rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepTally {
    /// Those in which it ended well.
    pub passed: usize,
    /// Those in which it failed and was not tried again, also when the recipe went on after it.
    pub failed: usize,
    /// Those in which its condition left it out.
    pub left_out: usize,
}

impl Engine {
    /// Returns how the last jobs of a recipe went, at most two hundred.
    pub async fn tally(&self, recipe: &str) -> Result<Tally, StoreError> {
        let query =
            JobQuery { recipe: Some(recipe.into()), limit: MOST_JOBS, ..JobQuery::default() };
        let mut room = MOST_ENTRIES;
        let jobs: Vec<JobId> = self
            .jobs(query)
            .await?
            .into_iter()
            .take_while(|row| {
                let fits = u64::from(row.entries) <= room;
                room = room.saturating_sub(row.entries.into());
                fits
            })
            .map(|row| row.id)
            .collect();
        let count = jobs.len();
        Ok(tallied(count, self.store().marks(jobs).await?))
    }
}

fn tallied(jobs: usize, marks: Vec<(JobId, StepPath, Went)>) -> Tally {
    // How each step of each job stands: its last mark.
    let mut last: HashMap<(JobId, StepPath), Went> = HashMap::new();
    for (job, path, mark) in marks {
        // The end of a round is no step's.
        if !path.0.ends_with(']') {
            last.insert((job, path), mark);
        }
    }
    // Of the rounds of a job the worst counts.
    let mut of_jobs: HashMap<(JobId, String), Went> = HashMap::new();
    for ((job, path), mark) in last {
        let name = names::last_name(&path).to_owned();
        let known = of_jobs.entry((job, name)).or_insert(mark);
        if weight(mark) > weight(*known) {
            *known = mark;
        }
    }
    let mut tally = Tally { jobs, steps: HashMap::new() };
    for ((_, name), mark) in of_jobs {
        let step = tally.steps.entry(name).or_default();
        match mark {
            Went::Passed => step.passed += 1,
            Went::Failed => step.failed += 1,
            Went::LeftOut => step.left_out += 1,
            Went::Open => {}
        }
    }
    tally
}

fn weight(mark: Went) -> u8 {
    match mark {
        Went::LeftOut => 0,
        Went::Passed => 1,
        Went::Open => 2,
        Went::Failed => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_of_rounds_the_worst() {
        let mark = |job, path: &str, mark| (JobId(job), StepPath(path.into()), mark);
        let tally = tallied(
            3,
            vec![
                mark(1, "find", Went::Open),
                mark(1, "find", Went::Failed),
                // A person had it go on.
                mark(1, "find", Went::Passed),
                mark(2, "find", Went::Failed),
                mark(3, "find", Went::Passed),
                mark(1, "rows[0].write", Went::Passed),
                mark(1, "rows[1].write", Went::Failed),
                mark(1, "rows[1]", Went::Failed),
                mark(3, "rows[0].write", Went::Passed),
                mark(3, "rows[1].write", Went::Open),
                mark(1, "note", Went::LeftOut),
            ],
        );
        let of = |passed, failed, left_out| StepTally { passed, failed, left_out };
        assert_eq!(tally.jobs, 3);
        assert_eq!(tally.steps["find"], of(2, 1, 0));
        assert_eq!(tally.steps["write"], of(0, 1, 0), "the third job is still at it");
        assert_eq!(tally.steps["note"], of(0, 0, 1));
    }
}
