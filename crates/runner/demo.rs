//! `demo`: the main job without any account. Sandbox tenants of Greenhouse and GoCo, the real service, one signed hire.

use std::{fs, path::Path};

use sandbox::{
    Sender, escaped,
    goco::{self, GocoTenant},
    greenhouse::{self, Attachment, Candidate, GreenhouseTenant},
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{
    desk::{self, Desk},
    exit::{Exit, Trouble},
    http::api::Jobs,
    init,
    live::Live,
    logs, references,
    request::Switched,
    run,
    service::{By, Service},
    start,
    terminal::{self, BAD, FAINT, GOOD, NAME, STRONG, paint},
};

/// The recipe that is shown.
const RECIPE: &str = "greenhouse-hired-to-goco";
/// Johnny Smith, the candidate of Greenhouse's documentation.
const CANDIDATE: u64 = 35_897_443;
/// Who is hired next, by whoever tries it.
const NEXT_CANDIDATE: u64 = 35_897_444;

/// Runs the command.
pub async fn run(once: bool) -> Result<Exit, Trouble> {
    logs::begin("warn", None)?;
    demonstrate(once).await
}

async fn demonstrate(once: bool) -> Result<Exit, Trouble> {
    let sandbox = |error| Trouble::cannot(format!("cannot start the sandbox: {error}"));
    let greenhouse =
        GreenhouseTenant::start(greenhouse::Switches::default()).await.map_err(sandbox)?;
    let goco = GocoTenant::start(goco::Switches::default()).await.map_err(sandbox)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(sandbox)?;
    let listen = listener.local_addr().map_err(sandbox)?;
    let folder = tempfile::Builder::new()
        .prefix("recipe-runner-demo-")
        .tempdir()
        .map_err(|error| Trouble::cannot(format!("cannot make a temporary folder: {error}")))?;
    let dir = folder.path();
    write_project(dir, &greenhouse, &goco, &listen.to_string())?;

    heading(
        "A company with a Greenhouse and a GoCo, both on this machine, and the real service between them",
    );
    let service = Service::open(dir, references::environment).await?;
    let live = Live::begin(service, Some(listener)).await?;
    let desk = Desk::Here(live.service.clone());
    let shown = show(dir, &desk, &greenhouse, &goco).await;
    let exit = match shown {
        Ok(exit) if !once => {
            invite(dir, &live, &greenhouse).await?;
            start::wait_for_the_end(&live.service).await?;
            exit
        }
        Ok(exit) => exit,
        Err(trouble) => {
            live.end().await;
            return Err(trouble);
        }
    };
    live.end().await;
    Ok(exit)
}

async fn show(
    dir: &Path,
    desk: &Desk,
    greenhouse: &GreenhouseTenant,
    goco: &GocoTenant,
) -> Result<Exit, Trouble> {
    let switch = serde_json::json!({ "recipes": [RECIPE], "on": true });
    let switched: Vec<Switched> = desk.post("switch", &switch).await?;
    let url = switched.first().map(|one| one.url.clone()).unwrap_or_default();
    line("greenhouse", &greenhouse.url());
    line("goco", &goco.url());
    line("project", &dir.display().to_string());
    line("webhook", &url);

    let sender = greenhouse.sender();
    let told = |failure: connector::Failure| Trouble::cannot(failure.message);
    heading("The webhook is saved in Greenhouse, which tries it at once");
    let ping = sender.ping(&url).await.map_err(told)?;
    terminal::data(format!("  ping → {}", statuses(&ping.statuses)));

    let person = greenhouse
        .account(|account| account.candidate(CANDIDATE).cloned())
        .ok_or_else(|| Trouble::cannot("the sandbox has no such candidate"))?;
    let name = format!("{} {}", person.first_name, person.last_name);
    heading(&format!("{name} is marked as hired; Greenhouse signs the event and sends it"));
    let event = greenhouse.hire(CANDIDATE).unwrap_or_default();
    let sent = sender.send(&url, &event).await.map_err(told)?;
    terminal::data(format!("  hire_candidate → {}", statuses(&sent.statuses)));
    if !sent.delivered() {
        return Err(Trouble::found("the service did not take the hire"));
    }

    heading("The recipe works on it");
    let page: Jobs = desk.get("jobs?limit=1").await?;
    let job = page.jobs.first().ok_or_else(|| Trouble::found("the hire made no job"))?.job;
    let story = run::follow(desk, job).await?;

    heading("What arrived in GoCo");
    let rows = compare(&person, goco);
    terminal::data(table(&rows));
    let good = rows.iter().filter(|row| row.is_right()).count();
    let notes = greenhouse
        .account(|account| account.notes_of(CANDIDATE).into_iter().cloned().collect::<Vec<_>>());
    for note in &notes {
        heading("The note in the candidate's activity feed in Greenhouse");
        note.body.lines().for_each(|line| terminal::data(format!("  {line}")));
    }
    terminal::data("");
    let right = good == rows.len() && story.status == engine::Status::Succeeded;
    if right {
        let words = format!("{name} is in GoCo, all {} fields as they should be", rows.len());
        terminal::data(format!("{} {words}", paint(GOOD, "✓")));
        return Ok(Exit::Good);
    }
    let words = format!(
        "{} of {} fields are not as they should be; the job {}",
        rows.len() - good,
        rows.len(),
        story.status.word()
    );
    terminal::data(format!("{} {words}", paint(BAD, "✗")));
    Ok(Exit::Found)
}

/// One field: what Greenhouse has, what GoCo should have, and what it got.
#[derive(Debug)]
struct Row {
    field: String,
    greenhouse: String,
    expected: String,
    goco: String,
}

impl Row {
    fn is_right(&self) -> bool {
        self.expected == self.goco
    }
}

/// Compares the person in Greenhouse with the employee in GoCo, field by field.
fn compare(person: &Candidate, goco: &GocoTenant) -> Vec<Row> {
    let absent = || "(nothing)".to_owned();
    let text = |value: Option<&str>| value.map_or_else(absent, ToOwned::to_owned);
    goco.company(|company| {
        let found = company.named(&person.first_name, &person.last_name);
        let employee = found.first().copied().cloned();
        let got = |pick: fn(&goco::Employee) -> Option<String>| {
            employee.as_ref().and_then(pick).unwrap_or_else(absent)
        };
        let label = |list: &[goco::Reference], id: Option<u64>| {
            let entry = list.iter().find(|entry| Some(entry.id) == id);
            entry.map_or_else(absent, |entry| entry.name.clone())
        };
        let of_kind = |all: &[greenhouse::Contact], kind: &str| {
            text(all.iter().find(|one| one.kind.trim() == kind).map(|one| one.value.as_str()))
        };
        let offer = person.application.offers.last();
        let custom = |key: &str| {
            let value =
                offer.and_then(|offer| offer.custom_fields.pointer(&format!("/{key}/value")));
            text(value.and_then(Value::as_str))
        };
        let row = |field: &str, greenhouse: String, goco: String| Row {
            field: field.into(),
            expected: greenhouse.clone(),
            greenhouse,
            goco,
        };
        let job = &person.application.job;
        let offices: Vec<&str> = job.offices.iter().map(|office| office.name.as_str()).collect();
        let known = |name: &&&str| company.locations.iter().any(|location| location.name == **name);
        let mut rows = vec![
            row("employees of that name", "1".into(), found.len().to_string()),
            row("first name", person.first_name.clone(), got(|one| Some(one.first_name.clone()))),
            row("last name", person.last_name.clone(), got(|one| Some(one.last_name.clone()))),
            row(
                "personal e-mail",
                of_kind(&person.email_addresses, "personal"),
                got(|one| one.personal_email.clone()),
            ),
            row(
                "personal phone",
                of_kind(&person.phone_numbers, "mobile"),
                got(|one| one.personal_phone.clone()),
            ),
            row(
                "start date",
                text(offer.and_then(|offer| offer.starts_on.as_deref())),
                got(|one| one.start_date.clone()),
            ),
            Row {
                // The table of the project says what GoCo calls it.
                expected: "Full-Time".into(),
                ..row(
                    "employment type",
                    custom("employment_type"),
                    got(|one| one.employment_type.clone()),
                )
            },
            row(
                "job title",
                custom("job_title"),
                label(&company.job_titles, employee.as_ref().and_then(|one| one.job_title_id)),
            ),
            row(
                "department",
                job.departments.first().map_or_else(absent, |(_, name)| name.clone()),
                label(&company.departments, employee.as_ref().and_then(|one| one.department_id)),
            ),
            Row {
                // Of several offices, the one that GoCo has too.
                expected: text(offices.iter().find(known).copied()),
                ..row(
                    "location",
                    offices.join(", "),
                    label(&company.locations, employee.as_ref().and_then(|one| one.location_id)),
                )
            },
        ];
        for (place, attachment) in person.attachments.iter().enumerate() {
            let Attachment { filename, content, .. } = attachment;
            let arrived = company.documents.iter().find(|one| {
                employee.as_ref().is_some_and(|who| who.id == one.employee_id)
                    && &one.name == filename
            });
            let described = |name: &str, bytes: usize| format!("{name}, {bytes} bytes");
            rows.push(row(
                &format!("document {}", place + 1),
                described(filename, content.len()),
                match arrived {
                    Some(document) if &document.content != content => "other bytes".into(),
                    Some(document) => described(&document.name, document.content.len()),
                    None => absent(),
                },
            ));
        }
        rows
    })
}

fn table(rows: &[Row]) -> String {
    let width = |pick: fn(&Row) -> &str| {
        rows.iter().map(|row| pick(row).chars().count()).max().unwrap_or(0)
    };
    let (field, left) = (width(|row| &row.field), width(|row| &row.greenhouse));
    let line = |row: &Row| {
        let mark = if row.is_right() { paint(GOOD, "✓") } else { paint(BAD, "✗") };
        let Row { field: name, greenhouse, expected, goco } = row;
        let wrong = if row.is_right() {
            String::new()
        } else {
            paint(BAD, format!("  instead of {expected}"))
        };
        let (name, greenhouse) = (format!("{name:<field$}"), format!("{greenhouse:<left$}"));
        format!("  {mark} {}  {greenhouse}  →  {goco}{wrong}", paint(FAINT, name))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Says what can be tried while everything runs.
async fn invite(dir: &Path, live: &Live, greenhouse: &GreenhouseTenant) -> Result<(), Trouble> {
    let project = dir.display();
    let url = live.service.switched(RECIPE).url;
    let again =
        write_hire(dir, "again.sh", &url, &greenhouse.sender(), greenhouse.hire(CANDIDATE))?;
    let next =
        write_hire(dir, "next.sh", &url, &greenhouse.sender(), greenhouse.hire(NEXT_CANDIDATE))?;
    heading("Everything goes on running. Try, in another terminal");
    let first = live.service.first_sign_in(&By::command_line(&desk::person())).await?;
    let page = first.link.unwrap_or_default();
    for (what, how) in [
        ("look at it in a browser (the address is good once)", page),
        ("every step of the job", format!("recipe-runner jobs show 1 --project {project}")),
        ("is all well?", format!("recipe-runner status --project {project}")),
        ("the check-up", format!("recipe-runner doctor --project {project}")),
        ("press \"Hired\" again", format!("sh {again}")),
        ("hire somebody else", format!("sh {next}")),
        ("edit the recipe; it is taken up at once", format!("{project}/recipes/{RECIPE}.yaml")),
    ] {
        terminal::data(format!("  {what}\n      {}", paint(NAME, how)));
    }
    terminal::talk(paint(FAINT, "\nCtrl-C ends the demo and removes its folder"));
    Ok(())
}

/// Writes a script that sends a signed hire, as Greenhouse would.
fn write_hire(
    dir: &Path,
    name: &str,
    url: &str,
    sender: &Sender,
    event: Option<Value>,
) -> Result<String, Trouble> {
    let body = escaped(&event.unwrap_or_default());
    let data = dir.join(format!("{name}.json"));
    let script = dir.join(name);
    let text = format!(
        "curl -sS -H 'Signature: {}' -H 'Content-Type: application/json' \\\n  --data-binary @'{}' '{url}'\n",
        sender.signature(body.as_bytes()),
        data.display(),
    );
    write(&data, &body)?;
    write(&script, &text)?;
    Ok(script.display().to_string())
}

/// Writes the shipped project, with connections to the sandbox.
fn write_project(
    dir: &Path,
    greenhouse: &GreenhouseTenant,
    goco: &GocoTenant,
    listen: &str,
) -> Result<(), Trouble> {
    init::write(dir)?;
    let (there, here) = (greenhouse::Switches::default(), goco::Switches::default());
    let secrets = [
        ("greenhouse_client", &there.client_secret),
        ("greenhouse_webhook", &there.webhook_secret),
        ("goco", &here.key),
    ];
    for (name, secret) in secrets {
        write(&dir.join("secrets").join(name), secret)?;
    }
    let connections = format!(
        "\
# The sandbox of the demo, on this machine. Real accounts need none of the lines marked (sandbox).

greenhouse:
  base_url: {greenhouse} # (sandbox)
  auth_url: {greenhouse} # (sandbox)
  allow_private_addresses: true # (sandbox)
  settle_seconds: 1 # (sandbox) it shows a note at once; a real account may take a minute
  client_id: {client}
  client_secret: file:secrets/greenhouse_client
  acting_user: robert@example.com
  webhook_secret: file:secrets/greenhouse_webhook
  custom_fields:
    offer: {{ employment_type: single_select, job_title: short_text }}
    job: {{ employment_type: single_select }}

goco:
  base_url: {goco} # (sandbox)
  allow_private_addresses: true # (sandbox)
  settle_seconds: 1 # (sandbox) it lists a new employee at once; a real account may take a minute
  limits: {{ max_concurrency: 8, min_interval_ms: 0 }} # (sandbox) a real account is asked gently
  company: {company}
  api_key: file:secrets/goco
",
        greenhouse = greenhouse.url(),
        client = there.client_id,
        goco = goco.url(),
        company = here.company,
    );
    write(&dir.join("connections.yaml"), &connections)?;
    let runner = format!(
        "\
listen: {listen}

properties:
  success_note:
    type: boolean
    default: true
    description: Whether a hire that went well leaves a note in Greenhouse, too.
"
    );
    write(&dir.join("runner.yaml"), &runner)
}

fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| Trouble::file("make", folder, &error))?;
    fs::write(path, text).map_err(|error| Trouble::file("write", path, &error))
}

fn statuses(statuses: &[Option<u16>]) -> String {
    let one = |status: &Option<u16>| match status {
        Some(200) => paint(GOOD, "200"),
        Some(status) => paint(BAD, status),
        None => paint(BAD, "no answer"),
    };
    statuses.iter().map(one).collect::<Vec<_>>().join(", then ")
}

fn heading(text: &str) {
    terminal::data(format!("\n{}", paint(STRONG, text)));
}

fn line(name: &str, text: &str) {
    terminal::data(format!("  {} {}", paint(FAINT, format!("{name:<11}")), paint(NAME, text)));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_hire_arrives_with_every_field() {
        drop(rustls::crypto::ring::default_provider().install_default());
        assert_eq!(demonstrate(true).await.unwrap(), Exit::Good);
    }
}
