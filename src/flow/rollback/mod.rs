//! A rollback from alert to log: decide → write down → act → write down → verify.
//!
//! Nothing is begun before the log on the disk says that it will be; nothing is told before the log says that it
//! was. What HTTP or a command line looks like is not known here.

pub mod act;
pub mod engine;
pub mod journal;
pub mod manual;
pub mod verify;
mod worker;
