//! The decision, without I/O: what an access token is, how its signature is checked, which rule a request
//! falls under, whether the token was revoked, and which challenge answers a refusal.
//!
//! Builds natively and for `wasm32-wasip1`. The authserver issues with the same types that the filter
//! verifies with, so the two cannot drift.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod binding;
pub mod cache;
pub mod challenge;
pub mod claim_set;
pub mod claims;
pub mod dpop;
pub mod feed;
pub mod introspection;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod opaque;
pub mod path;
pub mod policy;
pub mod refusal;
pub mod requirement;
pub mod revocation;
pub mod scope;
pub mod signature;
pub mod verify;
