//! Places at which a durability test can kill the process in the middle of writing.
//!
//! Without the cargo feature `failpoints` a failpoint compiles to nothing. Must not be used for anything
//! but dying.

/// Aborts the process when `SOAK_FAILPOINT` is `name`, or `name:k` and this is the k-th time that the
/// process comes by.
#[cfg(feature = "failpoints")]
pub(crate) fn failpoint(name: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static HITS: AtomicUsize = AtomicUsize::new(0);

    let Some(wanted) = std::env::var("SOAK_FAILPOINT").ok() else { return };
    let (wanted_name, wanted_hit) = match wanted.split_once(':') {
        Some((wanted_name, hit)) => (wanted_name, hit.parse().ok()),
        None => (wanted.as_str(), Some(1)),
    };
    if wanted_name == name && Some(HITS.fetch_add(1, Ordering::SeqCst) + 1) == wanted_hit {
        std::process::abort();
    }
}

/// Nothing: the feature `failpoints` is off.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn failpoint(_name: &str) {}
