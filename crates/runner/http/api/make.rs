//! Jobs by hand: making one, and looking ahead at what it would do.

use std::{fs, path::Path};

use axum::Json;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::plan::{Past, Plan};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::recipes::RecipePath;
use crate::{
    code::Code,
    exit::Trouble,
    http::{
        access::Door,
        extract::{Asked, At, Body},
        openapi::Made,
        permission::Operator,
        problem::Problem,
    },
    request::{CaughtUpLine, From},
    samples::Sample,
};

/// How many past jobs are played at once over the network.
const MOST_PAST: u32 = 200;

/// What a job is made of: one of the five.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJob {
    /// The body of a webhook, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    /// The body of a webhook to the byte, or one that is not JSON, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    /// The job whose event is taken.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole")]
    job: Option<i64>,
    /// The delivery whose body is taken.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole")]
    delivery: Option<i64>,
    /// The name of the sample that is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample: Option<String>,
}

/// A job that was made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MadeJob {
    /// The new job.
    pub job: i64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HowMany {
    /// How many; 1, if it is left out.
    #[schemars(range(min = 1, max = 200))]
    jobs: Option<u32>,
}

/// From when on.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// A moment (`2027-01-04T00:00:00Z`), a date in the project's zone (`2027-01-04`), or how long ago (`7d`; a year at
    /// most).
    #[schemars(schema_with = "moment")]
    pub since: String,
    /// Whether to make no job: what is missing is told, and what the recipe would do about it.
    #[serde(default)]
    pub dry_run: bool,
}

fn moment(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "anyOf": [
            { "format": "date-time" },
            { "format": "date" },
            { "pattern": "^([1-9][0-9]{0,3}[sm]|[1-9][0-9]{0,2}h|([1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9])d)$" },
        ],
    })
}

impl NewJob {
    /// Returns what `--event` names: a past job, or a file; `or` says what else it could be.
    pub fn named(event: &str, or: &str) -> Result<Self, Trouble> {
        if let Ok(job) = event.parse() {
            return Ok(Self { job: Some(job), ..Self::default() });
        }
        let path = Path::new(event);
        let body = fs::read(path).map_err(|error| {
            Trouble::file("read", path, &error)
                .cure(format!("`--event` takes a file with the raw body, {or}"))
        })?;
        Ok(Self { base64: Some(STANDARD.encode(body)), ..Self::default() })
    }

    fn from(self) -> Result<From, Problem> {
        let body = self.body.map(|body| From::Body(body.to_string().into_bytes()));
        let bytes = self.base64.map(|text| STANDARD.decode(text)).transpose().map_err(|error| {
            Problem::new(Code::WrongInput, format!("`base64` is none: {error}"))
        })?;
        let mut given = [
            body,
            bytes.map(From::Body),
            self.job.map(From::Job),
            self.delivery.map(From::Delivery),
            self.sample.map(From::Sample),
        ]
        .into_iter()
        .flatten();
        match (given.next(), given.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(Problem::new(
                Code::WrongInput,
                "one of `body`, `base64`, `job`, `delivery` and `sample` says what the job is made of",
            )),
        }
    }
}

/// Reads a whole number as JSON has it: `7` and `7.0` are the same.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let text = number.to_string();
    let whole = text.strip_suffix(".0").unwrap_or(&text).parse();
    whole.map(Some).map_err(|_| D::Error::custom(format!("`{text}` is not a whole number")))
}

pub async fn job(
    may: Operator,
    At(path): At<RecipePath>,
    Body(asked): Body<NewJob>,
) -> Result<Made<MadeJob>, Problem> {
    let job = may.site.service.submit(&may.person.by(), &path.recipe, asked.from()?).await?;
    Ok(Made(MadeJob { job }))
}

pub async fn plan(
    may: Operator,
    At(path): At<RecipePath>,
    Body(asked): Body<NewJob>,
) -> Result<Json<Plan>, Problem> {
    Ok(Json(may.site.service.plan(&path.recipe, asked.from()?).await?))
}

pub async fn samples(
    may: Operator,
    At(path): At<RecipePath>,
) -> Result<Json<Vec<Sample>>, Problem> {
    Ok(Json(may.site.service.samples(&path.recipe).await?))
}

pub async fn past(
    may: Operator,
    At(path): At<RecipePath>,
    Asked(asked): Asked<HowMany>,
) -> Result<Json<Vec<Past>>, Problem> {
    let jobs = asked.jobs.unwrap_or(1);
    // At the machine itself somebody may wait for as many as they like.
    if !(1..=MOST_PAST).contains(&jobs) && may.person.door != Door::CommandLine {
        return Err(Problem::unreadable(format!("`jobs` is from 1 to {MOST_PAST}")));
    }
    Ok(Json(may.site.service.past(&path.recipe, jobs).await?))
}

pub async fn catch_up(
    may: Operator,
    At(path): At<RecipePath>,
    Body(asked): Body<Since>,
) -> Result<Json<Vec<CaughtUpLine>>, Problem> {
    let service = &may.site.service;
    let since = service.moment(&asked.since)?;
    let by = may.person.by();
    Ok(Json(service.catch_up(&by, &path.recipe, since, asked.dry_run).await?))
}
