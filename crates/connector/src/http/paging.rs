//! Lists that come in pages.

use super::{answer::Answer, request::Request};
use crate::{call::Call, failure::Failure};

/// Reads a list page by page along the `Link` header's `next`, which must stay below the base URL; every page is sent
/// with the headers of the first. Returns once there is no next page; a list with more than `max_pages` is a failure,
/// never a part of a list.
pub async fn each_linked_page(
    first: Request,
    call: &Call,
    max_pages: usize,
    mut take: impl FnMut(&Answer) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let _ = (first, call, max_pages, &mut take);
    unimplemented!()
}

/// Reads a list page by page: `request` makes the request of page 0, 1, 2 … (as a page number or an offset), `take`
/// reads its answer and says whether there is another page. A list with more than `max_pages` is a failure.
pub async fn each_numbered_page(
    request: impl Fn(usize) -> Request,
    call: &Call,
    max_pages: usize,
    mut take: impl FnMut(usize, &Answer) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let _ = (request(0), call, max_pages, &mut take);
    unimplemented!()
}
