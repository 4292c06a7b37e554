//! Exchanging two names of a file system at once, where it can.

use std::path::Path;

/// Exchanges two names; `false` where the system cannot, or one of them is not there.
#[cfg(target_os = "linux")]
pub(crate) fn exchange(one: &Path, other: &Path) -> bool {
    use rustix::fs::CWD;
    use rustix::fs::RenameFlags;
    use rustix::fs::renameat_with;
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

/// Never: only Linux exchanges two names at once.
#[cfg(not(target_os = "linux"))]
pub(crate) fn exchange(_one: &Path, _other: &Path) -> bool {
    false
}
