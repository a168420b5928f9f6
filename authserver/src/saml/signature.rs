//! The enveloped signature of an assertion, XML Signature 1.1 as SAML core §5.4 narrows it, and narrower.

use super::key::{self, Key};
use super::{DSIG, Refused, c14n, dom, text};
use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;
use subtle::ConstantTimeEq as _;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// The most prefixes of one `InclusiveNamespaces`.
const MAX_PREFIXES: usize = 16;

/// The canonical octets of the assertion without its signature, which one of the keys signed.
pub(super) fn verify(assertion: &str, keys: &[Key]) -> Result<String, Refused> {
    let document = text::parse(assertion)?;
    let root = dom::assertion(&document)?;
    let signature = only_signature(root)?;
    let parts = dom::elements(signature)?;
    let (signed_info, value) = match parts.as_slice() {
        // What KeyInfo says is never read: the key is pinned. An Object is none of these, so it is refused.
        [info, value] => (*info, *value),
        [info, value, key_info] if dom::is(*key_info, DSIG, "KeyInfo") => (*info, *value),
        _ => return Err(Refused::Signature("it holds more or less than SignedInfo, SignatureValue and KeyInfo")),
    };
    if !dom::is(signed_info, DSIG, "SignedInfo") || !dom::is(value, DSIG, "SignatureValue") {
        return Err(Refused::Signature("it does not begin with SignedInfo and SignatureValue"));
    }
    // Read before it is vouched for, to know how to canonicalise it; acted on only as it reads canonicalised.
    let method = SignedInfo::read(signed_info)?;
    let prefixes: Vec<&str> = method.own_prefixes.iter().map(String::as_str).collect();
    let signed = c14n::element(signed_info, &prefixes, None);
    let value = octets(value)?;
    if !keys.iter().any(|key| key.verifies(&method.algorithm, signed.as_bytes(), &value)) {
        return Err(Refused::Signature("no key pinned for its issuer made it"));
    }
    let signed_document = text::parse(&signed)?;
    let info = SignedInfo::read(signed_document.root_element())?;
    if info.uri.strip_prefix('#') != Some(dom::identifier(root)?) {
        return Err(Refused::Signature("it is over something else than this assertion"));
    }
    let prefixes: Vec<&str> = info.prefixes.iter().map(String::as_str).collect();
    let canonical = c14n::element(root, &prefixes, Some(signature));
    if bool::from(digest(info.hash, canonical.as_bytes()).as_ref().ct_eq(&info.digest)) {
        Ok(canonical)
    } else {
        Err(Refused::Signature("the assertion was changed after it was signed"))
    }
}

/// The one signature, right after the issuer, where the schema has it.
fn only_signature<'a, 'i>(root: Node<'a, 'i>) -> Result<Node<'a, 'i>, Refused> {
    let second = dom::elements(root)?.get(1).copied();
    match (dom::signatures(root).as_slice(), second) {
        ([], _) => Err(Refused::Signature("there is none")),
        ([signature], Some(second)) if *signature == second => Ok(second),
        ([_], _) => Err(Refused::Signature("it does not stand right after the Issuer")),
        _ => Err(Refused::Signature("there are several")),
    }
}

struct SignedInfo {
    algorithm: String,
    own_prefixes: Vec<String>,
    uri: String,
    prefixes: Vec<String>,
    hash: &'static digest::Algorithm,
    digest: Vec<u8>,
}

impl SignedInfo {
    fn read(signed_info: Node<'_, '_>) -> Result<Self, Refused> {
        let [canonicalisation, method, reference] =
            children(signed_info, ["CanonicalizationMethod", "SignatureMethod", "Reference"])
                .map_err(|_| Refused::Signature("SignedInfo does not hold two methods and one Reference"))?;
        let own_prefixes = exclusive(canonicalisation)?;
        let algorithm = algorithm(method)?;
        if !key::known(algorithm) {
            return Err(Refused::Signature("its SignatureMethod is not taken"));
        }
        if !dom::elements(method)?.is_empty() {
            return Err(Refused::Signature("its SignatureMethod has parameters"));
        }
        let [transforms, digest_method, digest_value] =
            children(reference, ["Transforms", "DigestMethod", "DigestValue"]).map_err(|_| {
                Refused::Signature("its Reference does not hold Transforms, DigestMethod and DigestValue")
            })?;
        let transforms = dom::elements(transforms)?;
        let [enveloped, canonical] = transforms.as_slice() else {
            return Err(Refused::Signature("its Transforms are not the two that are taken"));
        };
        let plain = |node| dom::is(node, DSIG, "Transform");
        if !plain(*enveloped)
            || !plain(*canonical)
            || algorithm_is_not(*enveloped, ENVELOPED)
            || !dom::elements(*enveloped)?.is_empty()
        {
            return Err(Refused::Signature("its Transforms are not the two that are taken"));
        }
        Ok(Self {
            algorithm: algorithm.to_owned(),
            own_prefixes,
            uri: reference.attribute("URI").ok_or(Refused::Signature("its Reference has no URI"))?.to_owned(),
            prefixes: exclusive(*canonical)?,
            hash: hash(digest_method)?,
            digest: octets(digest_value)?,
        })
    }
}

/// Exactly these children, in this order.
fn children<'a, 'i, const N: usize>(node: Node<'a, 'i>, names: [&str; N]) -> Result<[Node<'a, 'i>; N], Refused> {
    let elements = dom::elements(node)?;
    if !elements.iter().zip(names).all(|(element, name)| dom::is(*element, DSIG, name)) {
        return Err(Refused::Signature("its elements are not in order"));
    }
    elements.try_into().map_err(|_| Refused::Signature("its elements are too many or too few"))
}

fn algorithm<'a>(node: Node<'a, '_>) -> Result<&'a str, Refused> {
    node.attribute("Algorithm").ok_or(Refused::Signature("a method has no Algorithm"))
}

fn algorithm_is_not(node: Node<'_, '_>, expected: &str) -> bool {
    node.attribute("Algorithm") != Some(expected)
}

/// Exclusive canonicalisation without comments and nothing else; the prefixes its `InclusiveNamespaces` lists.
fn exclusive(method: Node<'_, '_>) -> Result<Vec<String>, Refused> {
    if algorithm_is_not(method, EXCLUSIVE) {
        return Err(Refused::Signature("it is canonicalised in a way that is not taken"));
    }
    match dom::elements(method)?.as_slice() {
        [] => Ok(Vec::new()),
        [list] if dom::is(*list, EXCLUSIVE, "InclusiveNamespaces") && dom::elements(*list)?.is_empty() => {
            let prefixes: Vec<_> =
                list.attribute("PrefixList").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
            if prefixes.len() > MAX_PREFIXES {
                return Err(Refused::Signature("its InclusiveNamespaces are too many"));
            }
            Ok(prefixes)
        }
        _ => Err(Refused::Signature("its canonicalisation has parameters that are not taken")),
    }
}

fn hash(method: Node<'_, '_>) -> Result<&'static digest::Algorithm, Refused> {
    if !dom::elements(method)?.is_empty() {
        return Err(Refused::Signature("its DigestMethod has parameters"));
    }
    match algorithm(method)? {
        "http://www.w3.org/2001/04/xmlenc#sha256" => Ok(&SHA256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Ok(&SHA384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Ok(&SHA512),
        _ => Err(Refused::Signature("its DigestMethod is not taken")),
    }
}

/// Base64, with the white space that XML allows in it.
fn octets(node: Node<'_, '_>) -> Result<Vec<u8>, Refused> {
    let mut text = dom::text(node)?;
    text.retain(|c| !matches!(c, ' ' | '\t' | '\r' | '\n'));
    STANDARD.decode(text).map_err(|_| Refused::Signature("a value is not base64"))
}
