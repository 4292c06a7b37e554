//! TODO what it is for.

pub(crate) mod logging;

pub(crate) mod stdout;

pub(crate) mod ci;

pub(crate) mod access;
