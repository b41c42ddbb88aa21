//! `settings`, and the retry policy that steps have too.

use std::time::Duration;

use crate::{
    failure_codes,
    fields::{Fields, Known, Report, Word},
    recipe::{Retry, Settings},
    suggest,
    yaml::{Key, Node, Value},
};

/// A retry policy, read.
pub(crate) type Retrying = Retry;

pub(crate) const SETTINGS: Known = Known {
    what: "`settings`",
    keys: &["concurrency", "timeout", "keep", "retry", "mask", "writes"],
};

pub(crate) const RETRY: Known =
    Known { what: "`retry`", keys: &["attempts", "wait", "factor", "max_wait", "for", "on"] };

/// Reads the value of `settings`: the settings, and the places of the masked paths.
pub(super) fn read(report: &mut Report<'_>, node: Node) -> (Settings, Vec<Word>) {
    let (mut settings, mut mask) = (Settings::default(), Vec::new());
    let Some(mut fields) = report.fields(node, SETTINGS) else { return (settings, mask) };
    if let Some((key, node)) = fields.take("concurrency")
        && let Some(number) = report.number(&key, &node, 1)
    {
        settings.concurrency = number;
    }
    if let Some((key, node)) = fields.take("timeout") {
        settings.timeout = report.duration(&key, &node);
    }
    if let Some((key, node)) = fields.take("keep") {
        settings.keep = report.duration(&key, &node);
    }
    if let Some((key, node)) = fields.take("writes") {
        settings.hold_writes = report.choice(&key, &node, &[("hold", true)]).unwrap_or(false);
    }
    if let Some((_, node)) = fields.take("retry") {
        settings.retry = retry(report, node);
    }
    if let Some((key, node)) = fields.take("mask") {
        for item in report.list(&key, node, "paths").unwrap_or_default() {
            mask.extend(report.constant(&key, item));
        }
        settings.mask = mask.iter().map(|path| path.text.clone()).collect();
    }
    (settings, mask)
}

/// Reads the value of `retry`.
pub(super) fn retry(report: &mut Report<'_>, node: Node) -> Option<Retrying> {
    let before = report.out.len();
    let mut fields = report.fields(node, RETRY)?;
    let attempts = fields.take("attempts").and_then(|(key, node)| report.number(&key, &node, 1));
    let time = |report: &mut Report<'_>, fields: &mut Fields, name: &str| {
        fields.take(name).and_then(|(key, node)| report.duration(&key, &node))
    };
    let wait = time(report, &mut fields, "wait").unwrap_or(Duration::from_secs(2));
    let max_wait =
        time(report, &mut fields, "max_wait").unwrap_or(Duration::from_hours(1).max(wait));
    let within = time(report, &mut fields, "for");
    let factor = fields.take("factor").and_then(|(key, node)| {
        let factor = match node.value {
            Value::Int(1) => 1.0,
            Value::Int(number @ 2..=100) => f64::from(u8::try_from(number).ok()?),
            Value::Float(number) if (1.0..=100.0).contains(&number) => number,
            Value::Broken => return None,
            _ => {
                let message = format!("`{}` is a number from 1 to 100", key.text);
                report.error("wrong-type", node.span, message);
                return None;
            }
        };
        Some(factor)
    });
    let on = fields.take("on").map(|(key, node)| codes(report, &key, node));
    // Without any bound it would never give up: the patient default's day is the bound then.
    let within =
        if attempts.is_none() { Some(within.unwrap_or(Duration::from_hours(24))) } else { within };
    (report.out.len() == before).then_some(Retry {
        attempts,
        wait,
        factor: factor.unwrap_or(2.0),
        max_wait,
        within,
        on,
    })
}

/// Reads the codes of failures that are tried again.
fn codes(report: &mut Report<'_>, key: &Key, node: Node) -> Vec<String> {
    let Some(items) = report.list(key, node, "codes") else { return Vec::new() };
    if items.is_empty() {
        report
            .error("missing-value", key.span, "`on` names no code: nothing would be tried again")
            .help
            .push("leave the key out to try again whatever may pass".into());
    }
    let known = || failure_codes::THAT_MAY_PASS.iter().map(|(code, _)| *code);
    let mut codes = Vec::new();
    for item in items {
        let Some(word) = report.constant(key, item) else { continue };
        if known().any(|code| code == word.text) {
            codes.push(word.text);
            continue;
        }
        let message = format!("no failure that may pass has the code `{}`", word.text);
        let diagnostic = report.error("unknown-word", word.span, message);
        suggest::propose(diagnostic, &word.text, known());
        diagnostic.help.push(format!("codes: {}", suggest::list(known())));
    }
    codes
}
