//! Refused deliveries, kept beside the way of the others: a stranger who sends many of them neither fills the disk nor
//! keeps a genuine one waiting. They are gathered in memory, at most so many of each recipe, and written now and then.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, MutexGuard},
    time::Duration,
};

use connector::Delivery;
use jiff::Timestamp;

use crate::{
    service::{Engine, Shared},
    store::{MOST_REFUSED, Refused, StoreError},
};

/// How long they are gathered: however many come, there is one small write in this time.
const GATHERED: Duration = Duration::from_secs(2);
/// How much is kept of a reason, of what a sender says of itself, and of the names of its headers.
const LONGEST: usize = 300;
const LONGEST_NAMES: usize = 1000;

/// What was refused and is not written yet.
#[derive(Default)]
pub(crate) struct Gathered {
    recipes: HashMap<String, VecDeque<Refused>>,
    /// Whether somebody is about to write them.
    awaited: bool,
}

/// What is known of a delivery that was refused.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// When it came.
    pub at: Timestamp,
    /// The HTTP status of the answer.
    pub answered: u16,
    /// Why.
    pub reason: &'a str,
    /// The bytes of its body; `None` when it was not read to its end.
    pub size: Option<u64>,
}

impl<'a> Refusal<'a> {
    pub(crate) fn of(delivery: &Delivery, answered: u16, reason: &'a str) -> Self {
        let size = Some(delivery.body.len() as u64);
        Self { at: delivery.received_at, answered, reason, size }
    }
}

impl Engine {
    /// Keeps that a delivery to a recipe was refused; not of a recipe that there is not: names are anybody's to make up.
    pub fn refuse(&self, recipe: &str, refusal: &Refusal<'_>, headers: &[(&str, &str)]) {
        if self.shared.known(recipe).is_none() {
            return;
        }
        let said =
            |name: &str| headers.iter().find(|(one, _)| *one == name).map(|(_, value)| *value);
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let one = Refused {
            recipe: recipe.into(),
            at: refusal.at,
            answered: refusal.answered,
            reason: cut(refusal.reason, LONGEST),
            size: refusal.size,
            sender: cut(said("user-agent").unwrap_or_default(), LONGEST),
            kind: cut(said("content-type").unwrap_or_default(), LONGEST),
            headers: cut(&names.join(" "), LONGEST_NAMES),
        };
        let mut gathered = self.shared.gathered();
        let of_recipe = gathered.recipes.entry(recipe.into()).or_default();
        if of_recipe.len() == MOST_REFUSED {
            of_recipe.pop_front();
        }
        of_recipe.push_back(one);
        if !gathered.awaited {
            gathered.awaited = true;
            self.shared.tasks.spawn(write_soon(self.shared.clone()));
        }
    }

    /// Returns the refused deliveries that are kept, newest first; only of a recipe, if there is one.
    pub async fn refused(&self, recipe: Option<&str>) -> Result<Vec<Refused>, StoreError> {
        let mut all: Vec<Refused> = {
            let gathered = self.shared.gathered();
            gathered.recipes.values().flatten().cloned().collect()
        };
        all.retain(|one| recipe.is_none_or(|recipe| one.recipe == recipe));
        all.extend(self.shared.store.refused(recipe.map(str::to_owned)).await?);
        all.sort_by_key(|one| std::cmp::Reverse(one.at));
        let mut of_recipe: HashMap<String, usize> = HashMap::new();
        all.retain(|one| {
            let count = of_recipe.entry(one.recipe.clone()).or_default();
            *count += 1;
            *count <= MOST_REFUSED
        });
        Ok(all)
    }
}

impl Shared {
    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().expect("no panic while the lock is held")
    }
}

/// Writes what was gathered, after a while or when the service stops.
async fn write_soon(shared: Arc<Shared>) {
    tokio::select! {
        () = shared.clock.sleep(GATHERED) => {}
        () = shared.sources.stop.cancelled() => {}
    }
    let gathered = std::mem::take(&mut *shared.gathered());
    let refused = gathered.recipes.into_values().flatten().collect();
    // What cannot be kept is not: it is a courtesy, and the log has said why each was refused.
    if let Err(error) = shared.store.keep_refused(refused).await {
        tracing::debug!(%error, "refused deliveries are not kept");
    }
}

/// Returns the beginning of what a stranger sent, on one line.
fn cut(text: &str, longest: usize) -> String {
    let text = text.chars().map(|one| if one.is_control() { ' ' } else { one });
    text.take(longest).collect()
}
