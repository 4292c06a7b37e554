//! Laws that hold for any input: the judge never gets milder for worse or less data, reading never panics, and
//! the same content in other clothes is the same iteration.

mod judging;
mod reading;
mod series;
mod tuner;
