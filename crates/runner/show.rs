//! How a job is written out for people: a line in a list, and its whole story.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    story::{FailureStory, StepState, StepStory, Story},
    terminal::{BAD, FAINT, GOOD, NAME, STRONG, WARN, count, paint},
};
use anstyle::Style;
use connector::http::Planned;
use engine::{HeldWrite, Status};

/// How much of one value is shown; `--format json` shows all of it.
const LONGEST_VALUE: usize = 300;

/// Returns a status in its colour.
pub fn status(status: Status) -> String {
    paint(status_style(status), status.word().replace('_', " "))
}

/// Returns the colour of a status.
pub fn status_style(status: Status) -> Style {
    match status {
        Status::Succeeded => GOOD,
        Status::Failed | Status::NeedsAttention => BAD,
        Status::Queued | Status::Running | Status::Waiting => WARN,
        Status::Skipped | Status::Cancelled => FAINT,
    }
}

/// Writes a whole job; `under` leaves only steps at or under that path.
pub fn story(story: &Story, under: Option<&str>) -> String {
    let mut lines = Vec::new();
    lines.push(format!(
        "{} {}  {}",
        paint(STRONG, format!("job {}", story.job)),
        paint(STRONG, &story.label),
        status(story.status)
    ));
    let version = story.version.as_deref().unwrap_or("(version unknown)");
    lines.push(format!("  recipe    {} {}", story.recipe, paint(FAINT, version)));
    lines.push(format!("  accepted  {:.0}", story.accepted_at));
    if let Some(finished) = story.finished_at {
        let took = duration(story.started_at.unwrap_or(story.accepted_at), finished);
        lines.push(format!("  ended     {finished:.0} {}", paint(FAINT, format!("after {took}"))));
    }
    if let Some(wake) = story.wake_at {
        lines.push(format!("  goes on   {wake:.0}"));
    }
    if story.repeats > 0 {
        lines.push(format!("  repeated  {}", count(story.repeats as usize, "time")));
    }
    if let Some(job) = story.blocked_by {
        lines.push(format!("  waits     {}", paint(WARN, format!("for job {job} to be over"))));
    }
    if !story.note.is_empty() {
        lines.push(format!("  {}", paint(status_style(story.status), &story.note)));
    }
    lines.push(String::new());
    let shown = |step: &&StepStory| under.is_none_or(|path| is_under(&step.path, path));
    for step in story.steps.iter().filter(shown) {
        lines.push(step_line(step));
        lines.extend(details(step));
    }
    if story.steps.iter().any(|step| step.state == StepState::Held) {
        let see =
            format!("the requests it would send: recipe-runner jobs show {} --requests", story.job);
        lines.push(paint(FAINT, format!("    {see}")));
    }
    if !story.interventions.is_empty() {
        lines.push(String::new());
        for one in &story.interventions {
            lines.push(paint(FAINT, format!("{:.0}  {} {}", one.at, one.by, one.what)));
        }
    }
    lines.join("\n")
}

/// Writes the requests that held writes would send.
pub fn held(held: &[HeldWrite]) -> String {
    let mut lines = Vec::new();
    for write in held {
        lines.push(format!("{} {} {}", paint(WARN, "?"), write.path, paint(FAINT, &write.does)));
        lines.extend(requests(&write.requests));
        if let Some(failure) = &write.failure {
            lines.push(format!("    {} {failure}", paint(BAD, "cannot be told:")));
        }
    }
    lines.join("\n")
}

/// Writes requests that were not sent.
pub fn requests(requests: &[Planned]) -> Vec<String> {
    let mut lines = Vec::new();
    for request in requests {
        lines.push(format!("      {} {}", request.method, request.url));
        let headers = request.headers.iter();
        lines.extend(headers.map(|(name, value)| paint(FAINT, format!("      {name}: {value}"))));
        if !request.body.is_null() {
            let body = serde_json::to_string_pretty(&request.body).unwrap_or_default();
            lines.extend(body.lines().map(|line| format!("      {line}")));
        }
    }
    lines
}

/// Writes a step in one line: its mark, path, action, and how it went.
pub fn step_line(step: &StepStory) -> String {
    let (style, mark) = match step.state {
        StepState::Done if !step.warnings.is_empty() => (WARN, "!"),
        StepState::Done => (GOOD, "✓"),
        StepState::LeftOut => (FAINT, "–"),
        StepState::Calling => (WARN, "…"),
        StepState::Waiting => (WARN, "⏲"),
        StepState::Asking | StepState::Held => (WARN, "?"),
        StepState::Retrying => (WARN, "↻"),
        StepState::Unknown => (BAD, "?"),
        StepState::Failed => (BAD, "✗"),
    };
    let mut line = format!(
        "{} {:<22} {}",
        paint(style, mark),
        step.path,
        paint(FAINT, format!("{:<28}", step.does))
    );
    let mut facts = Vec::new();
    match step.state {
        StepState::LeftOut => facts.push("left out".to_owned()),
        StepState::Calling => facts.push("calling".to_owned()),
        StepState::Waiting => facts.push("waiting".to_owned()),
        StepState::Asking => facts.push(paint(WARN, "waits for an answer")),
        StepState::Held => facts.push(paint(WARN, "held")),
        StepState::Retrying => facts.push("will be tried again".to_owned()),
        StepState::Unknown => facts.push(paint(BAD, "outcome unknown")),
        StepState::Failed => facts.push(paint(BAD, "failed")),
        StepState::Done => {}
    }
    if step.state != StepState::LeftOut
        && let Some(choice) = &step.choice
    {
        facts.push(choice.clone());
    }
    if step.recovered {
        facts.push("found done".into());
    }
    if step.attempts > 1 {
        facts.push(count(step.attempts as usize, "attempt"));
    }
    if step.attempts > 0 {
        facts.push(paint(FAINT, duration(step.began_at, step.last_at)));
    }
    line.push(' ');
    line.push_str(&facts.join(", "));
    line.trim_end().to_owned()
}

fn details(step: &StepStory) -> Vec<String> {
    let mut lines = Vec::new();
    for warning in &step.warnings {
        lines.push(format!("    {} {}", paint(WARN, "warning:"), warning.message));
    }
    if let Some(input) = &step.input {
        lines.extend(fields("in", input));
    }
    if let Some(output) = step.output.as_ref().filter(|output| !output.is_null()) {
        lines.extend(fields("out", output));
    }
    let last = step.failures.len().saturating_sub(1);
    for (place, failure) in step.failures.iter().enumerate() {
        // A single failure that ended the step is drawn below, at its line.
        if last > 0 || step.state != StepState::Failed || step.drawn.is_none() {
            lines.push(format!("    {}", attempt(failure)));
        }
        if place == last
            && let Some(exchange) = &failure.exchange
        {
            let status = exchange.status.map_or("no answer".into(), |status| status.to_string());
            lines.push(paint(
                FAINT,
                format!("      {} {} → {status}", exchange.method, exchange.url),
            ));
            if let Some(answer) = &exchange.answer {
                lines.push(paint(FAINT, format!("      {}", cut(answer))));
            }
        }
    }
    if matches!(step.state, StepState::Failed | StepState::Unknown | StepState::Retrying)
        && let Some(drawn) = &step.drawn
    {
        lines.extend(drawn.trim_end().lines().map(|line| format!("    {line}")));
    } else if let Some(place) = step.place.as_ref().filter(|_| !step.failures.is_empty()) {
        lines.push(paint(FAINT, format!("    at {place}")));
    }
    lines
}

fn attempt(failure: &FailureStory) -> String {
    let what = if failure.looking_up {
        "look-up".to_owned()
    } else {
        format!("attempt {}", failure.attempt.max(1))
    };
    let mut line = format!(
        "{} {} {}",
        paint(FAINT, format!("{:.0}", failure.at)),
        paint(BAD, what),
        failure.message
    );
    if let Some(at) = failure.retry_at {
        line.push_str(&paint(FAINT, format!("; again at {at:.0}")));
    }
    line
}

/// Writes a value field by field, each on a line.
pub fn fields(word: &str, value: &Value) -> Vec<String> {
    let head =
        |place: usize| if place == 0 { paint(NAME, format!("{word:<4}")) } else { "    ".into() };
    match value {
        Value::Object(fields) if fields.is_empty() => Vec::new(),
        Value::Object(fields) => fields
            .iter()
            .enumerate()
            .map(|(place, (name, value))| format!("    {}{name}: {}", head(place), one_line(value)))
            .collect(),
        other => vec![format!("    {}{}", head(0), one_line(other))],
    }
}

/// Writes a value in a line, shortened.
pub fn one_line(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    let text = text.replace('\n', "⏎");
    let Some((end, _)) = text.char_indices().nth(LONGEST_VALUE) else { return text };
    let left = text[end..].chars().count();
    format!(
        "{}{}",
        &text[..end],
        paint(FAINT, format!("… ({left} more; `--format json` shows all)"))
    )
}

fn is_under(path: &str, under: &str) -> bool {
    path.strip_prefix(under)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
}

/// Returns the time between two moments, for people.
pub fn duration(from: Timestamp, to: Timestamp) -> String {
    let time = to.duration_since(from).max(SignedDuration::ZERO);
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    match seconds {
        0 => format!("{millis} ms"),
        1..=59 => format!("{seconds}.{} s", millis / 100),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_covers_what_lies_under_it() {
        assert!(is_under("documents", "documents"));
        assert!(is_under("documents[2].upload", "documents"));
        assert!(is_under("documents[2].upload", "documents[2]"));
        assert!(!is_under("documents_more", "documents"));
    }

    #[test]
    fn durations_are_told_in_the_unit_that_fits() {
        let at = |millis: i64| Timestamp::from_millisecond(millis).unwrap();
        assert_eq!(duration(at(0), at(12)), "12 ms");
        assert_eq!(duration(at(0), at(2345)), "2.3 s");
        assert_eq!(duration(at(0), at(125_000)), "2 min 5 s");
        assert_eq!(duration(at(0), at(7_260_000)), "2 h 1 min");
        assert_eq!(duration(at(5), at(0)), "0 ms");
    }

    #[test]
    fn long_values_are_cut_and_say_so() {
        let text = one_line(&json!("é".repeat(400)));
        assert!(text.contains("100 more"), "{text}");
        assert_eq!(one_line(&json!({"a": 1})), r#"{"a":1}"#);
        assert_eq!(one_line(&json!("two\nlines")), "two⏎lines");
    }
}
