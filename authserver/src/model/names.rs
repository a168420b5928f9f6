//! What a client is registered for, by the names that RFC 7591 §2 gives.

/// An enum whose variants have names on the wire: the enum, the names in both directions, and serde, from one table.
macro_rules! named {
    (
        $(#[$meta:meta])* $name:ident, $what:literal:
        $($(#[$variant_meta:meta])* $variant:ident = $wire:literal,)*
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// Every variant, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            #[must_use]
            pub const fn wire_name(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)*
                }
            }

            /// The variant of this name on the wire, compared exactly.
            #[must_use]
            pub fn from_wire(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.wire_name() == name)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.wire_name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::from_wire(&name).ok_or_else(|| serde::de::Error::custom(concat!("not a ", $what)))
            }
        }
    };
}

named! {
    /// A grant a client may be registered for: `grant_types` of RFC 7591 §2, `grant_type` at the token endpoint.
    GrantType, "grant type":
    /// RFC 6749 §4.1.
    AuthorizationCode = "authorization_code",
    /// RFC 6749 §4.4.
    ClientCredentials = "client_credentials",
    /// RFC 6749 §6.
    RefreshToken = "refresh_token",
    /// RFC 6749 §4.2; at the authorization endpoint only.
    Implicit = "implicit",
    /// RFC 6749 §4.3.
    Password = "password",
    /// RFC 7523 §2.1.
    JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer",
    /// RFC 7522 §2.1.
    Saml2Bearer = "urn:ietf:params:oauth:grant-type:saml2-bearer",
    /// RFC 8628 §3.4.
    DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
    /// RFC 8693 §2.1.
    TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange",
}

named! {
    /// How a client proves itself, one method for each client: `token_endpoint_auth_method` of RFC 7591 §2. A client
    /// that shows anything else, even something that is right, is refused.
    ClientAuthMethod, "client authentication method":
    /// A public client: it has no secret.
    None = "none",
    /// A secret, by HTTP Basic or in the form body, as the client likes (RFC 6749 §2.3.1); never both at once. No name
    /// of RFC 7591: it is what `bearward client create` registers, for clients whose library chooses.
    ClientSecret = "client_secret",
    /// A secret, by HTTP Basic only.
    ClientSecretBasic = "client_secret_basic",
    /// A secret, in the form body only.
    ClientSecretPost = "client_secret_post",
    /// A JWT with an HMAC under the secret, RFC 7523 §2.2. The one method whose secret the server must be able to
    /// read: it is stored sealed.
    ClientSecretJwt = "client_secret_jwt",
    /// A JWT signed with a key of the client, RFC 7523 §2.2.
    PrivateKeyJwt = "private_key_jwt",
    /// A TLS certificate of a trusted authority, with a subject as registered (RFC 8705 §2.1).
    TlsClientAuth = "tls_client_auth",
    /// A TLS certificate that is itself registered (RFC 8705 §2.2).
    SelfSignedTlsClientAuth = "self_signed_tls_client_auth",
}

impl ClientAuthMethod {
    /// Whether the client shows the secret itself, so that its digest is what is stored.
    #[must_use]
    pub const fn shows_secret(self) -> bool {
        matches!(self, Self::ClientSecret | Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_written() {
        for grant in GrantType::ALL {
            let json = serde_json::to_string(grant).unwrap();
            assert_eq!(json, format!("\"{}\"", grant.wire_name()));
            assert_eq!(serde_json::from_str::<GrantType>(&json).unwrap(), *grant);
        }
        for method in ClientAuthMethod::ALL {
            assert_eq!(ClientAuthMethod::from_wire(method.wire_name()), Some(*method));
        }
        assert!(serde_json::from_str::<GrantType>("\"Password\"").is_err() && GrantType::from_wire("").is_none());
    }
}
