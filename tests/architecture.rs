//! The rules of the source tree that the compiler does not know.

#![expect(clippy::print_stdout, reason = "the measures are printed")]

mod rules;
