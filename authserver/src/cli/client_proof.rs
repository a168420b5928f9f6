//! What `bearward client create` takes beside what every client has: keys, certificates, refreshing, token exchange.

use super::failure::Failure;
use crate::jwt::{Algorithm, Hmac, KeySet};
use crate::model::{ClientAuthMethod, ClientOptions, ExchangePolicy, Keys, RefreshMode, Subjects, TlsSubject};
use crate::x509::{self, Dn};
use clap::ValueEnum;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(clap::Args)]
pub(super) struct ProofOptions {
    /// A file with its JWK Set: public keys for its assertions and signed requests.
    #[arg(long, value_name = "FILE", help_heading = "Keys")]
    jwks_file: Option<PathBuf>,
    /// Where its JWK Set is.
    #[arg(long, value_name = "URL", conflicts_with = "jwks_file", help_heading = "Keys")]
    jwks_uri: Option<String>,
    /// A file with a certificate of its in PEM, which is pinned; several times while keys change.
    #[arg(long = "certificate-file", value_name = "FILE", help_heading = "Keys")]
    certificate_files: Vec<PathBuf>,
    /// The one algorithm its assertions may use when it proves itself with them.
    #[arg(long, value_name = "ALG", help_heading = "Keys")]
    signing_alg: Option<String>,
    /// With assertions of its own (jwt-bearer), whom it may ask for beside itself: people, by username, or any subject.
    #[arg(long, value_enum, value_name = "WHOM", help_heading = "Keys")]
    assertion_subjects: Option<SubjectsArg>,
    #[command(flatten)]
    subject: Subject,
    /// What a refresh gives back: a new refresh token, or the same one (confidential clients only).
    #[arg(long, value_enum, default_value = "rotate", help_heading = "Refreshing")]
    refresh_mode: RefreshModeArg,
    /// How long its refresh tokens are good when they are not used, such as 8h (default: tokens.refresh_lifetime).
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Refreshing")]
    refresh_lifetime: Option<Duration>,
    /// How long a grant can be refreshed at all; 0s: for ever (default: tokens.refresh_absolute_lifetime).
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Refreshing")]
    refresh_absolute_lifetime: Option<Duration>,
    /// What it may get by token exchange; several times for both.
    #[arg(long = "exchange", value_enum, value_name = "POLICY", help_heading = "Token exchange")]
    exchange: Vec<ExchangeArg>,
    /// An audience it may ask for beside those of the subject token; several times for several.
    #[arg(long = "exchange-audience", value_name = "AUDIENCE", requires = "exchange", help_heading = "Token exchange")]
    exchange_audience: Vec<String>,
}

/// The subject of a `tls_client_auth` client's certificate.
#[derive(clap::Args)]
#[group(multiple = false)]
struct Subject {
    /// For tls_client_auth: the subject of its certificate, as in CN=client,O=Example.
    #[arg(long, value_name = "DN", help_heading = "Certificate")]
    tls_subject_dn: Option<String>,
    /// For tls_client_auth: a DNS name in its certificate.
    #[arg(long, value_name = "NAME", help_heading = "Certificate")]
    tls_san_dns: Option<String>,
    /// For tls_client_auth: a URI in its certificate, such as a SPIFFE ID.
    #[arg(long, value_name = "URI", help_heading = "Certificate")]
    tls_san_uri: Option<String>,
    /// For tls_client_auth: an IP address in its certificate.
    #[arg(long, value_name = "ADDRESS", help_heading = "Certificate")]
    tls_san_ip: Option<IpAddr>,
    /// For tls_client_auth: an e-mail address in its certificate.
    #[arg(long, value_name = "ADDRESS", help_heading = "Certificate")]
    tls_san_email: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SubjectsArg {
    People,
    Any,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RefreshModeArg {
    Rotate,
    Preserve,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExchangeArg {
    Impersonation,
    Delegation,
}

impl ProofOptions {
    /// The options, if they hold together with how the client proves itself.
    pub(super) fn build(self, method: ClientAuthMethod) -> Result<ClientOptions, Failure> {
        let keys = self.keys()?;
        let needs = |problem: &str| Err(Failure::new(format!("{} {problem}", method.wire_name())));
        match method {
            ClientAuthMethod::PrivateKeyJwt if keys.is_empty() => {
                return needs("needs the client's keys: give --jwks-file, --jwks-uri or --certificate-file");
            }
            ClientAuthMethod::SelfSignedTlsClientAuth if keys.certificates.is_empty() && keys.jwks.is_none() => {
                return needs("needs the certificate itself: give --certificate-file (or --jwks-file with x5c)");
            }
            _ => {}
        }
        let tls_client_auth = self.subject.build()?;
        if (method == ClientAuthMethod::TlsClientAuth) != tls_client_auth.is_some() {
            return Err(Failure::new("tls_client_auth and one of --tls-… go together: give both or neither"));
        }
        if self.refresh_mode == RefreshModeArg::Preserve && method == ClientAuthMethod::None {
            return Err(Failure::new(
                "--refresh-mode preserve is for confidential clients: a public client's stolen refresh token would never show",
            ));
        }
        if let Some(alg) = &self.signing_alg
            && (Algorithm::from_name(alg).is_none() && Hmac::from_name(alg).is_none())
        {
            return Err(Failure::new(format!("--signing-alg: {alg} is not an algorithm that is verified")));
        }
        let exchange = |one| self.exchange.contains(&one);
        Ok(ClientOptions {
            refresh_mode: match self.refresh_mode {
                RefreshModeArg::Rotate => RefreshMode::Rotate,
                RefreshModeArg::Preserve => RefreshMode::Preserve,
            },
            refresh_lifetime: seconds(self.refresh_lifetime)?,
            refresh_absolute_lifetime: seconds(self.refresh_absolute_lifetime)?,
            keys,
            assertion_subjects: self.assertion_subjects.map(|whom| match whom {
                SubjectsArg::People => Subjects::People,
                SubjectsArg::Any => Subjects::Any,
            }),
            tls_client_auth,
            token_exchange: ExchangePolicy {
                impersonation: exchange(ExchangeArg::Impersonation),
                delegation: exchange(ExchangeArg::Delegation),
                audiences: self.exchange_audience,
            },
            token_endpoint_auth_signing_alg: self.signing_alg,
            ..ClientOptions::default()
        })
    }

    fn keys(&self) -> Result<Keys, Failure> {
        let certificates = self.certificate_files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
        for (file, certificate) in self.certificate_files.iter().zip(&certificates) {
            KeySet::from_certificates([certificate.as_str()]).map(drop).map_err(|error| wrong(file, &error))?;
        }
        let jwks = match &self.jwks_file {
            None => None,
            Some(file) => {
                let set = serde_json::from_str(&read(file)?).map_err(|error| wrong(file, &error))?;
                KeySet::from_value(&set).map(drop).map_err(|error| wrong(file, &error))?;
                Some(set)
            }
        };
        Ok(Keys { jwks, jwks_uri: self.jwks_uri.clone(), certificates })
    }
}

impl Subject {
    fn build(&self) -> Result<Option<TlsSubject>, Failure> {
        if let Some(dn) = &self.tls_subject_dn
            && Dn::parse(dn).is_none()
        {
            return Err(Failure::new("--tls-subject-dn is not a name such as CN=client,O=Example (RFC 4514)"));
        }
        let dn = self.tls_subject_dn.clone().map(TlsSubject::Dn);
        let dns = self.tls_san_dns.clone().map(TlsSubject::Dns);
        let uri = self.tls_san_uri.clone().map(TlsSubject::Uri);
        let email = self.tls_san_email.clone().map(TlsSubject::Email);
        Ok(dn.or(dns).or(uri).or(self.tls_san_ip.map(TlsSubject::Ip)).or(email))
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| wrong(file, &error))?;
    // One certificate, without what may stand around it: a private key, above all.
    match x509::from_pem(&text) {
        Ok(certificate) => Ok(x509::to_pem(&certificate)),
        Err(_) => Ok(text),
    }
}

fn wrong(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("{}: {error}", file.display()))
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::duration(text)
}

fn seconds(duration: Option<Duration>) -> Result<Option<u32>, Failure> {
    let read = |duration: Duration| {
        u32::try_from(duration.as_secs()).map_err(|_| Failure::new("a lifetime is at most 136 years"))
    };
    duration.map(read).transpose()
}
