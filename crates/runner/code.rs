//! Why something was not done, as stable words: what a program reads as `code`, the status that goes with it over HTTP,
//! and how a command ends that is told so.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::exit::Exit;

macro_rules! codes {
    ($(#[doc = $about:literal] $name:ident $word:literal $status:literal $exit:ident,)*) => {
        /// Why something was not done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $about] $name,)*
        }

        impl Code {
            /// Every one, as the documents list them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns its word, its HTTP status, the exit code of a command, and what it means.
            fn row(self) -> (&'static str, u16, Exit, &'static str) {
                match self {
                    $(Self::$name => ($word, $status, Exit::$exit, $about),)*
                }
            }
        }
    };
}

codes! {
    /// The query, or the body, is not what the description of the API says.
    Unreadable "unreadable" 422 Usage,
    /// The body is not said to be JSON.
    NoJson "no_json" 415 Usage,
    /// The body is too large.
    TooLarge "too_large" 413 Cannot,
    /// There is no token, or not one of ours.
    Unauthorized "unauthorized" 401 Cannot,
    /// The token's role may not do this.
    Forbidden "forbidden" 403 Cannot,
    /// A browser's session asks without what our own pages send.
    Csrf "csrf" 403 Cannot,
    /// Too many wrong tokens came from this address; `Retry-After` says how long to wait.
    TooMany "too_many" 429 Cannot,
    /// The service is not asked by that name: `Host` is none of its own.
    WrongHost "wrong_host" 421 Cannot,
    /// There is no such address.
    NotFound "not_found" 404 Usage,
    /// The address is there, and not for this method; `Allow` says for which.
    WrongMethod "wrong_method" 405 Usage,
    /// There is no such recipe.
    NoRecipe "no_recipe" 404 Usage,
    /// The recipe had no such version.
    NoVersion "no_version" 404 Usage,
    /// There is no such job.
    NoJob "no_job" 404 Usage,
    /// There is no such delivery.
    NoDelivery "no_delivery" 404 Usage,
    /// The recipe has no such sample.
    NoSample "no_sample" 404 Usage,
    /// There is no such connection, or recipe, to look at.
    NoConnection "no_connection" 404 Usage,
    /// There is no such token.
    NoToken "no_token" 404 Usage,
    /// There is a token of that name already.
    TokenExists "token_exists" 409 Usage,
    /// This cannot be the name of a token.
    WrongName "wrong_name" 409 Usage,
    /// The recipe was never right, so it cannot begin.
    NeverRight "never_right" 409 Found,
    /// The recipe has its file, so it is not forgotten.
    NotGone "not_gone" 409 Usage,
    /// Jobs of the recipe are not over; `cancel_jobs` ends them.
    JobsLeft "jobs_left" 409 Cannot,
    /// The job is over, or not in a state in which this can be done.
    WrongState "wrong_state" 409 Cannot,
    /// What the job or the delivery held is cut: it was kept as long as `retention` says.
    Cut "cut" 409 Cannot,
    /// The job is just changing; ask again in a moment.
    Busy "busy" 409 Cannot,
    /// A later job of the same person is past it; `force` says that it may go on all the same.
    Overtaken "overtaken" 409 Cannot,
    /// No outcome is unknown at that step.
    NotUnknown "not_unknown" 409 Usage,
    /// The job has no such question.
    NoQuestion "no_question" 409 Usage,
    /// The question is answered already; the first answer counts.
    Answered "answered" 409 Cannot,
    /// The question is over: nobody had answered in time.
    TooLate "too_late" 409 Cannot,
    /// The answer is not what the recipe declares.
    WrongAnswer "wrong_answer" 409 Usage,
    /// What the job is to be made of is not what the recipe takes.
    WrongInput "wrong_input" 409 Usage,
    /// What was given cannot be read as an event of the recipe's trigger.
    NoEvent "no_event" 409 Cannot,
    /// The newest version does not fit what the job has done.
    DoesNotFit "does_not_fit" 409 Cannot,
    /// The recipe's trigger cannot be read back.
    NoCatchUp "no_catch_up" 409 Usage,
    /// The vendor could not be asked; `detail` says why.
    Vendor "vendor" 502 Cannot,
    /// It cannot be planned.
    NoPlan "no_plan" 409 Cannot,
    /// Something in the project's files is wrong.
    FoundWrong "found_wrong" 409 Found,
    /// It could not be done; `detail` says why.
    Cannot "cannot" 409 Cannot,
    /// The service is stopping; ask again when it runs.
    Stopping "stopping" 503 Cannot,
    /// The disk failed the store; ask again later.
    Store "store" 503 Cannot,
    /// What is stored cannot be read, or this program has a fault: a person must look.
    Broken "broken" 500 Cannot,
    /// The answer took too long to come about.
    TimeOut "time_out" 504 Cannot,
}

impl Code {
    /// Returns the word that programs read.
    pub fn word(self) -> &'static str {
        self.row().0
    }

    /// Returns the HTTP status.
    pub fn status(self) -> u16 {
        self.row().1
    }

    /// Returns how a command ends.
    pub fn exit(self) -> Exit {
        self.row().2
    }

    /// Returns what it means.
    #[cfg(test)]
    pub fn about(self) -> &'static str {
        self.row().3.trim()
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Code {
    /// A word of another version of this program means that it could not be done.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        Ok(Self::ALL.iter().copied().find(|one| one.word() == word).unwrap_or(Self::Cannot))
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = Self::ALL.iter().map(|one| one.word()).collect();
        json_schema!({ "type": "string", "description": "A stable word for programs.", "enum": words })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn every_word_is_there_once_and_comes_back() {
        for (place, code) in Code::ALL.iter().enumerate() {
            let word = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<Code>(&word).unwrap(), *code);
            assert!(Code::ALL[..place].iter().all(|one| one.word() != code.word()), "{word}");
            assert!((400..600).contains(&code.status()), "{word}");
        }
        assert_eq!(serde_json::from_str::<Code>("\"of_another_version\"").unwrap(), Code::Cannot);
    }
}
