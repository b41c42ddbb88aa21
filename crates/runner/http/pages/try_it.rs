//! Trying a recipe: choose a sample or a past event, see the requests that a job of it would send, or have it done.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::plan::{Plan, PlannedStep};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Fault, back,
    recipe::RecipePath,
    render::{self, shown},
};
use crate::{
    code::Code,
    http::{
        extract::{Asked, At, Posted},
        permission::Operator,
        problem::Problem,
    },
    request::{From, Search},
    samples,
    service::By,
};

/// How many past jobs are offered.
const MOST_JOBS: usize = 10;
/// How large a body may be that is written into the page: it comes back in it, and no page is larger than 100 KB.
const LARGEST_BODY: usize = 24_000;
/// How much of a plan is shown, as it stands in the page, and how much of one request; the API gives all of it.
const MOST_SHOWN: usize = 40_000;
const MOST_LETTERS: usize = 4000;

/// What the links to this page choose.
#[derive(Deserialize)]
pub struct Chosen {
    job: Option<i64>,
    delivery: Option<i64>,
}

/// What is tried: `sample:NAME`, `job:NUMBER`, `delivery:NUMBER`, `base64:BODY`, or `body`, which is written beside.
#[derive(Deserialize)]
pub struct Tried {
    from: Option<String>,
    body: Option<String>,
}

#[derive(Deserialize)]
pub struct Run {
    from: Option<String>,
    sure: Option<String>,
}

pub async fn show(
    may: Operator,
    At(path): At<RecipePath>,
    Asked(asked): Asked<Chosen>,
) -> Result<Response, Fault> {
    let chosen = match (asked.job, asked.delivery) {
        (Some(job), _) => Some(format!("job:{job}")),
        (_, Some(delivery)) => Some(format!("delivery:{delivery}")),
        _ => None,
    };
    page(&may, &path.recipe, chosen.as_deref(), None).await
}

/// The answer itself shows the plan: it is of this moment, and at no address.
pub async fn plan(
    may: Operator,
    At(path): At<RecipePath>,
    Posted(asked): Posted<Tried>,
) -> Result<Response, Fault> {
    let from = match (asked.from.as_deref(), asked.body) {
        (Some("body"), Some(body)) if body.len() > LARGEST_BODY => {
            let words =
                format!("the body has {} bytes, and at most {LARGEST_BODY} fit here", body.len());
            return Err(Problem::new(Code::TooLarge, words)
                .hint(format!("put it into `{}/`, as a file of its own", samples::FOLDER))
                .into());
        }
        (Some("body"), Some(body)) if !body.trim().is_empty() => {
            format!("base64:{}", STANDARD.encode(body.trim()))
        }
        (Some(from), _) => from.to_owned(),
        (None, _) => String::new(),
    };
    let plan = may.site.service.plan(&path.recipe, read(&from)?).await?;
    page(&may, &path.recipe, Some(&from), Some(&plan)).await
}

pub async fn run(
    may: Operator,
    At(path): At<RecipePath>,
    Posted(asked): Posted<Run>,
) -> Result<Response, Fault> {
    let from = read(asked.from.as_deref().unwrap_or_default())?;
    if asked.sure.is_none() {
        return Err(Problem::new(Code::WrongInput, "nothing was done: its writes are real")
            .hint("go back, tick the box that says so, and press the button again")
            .into());
    }
    let job = may.site.service.submit(&By::page(&may.person.name), &path.recipe, from).await?;
    Ok(back(&format!("/jobs/{job}")))
}

async fn page(
    may: &Operator,
    name: &str,
    chosen: Option<&str>,
    plan: Option<&Plan>,
) -> Result<Response, Fault> {
    let service = &may.site.service;
    let status = service.recipe(name).await?;
    let samples = service.samples(name).await?;
    let past = Search { recipe: Some(name.into()), limit: MOST_JOBS, ..Search::default() };
    let mut choices: Vec<Value> = samples
        .iter()
        .map(|one| shown! { from => format!("sample:{}", one.name), label => one.label, about => one.name })
        .collect();
    let samples = choices.len();
    for job in service.jobs(past).await? {
        let about = format!("job {}, {}", job.job, job.status.word().replace('_', " "));
        choices.push(shown! { from => format!("job:{}", job.job), label => job.label, about });
    }
    // What a link or an earlier press chose is offered also when it is none of the newest.
    if let Some(from) = chosen.filter(|from| !choices.iter().any(|one| one["from"] == *from)) {
        let label = match from.split_once(':') {
            Some(("job", number)) => format!("the event of job {number}"),
            Some(("delivery", number)) => format!("delivery {number}"),
            _ => "the body you wrote".into(),
        };
        choices.insert(0, shown! { from, label, about => "" });
    }
    let context = shown! {
        name, title => status.title, on => status.on, choices, samples, folder => samples::FOLDER, largest => LARGEST_BODY,
        chosen => chosen.map(str::to_owned).or_else(|| Some(choices.first()?["from"].as_str()?.to_owned())),
        plan => plan.map(planned), called => service.engine.recipe(name).is_some_and(|one| one.trigger().is_none()),
    };
    let page =
        render::Page { title: "Try it", menu: "overview", template: "try.html", live: false };
    Ok(render::page(&may.site, &may.person, &page, &context))
}

/// Reads what is chosen.
fn read(from: &str) -> Result<From, Problem> {
    let unknown = || {
        Problem::new(Code::WrongInput, "nothing is chosen to try the recipe with")
            .hint("choose a sample or a past event, or write a body")
    };
    let (kind, what) = from.split_once(':').ok_or_else(unknown)?;
    match kind {
        "sample" => Ok(From::Sample(what.into())),
        "job" => what.parse().map(From::Job).map_err(|_| unknown()),
        "delivery" => what.parse().map(From::Delivery).map_err(|_| unknown()),
        "base64" => STANDARD.decode(what).map(From::Body).map_err(|_| unknown()),
        _ => Err(unknown()),
    }
}

/// Returns a plan as the page shows it: what fits, and how much does not.
fn planned(plan: &Plan) -> Value {
    let (mut steps, mut room) = (Vec::new(), MOST_SHOWN);
    for one in &plan.steps {
        let (told, takes) = step(one);
        if takes > room {
            break;
        }
        room -= takes;
        steps.push(told);
    }
    let writes: usize = plan.steps.iter().map(|step| step.requests.len()).sum();
    let more = plan.steps.len() - steps.len();
    shown! { label => plan.label, status => plan.status, message => plan.message, undecided => plan.undecided, steps, writes, more }
}

/// Returns a step, and how much of the page it takes.
fn step(step: &PlannedStep) -> (Value, usize) {
    let mut takes = 500;
    let mut cut = |text: String| {
        let end = text.char_indices().nth(MOST_LETTERS).map_or(text.len(), |(at, _)| at);
        let cut = if end < text.len() { format!("{}\n…", &text[..end]) } else { text };
        // What HTML writes in its own way is longer there.
        takes += cut.len() + 5 * cut.bytes().filter(|one| b"\"<>&'/".contains(one)).count();
        cut
    };
    let requests: Vec<Value> =
        step.requests.iter().map(|one| render::request(one, &mut cut)).collect();
    let input = step.input.as_ref().filter(|_| requests.is_empty() && step.placeholder);
    let input = input.map(|input| cut(format!("{input:#}")));
    let output = step.output.as_ref().filter(|output| !step.placeholder && !output.is_null());
    let output = output.map(|output| cut(format!("{output:#}")));
    let undecided: Vec<String> = step.undecided.iter().cloned().map(&mut cut).collect();
    let (class, state) = match &step.failure {
        _ if step.left_out => ("skipped", "left out"),
        Some(_) => ("failed", "would fail"),
        None if !requests.is_empty() => ("needs_attention", "would write"),
        None if step.placeholder => ("waiting", "nobody can know yet"),
        None => ("succeeded", "done"),
    };
    let shown = shown! {
        path => step.path, does => step.does, class, state, requests, input, output,
        failure => step.failure.clone().map(&mut cut), undecided,
    };
    (shown, takes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::collections::BTreeMap;

    use connector::http::Planned;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_chosen_is_read_and_nothing_else() {
        assert!(matches!(read("job:7"), Ok(From::Job(7))));
        assert!(matches!(read("delivery:7"), Ok(From::Delivery(7))));
        assert!(matches!(read("sample:a:b"), Ok(From::Sample(name)) if name == "a:b"));
        assert!(matches!(read("base64:e30="), Ok(From::Body(body)) if body == b"{}"));
        for wrong in ["", "body", "job:", "job:x", "base64:?", "file:/etc/passwd"] {
            assert_eq!(read(wrong).unwrap_err().code, Code::WrongInput, "{wrong}");
        }
    }

    #[test]
    fn a_plan_of_any_length_fits_the_page() {
        let step = |place| PlannedStep {
            path: format!("rows[{place}].write"),
            does: "goco.upload_document".into(),
            input: None,
            requests: vec![Planned {
                method: "POST".into(),
                url: "https://goco.example/documents".into(),
                headers: BTreeMap::new(),
                body: json!({ "name": "\"".repeat(10_000) }),
            }],
            placeholder: true,
            output: None,
            failure: None,
            left_out: false,
            undecided: Vec::new(),
        };
        let plan = Plan {
            label: "Many".into(),
            status: "succeeded".into(),
            message: String::new(),
            undecided: Vec::new(),
            steps: (0..1000).map(step).collect(),
        };
        let shown = planned(&plan);
        let steps = shown["steps"].as_array().unwrap();
        assert!(!steps.is_empty());
        assert_eq!(shown["more"], 1000 - steps.len());
        assert_eq!(shown["writes"], 1000);
        assert!(steps[0]["requests"][0]["body"].as_str().unwrap().ends_with('…'));
    }
}
