//! What a credential must be allowed to do, in the words of the page where an administrator ticks it.

use connector::Failure;

/// A permission of a credential.
#[derive(Debug)]
pub(crate) struct Right {
    /// The scope of a Harvest v3 credential.
    pub(crate) scope: &'static str,
    /// The endpoint of a Harvest v1 key.
    pub(crate) endpoint: &'static str,
}

pub(crate) const CANDIDATES: Right =
    Right { scope: "harvest:candidates:list", endpoint: "Candidates › GET: Retrieve Candidate" };
pub(crate) const APPLICATIONS: Right = Right {
    scope: "harvest:applications:list",
    endpoint: "Applications › GET: Retrieve Application",
};
pub(crate) const OFFERS: Right = Right {
    scope: "harvest:offers:list",
    endpoint: "Offers › GET: Retrieve Current Offer for Application",
};
pub(crate) const JOBS: Right =
    Right { scope: "harvest:jobs:list", endpoint: "Jobs › GET: Retrieve Job" };
pub(crate) const DEPARTMENTS: Right =
    Right { scope: "harvest:departments:list", endpoint: "Jobs › GET: Retrieve Job" };
pub(crate) const OFFICES: Right =
    Right { scope: "harvest:offices:list", endpoint: "Jobs › GET: Retrieve Job" };
pub(crate) const OPENINGS: Right =
    Right { scope: "harvest:openings:list", endpoint: "Jobs › GET: List Job Openings" };
pub(crate) const ATTACHMENTS: Right =
    Right { scope: "harvest:attachments:list", endpoint: "Candidates › GET: Retrieve Candidate" };
pub(crate) const NOTES: Right = Right {
    scope: "harvest:notes:list",
    endpoint: "Activity Feed › GET: Retrieve Activity Feed",
};
pub(crate) const ADD_NOTE: Right =
    Right { scope: "harvest:notes:create", endpoint: "Candidates › POST: Add Note" };
pub(crate) const USERS: Right =
    Right { scope: "harvest:users:list", endpoint: "Users › GET: List Users" };
pub(crate) const USER_EMAILS: Right =
    Right { scope: "harvest:user_emails:list", endpoint: "Users › GET: List Users" };

impl Right {
    /// Says what to tick when this right is missing.
    pub(crate) fn cure(&self, v1: bool) -> String {
        if v1 {
            format!(
                "In Greenhouse open Configure › Dev Center › API Credential Management, choose Manage Permissions of \
                 this key, tick `{}` and save.",
                self.endpoint
            )
        } else {
            // v3 answers 403 for the user's rights as well as for the credential's.
            let otherwise = if self.scope.ends_with(":list") {
                "the acting user is no Site Admin: lists need one"
            } else {
                "the acting user may not do this for this candidate"
            };
            format!(
                "In Greenhouse open Configure › Dev Center › API Credential Management and give this credential the \
                 scope `{}`. If it has it, {otherwise}.",
                self.scope
            )
        }
    }

    /// Adds what to tick to a failure that says that this right is missing.
    pub(crate) fn explain(&self, failure: Failure, v1: bool) -> Failure {
        if failure.code == "forbidden" { failure.hint(self.cure(v1)) } else { failure }
    }
}
