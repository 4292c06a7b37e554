//! What a command writes: its stdout up to a limit, of its stderr the end.
//!
//! Both pipes are emptied to the last byte, whatever is kept, because a command whose pipe is full stands still.
//! The threads that do it end with the last process that holds the pipe; nobody waits for them.

use std::fmt::Write as _;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much of stderr is kept, bytes.
const TAIL: usize = 4096;

/// A stdout.
#[derive(Debug, Default)]
pub(in crate::io) struct Stdout {
    /// What was written, as far as the limit.
    pub(in crate::io) bytes: Vec<u8>,
    /// There was more than the limit.
    pub(in crate::io) is_cut: bool,
}

/// A pipe that is being emptied by a thread.
#[derive(Debug)]
pub(in crate::io) struct Pipe<T>(Arc<Mutex<State<T>>>);

#[derive(Debug, Default)]
struct State<T> {
    kept: T,
    has_ended: bool,
    /// Nobody wants to know any more.
    is_given_up: bool,
}

impl<T: Default + Send + 'static> Pipe<T> {
    /// Empties the pipe, handing what comes to `keep`.
    pub(in crate::io) fn empty<R: Read + Send + 'static>(
        mut input: R,
        keep: impl Fn(&mut T, &[u8]) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Mutex::new(State::default()));
        let state = Arc::clone(&shared);
        std::thread::Builder::new().name("pipe".to_owned()).spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            loop {
                let length = match input.read(&mut buffer) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(_) | Ok(0) => break,
                    Ok(length) => length,
                };
                let mut state = lock(&state);
                if !state.is_given_up {
                    keep(&mut state.kept, &buffer[..length]);
                }
            }
            lock(&state).has_ended = true;
        })?;
        Ok(Self(shared))
    }

    /// Whether the last writer has closed it.
    pub(in crate::io) fn has_ended(&self) -> bool {
        lock(&self.0).has_ended
    }

    /// What was kept so far. What still comes is thrown away.
    pub(in crate::io) fn take(self) -> T {
        let mut state = lock(&self.0);
        state.is_given_up = true;
        std::mem::take(&mut state.kept)
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a stdout up to `largest` bytes; of one that is longer nothing, because it is of no use.
pub(in crate::io) fn up_to(largest: usize) -> impl Fn(&mut Stdout, &[u8]) + Send {
    move |stdout, new| {
        if stdout.bytes.len() + new.len() > largest {
            *stdout = Stdout { bytes: Vec::new(), is_cut: true };
        } else if !stdout.is_cut {
            stdout.bytes.extend_from_slice(new);
        }
    }
}

/// Keeps the end.
pub(in crate::io) fn tail(kept: &mut Vec<u8>, new: &[u8]) {
    kept.extend_from_slice(&new[new.len().saturating_sub(TAIL)..]);
    let surplus = kept.len().saturating_sub(TAIL);
    kept.drain(..surplus);
}

/// A text for one line of a message: control characters are shown, not obeyed.
pub(in crate::io) fn printable(bytes: &[u8]) -> String {
    // The end may begin inside a character.
    let inside = bytes.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
    let text = String::from_utf8_lossy(&bytes[inside..]);
    let mut shown = String::new();
    for character in text.trim().chars() {
        if character.is_control() {
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_stdout_over_the_limit_nothing_is_kept() {
        let keep = up_to(10);
        let mut stdout = Stdout::default();
        keep(&mut stdout, b"12345");
        keep(&mut stdout, b"67890");
        assert_eq!((stdout.bytes.as_slice(), stdout.is_cut), (&b"1234567890"[..], false));
        keep(&mut stdout, b"1");
        assert_eq!((stdout.bytes.capacity(), stdout.is_cut), (0, true));
        keep(&mut stdout, b"1");
        assert_eq!((stdout.bytes.len(), stdout.is_cut), (0, true));
    }

    #[test]
    fn of_a_stderr_the_end_is_kept() {
        let mut kept = Vec::new();
        tail(&mut kept, &[b'a'; 4000]);
        tail(&mut kept, &[b'b'; 96]);
        assert_eq!((kept.len(), kept[0]), (4096, b'a'));
        tail(&mut kept, &[b'c'; 4000]);
        assert_eq!((kept.len(), kept[95], kept[96]), (4096, b'b', b'c'));
        tail(&mut kept, &[b'd'; 10_000]);
        assert_eq!(kept, [b'd'; 4096]);
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(printable(b" a\nb\t\x1b[31mred\x07 \n"), "a\\nb\\t\\u{1b}[31mred\\u{7}");
        assert_eq!(printable(&"é".as_bytes()[1..]), "");
        assert_eq!(printable("äö".as_bytes()), "äö");
        assert_eq!(printable(b"\xffx"), "\u{fffd}x");
    }
}
