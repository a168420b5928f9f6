//! The filter: access tokens checked inside Envoy, with no call to anyone.
//!
//! A thin adapter around `bearward-token`, which decides. Here is what a decision needs: the configuration
//! ([`config`]), the issuers' keys ([`keys`]) and the revocation feed ([`feed`], [`follower`]), each fetched once per
//! Envoy and shared by its workers through [`slots`]; and what it leads to: [`request`], put together in [`root`].
//! Only `host.rs` knows Proxy-Wasm; everything else sees a [`proxy::Host`].
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod admission;
pub mod answers;
pub mod call;
pub mod clock;
pub mod config;
pub mod credential;
pub mod dispatch;
pub mod dpop;
pub mod feed;
pub mod follower;
pub mod gateway;
#[cfg(target_family = "wasm")]
mod host;
pub mod introspect;
pub mod keys;
pub mod metrics;
pub mod output;
pub mod proofs;
pub mod provider;
pub mod proxy;
pub mod reply;
pub mod request;
pub mod root;
pub mod seen;
pub mod slots;
pub mod streams;
pub mod verifier;

#[cfg(test)]
mod tests;
