//! What a person should do about GoCo's answers.

use connector::{Call, Failure};

use crate::{
    connection::Goco,
    json::dotted_text,
    lists::{Entries, List},
};

/// Properties of a company that may hold its slug.
const SLUGS: [&str; 5] = ["url_name", "urlName", "slug", "company_url_name", "companyUrlName"];

impl Goco {
    /// Adds to a failure what a person should do. `setting` names the path that was asked.
    pub(crate) async fn explain(&self, call: &Call, failure: Failure, setting: &str) -> Failure {
        let status = failure.exchange.as_ref().and_then(|exchange| exchange.status);
        match failure.code.as_str() {
            "unauthorized" | "forbidden" => refused_key(failure),
            "not_found" => self.not_found(call, failure, setting).await,
            _ if status == Some(405) => unknown_path(failure, setting),
            "invalid" if failure.hint.is_none() => failure.hint(
                "Correct what GoCo names, where it comes from, and retry. If GoCo names a property that it does not \
                 know or that is missing, set `fields` or `constants` of the connection.",
            ),
            _ => failure,
        }
    }

    /// Tells a wrong company from a wrong path.
    async fn not_found(&self, call: &Call, failure: Failure, setting: &str) -> Failure {
        let list = List::companies(self);
        if setting == list.setting {
            return unknown_path(failure, setting);
        }
        let company = self.settings.company.trim();
        match self.read_list(call, &list).await {
            Ok(companies) => {
                let slugs = slugs(&companies);
                if slugs.is_empty() || slugs.iter().any(|slug| slug == company) {
                    unknown_path(failure, setting)
                } else {
                    wrong_company(failure, company, &slugs)
                }
            }
            Err(_) => failure.hint(format!(
                "Check `company` (`{company}`) and `{setting}` of the connection: GoCo has no such company or path."
            )),
        }
    }
}

/// Returns the slugs of companies.
pub(crate) fn slugs(companies: &Entries) -> Vec<String> {
    companies
        .iter()
        .filter_map(|company| SLUGS.iter().find_map(|name| dotted_text(company, name)))
        .collect()
}

/// Says that the slug is none of the companies that the key sees.
pub(crate) fn wrong_company_cure(company: &str, slugs: &[String]) -> String {
    let known = slugs.iter().map(|slug| format!("`{slug}`")).collect::<Vec<_>>().join(", ");
    format!("Set `company` of the connection: this key sees {known}, not `{company}`.")
}

fn wrong_company(mut failure: Failure, company: &str, slugs: &[String]) -> Failure {
    failure.code = "company_not_found".into();
    failure.hint(wrong_company_cure(company, slugs))
}

fn refused_key(failure: Failure) -> Failure {
    failure.hint(
        "Check the API key in GoCo under Marketplace › API Credentials: it may have been regenerated or revoked. Put \
         the present key where the connection reads it, then retry.",
    )
}

fn unknown_path(mut failure: Failure, setting: &str) -> Failure {
    failure.code = "path_unknown".into();
    failure.hint(format!(
        "This company's API has no such path. Look it up at developers.goco.io and set `{setting}` of the connection."
    ))
}
