//! What watchers are told: the numbers by their names and labels, as `docs/operations.md` lists them, and nobody's data.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use sandbox::goco::Company;

use crate::town::{JOHNNY, RECIPE, Town};

const PAGE: &str = "docs/operations.md";
const BEGIN: &str = "<!-- metrics -->\n";
const END: &str = "<!-- /metrics -->";

/// A metric as Prometheus reads it.
#[derive(Debug, Default)]
struct Metric {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
    values: BTreeSet<String>,
    samples: usize,
}

/// Reads the text format: every line is a comment that is known, or a sample of a metric that was told of before.
fn read(text: &str) -> BTreeMap<String, Metric> {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!metrics.contains_key(name), "`{name}` is told of twice");
            metrics.entry(name.into()).or_default().help = help.into();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            metrics.get_mut(name).unwrap().kind = kind.into();
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "no number: {line}");
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            let metric = metrics.get_mut(name).unwrap_or_else(|| panic!("nobody told of {line}"));
            metric.samples += 1;
            for label in labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()) {
                let (label, value) = label.split_once('=').unwrap();
                metric.labels.insert(label.into());
                metric.values.insert(value.trim_matches('"').into());
            }
        }
    }
    metrics
}

#[test]
fn the_numbers_are_those_that_the_documents_list_and_tell_of_nobody() {
    let mut town = Town::new();
    // A recipe that asks by itself, so that every number is there.
    town.write(
        "recipes/nightly.yaml",
        "title: Nightly\ntrigger:\n  on: schedule.due\n  with: { cron: \"0 3 * * *\" }\nsteps:\n  - set: { a: 1 }\n",
    );
    town.start_with(&["start", "--all"], None);
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    assert_eq!(town.post(b"{}", Some("sha256 0")), 401);
    let open = |path: &str| town.ask("GET", path, None, "", "");
    assert_eq!(
        (open("/healthz").body.as_str(), open("/readyz").body.as_str()),
        ("ok\n", "ready\n")
    );
    let answered = open("/metrics");
    assert_eq!(answered.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let line = format!("recipe_runner_jobs{{recipe=\"{RECIPE}\",status=\"succeeded\"}} 1\n");
    assert!(answered.body.contains(&line), "{}", answered.body);

    let metrics = read(&answered.body);
    let mut rows = String::from("| number | labels | meaning |\n|---|---|---|\n");
    for (name, metric) in &metrics {
        assert!(
            ["gauge", "counter"].contains(&metric.kind.as_str()),
            "{name} is a {}",
            metric.kind
        );
        assert!(metric.samples > 0, "`{name}` has no sample here");
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "none".into() } else { labels.join(", ") };
        writeln!(rows, "| `{name}` | {labels} | {} |", metric.help).unwrap();
    }
    compare(&rows);

    // Every value of a label is a word of ours, or of the project's files.
    let known = [
        RECIPE,
        "nightly",
        "greenhouse",
        "goco",
        "file",
        "finished",
        "unfinished",
        "queued",
        "running",
        "waiting",
        "needs_attention",
        "succeeded",
        "failed",
        "skipped",
        "cancelled",
        env!("CARGO_PKG_VERSION"),
    ];
    let values = metrics.values().flat_map(|metric| &metric.values);
    let strange: Vec<_> = values.filter(|value| !known.contains(&value.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?}");
    let person = town.goco.company(|company: &mut Company| company.named("Johnny", "Smith").len());
    assert_eq!(person, 1);
    assert!(!answered.body.contains("Johnny") && !answered.body.contains("Smith"));
}

#[test]
fn the_alerts_ask_for_numbers_that_there_are() {
    let text = fs::read_to_string(page()).unwrap();
    let table = text.split(BEGIN).nth(1).unwrap().split(END).next().unwrap();
    let alerts = text.split("groups:\n").nth(1).unwrap().split("```").next().unwrap();
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let mut asked = 0;
    for name in
        alerts.split(|letter| !is_part(letter)).filter(|word| word.starts_with("recipe_runner_"))
    {
        assert!(table.contains(&format!("| `{name}` |")), "there is no `{name}`");
        asked += 1;
    }
    assert!(asked >= 8, "only {asked} numbers are asked for");
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)
}

/// Compares the table with the one of the page; `UPDATE=1` writes it there.
#[expect(clippy::disallowed_methods, reason = "`UPDATE=1` writes the page anew")]
fn compare(rows: &str) {
    let text = fs::read_to_string(page()).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (stored, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(page(), format!("{before}{BEGIN}{rows}{END}{after}")).unwrap();
    } else {
        assert!(stored == rows, "{PAGE} is old: run this test with UPDATE=1; now it is\n{rows}");
    }
}
