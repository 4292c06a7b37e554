//! Data for stdout. A reader that closed the pipe has had enough: that is success, and the command goes on
//! to the exit code that its result deserves.

use std::io::{self, Write};

use anyhow::Context;

use crate::core::verdict::failure::Failure;

/// Writes `text` as it is to stdout and flushes.
pub fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    print_to(&mut io::stdout().lock(), text.as_ref())
}

fn print_to(sink: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    match sink.write_all(bytes).and_then(|()| sink.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to stdout").map_err(Failure::output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::verdict::exit::Exit;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_bytes_arrive_as_they_are() {
        let mut sink = Vec::new();
        print_to(&mut sink, b"one\ntwo").expect("a vector takes everything");
        assert_eq!(sink, b"one\ntwo");
    }

    #[test]
    fn a_closed_pipe_is_success() {
        assert!(print_to(&mut Broken(io::ErrorKind::BrokenPipe), b"x").is_ok());
    }

    #[test]
    fn any_other_trouble_is_unwritable_output() {
        let failure = print_to(&mut Broken(io::ErrorKind::StorageFull), b"x").expect_err("a full disk");
        assert_eq!(failure.exit, Exit::OutputUnwritable);
        assert!(failure.to_string().starts_with("error: cannot write to stdout\n  because: "));
    }
}
