//! Devices that wait for a person, RFC 8628.

use super::{Digest, GrantDetails};
use bearward_token::scope::ScopeSet;

/// A device that asked, and what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// The digest of the code that the device holds.
    pub code: Digest,
    /// The digest of the code that the person types, in its plain form.
    pub user_code: Digest,
    /// Who asks.
    pub client_id: String,
    /// What may be granted of what was asked.
    pub scope: ScopeSet,
    /// What else.
    pub details: GrantDetails,
    /// The seconds between two polls.
    pub interval: i64,
    /// Until when a person can decide.
    pub expires_at: i64,
    /// Whether a person decided.
    pub decided: bool,
}

/// What a device's poll found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polled {
    /// It came before the interval was over.
    pub too_fast: bool,
    /// The person said no.
    pub denied: bool,
    /// Until when a person can decide.
    pub expires_at: i64,
}
