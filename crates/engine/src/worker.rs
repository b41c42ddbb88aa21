//! The worker: takes jobs that may go on, loads them, drives each in a task of its own, and parks them.

use std::sync::Arc;

use connector::Delivery;
use recipe::Recipe;
use tokio::sync::oneshot;

use crate::{
    command::{Command, CommandError, Settlement},
    crash::crash_point,
    deployment::{Deployment, Pinned, StoredText},
    dispatch::{Parked, Place},
    drive::Drive,
    effect::take_up_holds,
    journal::{Entry, JobId, Kind, Status, StepPath, Verdict},
    service::{Shared, order_key},
    store::{Append, JobRow, Loaded, Pin, Standing, StoredDelivery},
};

type Reply = oneshot::Sender<Result<(), CommandError>>;

/// A person's command on its way to a job.
struct Asked {
    command: Command,
    by: String,
    reply: Reply,
}

/// Drives jobs until the service stops.
pub(crate) async fn work(shared: Arc<Shared>) {
    take_up_holds(&shared).await;
    while !shared.stopping() {
        let (ready, next) = {
            let mut dispatch = shared.dispatch();
            let next = dispatch.wake(shared.clock.now());
            (dispatch.take_ready(), next)
        };
        for id in ready {
            start(&shared, id, None);
        }
        let changed = shared.changed.notified();
        match next {
            Some(at) => tokio::select! {
                () = changed => {}
                () = shared.clock.sleep_until(at) => {}
            },
            None => changed.await,
        }
    }
}

/// Takes a command to its job. The reply comes when the command is on disk, not when the job is over.
pub(crate) async fn command(
    shared: &Arc<Shared>,
    id: JobId,
    by: &str,
    command: Command,
    reply: Reply,
) -> Result<(), CommandError> {
    if shared.stopping() {
        return Err(CommandError::Stopping);
    }
    let row = shared.store.job(id).await?.ok_or(CommandError::NoJob(id))?;
    let by = by.to_string();
    if row.standing.status.is_final() {
        let what = match &command {
            Command::Retry { .. } if row.standing.status == Status::Failed => "",
            Command::Retry { .. } => "retry",
            Command::Cancel => "cancel",
            Command::Resolve { .. } => "resolve",
        };
        if !what.is_empty() {
            return Err(CommandError::Over { job: id, status: row.standing.status, what });
        }
        if let Command::Retry { force: false, .. } = command
            && let Some(later) = shared.store.overtaken_by(id).await?
        {
            return Err(CommandError::Overtaken { job: id, later });
        }
        shared.dispatch().add(id, &row.recipe, order_key(&row), true, Place::Attention);
    }
    {
        let mut dispatch = shared.dispatch();
        if !dispatch.take(id) {
            let Command::Cancel = command else { return Err(CommandError::Busy(id)) };
            // The drive sees it as soon as its call has ended, and whoever parks the job if the drive did not. The
            // dispatch stays locked so that the job is not parked in between.
            shared.cancels.lock().expect("no panic while the lock is held").insert(id, by);
            drop(reply.send(Ok(())));
            return Ok(());
        }
    }
    start(shared, id, Some(Asked { command, by, reply }));
    Ok(())
}

/// Drives a job in a task of its own and parks it afterwards.
fn start(shared: &Arc<Shared>, id: JobId, asked: Option<Asked>) {
    let drive = tokio::spawn(drive(shared.clone(), id, asked));
    let shared = shared.clone();
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        // A panic is a fault of ours; the job waits for a person and the others go on.
        let parked = match drive.await {
            Ok(parked) => parked,
            Err(fault) => {
                tracing::error!(job = id.0, %fault, "an engine fault ended the drive of a job");
                Parked::Attention
            }
        };
        let late = {
            let mut dispatch = shared.dispatch();
            dispatch.park(id, parked);
            // A cancel that came when the job was over is for nobody; one that its drive did not see is carried out.
            shared.take_cancel(id).filter(|_| parked != Parked::Over && dispatch.take(id))
        };
        if let Some(by) = late {
            let (reply, _) = oneshot::channel();
            start(&shared, id, Some(Asked { command: Command::Cancel, by, reply }));
        }
        shared.changed.notify_one();
    });
}

async fn drive(shared: Arc<Shared>, id: JobId, asked: Option<Asked>) -> Parked {
    let loaded = loop {
        match shared.store.load(id).await {
            Ok(Some(loaded)) => break loaded,
            Ok(None) => return Parked::Over,
            Err(error) => {
                tracing::error!(job = id.0, %error, "the store does not answer; trying again");
                shared.clock.sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    };
    crash_point("job.loaded");
    let row = loaded.row.clone();
    let mut drive = match build(&shared, loaded).await {
        Ok(drive) => drive,
        Err(why) => {
            let answer =
                asked.map(|asked| asked.reply.send(Err(CommandError::Broken(id, why.clone()))));
            drop(answer);
            return stand_still(&shared, &row, why).await;
        }
    };
    if let Some(Asked { command, by, reply }) = asked {
        let mut done = carry_out(&mut drive, command, &by).await;
        drive.send_later().await;
        if let Err(error) = drive.confirm().await {
            done = Err(CommandError::Broken(id, error.to_string()));
        }
        let failed = done.is_err();
        drop(reply.send(done));
        if failed {
            return back(&drive);
        }
    }
    match drive.go().await {
        Ok(parked) => parked,
        Err(fault) => {
            tracing::error!(job = id.0, %fault, "a fault of the engine stops a job");
            stand_still(
                &shared,
                &row,
                format!("{fault}. This is a fault of the engine; please report it"),
            )
            .await
        }
    }
}

/// Returns where a job belongs whose command was refused.
fn back(drive: &Drive) -> Parked {
    let standing = drive.machine.standing();
    match (standing.status, standing.wake_at) {
        (status, _) if status.is_final() => Parked::Over,
        (Status::NeedsAttention, _) if drive.machine.may_reopen() => Parked::BodyOver,
        (Status::NeedsAttention, _) => Parked::Attention,
        (Status::Waiting, Some(at)) => Parked::Until(at),
        _ => Parked::Paused,
    }
}

/// Builds the drive of a job: decodes its event and applies its journal.
pub(crate) async fn build(shared: &Arc<Shared>, loaded: Loaded) -> Result<Drive, String> {
    let Loaded { row, delivery, entries } = loaded;
    let pinned = pinned_first(shared, &row, &entries).await?;
    let deployment = shared.deployment();
    let event = decode(&deployment, &pinned.recipe, &as_sent(delivery), row.event_index)?;
    let mut drive = Drive::new(shared.clone(), row, pinned, Arc::new(event.payload));
    for entry in &entries {
        if let Kind::Reopened { version, tables, properties, .. } = &entry.kind {
            let name = drive.row.recipe.clone();
            let pinned = compiled(shared, &name, (version, tables, properties)).await?;
            repin(&mut drive, pinned);
        }
        drive.machine.apply(entry).map_err(|misfit| misfit.to_string())?;
    }
    Ok(drive)
}

fn decode(
    deployment: &Deployment,
    recipe: &Recipe,
    delivery: &Delivery,
    index: u32,
) -> Result<connector::Event, String> {
    let events = deployment.decode(recipe, delivery).map_err(|failure| match failure.hint {
        Some(hint) => format!("{}. {hint}", failure.message),
        None => failure.message,
    })?;
    let count = events.len();
    let event = events.into_iter().nth(index as usize);
    event.ok_or_else(|| {
        format!("its delivery has {count} events, but it was made of number {}", index + 1)
    })
}

/// Returns a stored delivery as its trigger reads it.
pub(crate) fn as_sent(stored: StoredDelivery) -> Delivery {
    Delivery {
        headers: stored.headers,
        query: stored.query,
        body: stored.body,
        received_at: stored.received_at,
    }
}

fn repin(drive: &mut Drive, pinned: Arc<Pinned>) {
    drive.machine.repin(pinned.recipe.clone(), pinned.tables.clone(), pinned.properties.clone());
    drive.pinned = pinned;
}

/// Carries out a command on a job that nobody else drives.
async fn carry_out(drive: &mut Drive, command: Command, by: &str) -> Result<(), CommandError> {
    let id = drive.row.id;
    let broken = |misfit: crate::machine::Misfit| CommandError::Broken(id, misfit.to_string());
    match command {
        Command::Cancel => {
            drive.open().map_err(broken)?;
            drive.record(&StepPath::root(), Kind::CancelRequested { by: by.into() }).map_err(broken)
        }
        Command::Retry { newest, .. } => {
            if !drive.machine.may_reopen() {
                let waiting = drive.machine.timers().into_iter().map(|(_, path)| path);
                let unknown = drive.machine.attention().into_iter().map(|attention| attention.path);
                for path in waiting.chain(unknown).collect::<Vec<_>>() {
                    if !path.0.is_empty() {
                        drive.record(&path, Kind::Fired).map_err(broken)?;
                    }
                }
                return Ok(());
            }
            let pinned = next_pins(drive, newest)?;
            let (version, tables, properties) = (
                pinned.version.clone(),
                pinned.tables_hash.clone(),
                pinned.properties_hash.clone(),
            );
            repin(drive, pinned);
            let kind = Kind::Reopened { by: by.into(), version, tables, properties };
            drive.record(&StepPath::root(), kind).map_err(broken)
        }
        Command::Resolve { step, settlement } => {
            let waiting: Vec<StepPath> =
                drive.machine.attention().into_iter().map(|attention| attention.path).collect();
            if drive.machine.may_reopen() || !waiting.contains(&step) {
                return Err(CommandError::NotUnknown { job: id, step, waiting });
            }
            let verdict = match settlement {
                Settlement::Happened(output) => Verdict::Happened { output },
                Settlement::NotHappened => Verdict::NotHappened { retry_at: Some(drive.now()) },
                Settlement::GiveUp => Verdict::GivenUp,
            };
            drive.resolve(&step, by, verdict).await.map_err(broken)
        }
    }
}

/// Returns what a reopened job pins: its own version or the newest, with today's tables and properties.
fn next_pins(drive: &Drive, newest: bool) -> Result<Arc<Pinned>, CommandError> {
    let shared = &drive.shared;
    let deployment = shared.deployment();
    let does_not_fit = |why: String| CommandError::DoesNotFit { job: drive.row.id, why };
    let recipe = if newest {
        let known = shared.known(&drive.row.recipe).and_then(|known| known.current);
        let current = known.ok_or_else(|| CommandError::NeverGood(drive.row.recipe.clone()))?;
        drive.machine.fits(&current).map_err(does_not_fit)?;
        current
    } else {
        drive.pinned.recipe.clone()
    };
    let text = StoredText { path: recipe.source.path.clone(), text: recipe.source.text.clone() };
    // Checked anew, because its tables may have changed.
    let pinned = deployment.compile(&text, None, None).map_err(does_not_fit)?;
    Ok(shared.pins.put(pinned))
}

/// Returns what a job runs now: what it pinned last, or what it would pin if it began.
pub(crate) async fn pinned(
    shared: &Arc<Shared>,
    row: &JobRow,
    entries: &[Entry],
) -> Result<Arc<Pinned>, String> {
    let last = entries.iter().rev().find_map(pins_of);
    match last {
        Some((version, tables, properties)) => {
            compiled(shared, &row.recipe, (version, tables, properties)).await
        }
        None => pinned_first(shared, row, entries).await,
    }
}

async fn pinned_first(
    shared: &Arc<Shared>,
    row: &JobRow,
    entries: &[Entry],
) -> Result<Arc<Pinned>, String> {
    if let Some((version, tables, properties)) = entries.first().and_then(pins_of) {
        return compiled(shared, &row.recipe, (version, tables, properties)).await;
    }
    let current = shared.known(&row.recipe).and_then(|known| known.current);
    let current = current.ok_or_else(|| format!("there is no good version of `{}`", row.recipe))?;
    Ok(Arc::new(shared.deployment().pins(&current)))
}

fn pins_of(entry: &Entry) -> Option<(&str, &str, &str)> {
    match &entry.kind {
        Kind::Opened { version, tables, properties }
        | Kind::Reopened { version, tables, properties, .. } => Some((version, tables, properties)),
        _ => None,
    }
}

/// Returns a pinned version, compiled from the store when it is not the current one.
async fn compiled(
    shared: &Arc<Shared>,
    name: &str,
    (version, tables, properties): (&str, &str, &str),
) -> Result<Arc<Pinned>, String> {
    let key = (version.to_string(), tables.to_string(), properties.to_string());
    if let Some(pinned) = shared.pins.get(&key) {
        return Ok(pinned);
    }
    let recipe = StoredText::of_recipe(name, &pin(shared, Pin::Recipe, version).await?);
    let tables = String::from_utf8_lossy(&pin(shared, Pin::Tables, tables).await?).into_owned();
    let properties =
        String::from_utf8_lossy(&pin(shared, Pin::Properties, properties).await?).into_owned();
    let pinned = shared.deployment().compile(&recipe, Some(&tables), Some(&properties)).map_err(|why| {
        format!("the version `{version}` it began with no longer checks: {why}. Retry it with `--newest`")
    })?;
    Ok(shared.pins.put(pinned))
}

async fn pin(shared: &Shared, pin: Pin, hash: &str) -> Result<Arc<[u8]>, String> {
    let found = shared.store.load_pin(pin, hash).await.map_err(|error| error.to_string())?;
    found.ok_or_else(|| format!("what it began with (`{hash}`) is not in the store"))
}

/// Has a job wait for a person without a word in its journal.
async fn stand_still(shared: &Arc<Shared>, row: &JobRow, why: String) -> Parked {
    let standing = Standing {
        status: Status::NeedsAttention,
        wake_at: None,
        note: why,
        started_at: row.standing.started_at,
        finished_at: None,
    };
    let append = Append { job: row.id, entries: Vec::new(), standing, claim: None, settle: None };
    if let Err(error) = shared.store.append(append).await {
        tracing::error!(job = row.id.0, %error, "the store does not take why the job stands still");
    }
    Parked::Attention
}
