//! Where everything is: one name per route, and every link built from the issuer and that name, never from a request.

use url::Url;

/// A route of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// The authorization endpoint, RFC 6749 §3.1.
    Authorize,
    /// The endpoint for pushed authorization requests, RFC 9126.
    Par,
    /// The token endpoint, RFC 6749 §3.2.
    Token,
    /// The revocation endpoint, RFC 7009.
    Revoke,
    /// The introspection endpoint, RFC 7662.
    Introspect,
    /// What a token says, for the client that holds it.
    TokenInfo,
    /// Dynamic client registration, RFC 7591.
    Register,
    /// What a client registered, RFC 7592, `{client_id}` being its id.
    Registered,
    /// The JWK Set, RFC 7517 §5.
    Jwks,
    /// Authorization server metadata, RFC 8414.
    Metadata,
    /// The sign-in page.
    Login,
    /// The consent page.
    Consent,
    /// The account page.
    Account,
    /// The console; its pages are under it.
    Admin,
    /// Everything of the admin API is under it.
    AdminApi,
    /// Where devices ask, RFC 8628 §3.1.
    DeviceAuthorization,
    /// Where a person types a device's code, RFC 8628 §3.3.
    Device,
    /// Style sheet and icon, `{file}` being the file.
    Assets,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 18] = [
        Self::Authorize,
        Self::Par,
        Self::Token,
        Self::Revoke,
        Self::Introspect,
        Self::TokenInfo,
        Self::Register,
        Self::Registered,
        Self::Jwks,
        Self::Metadata,
        Self::Login,
        Self::Consent,
        Self::Account,
        Self::Admin,
        Self::AdminApi,
        Self::DeviceAuthorization,
        Self::Device,
        Self::Assets,
    ];

    const fn path(self) -> &'static str {
        match self {
            Self::Authorize => "/oauth2/authorize",
            Self::Par => "/oauth2/par",
            Self::Token => "/oauth2/token",
            Self::Revoke => "/oauth2/revoke",
            Self::Introspect => "/oauth2/introspect",
            Self::TokenInfo => "/oauth2/tokeninfo",
            Self::Register => "/oauth2/register",
            Self::Registered => "/oauth2/register/{client_id}",
            Self::Jwks => "/oauth2/jwks",
            Self::Metadata => "/.well-known/oauth-authorization-server",
            Self::Login => "/login",
            Self::Consent => "/consent",
            Self::Account => "/account",
            Self::Admin => "/admin",
            Self::AdminApi => "/admin/api",
            Self::DeviceAuthorization => "/oauth2/device_authorization",
            Self::Device => "/device",
            Self::Assets => "/assets/{file}",
        }
    }
}

/// The issuer taken apart once, and links made from it.
#[derive(Debug, Clone)]
pub struct Urls {
    issuer: String,
    origin: String,
    base: String,
    secure: bool,
}

impl Urls {
    /// From the configured issuer.
    #[must_use]
    pub fn new(issuer: &Url) -> Self {
        let text = issuer.as_str().trim_end_matches('/').to_owned();
        Self {
            issuer: text,
            origin: issuer.origin().ascii_serialization(),
            base: issuer.path().trim_end_matches('/').to_owned(),
            secure: issuer.scheme() == "https",
        }
    }

    /// The issuer identifier, RFC 8414 §2: without a trailing slash.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The issuer's origin, as browsers write it in `Origin`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether people reach the server by TLS.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// The path of a route on this server. An issuer with a path carries every route under it, except that its
    /// metadata is found as RFC 8414 §3.1 says: the well-known path first, the issuer's path after it.
    #[must_use]
    pub fn path(&self, route: Route) -> String {
        match route {
            Route::Metadata => format!("{}{}", route.path(), self.base),
            _ => format!("{}{}", self.base, route.path()),
        }
    }

    /// The whole URL of a route.
    #[must_use]
    pub fn absolute(&self, route: Route) -> String {
        format!("{}{}", self.origin, self.path(route))
    }

    /// The path of one file under [`Route::Assets`].
    #[must_use]
    pub fn asset(&self, file: &str) -> String {
        self.path(Route::Assets).replace("{file}", file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_come_from_the_issuer() {
        let urls = Urls::new(&Url::parse("https://id.example").unwrap());
        assert_eq!(urls.issuer(), "https://id.example");
        assert_eq!(urls.absolute(Route::Token), "https://id.example/oauth2/token");
        assert_eq!(urls.asset("a.css"), "/assets/a.css");
    }

    #[test]
    fn an_issuer_with_a_path_carries_its_routes_there() {
        let urls = Urls::new(&Url::parse("http://127.0.0.1:8080/auth").unwrap());
        assert_eq!(urls.issuer(), "http://127.0.0.1:8080/auth");
        assert_eq!(urls.absolute(Route::Token), "http://127.0.0.1:8080/auth/oauth2/token");
        assert_eq!(urls.path(Route::Metadata), "/.well-known/oauth-authorization-server/auth");
        assert!(!urls.secure());
    }
}
