//! What is kept and can be looked at: journals, deliveries, texts of versions. Everything masked as its recipe says.

use connector::Delivery;
use engine::{DeliveryId, DeliveryRow, Entry, Pin, RecipeStatus, StoredDelivery};
use serde_json::Value;

use crate::{
    code::Code,
    exit::Trouble,
    mask,
    service::{Service, store_trouble, unknown_recipe},
    story::Story,
};

impl Service {
    /// Returns how one recipe stands.
    pub async fn recipe(&self, name: &str) -> Result<RecipeStatus, Trouble> {
        let mut all = self.recipes().await?;
        match all.iter().position(|recipe| recipe.name == name) {
            Some(place) => Ok(all.swap_remove(place)),
            None => Err(unknown_recipe(name, all.iter().map(|recipe| recipe.name.as_str()))),
        }
    }

    /// Returns the text of the version that new jobs of a recipe take.
    pub async fn text(&self, recipe: &RecipeStatus) -> Result<Option<String>, Trouble> {
        match &recipe.version {
            Some(version) => self.version(version).await,
            None => Ok(None),
        }
    }

    /// Returns the text of a version; `None` when it is not known.
    pub async fn version(&self, version: &str) -> Result<Option<String>, Trouble> {
        let store = self.engine.store();
        let pin =
            store.load_pin(Pin::Recipe, version).await.map_err(|error| store_trouble(&error))?;
        Ok(pin.map(|text| String::from_utf8_lossy(&text).into_owned()))
    }

    /// Returns the journal of a job, each entry with what happened.
    pub async fn journal(&self, job: i64) -> Result<Vec<(Entry, Value)>, Trouble> {
        let view = self.view(job).await?;
        let hidden = self.hidden_in(&view, &Story::of(&view)).await?;
        let shown = |entry: Entry| {
            let mut value = serde_json::to_value(&entry.kind).expect("our own values serialise");
            mask::cut_queries(&mut value);
            mask::hide(&mut value, &hidden);
            (entry, value)
        };
        Ok(view.entries.into_iter().map(shown).collect())
    }

    /// Returns deliveries, newest first, each with its recipe.
    pub async fn deliveries(
        &self,
        recipe: Option<String>,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<(String, DeliveryRow)>, Trouble> {
        let store = self.engine.store();
        let found = match recipe {
            None => store.all_deliveries(before, limit).await,
            Some(recipe) => store
                .deliveries(&recipe, before, limit)
                .await
                .map(|rows| rows.into_iter().map(|row| (recipe.clone(), row)).collect()),
        };
        found.map_err(|error| store_trouble(&error))
    }

    /// Returns a delivery as it may be shown: links without what opens them, and without what its recipe masks.
    pub async fn delivery(&self, delivery: i64) -> Result<StoredDelivery, Trouble> {
        let mut found = self.stored_delivery(delivery).await?;
        self.mask_delivery(&mut found);
        Ok(found)
    }

    /// Returns a delivery as it came, to make something of it.
    pub(crate) async fn sent(&self, delivery: i64) -> Result<Delivery, Trouble> {
        let found = self.stored_delivery(delivery).await?;
        if found.cut {
            let words = format!(
                "the body of delivery {delivery} is cut: it was kept as long as `retention` says"
            );
            return Err(Trouble::of(Code::Cut, words));
        }
        let StoredDelivery { headers, query, body, received_at, .. } = found;
        Ok(Delivery { headers, query, body, received_at })
    }

    /// Returns a delivery as it came.
    pub(crate) async fn stored_delivery(&self, delivery: i64) -> Result<StoredDelivery, Trouble> {
        let store = self.engine.store();
        let found =
            store.delivery(DeliveryId(delivery)).await.map_err(|error| store_trouble(&error))?;
        found.ok_or_else(|| {
            Trouble::of(Code::NoDelivery, format!("there is no delivery {delivery}"))
        })
    }
}
