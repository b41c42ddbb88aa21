//! What is hidden of a job, a delivery or a message: the texts that `settings.mask` of its recipe names. The version a
//! job has and the one that holds today both count, also when the recipe's file is broken or gone.

use std::sync::Arc;

use connector::Delivery;
use engine::{CommandError, JobId, JobView, StoredDelivery};
use recipe::Recipe;
use serde_json::Value;

use crate::{
    code::Code,
    exit::Trouble,
    mask,
    request::JobLine,
    service::{Service, command_trouble, store_trouble},
    story::Story,
};

impl Service {
    /// Returns one job with everything that happened to it, nothing masked.
    pub(crate) async fn view(&self, job: i64) -> Result<JobView, Trouble> {
        let view = self.engine.job(JobId(job)).await.map_err(|error| store_trouble(&error))?;
        view.ok_or_else(|| command_trouble(&CommandError::NoJob(JobId(job))))
    }

    /// Returns the recipe if it masks something: its last good version.
    pub(crate) fn masking(&self, recipe: &str) -> Option<Arc<Recipe>> {
        self.engine.recipe(recipe).filter(|recipe| !recipe.settings.mask.is_empty())
    }

    /// Returns the texts that are hidden in a job.
    pub(crate) fn hidden_in(&self, view: &JobView, story: &Story) -> Vec<String> {
        let current = self.masking(&view.row.recipe);
        let own = view.recipe.as_ref();
        let paths: Vec<String> =
            own.into_iter().chain(&current).flat_map(|one| one.settings.mask.clone()).collect();
        let Some(recipe) = own.or(current.as_ref()).filter(|_| !paths.is_empty()) else {
            return Vec::new();
        };
        let place = view.row.event_index as usize;
        let event = self.decoded(recipe, &view.delivery).into_iter().nth(place);
        mask::hidden(story, &event.unwrap_or_default(), &paths)
    }

    /// Returns the texts that are hidden in a job of that recipe.
    pub(crate) async fn hidden_of(&self, job: i64, recipe: &str) -> Result<Vec<String>, Trouble> {
        if self.masking(recipe).is_none() {
            return Ok(Vec::new());
        }
        let view = self.view(job).await?;
        Ok(self.hidden_in(&view, &Story::of(&view)))
    }

    /// Hides in a list what is hidden in its jobs.
    pub(crate) async fn mask_lines(&self, lines: &mut [JobLine]) -> Result<(), Trouble> {
        for line in lines {
            match self.hidden_of(line.job, &line.recipe).await {
                Ok(hidden) => {
                    mask::hide_text(&mut line.label, &hidden);
                    mask::hide_text(&mut line.note, &hidden);
                }
                // Purged in between: nobody can say any more what was to be hidden.
                Err(trouble) if trouble.code == Code::NoJob => {
                    (line.label, line.note) = (mask::MASKED.into(), String::new());
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(())
    }

    /// Hides in a delivery what its recipe masks.
    pub(crate) fn mask_delivery(&self, delivery: &mut StoredDelivery) {
        let as_sent = Delivery {
            headers: delivery.headers.clone(),
            query: delivery.query.clone(),
            body: delivery.body.clone(),
            received_at: delivery.received_at,
        };
        let recipe = self.masking(&delivery.recipe);
        let mut hidden: Vec<String> = recipe
            .iter()
            .flat_map(|recipe| {
                let events = self.decoded(recipe, &as_sent);
                let texts = |event: &Value| mask::of_event(event, &recipe.settings.mask);
                events.iter().flat_map(texts).collect::<Vec<_>>()
            })
            .collect();
        mask::longest_first(&mut hidden);
        if let Ok(mut body) = serde_json::from_slice::<Value>(&delivery.body) {
            mask::cut_queries(&mut body);
            mask::hide_values(&mut body, &hidden);
            delivery.body = format!("{body:#}").into_bytes().into();
        } else if recipe.is_some() && !delivery.body.is_empty() {
            // In a form or another text a value can be written in many ways.
            let words = "not shown: it is not JSON, and its recipe masks parts of its events";
            delivery.body = words.as_bytes().into();
        }
        if recipe.is_some() && !delivery.query.is_empty() {
            delivery.query = mask::MASKED.into();
        }
        delivery.headers.iter_mut().for_each(|(_, value)| mask::hide_text(value, &hidden));
    }

    /// Returns the events of a delivery as expressions see them; none when it does not decode.
    pub(crate) fn decoded(&self, recipe: &Recipe, delivery: &Delivery) -> Vec<Value> {
        let events = self.engine.deployment().decode(recipe, delivery).unwrap_or_default();
        events.into_iter().map(|event| event.payload).collect()
    }
}
