//! What `bearward serve --demo` loads.

/// The person.
pub const USERNAME: &str = "alice";
/// Her password.
pub const PASSWORD: &str = "alice-demo-password";
/// The administrator.
pub const ADMIN: &str = "admin";
/// Their password.
pub const ADMIN_PASSWORD: &str = "admin-demo-password";
/// What the gateway vouches with to the authserver; `make up` listens on loopback only, so everyone may know it.
pub const GATEWAY_SECRET: &str = "demo-gateway-secret-that-everyone-knows";
/// The client of client credentials.
pub const SERVICE: &str = "demo-service";
/// Its secret.
pub const SERVICE_SECRET: &str = "demo-service-secret";
/// The confidential client of the authorization code grant.
pub const WEB: &str = "demo-web";
/// Its secret.
pub const WEB_SECRET: &str = "demo-web-secret";
/// The public client of the authorization code grant.
pub const SPA: &str = "demo-spa";
/// Where both send people back to; on loopback the port may be another (RFC 8252 §7.3).
pub const REDIRECT: &str = "http://127.0.0.1:8400/callback";
/// Whom the tokens are for.
pub const AUDIENCE: &str = "https://api.example";

/// A confidential client of one flow.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// Its `client_id`.
    pub id: &'static str,
    /// Its secret.
    pub secret: &'static str,
}

impl Flow {
    /// Both, for HTTP Basic.
    #[must_use]
    pub const fn basic(self) -> Option<(&'static str, &'static str)> {
        Some((self.id, self.secret))
    }
}

/// RFC 6749 §4.1.
pub const AUTHORIZATION_CODE: Flow = Flow { id: "demo-authorization-code", secret: "demo-authorization-code-secret" };
/// RFC 6749 §4.2: a public client.
pub const IMPLICIT: &str = "demo-implicit";
/// RFC 6749 §4.3.
pub const PASSWORD_GRANT: Flow = Flow { id: "demo-password", secret: "demo-password-secret" };
/// RFC 6749 §4.4.
pub const CLIENT_CREDENTIALS: Flow = Flow { id: "demo-client-credentials", secret: "demo-client-credentials-secret" };
/// RFC 6749 §6.
pub const REFRESH: Flow = Flow { id: "demo-refresh", secret: "demo-refresh-secret" };
/// RFC 7523.
pub const JWT_BEARER: Flow = Flow { id: "demo-jwt-bearer", secret: "demo-jwt-bearer-secret" };
/// RFC 7522.
pub const SAML_BEARER: Flow = Flow { id: "demo-saml-bearer", secret: "demo-saml-bearer-secret" };
/// RFC 8628: a public client.
pub const DEVICE: &str = "demo-device";
/// RFC 8693.
pub const TOKEN_EXCHANGE: Flow = Flow { id: "demo-token-exchange", secret: "demo-token-exchange-secret" };
/// RFC 7009.
pub const REVOKE: Flow = Flow { id: "demo-revoke", secret: "demo-revoke-secret" };
/// Token information.
pub const TOKEN_INFO: Flow = Flow { id: "demo-token-info", secret: "demo-token-info-secret" };
