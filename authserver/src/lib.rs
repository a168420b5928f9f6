//! The authorization server: it issues, explains and revokes the tokens that the filter checks.
//!
//! Where things are: `http/` one file per endpoint, `grants/` one file per grant, `client_auth/` one file per
//! method, [`storage`] the seam with its two databases, [`keys`] signing keys and sealing, [`saml`] assertions of others, `pages/` what people
//! see, [`config`], `cli/`.

pub mod activity;
pub mod admin;
pub mod assertion;
pub mod authorization_details;
pub mod cli;
pub mod client_auth;
pub mod client_keys;
pub mod config;
pub mod confirmation;
pub mod custom_claims;
pub mod demo;
pub mod dpop;
pub mod env;
pub mod feed;
pub mod gateway;
pub mod grants;
pub mod http;
pub mod jwt;
pub mod keys;
pub mod management;
pub mod model;
pub mod pages;
pub mod passkeys;
pub mod passwords;
pub mod registration;
pub mod saml;
pub mod secret;
pub mod serve;
pub mod storage;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod totp;
pub mod user_code;
pub mod x509;
