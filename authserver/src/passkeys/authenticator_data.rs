//! Authenticator data, Web Authentication Level 3, §6.1: what the authenticator says, signed where it signs in.

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;

/// Authenticator data, read.
pub(super) struct AuthenticatorData<'a> {
    /// SHA-256 of the relying party's id.
    pub(super) rp_id_hash: [u8; 32],
    pub(super) user_present: bool,
    pub(super) user_verified: bool,
    pub(super) backup_eligible: bool,
    pub(super) backed_up: bool,
    pub(super) counter: u32,
    /// The new one, where one was made.
    pub(super) credential: Option<NewCredential<'a>>,
}

/// Attested credential data, §6.5.1.
pub(super) struct NewCredential<'a> {
    pub(super) id: &'a [u8],
    /// A `COSE_Key`, and extensions behind it.
    pub(super) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads the bytes; `None` if they break off. Extensions behind them are left alone: none was asked for.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>()?;
        let (flags, rest) = rest.split_first()?;
        let (counter, rest) = rest.split_first_chunk::<4>()?;
        let credential = if flags & HAS_CREDENTIAL == 0 {
            None
        } else {
            // The authenticator's model; any will do.
            let (_, rest) = rest.split_first_chunk::<16>()?;
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (id, key) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
            Some(NewCredential { id, key })
        };
        Some(Self {
            rp_id_hash: *rp_id_hash,
            user_present: flags & PRESENT != 0,
            user_verified: flags & VERIFIED != 0,
            backup_eligible: flags & BACKUP_ELIGIBLE != 0,
            backed_up: flags & BACKED_UP != 0,
            counter: u32::from_be_bytes(*counter),
            credential,
        })
    }
}
