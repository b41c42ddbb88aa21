//! Looking ahead: what a job would write, and how past ones would go now. Everything masked as the recipe says.

use connector::Delivery;
use engine::{
    JobId,
    plan::{Past, Plan},
};
use recipe::Recipe;
use serde_json::Value;

use crate::{
    exit::Trouble,
    mask,
    request::From,
    service::{Service, command_trouble},
};

impl Service {
    /// Returns what a job would do: reads are sent, writes are shown.
    pub async fn plan(&self, recipe: &str, from: From) -> Result<Plan, Trouble> {
        let hidden = match self.masked(recipe) {
            Some(checked) => {
                let event = match &from {
                    From::Body(body) => self.event_in(&checked, body),
                    From::Job(job) => self.event(*job, &checked).await?,
                };
                mask::of_event(&event, &checked.settings.mask)
            }
            None => Vec::new(),
        };
        let from = match from {
            From::Body(body) => engine::plan::From::Body(body),
            From::Job(job) => engine::plan::From::Job(JobId(job)),
        };
        let plan = self.engine.plan(recipe, from).await.map_err(|error| command_trouble(&error))?;
        let paths = self.masked(recipe).map(|one| one.settings.mask.clone()).unwrap_or_default();
        Ok(masked(plan, hidden, &paths))
    }

    /// Returns how the last finished jobs of a recipe would go now, the newest first.
    pub async fn past(&self, recipe: &str, jobs: u32) -> Result<Vec<Past>, Trouble> {
        let mut past =
            self.engine.past(recipe, jobs).await.map_err(|error| command_trouble(&error))?;
        if let Some(checked) = self.masked(recipe) {
            for one in &mut past {
                let event = self.event(one.job, &checked).await?;
                let story = self.whole_story(one.job).await?;
                let hidden = mask::hidden(&story, &event, &checked.settings.mask);
                mask::hide_text(&mut one.label, &hidden);
                one.changes.iter_mut().for_each(|change| mask::hide_text(change, &hidden));
            }
        }
        Ok(past)
    }

    /// Returns a recipe that masks something.
    fn masked(&self, recipe: &str) -> Option<std::sync::Arc<Recipe>> {
        let deployment = self.engine.deployment();
        let checked = deployment.project.recipes.get(recipe)?;
        (!checked.settings.mask.is_empty()).then(|| checked.clone())
    }

    /// Returns the first event of a body as expressions see it; null when it does not decode.
    fn event_in(&self, recipe: &Recipe, body: &[u8]) -> Value {
        let delivery = Delivery {
            headers: Vec::new(),
            query: String::new(),
            body: body.into(),
            received_at: self.engine.clock().now(),
        };
        let events = self.engine.deployment().decode(recipe, &delivery);
        let event = events.ok().and_then(|events| events.into_iter().next());
        event.map_or(Value::Null, |event| event.payload)
    }
}

/// Hides in a plan what its event holds of what the recipe masks, and what its steps would give of it.
fn masked(mut plan: Plan, mut hidden: Vec<String>, paths: &[String]) -> Plan {
    for step in &plan.steps {
        if let Some(output) = &step.output {
            hidden.extend(mask::of_step(&step.path, output, paths));
        }
    }
    mask::longest_first(&mut hidden);
    if hidden.is_empty() {
        return plan;
    }
    mask::hide_text(&mut plan.label, &hidden);
    mask::hide_text(&mut plan.message, &hidden);
    for step in &mut plan.steps {
        for value in [&mut step.input, &mut step.output].into_iter().flatten() {
            mask::hide_values(value, &hidden);
        }
        if let Some(failure) = &mut step.failure {
            mask::hide_text(failure, &hidden);
        }
        for request in &mut step.requests {
            mask::hide_text(&mut request.url, &hidden);
            mask::hide_values(&mut request.body, &hidden);
        }
    }
    plan
}
