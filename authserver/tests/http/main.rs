//! The authserver through its router, on a real SQLite file, with a clock that the tests move.

#[cfg(test)]
mod admin_api;
#[cfg(test)]
mod assertions;
#[cfg(test)]
mod audited;
#[cfg(test)]
mod authorize;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod client_auth;
#[cfg(test)]
mod code;
#[cfg(test)]
mod consents;
mod console;
#[cfg(test)]
mod contents;
#[cfg(test)]
mod device;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod dpop;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod factors;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod markup;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod mishaps;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod par;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod password;
#[cfg(test)]
mod people;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod registration_page;
#[cfg(test)]
mod request_object;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod saml_bearer;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod support;
#[cfg(test)]
mod token;
#[cfg(test)]
mod tokens;
