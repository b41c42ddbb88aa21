//! The worker: takes jobs that may go on, loads them, drives each in a task of its own, and parks them.

use std::{collections::BTreeSet, panic::AssertUnwindSafe, sync::Arc};

use connector::Delivery;
use futures_util::FutureExt as _;
use recipe::Recipe;
use tokio::sync::{mpsc, oneshot};

use crate::{
    command::{Command, CommandError, Settlement},
    crash::crash_point,
    deployment::{Deployment, Pinned},
    dispatch::{Parked, Place, Waiting},
    drive::{Drive, DriveError},
    effect::take_up_holds,
    fresh,
    journal::{Entry, JobId, Kind, Status, StepPath, Verdict},
    machine::names,
    pins::{compiled, next_pins, pinned_first},
    service::Shared,
    store::{Loaded, StoreError, StoredDelivery},
    stuck,
};

pub(crate) type Reply = oneshot::Sender<Result<(), CommandError>>;

/// A person's command on its way to a job.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) command: Command,
    pub(crate) by: String,
    pub(crate) reply: Reply,
}

/// What a job hears while it is driven.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A person's command.
    Asked(Asked),
    /// A job it waited for is over.
    Freed,
}

/// Drives jobs until the service stops.
pub(crate) async fn work(shared: Arc<Shared>) {
    take_up_holds(&shared).await;
    while !shared.stopping() {
        let (ready, freed, next) = {
            let mut dispatch = shared.dispatch();
            let next = dispatch.wake(shared.clock.now());
            (dispatch.take_ready(), dispatch.take_freed(), next)
        };
        for id in freed {
            drop(shared.send(id, Mail::Freed));
        }
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
    if shared.store.trouble().is_some() {
        // What a person says is not kept in memory until the disk is whole: they hear that it is not.
        shared.store.check().await?;
    }
    let row = shared.store.job(id).await?.ok_or(CommandError::NoJob(id))?;
    let by = by.to_string();
    if row.standing.status.is_final() {
        let what = match &command {
            Command::Retry { .. } if row.standing.status == Status::Failed => "",
            Command::Retry { .. } => "retry",
            Command::Cancel => "cancel",
            Command::Resolve { .. } => "resolve",
            Command::Answer { .. } => "answer",
        };
        if !what.is_empty() {
            return Err(CommandError::Over { job: id, status: row.standing.status, what });
        }
        if row.cut {
            return Err(CommandError::Cut(id));
        }
        if let Command::Retry { force: false, .. } = command
            && let Some(later) = shared.store.overtaken_by(id).await?
        {
            return Err(CommandError::Overtaken { job: id, later });
        }
        shared.dispatch().add(id, &row.recipe, row.order_key.clone(), true, Place::Attention);
    }
    let asked = Asked { command, by, reply };
    {
        // The dispatch stays locked so that the job is not parked in between.
        let mut dispatch = shared.dispatch();
        if !dispatch.take(id) {
            return match shared.send(id, Mail::Asked(asked)) {
                Ok(()) => Ok(()),
                // It was parked for the last time since it was looked at.
                Err(_) => Err(CommandError::Busy(id)),
            };
        }
    }
    start(shared, id, Some(asked));
    Ok(())
}

/// Drives a job in a task of its own and parks it afterwards.
fn start(shared: &Arc<Shared>, id: JobId, asked: Option<Asked>) {
    let (sender, mail) = mpsc::unbounded_channel();
    shared.mail.lock().expect("no panic while the lock is held").insert(id, sender);
    let shared = shared.clone();
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        // A panic is a fault of ours; the job waits for a person and the others go on.
        let drive = AssertUnwindSafe(drive(shared.clone(), id, asked, mail)).catch_unwind();
        let (parked, mut late) = drive.await.unwrap_or_else(|_| {
            tracing::error!(job = id.0, "an engine fault ended the drive of a job");
            (Parked::Attention, Late::Nothing)
        });
        let late = {
            let mut dispatch = shared.dispatch();
            let waits = matches!(parked, Parked::Waiting(_));
            let mail = late.take();
            if let Late::Drive(drive) = late
                && waits
                && drive.gathered.is_stored_whole()
            {
                shared.resting.put(drive);
            }
            dispatch.park(id, parked);
            shared.mail.lock().expect("no panic while the lock is held").remove(&id);
            mail
        };
        // What its drive did not see any more.
        for mail in late {
            if let Mail::Asked(Asked { command: asked, by, reply }) = mail {
                command_again(&shared, id, by, asked, reply).await;
            }
        }
        shared.changed.notify_one();
    });
}

/// Brings a command to a job whose drive ended before it saw it.
async fn command_again(shared: &Arc<Shared>, id: JobId, by: String, asked: Command, reply: Reply) {
    let (again, answer) = oneshot::channel();
    let brought = command(shared, id, &by, asked, again).await;
    let done = match brought {
        Ok(()) => answer.await.unwrap_or(Err(CommandError::Stopping)),
        Err(error) => Err(error),
    };
    drop(reply.send(done));
}

/// Where the mail of a drive that ended is.
enum Late {
    Drive(Box<Drive>),
    Mail(mpsc::UnboundedReceiver<Mail>),
    Nothing,
}

impl Late {
    fn take(&mut self) -> Vec<Mail> {
        match self {
            Self::Drive(drive) => drive.late_mail(),
            Self::Mail(mail) => std::iter::from_fn(|| mail.try_recv().ok()).collect(),
            Self::Nothing => Vec::new(),
        }
    }
}

async fn drive(
    shared: Arc<Shared>,
    id: JobId,
    mut asked: Option<Asked>,
    mail: mpsc::UnboundedReceiver<Mail>,
) -> (Parked, Late) {
    let mut drive = if let Some(mut rested) = shared.resting.take(id) {
        rested.hears(mail);
        crash_point("job.loaded");
        rested
    } else {
        match fresh::begin(&shared, id, mail).await {
            Ok(drive) => drive,
            Err(mail) => match read(&shared, id, asked, mail).await {
                Ok((drive, left)) => {
                    asked = left;
                    drive
                }
                Err(parked) => return parked,
            },
        }
    };
    let row = drive.row.clone();
    if let Some(asked) = asked {
        let cancels = matches!(asked.command, Command::Cancel);
        if !answer(&mut drive, asked).await.unwrap_or(false) {
            let parked = back(&drive);
            return (parked, Late::Drive(drive));
        }
        // What a person said is kept; the job goes on when it is its turn.
        if !cancels && shared.dispatch().is_behind(id) {
            return (Parked::Paused, Late::Drive(drive));
        }
    }
    let parked = match drive.go().await {
        Ok(parked) => parked,
        // Said already; its journal is as it was.
        Err(DriveError::Store(StoreError::Unavailable(_) | StoreError::Gap { .. })) => {
            Parked::Paused
        }
        Err(fault) => {
            tracing::error!(job = id.0, %fault, "a fault of the engine stops a job");
            stuck::stand_still(
                &shared,
                &row,
                format!("{fault}. This is a fault of the engine; please report it"),
            )
            .await
        }
    };
    (parked, Late::Drive(drive))
}

/// Reads a job to be driven from the store, with the command that is not carried out yet; or says where it belongs.
async fn read(
    shared: &Arc<Shared>,
    id: JobId,
    asked: Option<Asked>,
    mail: mpsc::UnboundedReceiver<Mail>,
) -> Result<(Box<Drive>, Option<Asked>), (Parked, Late)> {
    let loaded = loop {
        match shared.store.load(id).await {
            Ok(Some(loaded)) => break loaded,
            Ok(None) => return Err((Parked::Over, Late::Mail(mail))),
            Err(error @ (StoreError::Damaged(_) | StoreError::Fault(_))) => {
                return Err((stuck::unreadable(shared, id, asked, &error).await, Late::Mail(mail)));
            }
            Err(_) if shared.stopping() => return Err((Parked::Paused, Late::Mail(mail))),
            // Damage that lies elsewhere than in this job ends when a backup is put in place.
            Err(error) if error.is_damage() && shared.store.check().await.is_ok() => {
                return Err((stuck::unreadable(shared, id, asked, &error).await, Late::Mail(mail)));
            }
            Err(error) => {
                tracing::error!(job = id.0, %error, "the store does not answer; trying again");
                shared.clock.sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    };
    if loaded.row.cut {
        // Cut since the command was taken: it is over, and stays so.
        drop(asked.map(|asked| asked.reply.send(Err(CommandError::Cut(id)))));
        return Err((Parked::Over, Late::Mail(mail)));
    }
    crash_point("job.loaded");
    let row = loaded.row.clone();
    match build(shared, loaded, mail).await {
        Ok(drive) => Ok((Box::new(drive), asked)),
        Err((why, mail)) => {
            let parked = match asked {
                Some(Asked { command: Command::Cancel, by, reply }) => {
                    stuck::cancel(shared, &row, &by, reply).await
                }
                asked => {
                    let broken =
                        |asked: Asked| asked.reply.send(Err(CommandError::Broken(id, why.clone())));
                    drop(asked.map(broken));
                    stuck::stand_still(shared, &row, why).await
                }
            };
            Err((parked, Late::Mail(mail)))
        }
    }
}

/// Carries out a command and replies once it is on disk; returns whether it was carried out.
pub(crate) async fn answer(drive: &mut Drive, asked: Asked) -> Result<bool, DriveError> {
    let Asked { command, by, reply } = asked;
    let done = carry_out(drive, command, &by).await;
    drive.send_later().await;
    if let Err(error) = drive.confirm().await {
        let told = CommandError::Broken(drive.row.id, error.to_string());
        drop(reply.send(Err(told)));
        return Err(error);
    }
    let carried_out = done.is_ok();
    drop(reply.send(done));
    Ok(carried_out)
}

/// Returns where a job belongs whose command was refused.
fn back(drive: &Drive) -> Parked {
    let standing = drive.machine.standing();
    match (standing.status, standing.wake_at) {
        (status, _) if status.is_final() => Parked::Over,
        (Status::NeedsAttention, _) if drive.machine.may_reopen() => Parked::BodyOver,
        (Status::NeedsAttention, _) => Parked::Attention,
        (Status::Waiting, Some(at)) => {
            Parked::Waiting(Waiting { until: Some(at), behind: BTreeSet::new() })
        }
        _ => Parked::Paused,
    }
}

/// Builds the drive of a job: decodes its event and applies its journal.
pub(crate) async fn build(
    shared: &Arc<Shared>,
    loaded: Loaded,
    mail: mpsc::UnboundedReceiver<Mail>,
) -> Result<Drive, (String, mpsc::UnboundedReceiver<Mail>)> {
    let Loaded { row, delivery, entries } = loaded;
    let begun = async {
        let pinned = pinned_first(shared, &row, &entries).await?;
        let deployment = shared.deployment();
        let event = decode(&deployment, &pinned.recipe, &as_sent(delivery), row.event_index)?;
        Ok((pinned, event))
    };
    let (pinned, event) = match begun.await {
        Ok(begun) => begun,
        Err(why) => return Err((why, mail)),
    };
    let mut drive = Drive::new(shared.clone(), row, pinned, Arc::new(event.payload), mail);
    match replay(shared, &mut drive, &entries).await {
        Ok(()) => Ok(drive),
        Err(why) => Err((why, drive.into_mail())),
    }
}

async fn replay(shared: &Arc<Shared>, drive: &mut Drive, entries: &[Entry]) -> Result<(), String> {
    for entry in entries {
        if let Kind::Reopened { version, tables, properties, .. } = &entry.kind {
            let name = drive.row.recipe.clone();
            let pinned = compiled(shared, &name, (version, tables, properties)).await?;
            repin(drive, pinned);
        }
        drive.machine.apply(entry).map_err(|misfit| misfit.to_string())?;
        drive.tie(entry);
    }
    Ok(())
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
            drive
                .record(&StepPath::root(), Kind::CancelRequested { by: by.into() })
                .map_err(broken)?;
            drive.cancel_children(by).await;
            Ok(())
        }
        Command::Answer { step, given } => drive.take_answer(&step, given, by),
        Command::Retry { newest, .. } => {
            if !drive.machine.may_reopen() {
                let waiting = drive.machine.timers().into_iter().map(|(_, path)| path);
                let unknown = drive.machine.attention().into_iter().map(|attention| attention.path);
                for path in waiting.chain(unknown).collect::<Vec<_>>() {
                    // A `wait` is what the recipe wants, and a question is answered, not retried.
                    if names::action_at(&drive.pinned.recipe, &path).is_some() {
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
