//! The JSON results of an analysis: what stands in them, and that they keep to their published schemas.

mod compare;
mod documents;
mod evidence;
mod run;
mod schemas;
