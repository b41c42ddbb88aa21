//! Reading back the hires whose webhook never came.
//!
//! What happened since a moment is listed twice: accepted offers by when they were accepted, and hired applications by
//! when they last changed, for those without an offer. Both lists begin [`OVERLAP`] earlier than the last reading ended,
//! so that nothing falls between two readings; a list whose pages may shift while they are read is read until nothing
//! new comes. The application, candidate, job, opening and documents of each are read, and put together in the
//! shape of the webhook, so that one decoder makes the same event of both.
//!
//! <https://harvestdocs.greenhouse.io> (`GET /v3/offers` and the lists by id) and, for Harvest v1,
//! <https://developers.greenhouse.io/harvest.html#get-list-offers>.

use std::{collections::BTreeMap, sync::Arc};

use connector::{
    Call, Failure, Found, From, Page, SameAs,
    jiff::{SignedDuration, Timestamp},
};
use serde_json::{Value, json};

use crate::{
    account::Account,
    harvest::Harvest,
    hired::HiredSettings,
    place::{Place, moment},
    rights::{self, Right},
};

/// How much of the time that was read already is read again.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// How many people are put together in one call: what they need is asked for in as many ids as a request may have.
const PEOPLE: usize = 50;

/// Reads hires.
///
/// The cursor is `{ "since", "until", "after" }`: the window that is being read, closed at its beginning, and the last
/// of its people are done; their order, by id, does not change while the window is read.
pub(crate) async fn read(
    account: Arc<Account>,
    call: Call,
    _: HiredSettings,
    from: From,
) -> Result<Page, Failure> {
    let harvest = &account.harvest;
    let now = call.clock.now();
    let (since, until, after) = window(&from, now);
    let offers = accepted(harvest, &call, since).await?;
    let mut hires = hires(harvest, &call, since, offers).await?;
    hires.retain(|hire| after.is_none_or(|after| hire.application > after));
    let more = hires.len() > PEOPLE;
    hires.truncate(PEOPLE);
    let last = hires.last().map(|hire| hire.application);
    let found = put_together(harvest, &call, hires).await?;
    let cursor = if more {
        json!({ "since": since, "until": until, "after": last })
    } else {
        json!({ "since": until.checked_sub(OVERLAP).unwrap_or(until) })
    };
    Ok(Page { found, cursor, more })
}

/// Returns where the window begins, where the next one will, and after which application to go on.
fn window(from: &From, now: Timestamp) -> (Timestamp, Timestamp, Option<u64>) {
    let at = |name: &str| {
        from.cursor.as_ref().and_then(|cursor| cursor.get(name)?.as_str()?.parse().ok())
    };
    let after = from.cursor.as_ref().and_then(|cursor| cursor.get("after")?.as_u64());
    (at("since").unwrap_or(from.since), at("until").unwrap_or(now), after)
}

/// An application that ended in a hire.
pub(crate) struct Hire {
    pub(crate) application: u64,
    pub(crate) offer: Option<Value>,
}

/// Returns the offers that were accepted since then and are their application's current one.
pub(crate) async fn accepted(
    harvest: &Harvest,
    call: &Call,
    since: Timestamp,
) -> Result<Vec<Value>, Failure> {
    let request = harvest.get("offers").query("per_page", 500).doing("listing accepted offers");
    let request = if harvest.is_v1() {
        request.query("status", "accepted").query("resolved_after", since)
    } else {
        request
            .query("status", "Accepted")
            .query("current_only", true)
            .query("resolved_at", format!("gte|{since}"))
    };
    harvest.list_that_moves(request, &rights::OFFERS, call).await
}

/// Returns the hires since then, by application.
pub(crate) async fn hires(
    harvest: &Harvest,
    call: &Call,
    since: Timestamp,
    offers: Vec<Value>,
) -> Result<Vec<Hire>, Failure> {
    let mut newest: BTreeMap<u64, Hire> = BTreeMap::new();
    for offer in offers {
        let application = id(&offer, "application_id")?;
        let version = |offer: &Value| offer["version"].as_i64();
        let known = newest.get(&application).and_then(|hire| hire.offer.as_ref());
        if known.is_none_or(|known| version(known) < version(&offer)) {
            newest.insert(application, Hire { application, offer: Some(offer) });
        }
    }
    let request = harvest
        .get("applications")
        .query("per_page", 500)
        .query("status", "hired")
        .doing("listing hired applications");
    let request = if harvest.is_v1() {
        request.query("last_activity_after", since)
    } else {
        request.query("updated_at", format!("gte|{since}"))
    };
    let hired = harvest.list_that_moves(request, &rights::APPLICATIONS, call).await?;
    for application in hired {
        let application = id(&application, "id")?;
        newest.entry(application).or_insert(Hire { application, offer: None });
    }
    Ok(newest.into_values().collect())
}

/// Reads what belongs to each hire, and writes it as the webhook would.
async fn put_together(
    harvest: &Harvest,
    call: &Call,
    hires: Vec<Hire>,
) -> Result<Vec<Found>, Failure> {
    let mut world = World::new(harvest, call);
    let ids = hires.iter().map(|hire| hire.application).collect();
    let applications = world.all("applications", ids, &rights::APPLICATIONS).await?;
    let mut found = Vec::new();
    for hire in hires {
        // Gone, or taken back while we read: there is no hire to tell of.
        let Some(application) = applications.get(&hire.application) else { continue };
        if Place::of_answer(application, "application").at("status").word()?.as_deref()
            != Some("hired")
        {
            continue;
        }
        found.extend(one(&mut world, hire, application).await?);
    }
    Ok(found)
}

async fn one(
    world: &mut World<'_>,
    hire: Hire,
    application: &Value,
) -> Result<Option<Found>, Failure> {
    let offer = match hire.offer {
        Some(offer) => Some(offer),
        // It changed in the window for another reason; its offer may be older than that.
        None => world.accepted_offer(hire.application).await?,
    };
    let candidate = id(application, "candidate_id")?;
    let Some(mut candidate) = world.one("candidates", candidate, &rights::CANDIDATES).await? else {
        return Ok(None);
    };
    let jobs = world.jobs(application).await?;
    if !world.harvest.is_v1() {
        candidate["attachments"] = world.attachments(hire.application).await?.into();
    }
    let resolved = offer.as_ref().and_then(|offer| moment(offer["resolved_at"].as_str()?));
    let mut offer = offer.unwrap_or_default();
    // The webhook does not say it.
    if let Some(offer) = offer.as_object_mut() {
        offer.remove("status");
    }
    let keyed = application.get("keyed_custom_fields").or(application.get("custom_fields"));
    let body = json!({
        "action": "hire_candidate",
        "read_back": true,
        "payload": { "application": {
            "id": hire.application,
            "url": application.get("url"),
            "source": application.get("source"),
            "credited_to": application.get("credited_to").filter(|by| by.get("name").is_some()),
            "opening": world.opening(hire.application, &offer).await?,
            "candidate": candidate,
            "jobs": jobs,
            "offer": offer,
            "custom_fields": keyed,
        } },
    });
    // Without an offer nobody says when it was: any hire of that application is the same.
    let since =
        resolved.map_or(Timestamp::UNIX_EPOCH, |at| at.saturating_sub(OVERLAP).unwrap_or(at));
    let same_as = SameAs { subject: hire.application.to_string(), since };
    Ok(Some(Found { same_as: Some(same_as), ..Found::json(&body) }))
}

/// What was read of the tenant for one page of hires.
pub(crate) struct World<'a> {
    harvest: &'a Harvest,
    call: &'a Call,
    known: BTreeMap<(&'static str, u64), Option<Value>>,
}

impl<'a> World<'a> {
    pub(crate) fn new(harvest: &'a Harvest, call: &'a Call) -> Self {
        Self { harvest, call, known: BTreeMap::new() }
    }

    /// Reads things of one kind by their ids.
    pub(crate) async fn all(
        &mut self,
        kind: &'static str,
        ids: Vec<u64>,
        right: &Right,
    ) -> Result<BTreeMap<u64, Value>, Failure> {
        let mut all = BTreeMap::new();
        if self.harvest.is_v1() {
            for id in ids {
                let found = self.one(kind, id, right).await?;
                all.extend(found.map(|found| (id, found)));
            }
        } else if !ids.is_empty() {
            let list: Vec<String> = ids.iter().map(u64::to_string).collect();
            let doing = format!("reading {kind}");
            let request =
                self.harvest.get(kind).query("per_page", 500).query("ids", list.join(","));
            for one in self.harvest.list(request.doing(doing), right, self.call).await? {
                all.insert(id(&one, "id")?, one);
            }
        }
        Ok(all)
    }

    /// Reads one thing, once.
    async fn one(
        &mut self,
        kind: &'static str,
        id: u64,
        right: &Right,
    ) -> Result<Option<Value>, Failure> {
        if let Some(known) = self.known.get(&(kind, id)) {
            return Ok(known.clone());
        }
        let (path, doing) = (id.to_string(), format!("reading {kind}"));
        let found = if self.harvest.is_v1() {
            self.harvest.one(&[kind, &path], &doing, right, self.call).await?
        } else {
            let request = self.harvest.get(kind).query("ids", path).doing(doing);
            self.harvest.list(request, right, self.call).await?.into_iter().next()
        };
        self.known.insert((kind, id), found.clone());
        Ok(found)
    }

    /// Reads the jobs of an application with their departments and offices, in the webhook's shape.
    async fn jobs(&mut self, application: &Value) -> Result<Vec<Value>, Failure> {
        let mut ids: Vec<u64> = application["job_id"].as_u64().into_iter().collect();
        let listed = application["jobs"].as_array().into_iter().flatten();
        ids.extend(listed.filter_map(|job| job["id"].as_u64()));
        let mut jobs = Vec::new();
        for id in ids {
            let Some(mut job) = self.one("jobs", id, &rights::JOBS).await? else { continue };
            if self.harvest.is_v1() {
                if let Some(keyed) = job.get("keyed_custom_fields").cloned() {
                    job["custom_fields"] = keyed;
                }
            } else {
                let department = job["department_id"].as_u64();
                let offices: Vec<u64> = job["office_ids"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_u64)
                    .collect();
                let mut departments = Vec::new();
                if let Some(id) = department {
                    departments.extend(self.one("departments", id, &rights::DEPARTMENTS).await?);
                }
                let mut all = Vec::new();
                for id in offices {
                    all.extend(self.one("offices", id, &rights::OFFICES).await?);
                }
                job["departments"] = departments.into();
                job["offices"] = all.into();
            }
            jobs.push(job);
        }
        Ok(jobs)
    }

    async fn attachments(&self, application: u64) -> Result<Vec<Value>, Failure> {
        let request = self.harvest.get("attachments").query("per_page", 500);
        let request =
            request.query("application_ids", application).doing("listing the attachments");
        let mut all = self.harvest.list(request, &rights::ATTACHMENTS, self.call).await?;
        // v3 lists the newest first; the webhook has them as they were added.
        all.sort_by_key(|one| one["id"].as_u64());
        Ok(all)
    }

    /// Returns the newest accepted offer of an application.
    async fn accepted_offer(&self, application: u64) -> Result<Option<Value>, Failure> {
        let path = application.to_string();
        let mut offers = if self.harvest.is_v1() {
            let path = ["applications", &path, "offers", "current_offer"];
            let doing = "reading the current offer";
            let found = self.harvest.one(&path, doing, &rights::OFFERS, self.call).await?;
            found.into_iter().collect()
        } else {
            let request = self.harvest.get("offers").query("application_ids", path);
            let request = request.query("current_only", true).doing("reading the current offer");
            self.harvest.list(request, &rights::OFFERS, self.call).await?
        };
        offers.retain(|offer| {
            offer["status"].as_str().is_some_and(|status| status.eq_ignore_ascii_case("accepted"))
        });
        Ok(offers.into_iter().max_by_key(|offer| offer["version"].as_i64()))
    }

    /// Returns the opening that an application fills.
    async fn opening(&self, application: u64, offer: &Value) -> Result<Value, Failure> {
        if self.harvest.is_v1() {
            return Ok(offer["opening"].clone());
        }
        let request = self.harvest.get("openings").query("application_ids", application);
        let request = request.doing("reading the opening");
        let openings = self.harvest.list(request, &rights::OPENINGS, self.call).await?;
        Ok(openings.into_iter().next().unwrap_or_default())
    }
}

pub(crate) fn id(value: &Value, name: &str) -> Result<u64, Failure> {
    value[name]
        .as_u64()
        .ok_or_else(|| Place::of_answer(value, "entry").at(name).unexpected("an id"))
}
