//! Harvest, Greenhouse's API: requests with credentials, whole lists, and fresh tokens when one is refused.
//!
//! Everything that differs between v3 and v1 beyond paths and field names is here: how one authenticates, and that
//! v3 lists are filtered by ids where v1 has a path for each thing.

use std::collections::HashSet;

use connector::{
    Call, Failure, Secret,
    http::{Answer, Client, Request, each_linked_page, segment},
};
use serde_json::Value;

use crate::{rights::Right, tokens::Tokens};

/// How many pages a list may have: at 500 entries a page more than any candidate has notes.
const MAX_PAGES: usize = 40;

/// How often a list that moves is read at most.
const READINGS: usize = 5;

/// Harvest, with credentials.
#[derive(Debug)]
pub(crate) struct Harvest {
    client: Client,
    credentials: Credentials,
}

/// How requests prove who sends them.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// Harvest v3: tokens, minted as needed.
    Tokens(Box<Tokens>),
    /// Harvest v3 with one token, before it is known for whom the next is minted.
    Token(Secret),
    /// Harvest v1: a key.
    Key(Secret),
}

impl Harvest {
    pub(crate) fn new(client: Client, credentials: Credentials) -> Self {
        Self { client, credentials }
    }

    /// Returns whether this is Harvest v1.
    pub(crate) fn is_v1(&self) -> bool {
        matches!(self.credentials, Credentials::Key(_))
    }

    /// Returns the source of tokens, when there is one.
    pub(crate) fn tokens(&self) -> Option<&Tokens> {
        match &self.credentials {
            Credentials::Tokens(tokens) => Some(tokens),
            Credentials::Token(_) | Credentials::Key(_) => None,
        }
    }

    /// Begins a GET below the version's root.
    pub(crate) fn get(&self, path: &str) -> Request {
        self.client.get(path)
    }

    /// Begins a POST below the version's root.
    pub(crate) fn post(&self, path: &str) -> Request {
        self.client.post(path)
    }

    /// Sends a request. A refused token is replaced once and the request sent once more: a 401 means that nothing
    /// happened, so this holds for writes too.
    pub(crate) async fn send(
        &self,
        request: Request,
        right: &Right,
        call: &Call,
    ) -> Result<Answer, Failure> {
        let answer = match &self.credentials {
            Credentials::Key(key) => request.basic(key.expose(), &Secret::new("")).send(call).await,
            Credentials::Token(token) => request.bearer(token).send(call).await,
            Credentials::Tokens(tokens) => {
                let token = tokens.current(call).await?;
                match request.clone().bearer(&token).send(call).await {
                    Err(refused) if refused.code == "unauthorized" => {
                        let fresh = tokens.instead_of(&token, call).await?;
                        request.bearer(&fresh).send(call).await
                    }
                    answer => answer,
                }
            }
        };
        answer.map_err(|failure| self.explain(failure, right))
    }

    /// Reads a whole list.
    pub(crate) async fn list(
        &self,
        first: Request,
        right: &Right,
        call: &Call,
    ) -> Result<Vec<Value>, Failure> {
        Ok(self.read(first, right, call).await?.0)
    }

    /// Reads all that a list had while it was read, by id. While its pages are read, something may leave it, and what
    /// follows moves up to a page that was read already: a list of several pages is read until nothing new comes.
    pub(crate) async fn list_that_moves(
        &self,
        first: Request,
        right: &Right,
        call: &Call,
    ) -> Result<Vec<Value>, Failure> {
        let mut all: Vec<Value> = Vec::new();
        for _ in 0..READINGS {
            let (entries, pages) = self.read(first.clone(), right, call).await?;
            let known: HashSet<Option<u64>> = all.iter().map(|one| one["id"].as_u64()).collect();
            let before = all.len();
            all.extend(entries.into_iter().filter(|one| !known.contains(&one["id"].as_u64())));
            if pages < 2 || all.len() == before {
                break;
            }
        }
        Ok(all)
    }

    /// Reads a whole list; returns it, and how many pages it had.
    async fn read(
        &self,
        first: Request,
        right: &Right,
        call: &Call,
    ) -> Result<(Vec<Value>, usize), Failure> {
        let entries = match &self.credentials {
            Credentials::Key(key) => pages(first.basic(key.expose(), &Secret::new("")), call).await,
            Credentials::Token(token) => pages(first.bearer(token), call).await,
            Credentials::Tokens(tokens) => {
                let token = tokens.current(call).await?;
                match pages(first.clone().bearer(&token), call).await {
                    Err(refused) if refused.code == "unauthorized" => {
                        let fresh = tokens.instead_of(&token, call).await?;
                        pages(first.bearer(&fresh), call).await
                    }
                    entries => entries,
                }
            }
        };
        entries.map_err(|failure| self.explain(failure, right))
    }

    /// Reads the one thing at a path of Harvest v1, or nothing when there is no such thing.
    pub(crate) async fn one(
        &self,
        path: &[&str],
        doing: &str,
        right: &Right,
        call: &Call,
    ) -> Result<Option<Value>, Failure> {
        let path = path.iter().map(|part| segment(part)).collect::<Vec<_>>().join("/");
        let answer = self.send(self.get(&path).doing(doing).accept(&[404]), right, call).await?;
        if answer.status == 404 { Ok(None) } else { answer.value().map(Some) }
    }

    fn explain(&self, failure: Failure, right: &Right) -> Failure {
        if failure.code == "unauthorized" {
            return failure.hint(if self.is_v1() {
                "Greenhouse does not accept the API key: compare `api_key` with the key in Configure › Dev Center › \
                 API Credential Management, or create a new one there."
            } else {
                "Greenhouse refused even a fresh token: another service may be minting tokens with the same \
                 credential (give each its own), or the credential is limited to other IP addresses."
            });
        }
        right.explain(failure, self.is_v1())
    }
}

/// Reads every page of a list, which is a bare array; returns it, and how many pages there were.
async fn pages(first: Request, call: &Call) -> Result<(Vec<Value>, usize), Failure> {
    let (mut entries, mut pages) = (Vec::new(), 0);
    each_linked_page(first, call, MAX_PAGES, |answer| match answer.value()? {
        Value::Array(page) => {
            entries.extend(page);
            pages += 1;
            Ok(())
        }
        _ => Err(Failure::permanent("unexpected_answer", "Greenhouse's answer is not a list")
            .hint("Check `base_url`: something else than Harvest may be answering there.")),
    })
    .await?;
    // v3 lists something that is still being processed as a message in place of the thing.
    match entries.iter().find(|entry| entry.get("id").is_none() && entry.get("message").is_some()) {
        Some(_) => Err(Failure::transient(
            "not_ready",
            "Greenhouse is still processing what was asked for",
        )),
        None => Ok((entries, pages)),
    }
}
