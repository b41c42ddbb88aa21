//! How the last jobs of each recipe went, kept for a while: a picture that is looked at often is not counted often.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use engine::{StoreError, Tally};
use jiff::{SignedDuration, Timestamp};

use crate::service::Service;

/// How old a tally may be.
const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// The tallies of recipes, made anew now and then.
#[derive(Default)]
pub struct Tallies {
    kept: Mutex<HashMap<String, (Timestamp, Arc<Tally>)>>,
}

impl Tallies {
    /// Returns how the last jobs of a recipe went. Only the first asker waits for it; later ones get what is there, and it
    /// is made anew beside.
    pub async fn get(
        self: &Arc<Self>,
        service: &Arc<Service>,
        recipe: &str,
    ) -> Result<Arc<Tally>, StoreError> {
        let now = service.engine.clock().now();
        let kept = self.kept().get(recipe).cloned();
        let Some((at, tally)) = kept else { return self.count(service, recipe, now).await };
        if now.duration_since(at) > FRESH {
            // Whoever comes meanwhile need not count as well.
            self.kept().insert(recipe.into(), (now, tally.clone()));
            let (tallies, service, recipe) = (self.clone(), service.clone(), recipe.to_owned());
            tokio::spawn(async move { drop(tallies.count(&service, &recipe, now).await) });
        }
        Ok(tally)
    }

    async fn count(
        &self,
        service: &Service,
        recipe: &str,
        now: Timestamp,
    ) -> Result<Arc<Tally>, StoreError> {
        let tally = Arc::new(service.engine.tally(recipe).await?);
        self.kept().insert(recipe.into(), (now, tally.clone()));
        Ok(tally)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, (Timestamp, Arc<Tally>)>> {
        self.kept.lock().expect("no panic while the lock is held")
    }
}
