//! The authserver through its router, on a real SQLite file, with a clock that the tests move.

#[cfg(test)]
mod admin_api;
mod authorize;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod client_auth;
#[cfg(test)]
mod code;
#[cfg(test)]
mod contents;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod pages;
mod par;
#[cfg(test)]
mod people;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod saml_bearer;
#[cfg(test)]
mod support;
#[cfg(test)]
mod token;
