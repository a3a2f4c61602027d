//! What is measured, part by part.

pub(crate) mod backlog;
pub(crate) mod latency;
pub(crate) mod neighbours;
pub(crate) mod people;
pub(crate) mod throughput;
