//! The harness: real Envoy, the real filter, real authservers and databases, a real browser, started and stopped
//! around a test, a benchmark or a person trying things out (`make up`).

pub mod artifacts;
pub mod authserver;
pub mod browser;
pub mod child;
pub mod cpu;
pub mod demo;
pub mod echo;
pub mod envoy;
mod error;
mod guard;
pub mod idp;
pub mod issuer;
pub mod metrics;
pub mod node;
pub mod pg;
pub mod ports;
pub mod python;
pub mod sample;
pub mod stack;
pub mod tempdir;
pub mod tour;
pub mod wait;
pub mod wasm;
pub mod workspace;

pub use error::{Error, Result};
