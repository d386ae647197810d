//! Thread pools, one for each thread count, kept for the life of the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Error, Result};

/// The environment variable that sets the thread count where the caller does not.
pub const VARIABLE: &str = "GENOTOOL_THREADS";

/// The most threads of a pool: thousands of them leave a machine without a turn for anything else.
pub const MOST: i64 = 1024;

type Pools = Mutex<HashMap<(u32, usize), Arc<ThreadPool>>>;

/// Returns the number of threads to use: as asked, else `GENOTOOL_THREADS`, else all cores.
///
/// # Errors
/// [`Error::Argument`] for zero threads, more than [`MOST`], or a variable that is no positive number.
pub fn resolve(asked: Option<i64>) -> Result<usize> {
    let count = match (asked, std::env::var(VARIABLE)) {
        (Some(count), _) => count,
        (None, Ok(text)) if !text.trim().is_empty() => text
            .trim()
            .parse()
            .map_err(|_| Error::Argument(format!("{VARIABLE} must be a number of threads, not '{text}'")))?,
        _ => std::thread::available_parallelism().map_or(1, |count| count.get() as i64),
    };
    if !(1..=MOST).contains(&count) {
        return Err(Error::Argument(format!("threads are 1 to {MOST}, not {count}")));
    }
    Ok(count as usize)
}

/// Runs `work` in a pool of the given size; with one thread, in the calling thread's own pool of one.
///
/// # Errors
/// [`Error::Argument`] where the system gives no threads.
pub fn with<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> Result<R> {
    Ok(pool(threads)?.install(work))
}

fn pool(threads: usize) -> Result<Arc<ThreadPool>> {
    static POOLS: OnceLock<Pools> = OnceLock::new();
    // The process id is part of the key: a forked child has none of its parent's threads and would wait for ever.
    let key = (std::process::id(), threads);
    let mut pools = POOLS
        .get_or_init(Pools::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&key) {
        return Ok(Arc::clone(pool));
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::Argument(format!("cannot start {threads} threads: {error}")))?;
    let pool = Arc::new(pool);
    pools.insert(key, Arc::clone(&pool));
    Ok(pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asked_count_wins_and_none_or_too_many_are_refused() {
        assert_eq!(resolve(Some(3)).ok(), Some(3));
        assert!(resolve(Some(0)).is_err());
        assert!(resolve(Some(-1)).is_err());
        assert!(resolve(Some(MOST)).is_ok());
        assert!(resolve(Some(MOST + 1)).is_err());
        assert!(resolve(None).is_ok_and(|count| count >= 1));
    }

    #[test]
    fn a_pool_has_the_size_asked_for() {
        assert_eq!(with(2, rayon::current_num_threads).ok(), Some(2));
    }
}
