//! The same work on many things, on every core of the machine.

use std::{
    sync::{Mutex, PoisonError},
    thread,
};

/// Fewer are worked on where they are: starting a thread costs more than it saves.
const FEWEST: usize = 8;
/// What a main thread has; what is read may be nested as deep as there.
const STACK_BYTES: usize = 8 << 20;

/// Does the work on each item and returns what comes of it, in the order of the items.
///
/// ```
/// let squares = recipe::on_every_core((0..100).collect(), |number: u32| number * number);
/// assert_eq!(squares[99], 9801);
/// ```
pub fn on_every_core<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if items.len() < FEWEST || cores == 1 {
        return items.into_iter().map(work).collect();
    }
    let mut done = Vec::with_capacity(items.len());
    let left = Mutex::new(items.into_iter().enumerate());
    let share = || {
        let mut share = Vec::new();
        loop {
            // The lock is not held during the work. A panic elsewhere is raised when the threads are joined.
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((at, item)) = next else { return share };
            share.push((at, work(item)));
        }
    };
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..cores)
            .filter_map(|_| {
                let thread = thread::Builder::new().stack_size(STACK_BYTES);
                // Where no thread can be had, this one does more.
                thread.spawn_scoped(scope, share).ok()
            })
            .collect();
        done.append(&mut share());
        for helper in helpers {
            match helper.join() {
                Ok(mut share) => done.append(&mut share),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_it_keeps_the_order_and_each_item_is_worked_on_once() {
        for count in [0, 1, FEWEST, 1_000] {
            // The first take longest, so that others overtake them.
            let numbers = on_every_core((0..count).collect(), |number: usize| {
                let work = (0..(count - number) * 50).fold(0_usize, usize::wrapping_add);
                std::hint::black_box(work);
                number
            });
            assert_eq!(numbers, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_is_not_swallowed() {
        let raised = std::panic::catch_unwind(|| {
            on_every_core((0..100).collect(), |number: u32| assert_ne!(number, 50, "fifty"))
        });
        assert!(raised.is_err());
    }
}
