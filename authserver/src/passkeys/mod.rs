//! Passkeys: what a page gives to a browser, and what is believed of its answer. Web Authentication Level 3, §7.
//!
//! Every passkey is discoverable and verifies its person (a finger, a face, a PIN): so it is a sign-in of its own, and two
//! factors in one. No attestation is asked for, so none is believed: any authenticator will do.
//!
//! A ceremony travels in the page itself, sealed and bound to the browser that it was made for. Its challenge is good for
//! half an hour and, by [`Once`], for one answer.

mod authenticator_data;
mod cose;
mod response;

use crate::env::Random;
use crate::jwt::PublicKey;
use crate::keys::{KeyError, Sealer};
use crate::model::{Digest, Passkey, Person};
use crate::secret::random_id;
use authenticator_data::AuthenticatorData;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use response::{Assertion, Attestation, ClientData, Credential};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

/// How long the answer to a ceremony is taken, in seconds.
const KEPT: i64 = 30 * 60;
/// How long a browser lets its person take, in milliseconds: what §15.1 recommends.
const TIMEOUT: u32 = 300_000;
/// A challenge, in bytes; §13.4.3 wants 16 or more.
const CHALLENGE: usize = 32;
/// The longest credential id, in bytes (§7.1, step 25).
const LONGEST_ID: usize = 1023;

/// What is asked of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    Register,
    SignIn,
}

impl Purpose {
    /// `type` in what the browser signs.
    fn client_data_type(self) -> &'static str {
        match self {
            Self::Register => "webauthn.create",
            Self::SignIn => "webauthn.get",
        }
    }
}

/// What goes into a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceremony {
    /// JSON for the browser: `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    pub options: String,
    /// What has to come back with the answer.
    pub sealed: String,
}

/// A ceremony that was answered: to be taken once, by its name, until it could not be answered any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Its name.
    pub name: Digest,
    /// Unix time in seconds.
    pub until: i64,
}

/// What is kept of a passkey, as [`Passkey::credential`] holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    /// The public key (RFC 7517), with the one algorithm it is for.
    key: Value,
    /// How often the authenticator says it signed; 0 if it does not count.
    counter: u32,
    /// Whether it may be copied to other devices (§6.1.3); never changes.
    backup_eligible: bool,
    /// Whether it is.
    backed_up: bool,
    /// How browsers reach it.
    #[serde(default)]
    transports: Vec<String>,
}

/// Why an answer was not believed.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// The ceremony is not one of ours, is another browser's, or is too old.
    #[error("the ceremony is unknown or expired")]
    Expired,
    /// The answer is not what §7 wants; the text is for the log.
    #[error("{0}")]
    Refused(&'static str),
    /// The counter went back (§6.1.1): the passkey may have been copied.
    #[error("the counter of the passkey went back")]
    Copied,
    /// What is stored is not readable.
    #[error("the stored passkey is not readable")]
    Stored,
    /// The ceremony could not be sealed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The ceremonies of this server.
#[derive(Debug, Clone)]
pub struct Passkeys {
    /// The relying party's id: the issuer's host.
    host: String,
    /// Where the pages are, as browsers write it.
    origin: String,
}

/// A ceremony on its way.
#[derive(Serialize, Deserialize)]
struct Begun {
    purpose: Purpose,
    challenge: String,
    name: String,
    at: i64,
}

impl Passkeys {
    /// For the host of the issuer; `None` if that is an address, to which browsers bind no passkey.
    #[must_use]
    pub fn of(issuer: &Url) -> Option<Self> {
        Some(Self { host: issuer.domain()?.to_owned(), origin: issuer.origin().ascii_serialization() })
    }

    /// Where the pages must be for a browser's answer to be believed.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// A new passkey for a person who has these.
    ///
    /// # Errors
    /// [`PasskeyError::Key`].
    pub fn registration(
        &self,
        (sealer, random): (&Sealer, &dyn Random),
        browser: &str,
        person: &Person,
        have: &[Passkey],
        now: i64,
    ) -> Result<Ceremony, PasskeyError> {
        let begun = Begun::new(Purpose::Register, random, now);
        let algorithms: Vec<_> =
            cose::ALGORITHMS.iter().map(|(number, _)| json!({ "type": "public-key", "alg": number })).collect();
        let options = json!({
            "rp": { "id": self.host, "name": self.host },
            "user": { "id": handle(&person.id), "name": person.username, "displayName": person.username },
            "challenge": begun.challenge,
            "pubKeyCredParams": algorithms,
            "timeout": TIMEOUT,
            "excludeCredentials": descriptors(have),
            "authenticatorSelection": {
                "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
            },
            "attestation": "none",
        });
        Ok(Ceremony { options: options.to_string(), sealed: begun.seal(sealer, browser)? })
    }

    /// The passkey that a browser made (§7.1).
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub fn registered(
        &self,
        sealer: &Sealer,
        browser: &str,
        sealed: &str,
        answer: &str,
        (person, label, now): (&Person, &str, i64),
    ) -> Result<(Passkey, Once), PasskeyError> {
        let begun = Begun::open(sealer, browser, sealed, Purpose::Register, now)?;
        let answer: Credential<Attestation> = response::parse(answer)?;
        self.check_client_data(&begun, &answer.response.client_data)?;
        let data = answer.response.authenticator_data()?;
        let data = AuthenticatorData::parse(&data).ok_or(PasskeyError::Refused("authenticator data is malformed"))?;
        self.check_authenticator(&data)?;
        let made = data.credential.ok_or(PasskeyError::Refused("there is no new credential"))?;
        if made.id != answer.raw_id.0 || made.id.is_empty() || made.id.len() > LONGEST_ID {
            return Err(PasskeyError::Refused("the credential id does not fit"));
        }
        let key = cose::jwk(made.key).ok_or(PasskeyError::Refused("the public key is of no use"))?;
        PublicKey::from_jwk(&key).map_err(|_| PasskeyError::Refused("the public key is of no use"))?;
        let stored = Stored {
            key,
            counter: data.counter,
            backup_eligible: data.backup_eligible,
            backed_up: data.backed_up,
            transports: answer.response.transports(),
        };
        let credential = serde_json::to_string(&stored).map_err(|_| PasskeyError::Stored)?;
        let passkey = Passkey {
            id: answer.raw_id.0,
            person_id: person.id.clone(),
            label: label.to_owned(),
            credential,
            added_at: now,
            used_at: None,
        };
        Ok((passkey, begun.once()))
    }

    /// A sign-in: by any passkey, or (the second factor of somebody) by one of these.
    ///
    /// # Errors
    /// [`PasskeyError::Key`].
    pub fn sign_in(
        &self,
        (sealer, random): (&Sealer, &dyn Random),
        browser: &str,
        allowed: &[Passkey],
        now: i64,
    ) -> Result<Ceremony, PasskeyError> {
        let begun = Begun::new(Purpose::SignIn, random, now);
        let options = json!({
            "challenge": begun.challenge,
            "timeout": TIMEOUT,
            "rpId": self.host,
            "allowCredentials": descriptors(allowed),
            "userVerification": "required",
        });
        Ok(Ceremony { options: options.to_string(), sealed: begun.seal(sealer, browser)? })
    }

    /// What is stored of a passkey after a browser signed in by it (§7.2); the caller makes sure that it is the passkey
    /// that the answer names, and whose it is.
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub fn signed_in(
        &self,
        sealer: &Sealer,
        browser: &str,
        sealed: &str,
        claim: &Claim,
        (passkey, now): (&Passkey, i64),
    ) -> Result<(String, Once), PasskeyError> {
        let begun = Begun::open(sealer, browser, sealed, Purpose::SignIn, now)?;
        let mut stored: Stored = serde_json::from_str(&passkey.credential).map_err(|_| PasskeyError::Stored)?;
        let key = PublicKey::from_jwk(&stored.key).map_err(|_| PasskeyError::Stored)?;
        let answer = &claim.0;
        if answer.raw_id.0 != passkey.id || !claim.is_of(&passkey.person_id) {
            return Err(PasskeyError::Refused("the passkey is another one"));
        }
        self.check_client_data(&begun, &answer.response.client_data)?;
        let data = AuthenticatorData::parse(&answer.response.authenticator_data.0)
            .ok_or(PasskeyError::Refused("authenticator data is malformed"))?;
        self.check_authenticator(&data)?;
        if data.backup_eligible != stored.backup_eligible {
            return Err(PasskeyError::Refused(
                "the passkey may be copied now and might not be before, or the other way",
            ));
        }
        if !key.verify_webauthn(&answer.response.signed(), &answer.response.signature.0) {
            return Err(PasskeyError::Refused("the signature is not the passkey's"));
        }
        // Step 22: an authenticator that counts, counts up.
        if (data.counter > 0 || stored.counter > 0) && data.counter <= stored.counter {
            return Err(PasskeyError::Copied);
        }
        stored.counter = data.counter;
        stored.backed_up = data.backed_up;
        let credential = serde_json::to_string(&stored).map_err(|_| PasskeyError::Stored)?;
        Ok((credential, begun.once()))
    }

    /// §7.1 steps 5 to 11 and §7.2 steps 9 to 14.
    fn check_client_data(&self, begun: &Begun, raw: &response::Base64) -> Result<(), PasskeyError> {
        let data: ClientData = response::parse_bytes(&raw.0)?;
        let checks = [
            (data.kind == begun.purpose.client_data_type(), "the answer is to another question"),
            (data.challenge == begun.challenge, "the challenge is another one"),
            (data.origin == self.origin, "the page was at another origin"),
            (!data.cross_origin && data.top_origin.is_none(), "the page was inside another one"),
        ];
        first_failure(&checks)
    }

    /// §7.1 steps 14 to 18 and §7.2 steps 15 to 20.
    fn check_authenticator(&self, data: &AuthenticatorData<'_>) -> Result<(), PasskeyError> {
        let checks = [
            (data.rp_id_hash == Digest::of(&self.host).0, "the passkey is for another host"),
            (data.user_present, "nobody was there"),
            (data.user_verified, "nobody was verified"),
            (data.backup_eligible || !data.backed_up, "the backup flags contradict each other"),
        ];
        first_failure(&checks)
    }
}

/// What a browser says it signed in by, before any of it is believed.
pub struct Claim(Credential<Assertion>);

impl Claim {
    /// Reads `credential.toJSON()`.
    ///
    /// # Errors
    /// [`PasskeyError::Refused`].
    pub fn parse(answer: &str) -> Result<Self, PasskeyError> {
        response::parse(answer).map(Self)
    }

    /// The passkey that it names.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        &self.0.raw_id.0
    }

    /// Whether it names a person itself, which it must where nobody else did (§7.2, step 6).
    #[must_use]
    pub fn names_its_person(&self) -> bool {
        self.0.response.user_handle.is_some()
    }

    fn is_of(&self, person_id: &str) -> bool {
        let given = self.0.response.user_handle.as_ref().map(|given| URL_SAFE_NO_PAD.encode(&given.0));
        given.is_none_or(|given| given == handle(person_id))
    }
}

impl Begun {
    fn new(purpose: Purpose, random: &dyn Random, now: i64) -> Self {
        let mut challenge = [0; CHALLENGE];
        random.fill(&mut challenge);
        Self { purpose, challenge: URL_SAFE_NO_PAD.encode(challenge), name: random_id(random), at: now }
    }

    fn seal(&self, sealer: &Sealer, browser: &str) -> Result<String, PasskeyError> {
        let plain = serde_json::to_vec(self).map_err(|_| KeyError::Crypto("a ceremony could not be written"))?;
        Ok(URL_SAFE_NO_PAD.encode(sealer.seal(SEALED, browser.as_bytes(), &plain)?))
    }

    fn open(sealer: &Sealer, browser: &str, sealed: &str, purpose: Purpose, now: i64) -> Result<Self, PasskeyError> {
        let opened = || {
            let plain = sealer.open(SEALED, browser.as_bytes(), &URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
            let begun: Self = serde_json::from_slice(&plain).ok()?;
            (begun.purpose == purpose && now.saturating_sub(begun.at) < KEPT).then_some(begun)
        };
        opened().ok_or(PasskeyError::Expired)
    }

    fn once(&self) -> Once {
        Once { name: Digest::of(&format!("passkey ceremony {}", self.name)), until: self.at.saturating_add(KEPT) }
    }
}

const SEALED: &str = "passkey ceremony";

/// The user handle of a person (§5.4.3): the same for all passkeys of theirs, and nothing that tells who they are.
fn handle(person_id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(&format!("passkey user handle of {person_id}")).0)
}

fn descriptors(passkeys: &[Passkey]) -> Vec<Value> {
    let transports = |passkey: &Passkey| {
        serde_json::from_str::<Stored>(&passkey.credential).map(|stored| stored.transports).unwrap_or_default()
    };
    passkeys
        .iter()
        .map(
            |one| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(&one.id), "transports": transports(one) }),
        )
        .collect()
}

fn first_failure(checks: &[(bool, &'static str)]) -> Result<(), PasskeyError> {
    checks.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(PasskeyError::Refused(why)))
}
