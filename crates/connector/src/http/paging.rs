//! Lists that come in pages.

use std::time::Duration;

use super::{answer::Answer, request::Request};
use crate::{
    call::Call,
    failure::{Failure, FailureKind},
};

/// How long a later page waits for its permit: beginning the list anew would cost more than the wait.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a later page is asked for again before the whole read fails.
const REPEATS: u32 = 3;

/// Reads a list page by page along the `Link` header's `next`, which must stay below the base URL; every page is sent
/// with the headers of the first. Returns once there is no next page; a list with more than `max_pages` is a failure,
/// never a part of a list.
pub async fn each_linked_page(
    first: Request,
    call: &Call,
    max_pages: usize,
    mut take: impl FnMut(&Answer) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut request = first.clone();
    for page in 0..max_pages {
        let answer = read_page(request, page, call).await?;
        take(&answer)?;
        match answer.next_link() {
            None => return Ok(()),
            Some(next) if next == answer.url.as_str() => {
                return Err(answer.unreadable("a page that names itself as the next one"));
            }
            Some(next) => request = first.to_page(&next),
        }
    }
    Err(too_many(max_pages))
}

/// Reads a list page by page: `request` makes the request of page 0, 1, 2 … (as a page number or an offset), `take`
/// reads its answer and says whether there is another page. A list with more than `max_pages` is a failure.
pub async fn each_numbered_page(
    request: impl Fn(usize) -> Request,
    call: &Call,
    max_pages: usize,
    mut take: impl FnMut(usize, &Answer) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    for page in 0..max_pages {
        let answer = read_page(request(page), page, call).await?;
        if !take(page, &answer)? {
            return Ok(());
        }
    }
    Err(too_many(max_pages))
}

/// Reads one page. The engine repeats whole calls; within a list the later pages are repeated here, so that a list of
/// many pages can be read to its end at all.
async fn read_page(request: Request, page: usize, call: &Call) -> Result<Answer, Failure> {
    if page == 0 {
        return request.send(call).await;
    }
    let request = request.patience(PATIENCE);
    let mut repeats = 0;
    loop {
        let failure = match request.clone().send(call).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let FailureKind::Transient { after } = failure.kind else { return Err(failure) };
        let wait = after.unwrap_or(Duration::from_secs(2_u64.pow(repeats)));
        repeats += 1;
        if repeats > REPEATS || wait > PATIENCE {
            return Err(failure);
        }
        call.clock.sleep(wait).await;
    }
}

fn too_many(max_pages: usize) -> Failure {
    Failure::permanent(
        "too_many_pages",
        format!("the list has more than {max_pages} pages, so it cannot be read whole"),
    )
}

/// Returns the target of `rel="next"` in a `Link` header.
pub(super) fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some(begin) = rest.find('<') {
        let (target, after) = rest[begin + 1..].split_once('>')?;
        let end = end_of_link(after);
        let is_next = after[..end]
            .split(';')
            .filter_map(|parameter| parameter.split_once('='))
            .any(|(name, value)| {
                let value = value.trim().trim_matches('"');
                name.trim().eq_ignore_ascii_case("rel")
                    && value.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
            });
        if is_next {
            return Some(target);
        }
        rest = &after[end..];
    }
    None
}

/// Returns where the parameters of one link end: at a comma that is not in quotes.
fn end_of_link(text: &str) -> usize {
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let table = [
            (
                r#"<https://a.example/v3/x?cursor=abc>; rel="next""#,
                Some("https://a.example/v3/x?cursor=abc"),
            ),
            (
                r#"<https://a.example/1>; rel="prev", <https://a.example/3>; rel="next""#,
                Some("https://a.example/3"),
            ),
            (r#"</p?a=1,2>; title="a, b"; REL=Next"#, Some("/p?a=1,2")),
            (r#"</p>; rel="last next""#, Some("/p")),
            (r#"</p>; rel="prev""#, None),
            (r#"</p>; title="rel=next""#, None),
            ("</p", None),
            ("", None),
        ];
        for (header, expected) in table {
            assert_eq!(next_link(header), expected, "{header}");
        }
    }
}
