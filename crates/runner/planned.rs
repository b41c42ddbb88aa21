//! Looking ahead: what a job would write, and how past ones would go now. Everything masked as the recipe says.

use connector::{Delivery, http::Planned};
use engine::{
    HeldWrite, JobId,
    plan::{Past, Plan},
};

use crate::{
    exit::Trouble,
    mask,
    request::From,
    service::{Service, command_trouble},
    story::Story,
};

impl Service {
    /// Returns what a job would do: reads are sent, writes are shown.
    pub async fn plan(&self, recipe: &str, from: From) -> Result<Plan, Trouble> {
        let masking = self.masking(recipe);
        let paths = masking.map(|one| one.settings.mask.clone()).unwrap_or_default();
        let body = match from {
            From::Body(body) => body,
            From::Delivery(delivery) => {
                let sent = self.sent(delivery).await?;
                let hidden = self.hidden_in_delivery(recipe, &paths, &sent);
                let from = engine::plan::From::Delivery(sent);
                return self.planned(recipe, from, hidden, &paths).await;
            }
            From::Sample(name) => self.sample(recipe, &name).await?,
            From::Job(job) => {
                // What is hidden in a job is hidden in one that is made of it.
                let hidden = self.hidden_of(job, recipe).await?;
                let from = engine::plan::From::Job(JobId(job));
                return self.planned(recipe, from, hidden, &paths).await;
            }
        };
        let hidden = self.hidden_in_body(recipe, &paths, &body);
        self.planned(recipe, engine::plan::From::Body(body), hidden, &paths).await
    }

    async fn planned(
        &self,
        recipe: &str,
        from: engine::plan::From,
        hidden: Vec<String>,
        paths: &[String],
    ) -> Result<Plan, Trouble> {
        let plan = self.engine.plan(recipe, from).await.map_err(|error| command_trouble(&error))?;
        Ok(masked(plan, hidden, paths))
    }

    /// Returns the texts that a recipe masks in the event of a body.
    pub(crate) fn hidden_in_body(
        &self,
        recipe: &str,
        paths: &[String],
        body: &[u8],
    ) -> Vec<String> {
        let (headers, query) = (Vec::new(), String::new());
        let received_at = self.engine.clock().now();
        let delivery = Delivery { headers, query, body: body.into(), received_at };
        self.hidden_in_delivery(recipe, paths, &delivery)
    }

    fn hidden_in_delivery(
        &self,
        recipe: &str,
        paths: &[String],
        delivery: &Delivery,
    ) -> Vec<String> {
        let Some(masking) = self.masking(recipe) else { return Vec::new() };
        let event = self.decoded(&masking, delivery).into_iter().next();
        mask::of_event(&event.unwrap_or_default(), paths)
    }

    /// Returns what the held writes of a job would send: what they ask before is asked, the writes are shown.
    pub async fn held(&self, job: i64) -> Result<Vec<HeldWrite>, Trouble> {
        let held = self.engine.held(JobId(job)).await;
        let mut held = held.map_err(|error| command_trouble(&error))?;
        let view = self.view(job).await?;
        let hidden = self.hidden_in(&view, &Story::of(&view)).await?;
        for write in &mut held {
            hide_requests(&mut write.requests, &hidden);
            if let Some(failure) = &mut write.failure {
                mask::hide_text(failure, &hidden);
            }
        }
        Ok(held)
    }

    /// Returns how the last finished jobs of a recipe would go now, the newest first.
    pub async fn past(&self, recipe: &str, jobs: u32) -> Result<Vec<Past>, Trouble> {
        let mut past =
            self.engine.past(recipe, jobs).await.map_err(|error| command_trouble(&error))?;
        for one in &mut past {
            let hidden = self.hidden_of(one.job, recipe).await?;
            mask::hide_text(&mut one.label, &hidden);
            one.changes.iter_mut().for_each(|change| mask::hide_text(change, &hidden));
        }
        Ok(past)
    }
}

/// Hides in a plan what its event holds of what the recipe masks, and what its steps would give of it.
fn masked(mut plan: Plan, mut hidden: Vec<String>, paths: &[String]) -> Plan {
    for step in &plan.steps {
        if let Some(output) = &step.output {
            hidden.extend(mask::of_step(&step.path, &step.does, output, paths));
        }
    }
    mask::longest_first(&mut hidden);
    for step in &mut plan.steps {
        let bodies = step.requests.iter_mut().map(|request| &mut request.body);
        // A link to an attachment is a secret as long as it lives.
        [&mut step.input, &mut step.output]
            .into_iter()
            .flatten()
            .chain(bodies)
            .for_each(mask::cut_queries);
    }
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
        hide_requests(&mut step.requests, &hidden);
    }
    plan
}

fn hide_requests(requests: &mut [Planned], hidden: &[String]) {
    for request in requests {
        mask::hide_text(&mut request.url, hidden);
        request.headers.values_mut().for_each(|value| mask::hide_text(value, hidden));
        mask::hide_values(&mut request.body, hidden);
    }
}
