//! The check-up of a connection: the key, the company, the reference lists, the employees.

use std::sync::Arc;

use connector::{Call, Failure, Finding};

use crate::{
    connection::Goco,
    explain::{slugs, wrong_company_cure},
    lists::List,
    references::Kind,
};

/// Looks whether the connection works, without writing anything.
pub(crate) async fn check(goco: Arc<Goco>, call: Call) -> Vec<Finding> {
    let mut findings = Vec::new();
    let companies = goco.list(&call, &List::companies(&goco)).await;
    let company = goco.settings.company.trim();
    match companies {
        Ok(companies) => {
            findings.push(Finding::good(
                "the API key is accepted",
                format!("it sees {}", count(companies.len(), "company", "companies")),
            ));
            let slugs = slugs(&companies);
            if slugs.is_empty() {
                findings.push(Finding::good(
                    "the company",
                    format!("GoCo does not name slugs, so `{company}` shows by the lists below"),
                ));
            } else if slugs.iter().any(|slug| slug == company) {
                findings.push(Finding::good("the company", format!("`{company}` is there")));
            } else {
                let cure = wrong_company_cure(company, &slugs);
                findings.push(Finding::bad(
                    "the company",
                    format!("the key does not see `{company}`"),
                    cure,
                ));
                return findings;
            }
        }
        Err(failure) => {
            let over = matches!(failure.code.as_str(), "unauthorized" | "forbidden");
            findings.push(red("the API key is accepted", failure));
            if over {
                return findings;
            }
        }
    }
    for (kind, one, many) in [
        (Kind::Department, "department", "departments"),
        (Kind::Location, "location", "locations"),
        (Kind::JobTitle, "job title", "job titles"),
    ] {
        findings.push(match goco.references(&call, kind, true).await {
            Ok(entries) => Finding::good(many, count(entries.len(), one, many)),
            Err(failure) => red(many, failure),
        });
    }
    findings.push(match goco.employees(&call).await {
        Ok(people) => {
            Finding::good("the employees can be read", count(people.len(), "employee", "employees"))
        }
        Err(failure) => red("the employees can be read", failure),
    });
    findings
}

fn red(what: &str, failure: Failure) -> Finding {
    let cure =
        failure.hint.unwrap_or_else(|| "Try again in a minute; GoCo may be in trouble.".into());
    Finding::bad(what, failure.message, cure)
}

fn count(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}
