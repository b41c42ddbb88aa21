//! Forgetting a recipe whose file is gone: until then it keeps accepting, because files also vanish by mistake.

use crate::{
    command::{Command, CommandError},
    journal::{JobId, Status},
    service::{Engine, FileState, Known},
    store::{JobQuery, JobRow},
};

/// How many jobs are read at once.
const PAGE: usize = 500;
/// Where a job stands that is not over.
const OPEN: [Status; 4] =
    [Status::Queued, Status::Running, Status::Waiting, Status::NeedsAttention];

impl Engine {
    /// Forgets a recipe whose file is gone: its webhook is unknown from now on. Its history and the events it knows stay.
    /// Jobs that are not over are ended if `cancel` says so, else it is refused: nobody would work on them any more.
    /// Returns how many were ended.
    pub async fn forget(
        &self,
        recipe: &str,
        by: &str,
        cancel: bool,
    ) -> Result<usize, CommandError> {
        let shared = &self.shared;
        let _changing = shared.changing.lock().await;
        let known = shared.known(recipe).ok_or_else(|| CommandError::NoRecipe(recipe.into()))?;
        if known.file != FileState::Missing {
            return Err(CommandError::NotGone(recipe.into()));
        }
        if !cancel {
            let counts = shared.store.counts().await?;
            let open =
                counts.iter().filter(|one| one.recipe == recipe && OPEN.contains(&one.status));
            let jobs: u64 = open.map(|one| one.jobs).sum();
            if jobs > 0 {
                return Err(CommandError::JobsLeft { recipe: recipe.into(), jobs });
            }
        }
        // Nothing more comes; what came before is seen below.
        shared.write_recipes().remove(recipe);
        let done = self.end_and_drop(recipe, by).await;
        if done.is_err() {
            let known = Known { on: false, ..known };
            shared.write_recipes().insert(recipe.into(), known);
        }
        shared.sources.changed.notify_one();
        done
    }

    async fn end_and_drop(&self, recipe: &str, by: &str) -> Result<usize, CommandError> {
        let mut ended = 0;
        let mut before = None;
        loop {
            let open = self.open_jobs(recipe, before).await?;
            let Some(last) = open.last() else { break };
            before = Some(last.id);
            for job in open {
                match self.command(job.id, by, Command::Cancel).await {
                    Ok(()) => ended += 1,
                    // One that it called ended with its caller.
                    Err(CommandError::Over { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        self.shared.store.forget_recipe(recipe).await?;
        Ok(ended)
    }

    /// Returns the newest jobs of a recipe that are not over, those before `before`.
    async fn open_jobs(
        &self,
        recipe: &str,
        before: Option<JobId>,
    ) -> Result<Vec<JobRow>, CommandError> {
        let query = JobQuery {
            recipe: Some(recipe.into()),
            statuses: OPEN.to_vec(),
            before,
            limit: PAGE,
            ..JobQuery::default()
        };
        Ok(self.shared.store.jobs(query).await?)
    }
}
