//! Guard 3, `same_signature`: an iteration whose deltas were applied already changes nothing more.
//!
//! That is the case of a resume or a retry; equal steps of two iterations are two steps, because the number
//! is part of the signature.

use super::Case;

/// Whether this iteration was applied before: its signature is the last one applied, or a parameter was
/// already changed in it. The second holds where values that have moved on since change the proposal, and so
/// its signature.
pub fn is_repeated(case: &Case<'_>) -> bool {
    let same = case.signature.is_some() && case.state.last_applied_signature.as_deref() == case.signature;
    same || case.state.last_changed.values().any(|changed| *changed >= case.number)
}
