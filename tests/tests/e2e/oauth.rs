//! The `oauth2` crate at the gateway: somebody else's idea of what an authorization server answers.

use bearward_tests::demo;
use bearward_tests::stack::Stack;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RevocationUrl, Scope,
    StandardRevocableToken, TokenResponse as _, TokenUrl,
};
use std::pin::Pin;
use url::Url;

type Configured = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointSet>;

/// A client of the authserver behind a gateway.
pub struct Oauth {
    client: Configured,
    http: Http,
}

/// What the token endpoint gave.
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub scopes: Vec<String>,
    pub lifetime: u64,
}

impl Oauth {
    pub fn service(stack: &Stack) -> Self {
        Self::new(stack, demo::SERVICE, Some(demo::SERVICE_SECRET))
    }

    pub fn web(stack: &Stack) -> Self {
        Self::new(stack, demo::WEB, Some(demo::WEB_SECRET))
    }

    pub fn spa(stack: &Stack) -> Self {
        Self::new(stack, demo::SPA, None)
    }

    pub fn new(stack: &Stack, id: &str, secret: Option<&str>) -> Self {
        let at = |path: &str| format!("{}/oauth2/{path}", stack.url);
        // The crate insists on TLS here; `send` takes it away again on loopback.
        let revocation = at("revoke").replacen("http:", "https:", 1);
        let client = BasicClient::new(ClientId::new(id.to_owned()))
            .set_auth_uri(AuthUrl::new(at("authorize")).unwrap())
            .set_token_uri(TokenUrl::new(at("token")).unwrap())
            .set_revocation_url(RevocationUrl::new(revocation).unwrap());
        let client = match secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
            None => client,
        };
        Self { client, http: Http(stack.http.clone()) }
    }

    /// RFC 6749 §4.4.
    pub async fn client_credentials(&self, scopes: &[&str]) -> Tokens {
        let request = self.client.exchange_client_credentials();
        let scopes = scopes.iter().map(|scope| Scope::new((*scope).to_owned()));
        request.add_scopes(scopes).request_async(&self.http).await.expect("a token by client credentials").into()
    }

    /// Where to send a person, and what to keep until they are back: RFC 6749 §4.1.1, RFC 7636.
    pub fn authorize(&self, redirect: &str, scopes: &[&str]) -> (Url, CsrfToken, PkceCodeVerifier) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let redirect = RedirectUrl::new(redirect.to_owned()).unwrap();
        let (url, state) = self
            .client
            .authorize_url(CsrfToken::new_random)
            .set_redirect_uri(std::borrow::Cow::Owned(redirect))
            .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        (url, state, verifier)
    }

    /// RFC 6749 §4.1.3.
    pub async fn redeem(&self, code: String, redirect: &str, verifier: PkceCodeVerifier) -> Tokens {
        let redirect = RedirectUrl::new(redirect.to_owned()).unwrap();
        let request = self.client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
        let request = request.set_redirect_uri(std::borrow::Cow::Owned(redirect));
        request.request_async(&self.http).await.expect("tokens for a code").into()
    }

    /// RFC 6749 §6.
    pub async fn refresh(&self, token: &str) -> Tokens {
        let token = RefreshToken::new(token.to_owned());
        let request = self.client.exchange_refresh_token(&token);
        request.request_async(&self.http).await.expect("tokens for a refresh token").into()
    }

    /// Whether a refresh token is refused.
    pub async fn refresh_is_refused(&self, token: &str) -> bool {
        let token = RefreshToken::new(token.to_owned());
        self.client.exchange_refresh_token(&token).request_async(&self.http).await.is_err()
    }

    /// RFC 7009.
    pub async fn revoke_access(&self, token: &str) {
        self.revoke(StandardRevocableToken::AccessToken(oauth2::AccessToken::new(token.to_owned()))).await;
    }

    /// RFC 7009.
    pub async fn revoke_refresh(&self, token: &str) {
        self.revoke(StandardRevocableToken::RefreshToken(RefreshToken::new(token.to_owned()))).await;
    }

    async fn revoke(&self, token: StandardRevocableToken) {
        self.client.revoke_token(token).unwrap().request_async(&self.http).await.expect("a revocation");
    }
}

/// The crate's own adapter is for another version of reqwest.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(send(self.0.clone(), request))
    }
}

async fn send(http: reqwest::Client, mut request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let plain = request.uri().to_string().replacen("https://127.0.0.1:", "http://127.0.0.1:", 1);
    *request.uri_mut() = plain.parse().unwrap();
    let answer = http.execute(request.try_into()?).await?;
    let mut response = http::Response::builder().status(answer.status());
    *response.headers_mut().unwrap() = answer.headers().clone();
    Ok(response.body(answer.bytes().await?.to_vec()).unwrap())
}

impl From<BasicTokenResponse> for Tokens {
    fn from(answer: BasicTokenResponse) -> Self {
        assert!(matches!(answer.token_type(), oauth2::basic::BasicTokenType::Bearer));
        Self {
            access: answer.access_token().secret().clone(),
            refresh: answer.refresh_token().map(|token| token.secret().clone()),
            scopes: answer.scopes().into_iter().flatten().map(|scope| scope.to_string()).collect(),
            lifetime: answer.expires_in().expect("expires_in").as_secs(),
        }
    }
}
