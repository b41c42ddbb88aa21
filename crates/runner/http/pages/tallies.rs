//! How the last jobs of each recipe went, kept for a while: a picture that is looked at often is not counted often.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use engine::{StoreError, Tally};
use jiff::{SignedDuration, Timestamp};

use crate::service::Service;

/// How old a tally may be that takes long to make, and what is long.
const FRESH: SignedDuration = SignedDuration::from_secs(10);
const QUICK: SignedDuration = SignedDuration::from_millis(10);

/// The tallies of recipes, made anew now and then.
#[derive(Default)]
pub struct Tallies {
    kept: Mutex<HashMap<String, Kept>>,
}

#[derive(Clone)]
struct Kept {
    at: Timestamp,
    took: SignedDuration,
    tally: Arc<Tally>,
}

impl Tallies {
    /// Returns how the last jobs of a recipe went. What takes long to count is made anew beside, and meanwhile what is
    /// there is given.
    pub async fn get(
        self: &Arc<Self>,
        service: &Arc<Service>,
        recipe: &str,
    ) -> Result<Arc<Tally>, StoreError> {
        let now = service.engine.clock().now();
        let kept = self.kept().get(recipe).filter(|kept| kept.took > QUICK).cloned();
        let Some(kept) = kept else { return self.count(service, recipe).await };
        if now.duration_since(kept.at) > FRESH {
            // Whoever comes meanwhile need not count as well.
            self.kept().insert(recipe.into(), Kept { at: now, ..kept.clone() });
            let (tallies, service, recipe) = (self.clone(), service.clone(), recipe.to_owned());
            tokio::spawn(async move { drop(tallies.count(&service, &recipe).await) });
        }
        Ok(kept.tally)
    }

    async fn count(&self, service: &Service, recipe: &str) -> Result<Arc<Tally>, StoreError> {
        let clock = service.engine.clock();
        let at = clock.now();
        let tally = Arc::new(service.engine.tally(recipe).await?);
        let took = clock.now().duration_since(at);
        self.kept().insert(recipe.into(), Kept { at, took, tally: tally.clone() });
        Ok(tally)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().expect("no panic while the lock is held")
    }
}
