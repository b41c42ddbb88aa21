//! `stop`: switches recipes off, or stops the service.

use std::{path::Path, time::Duration};

use connector::{Clock, SystemClock};
use serde_json::json;

use crate::{
    control::Client,
    desk::Desk,
    exit::{Exit, Trouble},
    request::Switched,
    service,
    terminal::{self, FAINT, GOOD, paint},
};

/// How often it is looked whether the service has ended.
const LOOK: Duration = Duration::from_millis(50);
/// After how many looks it is said that the end takes its time.
const PATIENCE: u32 = 20;

/// Runs the command.
pub async fn run(dir: &Path, recipes: Vec<String>) -> Result<Exit, Trouble> {
    if recipes.is_empty() { stop_service(dir).await } else { switch_off(dir, recipes).await }
}

async fn switch_off(dir: &Path, recipes: Vec<String>) -> Result<Exit, Trouble> {
    let desk = Desk::open(dir).await?;
    let body = json!({ "recipes": recipes, "on": false });
    let switched = desk.post::<Vec<Switched>>("switch", &body).await;
    desk.close().await;
    switched?;
    for recipe in recipes {
        terminal::talk(format!("{recipe} is {}", paint(FAINT, "off")));
    }
    let held = "webhooks and pings are still answered, and their jobs held until it is on again";
    terminal::talk(paint(FAINT, held));
    Ok(Exit::Good)
}

async fn stop_service(dir: &Path) -> Result<Exit, Trouble> {
    let data_dir = service::data_dir(dir)?;
    let Some(client) = Client::find(&data_dir).await? else {
        return Err(Trouble::cannot("no service runs here"));
    };
    Desk::Running(client).post::<()>("stop", &json!({})).await?;
    let mut looks = 0;
    while Client::find(&data_dir).await?.is_some() || is_locked(&data_dir) {
        looks += 1;
        if looks == PATIENCE {
            terminal::talk(paint(FAINT, "waiting for calls in flight to end …"));
        }
        SystemClock.sleep(LOOK).await;
    }
    terminal::talk(paint(GOOD, "stopped"));
    Ok(Exit::Good)
}

/// Returns whether some process still owns the data folder.
fn is_locked(data_dir: &Path) -> bool {
    matches!(engine::Store::open(data_dir), Err(engine::StoreError::Locked { .. }))
}
