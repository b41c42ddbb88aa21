//! What lies around an application in Harvest v3: jobs, departments, offices, openings.

use serde_json::{Value, json};

use super::{account::Candidate, switches::Operation};

/// Returns the entries of a list that belong to a candidate's application.
pub(super) fn of(operation: Operation, candidate: &Candidate) -> Vec<Value> {
    let job = &candidate.application.job;
    match operation {
        Operation::Jobs => vec![json!({
            "id": job.id,
            "name": job.name,
            "requisition_id": null,
            "confidential": false,
            "status": "closed",
            "opened_at": "2026-08-01T00:00:00.000Z",
            "closed_at": null,
            // One department, where webhooks have a list.
            "department_id": job.departments.first().map(|(id, _)| id),
            "office_ids": job.offices.iter().map(|office| office.id).collect::<Vec<_>>(),
            "custom_fields": job.custom_fields,
        })],
        Operation::Departments => job
            .departments
            .iter()
            .map(|(id, name)| json!({ "id": id, "name": name, "parent_id": null, "external_id": null }))
            .collect(),
        Operation::Offices => job
            .offices
            .iter()
            .map(|office| {
                json!({
                    "id": office.id,
                    "name": office.name,
                    "parent_id": null,
                    "external_id": null,
                    "location": office.location,
                    "primary_in_house_contact_user_id": null,
                })
            })
            .collect(),
        _ => vec![json!({
            "id": opening_id(candidate),
            "opening_id": "1234-56",
            "application_id": candidate.application.id,
            "job_id": job.id,
            "open": false,
            "custom_fields": {},
        })],
    }
}

/// Returns the id of the opening that an application fills.
pub(super) fn opening_id(candidate: &Candidate) -> u64 {
    candidate.application.id + 1_000_000
}
