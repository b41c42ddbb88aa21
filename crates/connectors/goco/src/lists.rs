//! Complete lists: every page, or a failure.
//!
//! Absence from a list decides that a person is created, so a part of a list must never pass for the whole. How GoCo
//! cuts lists into pages is not public. In `auto` the reader follows whatever the answer offers; when it offers nothing
//! and the number of entries looks like a full page, it asks for a second page once by number and once by offset.

use std::{collections::HashSet, time::Duration};

use connector::{
    Call, Failure, FailureKind, Items, Payload, View,
    http::{Answer, Request},
};

use crate::{
    connection::Goco,
    json::{Id, camel, dotted, first_at},
    settings::PagingMode,
};

/// How long a later page waits for the connection's limits, so that a long list can be read to its end.
const PATIENCE: Duration = Duration::from_mins(2);

/// A list of GoCo.
#[derive(Debug, Clone)]
pub(crate) struct List {
    /// `employees`; also its name in an envelope.
    pub(crate) resource: &'static str,
    /// The setting of its path.
    pub(crate) setting: &'static str,
    /// Its path.
    pub(crate) path: String,
}

impl List {
    /// Returns the list of companies.
    pub(crate) fn companies(goco: &Goco) -> Self {
        let path = goco.path(&goco.settings.paths.companies, "");
        Self { resource: "companies", setting: "paths.companies", path }
    }

    /// Returns the list of employees.
    pub(crate) fn employees(goco: &Goco) -> Self {
        let path = goco.path(&goco.settings.paths.employees, "");
        Self { resource: "employees", setting: "paths.employees", path }
    }
}

/// Every entry of a list, in the pages that it came in.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pages: Vec<(Payload, Where)>,
    len: usize,
}

/// Where the entries are in a page: a pointer to the list, and which of its items were not on an earlier page.
#[derive(Debug)]
struct Where {
    list: String,
    items: Vec<usize>,
}

impl Entries {
    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = View<'_>> {
        self.pages.iter().flat_map(|(page, place)| {
            let list = page.view().pointer(&place.list).and_then(View::as_list);
            place.items.iter().filter_map(move |item| list?.get(*item))
        })
    }

    fn add(&mut self, page: Payload, place: Where) {
        self.len += place.items.len();
        self.pages.push((page, place));
    }
}

impl Goco {
    /// Returns every entry of a list, or why that cannot be said; without [`explain`](Self::explain).
    pub(crate) async fn read_list(&self, call: &Call, list: &List) -> Result<Entries, Failure> {
        let mut reading = Reading {
            goco: self,
            call,
            list,
            entries: Entries::default(),
            seen: HashSet::new(),
            total: None,
            pages: 0,
        };
        match self.settings.pagination.mode {
            PagingMode::Auto => reading.by_what_is_offered().await?,
            PagingMode::None => {
                reading.read(reading.first()).await?;
            }
            PagingMode::Page => {
                reading.by_number(self.settings.pagination.first_page.into(), true).await?;
            }
            PagingMode::Offset => reading.by_offset(true).await?,
            PagingMode::Cursor => {
                let pagination = &self.settings.pagination;
                let first = reading.first().query(&pagination.size_param, pagination.size);
                let page = reading.read(first).await?;
                reading.follow(page.body_next).await?;
            }
            PagingMode::Link => {
                let pagination = &self.settings.pagination;
                let first = reading.first().query(&pagination.size_param, pagination.size);
                let page = reading.read(first).await?;
                reading.follow(page.link_next).await?;
            }
        }
        reading.complete()
    }

    /// Returns every entry of a list, or why that cannot be said and what to do about it.
    pub(crate) async fn list(&self, call: &Call, list: &List) -> Result<Entries, Failure> {
        match self.read_list(call, list).await {
            Ok(entries) => Ok(entries),
            Err(failure) => Err(self.explain(call, failure, list.setting).await),
        }
    }
}

/// A list being read.
struct Reading<'a> {
    goco: &'a Goco,
    call: &'a Call,
    list: &'a List,
    entries: Entries,
    seen: HashSet<String>,
    /// How many entries GoCo says there are.
    total: Option<u64>,
    pages: u32,
}

/// What a page said.
struct Page {
    /// How many entries it had that were not seen before.
    new: usize,
    empty: bool,
    link_next: Option<Next>,
    body_next: Option<Next>,
    /// The body says that there is no next page.
    ended: bool,
}

/// Where the next page is.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Url(String),
    Cursor(String),
    Number(u64),
}

impl Reading<'_> {
    fn first(&self) -> Request {
        self.goco.get(&self.list.path)
    }

    async fn by_what_is_offered(&mut self) -> Result<(), Failure> {
        let first = self.read(self.first()).await?;
        let ended = first.ended;
        let next = first.link_next.or(first.body_next);
        if next.is_some() {
            return self.follow(next).await;
        }
        let count = self.entries.len();
        let whole = match self.total {
            Some(total) => total <= count as u64,
            None => ended || !looks_like_a_full_page(count, self.goco.settings.pagination.size),
        };
        if whole { Ok(()) } else { self.probe().await }
    }

    /// Asks for a second page by number and by offset, and goes on in the way that brings something new.
    async fn probe(&mut self) -> Result<(), Failure> {
        let pagination = &self.goco.settings.pagination;
        let page_param = pagination.page_param.clone();
        let second = self.first().query(&page_param, 2);
        let by_number = self.read_probe(second).await?;
        if let Some(page) = &by_number
            && (page.new > 0 || page.empty)
        {
            // The parameter is understood. Where pages count from zero, this was the third one.
            let one = self.first().query(&page_param, 1);
            let one = self.read_probe(one).await?;
            if page.new > 0 || one.is_some_and(|one| one.new > 0) {
                self.by_number(3, false).await?;
            }
            return Ok(());
        }
        let start = self.entries.len();
        let rest = self.first().query(&pagination.offset_param, start);
        let by_offset = self.read_probe(rest).await?;
        match by_offset {
            Some(page) if page.new > 0 => self.by_offset(false).await,
            None if by_number.is_none() && pagination.strict => Err(self.incomplete(
                "GoCo refuses to be asked for a second page, so nobody can say whether this was the only one",
            )),
            _ => Ok(()),
        }
    }

    /// Reads a page that was asked for on trial; none when GoCo refuses the question.
    async fn read_probe(&mut self, request: Request) -> Result<Option<Page>, Failure> {
        match self.read(request).await {
            Ok(page) => Ok(Some(page)),
            Err(failure) => {
                let refused = ["invalid", "not_found", "refused"].contains(&failure.code.as_str());
                if refused && failure.kind == FailureKind::Permanent {
                    Ok(None)
                } else {
                    Err(failure)
                }
            }
        }
    }

    async fn by_number(&mut self, first: u64, sized: bool) -> Result<(), Failure> {
        let pagination = &self.goco.settings.pagination;
        for number in first.. {
            let mut request = self.first().query(&pagination.page_param, number);
            if sized {
                request = request.query(&pagination.size_param, pagination.size);
            }
            let page = self.read(request).await?;
            if page.new == 0 || self.has_all() {
                break;
            }
        }
        Ok(())
    }

    async fn by_offset(&mut self, sized: bool) -> Result<(), Failure> {
        let pagination = &self.goco.settings.pagination;
        loop {
            let mut request = self.first().query(&pagination.offset_param, self.entries.len());
            if sized {
                request = request.query(&pagination.limit_param, pagination.size);
            }
            let page = self.read(request).await?;
            if page.new == 0 || self.has_all() {
                return Ok(());
            }
        }
    }

    async fn follow(&mut self, mut next: Option<Next>) -> Result<(), Failure> {
        let by_link = matches!(self.goco.settings.pagination.mode, PagingMode::Link);
        while let Some(step) = next {
            let pagination = &self.goco.settings.pagination;
            let request = match &step {
                Next::Url(url) => self.goco.get(url),
                Next::Cursor(cursor) => self.first().query(&pagination.cursor_param, cursor),
                Next::Number(number) => self.first().query(&pagination.page_param, number),
            };
            let page = self.read(request).await?;
            next = if by_link { page.link_next } else { page.link_next.or(page.body_next) };
            if next.as_ref() == Some(&step) {
                return Err(
                    self.incomplete("GoCo names the same page as the next one again and again")
                );
            }
        }
        Ok(())
    }

    /// Reads one page and keeps what was not seen before.
    async fn read(&mut self, request: Request) -> Result<Page, Failure> {
        let pagination = &self.goco.settings.pagination;
        if self.pages >= pagination.max_pages {
            return Err(
                self.incomplete(&format!("it has more than {} pages", pagination.max_pages))
            );
        }
        self.pages += 1;
        let mut request = request.doing(format!("reading GoCo's {}", self.words()));
        if self.pages > 1 {
            request = request.patience(PATIENCE);
        }
        let answer = request.send(self.call).await?;
        let body = answer.payload()?;
        let list = self.list_in(&answer, body.view())?;
        let items = body.view().pointer(&list).and_then(View::as_list);
        let mut page = self.next_of(&answer, body.view());
        page.empty = items.is_none_or(Items::is_empty);
        let id = self.goco.field(&self.goco.settings.fields.id);
        let mut new = Vec::new();
        for (index, entry) in items.iter().flat_map(|items| items.iter()).enumerate() {
            // Two entries without an id are the same when they are equal.
            let key = dotted(entry, &id).and_then(Id::read);
            let key = key.map_or_else(|| entry.to_value(), Id::into_value).to_string();
            if self.seen.insert(key) {
                new.push(index);
            }
        }
        page.new = new.len();
        self.entries.add(body, Where { list, items: new });
        Ok(page)
    }

    /// Returns a pointer to the list in an answer.
    fn list_in(&self, answer: &Answer, body: View<'_>) -> Result<String, Failure> {
        let pointers = &self.goco.settings.list_pointers;
        let at = |resource: &str| {
            let pointers = pointers.iter().map(|pointer| pointer.replace("{resource}", resource));
            pointers
                .into_iter()
                .find(|pointer| body.pointer(pointer).and_then(View::as_list).is_some())
        };
        let only = || match body {
            View::Map(fields) if fields.len() == 1 => {
                let (key, list) = fields.iter().next()?;
                list.as_list().map(|_| format!("/{}", key.replace('~', "~0").replace('/', "~1")))
            }
            _ => None,
        };
        let found = at(self.list.resource).or_else(|| at(&camel(self.list.resource))).or_else(only);
        found.ok_or_else(|| {
            unexpected(answer, &format!("no list of {}", self.words())).hint(
                "Set `list_pointers` of the connection to where the list is in GoCo's answer.",
            )
        })
    }

    fn next_of(&mut self, answer: &Answer, body: View<'_>) -> Page {
        let pagination = &self.goco.settings.pagination;
        let counted = first_at(body, &pagination.total_pointers, "", View::as_u64);
        let counted = counted.or_else(|| answer.header("x-total-count")?.trim().parse().ok());
        self.total = counted.or(self.total);

        let named: Vec<View<'_>> =
            pagination.next_pointers.iter().filter_map(|pointer| body.pointer(pointer)).collect();
        let body_next = named.iter().find_map(|view| match view {
            View::Number(number) => number.as_u64().map(Next::Number),
            View::Text("") => None,
            View::Text(text) if text.starts_with("http") || text.starts_with('/') => {
                answer.url.join(text).ok().map(|url| Next::Url(url.into()))
            }
            View::Text(text) => Some(Next::Cursor((*text).to_owned())),
            _ => None,
        });
        let ended = body_next.is_none()
            && named.iter().any(|view| matches!(view, View::Null | View::Text("")));
        Page {
            new: 0,
            empty: false,
            link_next: answer.next_link().map(Next::Url),
            body_next,
            ended,
        }
    }

    fn has_all(&self) -> bool {
        self.total.is_some_and(|total| total <= self.entries.len() as u64)
    }

    fn complete(self) -> Result<Entries, Failure> {
        match self.total {
            Some(total) if total > self.entries.len() as u64 => Err(self.incomplete(&format!(
                "GoCo says that there are {total}, but only {} could be read",
                self.entries.len()
            ))),
            _ => Ok(self.entries),
        }
    }

    fn incomplete(&self, why: &str) -> Failure {
        Failure::permanent(
            "incomplete_list",
            format!("GoCo's list of {} cannot be read to its end: {why}", self.words()),
        )
        .hint(
            "What is looked for may be in the part that was not read, so nothing was done. Set `pagination` of the \
             connection as GoCo's documentation describes it.",
        )
    }

    fn words(&self) -> String {
        self.list.resource.replace('_', " ")
    }
}

/// Returns the failure of an answer that says something else than was expected.
fn unexpected(answer: &Answer, found: &str) -> Failure {
    Failure { code: "unexpected_answer".into(), ..answer.unreadable(found) }
}

/// Returns whether a page of so many entries may have been cut off: vendors choose multiples of five, powers of two,
/// or what they were asked for, and no page is shorter than five.
fn looks_like_a_full_page(count: usize, asked: u32) -> bool {
    count >= 5
        && (count.is_multiple_of(5) || count.is_power_of_two() || u32::try_from(count) == Ok(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_counts_may_be_full_pages() {
        for count in [5, 8, 16, 20, 25, 50, 64, 100, 250, 500] {
            assert!(looks_like_a_full_page(count, 100), "{count}");
        }
        assert!(looks_like_a_full_page(37, 37));
        for count in [0, 1, 2, 4, 7, 12, 99, 101] {
            assert!(!looks_like_a_full_page(count, 100), "{count}");
        }
    }
}
