//! How much memory a hire asks for, by count: a number that neither a busy machine nor a slow disk changes, so that a change
//! that doubles it does not land unseen. A binary of its own, for its allocator counts.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "the figures are its report")]
#![expect(
    clippy::disallowed_methods,
    reason = "what it shares with the benchmark looks at real time"
)]
#![expect(clippy::cast_possible_truncation, reason = "what it shares with the benchmark does")]

#[expect(dead_code, reason = "the benchmark has more of it")]
#[path = "../../benches/speed/event.rs"]
mod event;
mod hires;
#[expect(dead_code, reason = "the benchmark has more of it")]
#[path = "../../benches/speed/recipes.rs"]
mod recipes;
#[expect(dead_code, reason = "the benchmark has more of it")]
#[path = "../../benches/speed/vendor.rs"]
mod vendor;

/// A fifth above what was measured on 30 November 2026 (debug build): 1201 allocations, 260 kB. Whoever makes it less takes
/// the limit along.
const MOST_ALLOCATIONS: u64 = 1_450;
const MOST_BYTES: u64 = 312_000;

#[test]
fn a_hire_asks_for_no_more_memory_than_it_did() {
    let taken = hires::by_a_hire(300);
    println!("a hire: {} allocations, {} bytes allocated", taken.allocations, taken.bytes);
    assert!(taken.allocations <= MOST_ALLOCATIONS, "{taken:?}");
    assert!(taken.bytes <= MOST_BYTES, "{taken:?}");
}
