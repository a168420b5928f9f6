//! Envoy: found or fetched, configured from the repository's own file, run.

pub mod binary;
pub mod config;
mod run;

pub use run::Envoy;
