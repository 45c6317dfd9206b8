//! One loop shape for all work on blocks: largest first, results in the order of the items.

use std::sync::OnceLock;

/// Threads of the pool that the caller runs on: 1 outside of [`with_threads`](crate::with_threads).
///
/// Rayon itself would answer with its global pool, and start it: threads that no call asked for,
/// that outlive it, and on which a forked process waits for ever.
///
/// ```
/// use kadanoff_runtime::{threads, with_threads};
///
/// assert_eq!(threads(), 1);
/// assert_eq!(with_threads(Some(3), threads)?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn threads() -> usize {
    rayon::current_thread_index().map_or(1, |_| rayon::current_num_threads())
}

/// Applies `f` to every item on the current thread pool, starting with the largest; outside of a
/// pool, one after the other.
///
/// ```
/// use kadanoff_runtime::map_largest_first;
///
/// let lengths = map_largest_first(&["a", "abc", "ab"], |s| s.len(), |s| s.len());
/// assert_eq!(lengths, [1, 3, 2]);
/// ```
pub fn map_largest_first<I: Sync, T: Send + Sync>(
    items: &[I],
    size: impl Fn(&I) -> usize,
    f: impl Fn(&I) -> T + Sync,
) -> Vec<T> {
    if threads() == 1 || items.len() < 2 {
        return items.iter().map(f).collect();
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(size(&items[i])));
    let slots: Vec<OnceLock<T>> = items.iter().map(|_| OnceLock::new()).collect();
    rayon::scope_fifo(|scope| {
        for &i in &order {
            let (slot, item, f) = (&slots[i], &items[i], &f);
            scope.spawn_fifo(move |_| {
                let _ = slot.set(f(item));
            });
        }
    });
    slots.into_iter().filter_map(OnceLock::into_inner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).map(|i| (i * 37) % 101).collect();
        for threads in [1, 3] {
            let got = crate::with_threads(Some(threads), || {
                map_largest_first(&items, |&i| i, |&i| i * i)
            });
            let expected: Vec<usize> = items.iter().map(|i| i * i).collect();
            assert_eq!(got.ok(), Some(expected));
        }
    }
}
