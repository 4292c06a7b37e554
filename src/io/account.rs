//! The account of the operating system that this process runs as. Must not decide who answers for anything.

/// The account's name as the system's list has it, else `uid 1000`; `None` where there are no such accounts.
#[cfg(unix)]
pub fn of_process() -> Option<String> {
    let uid = rustix::process::getuid().as_raw();
    // Accounts of a directory service are in no file; then the number is what is known.
    let list = std::fs::read("/etc/passwd").unwrap_or_default();
    Some(named(uid, &String::from_utf8_lossy(&list)).map_or_else(|| format!("uid {uid}"), str::to_owned))
}

/// The account's name as the system's list has it, else `uid 1000`; `None` where there are no such accounts.
#[cfg(not(unix))]
pub fn of_process() -> Option<String> {
    None
}

/// The name in a list in the form of passwd(5): `name:password:uid:…`.
#[cfg(unix)]
fn named(uid: u32, list: &str) -> Option<&str> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number() {
        let list = "root:x:0:0:root:/root:/bin/sh\n\n# a note\n:x:7:\nann:x:1000:1000::/home/ann:\nbob:x:10000:1000\n";
        assert_eq!(named(0, list), Some("root"));
        assert_eq!(named(1000, list), Some("ann"));
        assert_eq!(named(10000, list), Some("bob"));
        for uid in [1, 7, 100] {
            assert_eq!(named(uid, list), None, "{uid}");
        }
        assert_eq!(named(0, ""), None);
    }
}
