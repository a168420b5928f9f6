//! Certificates (RFC 5280) of clients and issuers: read, compared, checked against authorities.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::X509Name;

/// The largest certificate that is looked at, in bytes of PEM.
const MAX_PEM: usize = 32 * 1024;
/// The most certificates in a chain.
const MAX_CHAIN: usize = 8;

/// Why a certificate is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a PEM certificate, or not one that can be read.
    #[error("not a PEM certificate")]
    Malformed,
    /// It does not lead to a trusted authority, is out of its time, or is not for clients.
    #[error("the certificate is not of a trusted authority, or out of its time")]
    Untrusted,
}

/// A certificate in PEM; what stands around it is ignored.
///
/// # Errors
/// [`CertificateError::Malformed`]
pub fn from_pem(pem: &str) -> Result<CertificateDer<'static>, CertificateError> {
    many_from_pem(pem)?.into_iter().next().ok_or(CertificateError::Malformed)
}

/// A certificate as PEM.
#[must_use]
pub fn to_pem(certificate: &CertificateDer<'_>) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(certificate.as_ref());
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while let Some((line, more)) = rest.split_at_checked(64).filter(|(_, more)| !more.is_empty()) {
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str(rest);
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}

/// All certificates in PEM, at most eight; at least one.
///
/// # Errors
/// [`CertificateError::Malformed`]
pub fn many_from_pem(pem: &str) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    if pem.len() > MAX_PEM {
        return Err(CertificateError::Malformed);
    }
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).take(MAX_CHAIN + 1).collect();
    let all = all.map_err(|_| CertificateError::Malformed)?;
    let sound = !all.is_empty() && all.len() <= MAX_CHAIN && all.iter().all(|one| parse(one).is_ok());
    if sound { Ok(all) } else { Err(CertificateError::Malformed) }
}

/// The certificate's public key: a DER `SubjectPublicKeyInfo`.
///
/// # Errors
/// [`CertificateError::Malformed`]
pub fn public_key(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, CertificateError> {
    Ok(parse(certificate)?.public_key().raw.to_vec())
}

/// Until when the certificate says it is good, Unix time in seconds; and its subject, in words.
///
/// # Errors
/// [`CertificateError::Malformed`]
pub fn describe(certificate: &CertificateDer<'_>) -> Result<(i64, String), CertificateError> {
    let certificate = parse(certificate)?;
    Ok((certificate.validity().not_after.timestamp(), certificate.subject().to_string()))
}

/// `x5t#S256`: the SHA-256 of the certificate in base64url (RFC 8705 §3.1).
#[must_use]
pub fn thumbprint(certificate: &CertificateDer<'_>) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.as_ref()))
}

/// Checks that a certificate for clients leads to one of the authorities, at this Unix time in seconds.
///
/// # Errors
/// [`CertificateError`]
pub fn verify_chain(
    certificate: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    authorities: &[TrustAnchor<'_>],
    now: i64,
) -> Result<(), CertificateError> {
    let end = EndEntityCert::try_from(certificate).map_err(|_| CertificateError::Malformed)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)));
    let usage = KeyUsage::client_auth();
    end.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, authorities, intermediates, time, usage, None, None)
        .map(drop)
        .map_err(|_| CertificateError::Untrusted)
}

/// An authority's certificate as what chains may lead to.
///
/// # Errors
/// [`CertificateError::Malformed`]
pub fn authority(certificate: &CertificateDer<'_>) -> Result<TrustAnchor<'static>, CertificateError> {
    let anchor = webpki::anchor_from_trusted_cert(certificate).map_err(|_| CertificateError::Malformed)?;
    Ok(anchor.to_owned())
}

/// The names in a certificate, as RFC 8705 §2.1.2 compares them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The subject, as [`Dn`].
    pub subject: Option<Dn>,
    /// `dNSName`s, in lower case.
    pub dns: Vec<String>,
    /// `uniformResourceIdentifier`s.
    pub uri: Vec<String>,
    /// `iPAddress`es.
    pub ip: Vec<std::net::IpAddr>,
    /// `rfc822Name`s.
    pub email: Vec<String>,
}

/// The names in a certificate.
///
/// # Errors
/// [`CertificateError::Malformed`]
pub fn names(certificate: &CertificateDer<'_>) -> Result<Names, CertificateError> {
    let certificate = parse(certificate)?;
    let mut names = Names { subject: Dn::of(certificate.subject()), ..Names::default() };
    let alternatives = certificate.subject_alternative_name().map_err(|_| CertificateError::Malformed)?;
    for name in alternatives.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::DNSName(name) => names.dns.push(name.to_ascii_lowercase()),
            GeneralName::URI(uri) => names.uri.push((*uri).to_owned()),
            GeneralName::RFC822Name(email) => names.email.push((*email).to_owned()),
            GeneralName::IPAddress(bytes) => names.ip.extend(ip(bytes)),
            _ => {}
        }
    }
    Ok(names)
}

fn ip(bytes: &[u8]) -> Option<std::net::IpAddr> {
    <[u8; 4]>::try_from(bytes).map(Into::into).or_else(|_| <[u8; 16]>::try_from(bytes).map(Into::into)).ok()
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, CertificateError> {
    match X509Certificate::from_der(certificate.as_ref()) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(CertificateError::Malformed),
    }
}

/// A distinguished name, in the order of RFC 4514 (the most particular first), ready to be compared: types by OID or
/// their short name in capitals, values as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dn(Vec<Vec<(String, String)>>);

/// The short names of RFC 4514 §3 and those that are common beside them.
const TYPES: [(&str, &str); 13] = [
    ("CN", "2.5.4.3"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("TITLE", "2.5.4.12"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
    ("E", "1.2.840.113549.1.9.1"),
];

impl Dn {
    /// Reads a name as RFC 4514 writes it: `CN=client,O=Example\, Inc.,C=DE`. Values in hexadecimal (`#…`) are not
    /// read.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut names = Vec::new();
        let mut name = Vec::new();
        let mut chars = text.chars().peekable();
        loop {
            let kind: String = std::iter::from_fn(|| chars.next_if(|c| *c != '=')).collect();
            chars.next_if_eq(&'=')?;
            let (value, end) = value(&mut chars)?;
            name.push((oid(kind.trim())?, value));
            match end {
                Some('+') => {}
                Some(_) => names.push(sorted(std::mem::take(&mut name))),
                None => {
                    names.push(sorted(name));
                    return Some(Self(names));
                }
            }
        }
    }

    fn of(name: &X509Name<'_>) -> Option<Self> {
        let mut names = Vec::new();
        for rdn in name.iter() {
            let parts: Option<Vec<_>> = rdn
                .iter()
                .map(|part| Some((part.attr_type().to_id_string(), part.as_str().ok()?.to_owned())))
                .collect();
            names.push(sorted(parts?));
        }
        names.reverse();
        (!names.is_empty()).then_some(Self(names))
    }
}

/// An RDN is a set: its order does not matter.
fn sorted(mut parts: Vec<(String, String)>) -> Vec<(String, String)> {
    parts.sort();
    parts
}

fn oid(kind: &str) -> Option<String> {
    let known = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, oid)| *oid);
    let numeric = || kind.contains('.') && kind.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    known.or_else(|| numeric().then_some(kind)).map(str::to_owned)
}

/// A value up to an unescaped `,` or `+`, and which of them ended it (RFC 4514 §2.4).
fn value(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<(String, Option<char>)> {
    let mut bytes: Vec<u8> = Vec::new();
    // Spaces at the end are not part of the value unless they are escaped.
    let mut kept = 0;
    while chars.next_if_eq(&' ').is_some() {}
    if chars.peek() == Some(&'#') {
        return None;
    }
    let end = loop {
        match chars.next() {
            None => break None,
            Some(c @ (',' | '+')) => break Some(c),
            Some('\\') => {
                let c = chars.next()?;
                match c.to_digit(16).zip(chars.peek().and_then(|low| low.to_digit(16))) {
                    Some((high, low)) => {
                        chars.next();
                        bytes.push(u8::try_from(high * 16 + low).ok()?);
                    }
                    None => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                }
                kept = bytes.len();
            }
            Some('"' | ';' | '<' | '>' | '\0') => return None,
            Some(c) => {
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                if c != ' ' {
                    kept = bytes.len();
                }
            }
        }
    };
    bytes.truncate(kept);
    Some((String::from_utf8(bytes).ok()?, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_rfc_4514_writes_it() {
        let same = |a: &str, b: &str| assert_eq!(Dn::parse(a).unwrap(), Dn::parse(b).unwrap(), "{a} {b}");
        same("CN=a,O=Example\\, Inc.,C=DE", "cn=a, o=Example\\2c Inc. , 2.5.4.6=DE");
        same("UID=jsmith+CN=x,DC=example,DC=net", "CN=x+UID=jsmith,DC=example,DC=net");
        same("CN=Lu\\C4\\8Di\\C4\\87", "CN=Lučić");
        same("E=a@b.example,CN=x", "emailAddress=a@b.example,CN=x");
        assert_ne!(Dn::parse("CN=a,O=b"), Dn::parse("O=b,CN=a"));
        assert_ne!(Dn::parse("CN=a"), Dn::parse("CN=A"));
        assert_ne!(Dn::parse("CN=a\\ "), Dn::parse("CN=a"));
        for bad in ["", "CN", "CN=a,", "XX=a", "CN=#0403", "CN=a;b", "=a", "CN=\\", "CN=\\ff"] {
            assert!(Dn::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_names_of_a_certificate() {
        let mut params =
            rcgen::CertificateParams::new(vec!["Client.Example".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        params.subject_alt_names.push(rcgen::SanType::URI("spiffe://example/client".try_into().unwrap()));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CountryName, "DE");
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Example, Inc.");
        params.distinguished_name.push(rcgen::DnType::CommonName, "client");
        let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let names = names(certificate.der()).unwrap();
        assert_eq!(names.subject, Dn::parse("CN=client,O=Example\\, Inc.,C=DE"));
        assert_eq!(
            (names.dns, names.uri),
            (vec!["client.example".to_owned()], vec!["spiffe://example/client".to_owned()])
        );
        assert_eq!(names.ip, ["192.0.2.7".parse::<std::net::IpAddr>().unwrap()]);
        assert_eq!(from_pem(&certificate.pem()).unwrap(), *certificate.der());
        assert_eq!(from_pem(&to_pem(certificate.der())).unwrap(), *certificate.der());
        assert!(
            from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").is_err() && from_pem("").is_err()
        );
    }
}
