//! One reader for configuration, TOML and YAML: layers of a file, variables and flags become typed values.
//!
//! A key is taken from the topmost layer that has it, and the reader remembers which one that was. Everything that was
//! asked for is known; every other key is an error in the end. All errors are collected, each with file, line, column
//! and key. Opens no file and reads no variable.

mod error;
mod reader;
mod tree;
pub(crate) mod values;

pub use error::{ConfigError, ConfigErrors, Effective, Layer, Origin, Patch, Position};
pub(crate) use reader::{Keep, Noted, Read, Reader, Table, all};
pub(crate) use tree::{Tree, Value};

/// A struct that is read from a table, with all errors of its fields at once. `Table` is the one in scope.
///
/// ```text
/// field: T = parse                a value that must be there, read by `parse`
/// field "key": T = parse          the same at another key
/// field: T = parse => usual       one that may be absent
/// field: T { |t| … }              what a function makes of the table
/// field: T                        a section in the table `field`
/// struct S if fits { … }          `fits` looks at the whole
/// ```
macro_rules! section {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(if $fits:path)? {
            $(
                $(#[$field_meta:meta])*
                $field_vis:vis $field:ident $($key:literal)? : $type:ty
                $({ $function:expr })? $(= $parse:expr $(=> $usual:expr)?)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        $vis struct $name { $( $(#[$field_meta])* $field_vis $field: $type, )* }

        impl $name {
            pub(crate) fn section(t: &Table<'_>) -> $crate::core::config::Read<Self> {
                // All fields are read before one of them ends it.
                let ($($field,)*) = ($(
                    $crate::core::config::section!(
                        @read t, $crate::core::config::section!(@key $field $($key)?),
                        $type $({ $function })? $(= $parse $(=> $usual)?)?
                    ),
                )*);
                let value = Self { $( $field: $field?, )* };
                $( $fits(t, &value)?; )?
                Ok(value)
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@read $t:ident, $key:expr, $type:ty) => { <$type>::section(&$t.at($key)) };
    (@read $t:ident, $key:expr, $type:ty { $function:expr }) => { $t.apply($function) };
    (@read $t:ident, $key:expr, $type:ty = $parse:expr) => {
        <$type as $crate::core::config::Keep<_>>::keep($t, $key, $parse)
    };
    (@read $t:ident, $key:expr, $type:ty = $parse:expr => $usual:expr) => { $t.or($key, $parse, $usual) };
}
pub(crate) use section;
