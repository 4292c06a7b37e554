//! Everything that needs no server and no root: the command line, its files, their laws, and what `deploy` ships.

mod cli;
mod deploy;
mod durability;
mod it;
mod readme;
mod results;
#[cfg(unix)]
mod rollback;
