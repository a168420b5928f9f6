//! What `bearward serve --demo` loads.

/// The person.
pub const USERNAME: &str = "alice";
/// Her password.
pub const PASSWORD: &str = "alice-demo-password";
/// The administrator.
pub const ADMIN: &str = "admin";
/// Their password.
pub const ADMIN_PASSWORD: &str = "admin-demo-password";
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
