//! Where a job stands, seen from outside: its status, what it waits for, and whose time passes.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use recipe::StepKind;
use serde_json::{Value, json};

use super::{Ask, Attention, Due, Machine, Phase, block::State, ending, walk::Survey};
use crate::{
    journal::{Outcome, Status, StepPath},
    retry,
    store::{Pause, Standing},
};

impl Machine {
    /// Returns the calls that were begun and have no end: after a restart, their outcome is unknown.
    pub fn open_calls(&self) -> Vec<Due> {
        let mut open = Vec::new();
        for run in [&self.body, &self.finally] {
            run.visit(&self.frame.prefix, &mut |prefix, step, state| {
                if let (StepKind::Action(action), Some(State::Action(state))) = (&step.kind, state)
                {
                    let path = || StepPath(format!("{prefix}{}", step.name).into());
                    open.extend(state.open_call(action, path));
                }
            });
        }
        open
    }

    /// Returns what waits for a moment, the earliest first: a `Fired` is due there once it has come.
    pub fn timers(&self) -> Vec<(Timestamp, StepPath)> {
        let mut timers = self.survey().timers;
        timers.sort();
        timers
    }

    /// Returns where the job stands: the fold that is kept beside the journal.
    pub fn standing(&self) -> Standing {
        let survey = self.survey();
        let waits = survey.waits || !survey.asks.is_empty();
        let (status, note) = match &self.phase {
            Phase::Queued => (Status::Queued, String::new()),
            Phase::Over(outcome) if self.finished_at.is_some() => {
                (outcome.status, outcome.message.clone())
            }
            // Over, but not said so in the journal yet.
            Phase::Over(_) => (Status::Running, survey.note()),
            _ if let Some(attention) = survey.attention.first() => {
                (Status::NeedsAttention, attention.why.clone())
            }
            _ if survey.active || !waits => (Status::Running, survey.note()),
            _ => (Status::Waiting, survey.note()),
        };
        let sleeps = matches!(status, Status::Waiting | Status::NeedsAttention);
        Standing {
            status,
            wake_at: if sleeps { survey.wake_at() } else { None },
            note,
            started_at: self.started_at,
            finished_at: if status.is_final() { self.finished_at } else { None },
        }
    }

    /// Returns what waits for a person.
    pub fn attention(&self) -> Vec<Attention> {
        self.survey().attention
    }

    /// Returns what people are asked now.
    pub fn asks(&self) -> Vec<Ask> {
        self.survey().asks
    }

    /// Returns the answer that was given to a question, whether the job has got there or not.
    pub fn answer(&self, path: &StepPath) -> Option<&Arc<Value>> {
        self.walk.answers.get(path)
    }

    /// Returns the number of the last entry.
    pub fn last_seq(&self) -> u32 {
        self.seq
    }

    /// Returns how many bytes its event takes.
    pub(crate) fn event_size(&self) -> usize {
        self.walk.scope.event.size()
    }

    /// Returns the moment of the last entry.
    pub fn now(&self) -> Timestamp {
        self.walk.scope.now
    }

    /// Returns the outcome of a job that is over.
    pub fn outcome(&self) -> Option<&Outcome> {
        if let Phase::Over(outcome) = &self.phase { Some(outcome) } else { None }
    }

    /// Has the job's time stand still while it waits for people and for nothing else.
    pub(super) fn count_time(&mut self) {
        let now = self.walk.scope.now;
        match (self.stands_since, self.survey().stands()) {
            (None, true) => self.stands_since = Some(now),
            (Some(since), false) => {
                self.stands_since = None;
                self.counts_from = self.counts_from.map(|from| from + now.duration_since(since));
                self.stood.push((since, now));
            }
            _ => {}
        }
    }

    /// Has the job's time begin.
    pub(super) fn begin_time(&mut self, at: Timestamp) {
        (self.counts_from, self.pauses_until) = (Some(at), Some(at));
        self.stands_since = None;
        self.stood.clear();
    }

    /// Returns up to when pauses are taken off the job's time; those after it are to be asked for.
    pub(crate) fn pauses_until(&self) -> Option<Timestamp> {
        self.pauses_until
    }

    /// Returns how much of these pauses, in order, is to be taken off the job's time: not what is already, and not
    /// while it stood still for a person.
    pub(crate) fn paused(&self, pauses: &[Pause], now: Timestamp) -> SignedDuration {
        let mut from = self.pauses_until.unwrap_or(now);
        let mut time = SignedDuration::ZERO;
        for (since, until) in pauses {
            let (since, until) = ((*since).max(from), (*until).min(now));
            if since >= until {
                continue;
            }
            from = until;
            time += until.duration_since(since);
            for (stood, went_on) in &self.stood {
                let both = (*went_on).min(until).duration_since((*stood).max(since));
                time -= both.max(SignedDuration::ZERO);
            }
        }
        time
    }

    pub(super) fn survey(&self) -> Survey {
        let mut survey = Survey::default();
        match &self.phase {
            Phase::Body => self.body.survey(&self.frame.prefix, &mut survey),
            Phase::Finally(_) => self.finally.survey(&self.frame.prefix, &mut survey),
            Phase::FinallyFailed(outcome, error) => survey.attention.push(Attention {
                path: error.step.clone(),
                why: format!(
                    "the job itself {}{}: {} But `{}` in `finally` failed: {}",
                    if outcome.status == Status::Skipped { "was " } else { "" },
                    outcome.status.word(),
                    outcome.message,
                    error.step,
                    ending::sentences([error.message.as_str(), &error.hint])
                ),
            }),
            Phase::Queued | Phase::Over(_) => {}
        }
        if self.ending_now() && !matches!(self.phase, Phase::FinallyFailed(..)) {
            survey.drop_waits();
        }
        let timeout = self.recipe.settings.timeout;
        if let (Phase::Body, Some(start), Some(timeout), None) =
            (&self.phase, self.counts_from, timeout, &self.ending)
            && !survey.stands()
        {
            survey.timer(retry::later(start, timeout), StepPath::root());
        }
        survey
    }

    /// Makes anew what expressions see as `job`.
    pub(super) fn show_job(&mut self) {
        self.walk.scope.job = Arc::new(json!({
            "id": self.job.id.to_string(),
            "url": self.job.url,
            "label": self.job.label,
            "started_at": self.started_at.map(|at| at.to_string()),
            "warnings": self.walk.warnings,
        }));
    }
}
