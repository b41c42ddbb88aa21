//! What is hidden of a job, a delivery or a message: the texts that `settings.mask` of its recipe names. The version a
//! job has and the one that holds today both count, also when the recipe's file is broken or gone.

use std::sync::Arc;

use connector::Delivery;
use engine::{CommandError, JobId, JobRow, JobView, Parent, StoredDelivery};
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

    /// Returns the texts that are hidden in a job: those that its recipe masks, and those that the recipes of the jobs
    /// mask that called it.
    pub(crate) async fn hidden_in(
        &self,
        view: &JobView,
        story: &Story,
    ) -> Result<Vec<String>, Trouble> {
        let mut hidden = self.hidden_by_itself(view, story);
        let mut parent = view.row.parent.clone();
        while let Some(Parent { job, .. }) = parent {
            let caller = self.row(job).await?;
            parent = caller.as_ref().and_then(|row| row.parent.clone());
            let caller = match caller {
                Some(row) if self.masking(&row.recipe).is_none() => continue,
                Some(row) if !row.cut => self.view(job.0).await.ok(),
                _ => None,
            };
            match caller {
                Some(caller) => hidden.extend(self.hidden_by_itself(&caller, &Story::of(&caller))),
                // Purged or cut: nobody can say any more which part of what it gave was to be hidden.
                None if self.engine.anything_is_masked() => {
                    hidden.push(view.row.label.clone());
                    hidden.extend(mask::all_of(&view.delivery.body));
                }
                None => {}
            }
        }
        mask::longest_first(&mut hidden);
        Ok(hidden)
    }

    fn hidden_by_itself(&self, view: &JobView, story: &Story) -> Vec<String> {
        let current = self.masking(&view.row.recipe);
        let own = view.recipe.as_ref();
        let paths: Vec<String> =
            own.into_iter().chain(&current).flat_map(|one| one.settings.mask.clone()).collect();
        let Some(recipe) = own.or(current.as_ref()).filter(|_| !paths.is_empty()) else {
            return Vec::new();
        };
        if view.row.cut {
            // Nobody can say any more which part of it was to be hidden.
            return vec![view.row.label.clone()];
        }
        let place = view.row.event_index as usize;
        let event = self.decoded(recipe, &view.delivery).into_iter().nth(place);
        mask::hidden(story, &event.unwrap_or_default(), &paths)
    }

    /// Returns the texts that are hidden in a job of that recipe.
    pub(crate) async fn hidden_of(&self, job: i64, recipe: &str) -> Result<Vec<String>, Trouble> {
        if self.masking(recipe).is_none() {
            let row = self.row(JobId(job)).await?;
            if row.is_none_or(|row| row.parent.is_none()) {
                return Ok(Vec::new());
            }
        }
        let view = self.view(job).await?;
        self.hidden_in(&view, &Story::of(&view)).await
    }

    async fn row(&self, job: JobId) -> Result<Option<JobRow>, Trouble> {
        self.engine.store().job(job).await.map_err(|error| store_trouble(&error))
    }

    /// Returns jobs as lists show them, without what is hidden in them.
    pub(crate) async fn masked_lines(&self, rows: Vec<JobRow>) -> Result<Vec<JobLine>, Trouble> {
        let mut lines = Vec::new();
        for row in rows {
            let hidden = self.hidden_in_row(&row).await;
            let mut line = JobLine::of(row);
            match hidden {
                Ok(hidden) => {
                    mask::hide_text(&mut line.label, &hidden);
                    mask::hide_text(&mut line.note, &hidden);
                }
                // Purged in between: nobody can say any more what was to be hidden.
                Err(trouble) if matches!(trouble.code, Code::NoJob | Code::NoDelivery) => {
                    (line.label, line.note) = (mask::MASKED.into(), String::new());
                }
                Err(trouble) => return Err(trouble),
            }
            lines.push(line);
        }
        Ok(lines)
    }

    /// As [`hidden_of`](Self::hidden_of), without reading a journal that has nothing to say of it.
    async fn hidden_in_row(&self, row: &JobRow) -> Result<Vec<String>, Trouble> {
        if row.parent.is_some() {
            return self.hidden_of(row.id.0, &row.recipe).await;
        }
        let Some(current) = self.masking(&row.recipe) else { return Ok(Vec::new()) };
        if row.cut {
            return Ok(vec![row.label.clone()]);
        }
        let paths = &current.settings.mask;
        let is_current = row.version.as_ref().is_none_or(|version| *version == current.version);
        if !is_current || !paths.iter().all(|path| mask::is_of_event(path)) {
            return self.hidden_of(row.id.0, &row.recipe).await;
        }
        let delivery = as_sent(&self.stored_delivery(row.delivery.0).await?);
        let event = self.decoded(&current, &delivery).into_iter().nth(row.event_index as usize);
        let mut hidden = mask::of_event(&event.unwrap_or_default(), paths);
        mask::longest_first(&mut hidden);
        Ok(hidden)
    }

    /// Hides in a delivery what its recipe masks.
    pub(crate) fn mask_delivery(&self, delivery: &mut StoredDelivery) {
        if delivery.cut {
            delivery.body = b"cut: it was kept as long as `retention` says".as_slice().into();
            return;
        }
        if delivery.is_call() && self.engine.anything_is_masked() {
            let words = "not shown: it is what another recipe gave, and the job it made shows it";
            delivery.body = words.as_bytes().into();
            return;
        }
        let as_sent = as_sent(delivery);
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
        events.into_iter().map(|event| event.payload.into()).collect()
    }
}

/// Returns a delivery as connectors see it.
fn as_sent(stored: &StoredDelivery) -> Delivery {
    Delivery {
        headers: stored.headers.clone(),
        query: stored.query.clone(),
        body: stored.body.clone(),
        received_at: stored.received_at,
    }
}
