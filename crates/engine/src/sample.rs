//! What a body would make, without making it: how a sample is told from another.

use connector::Delivery;

use crate::{made::jobs_of, service::Engine};

impl Engine {
    /// Returns the labels of the jobs that a recipe would make of a body; none when it holds no event for the recipe.
    pub fn labels(&self, recipe: &str, body: &[u8]) -> Vec<String> {
        let Some(current) = self.recipe(recipe) else { return Vec::new() };
        let delivery = Delivery {
            headers: Vec::new(),
            query: String::new(),
            body: body.into(),
            received_at: self.clock().now(),
        };
        let deployment = self.deployment();
        // What does not decode would make a job as well: one for a person to look at.
        if deployment.decode(&current, &delivery).is_err() {
            return Vec::new();
        }
        let pinned = self.shared.pins.of(&deployment, &current);
        let jobs = jobs_of(&pinned, &deployment, &delivery, None);
        jobs.into_iter().map(|job| job.label).collect()
    }
}
