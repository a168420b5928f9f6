#!/usr/bin/env python3
"""Makes fixtures/: real assertions by pysaml2 and signxml, and hostile ones.

Run in a virtual environment with requirements.txt; pysaml2 also needs Debian's xmlsec1. Keys are made anew each time
and only certificates are kept, so all fixtures change together. A file's directory says what has to happen to it:
accepted/ or refused/; tests/saml/main.rs says why each of the refused ones is.
"""

import base64
import datetime
import hashlib
import hmac
import shutil
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from lxml import etree
from signxml import SignatureConstructionMethod, XMLSigner

HERE = Path(__file__).parent / "fixtures"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
INC = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENV = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ISSUER = "https://idp.example/metadata"
# The tests' clock: 2027-01-15T08:00:00Z.
TIMES = {"issued": "2027-01-15T07:59:50Z", "from": "2027-01-15T07:59:00Z", "until": "2027-01-15T08:05:00Z"}
AUDIENCE = "http://127.0.0.1:8080"
RECIPIENT = "http://127.0.0.1:8080/oauth2/token"


def assertion(identifier="_a1", subject="alice@example.com", extra="", namespaces="", issuer=ISSUER, **other):
    times = {**TIMES, **other}
    return (
        f'<saml:Assertion xmlns:saml="{SAML}"{namespaces} ID="{identifier}" IssueInstant="{times["issued"]}" Version="2.0">'
        f"<saml:Issuer>{issuer}</saml:Issuer>"
        '<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">'
        f"{subject}</saml:NameID>"
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml:SubjectConfirmationData NotOnOrAfter="{times["until"]}" Recipient="{other.get("recipient", RECIPIENT)}"/>'
        "</saml:SubjectConfirmation></saml:Subject>"
        f'<saml:Conditions NotBefore="{times["from"]}" NotOnOrAfter="{times["until"]}"><saml:AudienceRestriction>'
        f'<saml:Audience>{other.get("audience", AUDIENCE)}</saml:Audience></saml:AudienceRestriction></saml:Conditions>'
        f'<saml:AuthnStatement AuthnInstant="{times["from"]}"><saml:AuthnContext><saml:AuthnContextClassRef>'
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
        f"</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>{extra}</saml:Assertion>"
    )


def certificate(key, name):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin)
    return builder.not_valid_after(begin + datetime.timedelta(days=3650)).sign(key, hashes.SHA256())


KEYS = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "mallory": rsa.generate_private_key(65537, 2048),
}
CERTIFICATES = {name: certificate(key, f"{name} test key") for name, key in KEYS.items()}


def pem(name):
    return CERTIFICATES[name].public_bytes(serialization.Encoding.PEM)


def private(name):
    form = (serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return KEYS[name].private_bytes(serialization.Encoding.PEM, *form)


def keep(kind, name, document):
    path = HERE / kind / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document if isinstance(document, bytes) else document.encode())


# --- signxml ---


def signxml(document, key="rsa", algorithm="rsa-sha256", digest="sha256"):
    root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, strip_cdata=False))
    issuer = root.find(f"{{{SAML}}}Issuer")
    placeholder = etree.Element(f"{{{DS}}}Signature", Id="placeholder", nsmap={"ds": DS})
    issuer.addnext(placeholder)
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=algorithm,
        digest_algorithm=digest,
        c14n_algorithm=EXC,
    )
    signed = signer.sign(
        root, key=private(key), cert=pem(key).decode(), reference_uri="#" + root.get("ID"), id_attribute="ID"
    )
    return etree.tostring(signed)


# --- pysaml2, with xmlsec1 ---


def pysaml2():
    import tempfile

    from saml2 import saml, sigver
    from saml2.config import SPConfig

    with tempfile.TemporaryDirectory() as directory:
        key, cert = Path(directory, "key.pem"), Path(directory, "cert.pem")
        key.write_bytes(private("rsa"))
        cert.write_bytes(pem("rsa"))
        config = SPConfig().load(
            {
                "entityid": ISSUER, "key_file": str(key), "cert_file": str(cert),
                "service": {"sp": {"endpoints": {"assertion_consumer_service": [RECIPIENT]}}},
                "xmlsec_binary": shutil.which("xmlsec1"),
            }
        )
        made = saml.Assertion(
            id="_pysaml2", version="2.0", issue_instant=TIMES["issued"], issuer=saml.Issuer(text=ISSUER),
            subject=saml.Subject(
                name_id=saml.NameID(format=saml.NAMEID_FORMAT_EMAILADDRESS, text="alice@example.com"),
                subject_confirmation=[
                    saml.SubjectConfirmation(
                        method=saml.SCM_BEARER,
                        subject_confirmation_data=saml.SubjectConfirmationData(
                            recipient=RECIPIENT, not_on_or_after=TIMES["until"]
                        ),
                    )
                ],
            ),
            conditions=saml.Conditions(
                not_before=TIMES["from"], not_on_or_after=TIMES["until"],
                audience_restriction=[saml.AudienceRestriction(audience=[saml.Audience(text=AUDIENCE)])],
            ),
            attribute_statement=[
                saml.AttributeStatement(
                    attribute=[
                        saml.Attribute(
                            name="groups", name_format=saml.NAME_FORMAT_URI,
                            attribute_value=[saml.AttributeValue(text="staff"), saml.AttributeValue(text="Zoë & co")],
                        )
                    ]
                )
            ],
        )
        context = sigver.security_context(config)
        sha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
        made.signature = sigver.pre_signature_part(made.id, context.my_cert, 1, sign_alg=sha256, digest_alg=SHA256)
        node = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"
        return context.sign_statement(str(made), node, node_id=made.id)


# --- by hand: what no honest tool would sign ---


def c14n(element, algorithm=EXC, prefixes=None):
    comments = algorithm.endswith("WithComments")
    exclusive = algorithm.startswith(EXC)
    return etree.tostring(
        element, method="c14n", exclusive=exclusive, with_comments=comments, inclusive_ns_prefixes=prefixes
    )


def by_hand(document, **how):
    """Signs a document; `how` bends one thing at a time."""
    parser = etree.XMLParser(resolve_entities=False, strip_cdata=False, load_dtd=False)
    root = etree.fromstring(document, parser)
    target = how.get("target", lambda root: root)(root)
    digest_name, digest = how.get("digest", (SHA256, "sha256"))
    octets = how.get("octets") or c14n(target, how.get("reference_c14n", EXC), how.get("prefixes"))
    value = base64.b64encode(hashlib.new(digest, octets).digest()).decode()
    transforms = how.get(
        "transforms", f'<ds:Transform Algorithm="{ENV}"/><ds:Transform Algorithm="{how.get("reference_c14n", EXC)}"/>'
    )
    uri = how.get("uri", "#" + root.get("ID"))
    uri = "" if uri is None else f' URI="{uri}"'
    reference = (
        f'<ds:Reference{uri}><ds:Transforms>{transforms}</ds:Transforms><ds:DigestMethod Algorithm="{digest_name}"/>'
        f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference>"
    )
    method, sign = how.get("method", (MORE + "rsa-sha256", rsa_sha256))
    info = (
        f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{how.get("info_c14n", EXC)}"/>'
        f'<ds:SignatureMethod Algorithm="{method}"/>{how.get("references", reference)}</ds:SignedInfo>'
    )
    signature = base64.b64encode(sign(c14n(etree.fromstring(info), how.get("info_c14n", EXC)))).decode()
    info = info.replace(f' xmlns:ds="{DS}"', "")
    block = (
        f'<ds:Signature xmlns:ds="{DS}">{info}<ds:SignatureValue>{signature}</ds:SignatureValue>'
        f'{how.get("key_info", "")}{how.get("more", "")}</ds:Signature>'
    )
    text = document if isinstance(document, str) else document.decode()
    return text.replace("</saml:Issuer>", "</saml:Issuer>" + block, 1)


def rsa_sha256(octets, key="rsa"):
    return KEYS[key].sign(octets, padding.PKCS1v15(), hashes.SHA256())


def block_of(document):
    start, end = document.index("<ds:Signature "), document.index("</ds:Signature>") + len("</ds:Signature>")
    return document[start:end]


def key_info(name):
    body = base64.b64encode(CERTIFICATES[name].public_bytes(serialization.Encoding.DER)).decode()
    return f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"


def accepted():
    for name, key, algorithm, digest in [
        ("signxml-rsa-sha256", "rsa", "rsa-sha256", "sha256"),
        ("signxml-rsa-sha512", "rsa", "rsa-sha512", "sha512"),
        ("signxml-rsa-pss-sha256", "rsa", "sha256-rsa-MGF1", "sha256"),
        ("signxml-rsa-pss-sha384", "rsa", "sha384-rsa-MGF1", "sha384"),
        ("signxml-p256-sha256", "p256", "ecdsa-sha256", "sha256"),
        ("signxml-p384-sha384", "p384", "ecdsa-sha384", "sha384"),
        ("signxml-p384-sha256", "p384", "ecdsa-sha256", "sha256"),
        ("signxml-p256-sha512", "p256", "ecdsa-sha512", "sha512"),
    ]:
        keep("accepted", name, signxml(assertion(), key, algorithm, digest))
    keep("accepted", "pysaml2", pysaml2())
    keep("accepted", "by-hand", by_hand(assertion()))
    attribute = (
        '<saml:AttributeStatement><saml:Attribute Name="a&#9;tab&#10;line&#13;end" FriendlyName="literal\ttab\nand line">'
        '<saml:AttributeValue xsi:type="xs:string">{}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>'
    )
    schemas = ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    tabs = assertion(extra=attribute.format("v\t1\n2&#13;"), namespaces=schemas)
    keep("accepted", "tabs-and-line-ends", by_hand(tabs))
    keep("accepted", "tabs-and-line-ends-signxml", signxml(tabs))
    # signxml digests with the list and does not write it down, which is no signature over anything; so by hand.
    listed = (
        f'<ds:Transform Algorithm="{ENV}"/><ds:Transform Algorithm="{EXC}">'
        f'<ec:InclusiveNamespaces xmlns:ec="{EXC}" PrefixList="xs xsi"/></ds:Transform>'
    )
    keep("accepted", "inclusive-namespaces", by_hand(tabs, transforms=listed, prefixes=["xs", "xsi"]))
    cdata = assertion(extra=attribute.format("<![CDATA[one\r\ntwo <not> &markup;\r]]>"), namespaces=schemas)
    keep("accepted", "cdata-with-crlf", by_hand(cdata))
    prefixes = assertion(
        extra='<s2:AttributeStatement xmlns:s2="%s"><Attribute xmlns="%s" xmlns:q="urn:q" q:y="1" Name="n">'
        '<a:AttributeValue xmlns:a="%s" xmlns:q="urn:other" q:z="2"/></Attribute></s2:AttributeStatement>' % ((SAML,) * 3),
        namespaces=' xmlns:unused="urn:unused"',
    )
    keep("accepted", "several-prefixes", signxml(prefixes))
    default = assertion().replace("saml:", "").replace("xmlns:saml", "xmlns")
    keep("accepted", "default-namespace", signxml(default))
    keep("accepted", "xml-declaration", b'<?xml version="1.0" encoding="UTF-8"?>\r\n' + signxml(assertion()))
    keep("accepted", "foreign-certificate-in-keyinfo-ignored", by_hand(assertion(), key_info=key_info("mallory")))
    keep("accepted", "longer-id-on-signature", by_hand(assertion()).replace("<ds:Signature ", '<ds:Signature Id="_s1" '))


def wrapped():
    """XSW1 to XSW8 of Somorovsky et al., "On Breaking SAML", for a bare assertion."""
    original = by_hand(assertion())
    block = block_of(original)
    unsigned = original.replace(block, "")
    evil = assertion(identifier="_evil", subject="admin@example.com")

    def into(document, where, what):
        return document.replace(where, where + what, 1)

    yield "xsw1-original-inside-signature-of-evil", into(
        evil, "</saml:Issuer>", block.replace("</ds:Signature>", f"<ds:Object>{unsigned}</ds:Object></ds:Signature>")
    )
    yield "xsw2-original-in-advice", into(
        evil, "</saml:Issuer>", block
    ).replace("</saml:Assertion>", f"<saml:Advice>{unsigned}</saml:Advice></saml:Assertion>")
    yield "xsw3-evil-first-sibling", f"<wrap>{evil}{original}</wrap>"
    yield "xsw4-evil-holds-original", evil.replace("</saml:Assertion>", f"{original}</saml:Assertion>")
    yield "xsw5-original-after-evil-with-signature", f"<wrap>{into(evil, '</saml:Issuer>', block)}{unsigned}</wrap>"
    yield "xsw6-evil-in-object", original.replace("</ds:Signature>", f"<ds:Object>{evil}</ds:Object></ds:Signature>")
    yield "xsw7-original-in-confirmation-data", into(evil, "</saml:Issuer>", block).replace(
        f'Recipient="{RECIPIENT}"/>', f'Recipient="{RECIPIENT}">{unsigned}</saml:SubjectConfirmationData>'
    )
    yield "xsw8-evil-inside-object-of-nested", evil.replace(
        "</saml:Issuer>",
        "</saml:Issuer>"
        + block.replace("</ds:Signature>", f"<ds:Object>{unsigned}</ds:Object></ds:Signature>"),
        1,
    ).replace("_evil", "_a1")
    yield "evil-subject-in-signature", original.replace(
        "</ds:Signature>", "<saml:Subject><saml:NameID>admin@example.com</saml:NameID></saml:Subject></ds:Signature>"
    )


def refused():
    good = by_hand(assertion())
    for name, document in wrapped():
        keep("refused", name, document)
    keep("refused", "tampered-subject", good.replace("alice@", "admin@"))
    keep("refused", "tampered-audience", good.replace(f"{AUDIENCE}<", "http://other.example<"))
    keep("refused", "tampered-digest", good.replace("<ds:DigestValue>", "<ds:DigestValue>AAAA"))
    keep("refused", "unsigned", assertion())
    keep("refused", "two-signatures", good.replace("</saml:Issuer>", "</saml:Issuer>" + block_of(good), 1))
    moved = good.replace(block_of(good), "").replace("</saml:Assertion>", block_of(good) + "</saml:Assertion>")
    keep("refused", "signature-elsewhere", moved)
    comment = assertion(subject="admin@example.com<!---->.evil.example")
    keep("refused", "comment-in-nameid", by_hand(comment))
    keep("refused", "comment-in-nameid-with-comments", by_hand(
        comment, reference_c14n=EXC + "WithComments"))
    keep("refused", "pi-in-nameid", by_hand(assertion(subject="admin@example.com<?x y?>.evil.example")))
    keep("refused", "element-in-nameid", by_hand(assertion(subject="admin@example.com<b/>.evil.example")))
    keep("refused", "comment-in-digest", good.replace("<ds:DigestValue>", "<ds:DigestValue><!-- AAAA -->"))
    keep("refused", "second-signedinfo", good.replace("<ds:SignatureValue>", "<ds:SignedInfo/><ds:SignatureValue>"))
    keep("refused", "second-assertion", good + good)
    keep("refused", "nested-assertion-signed", by_hand(assertion(extra=assertion("_a2"))))
    keep("refused", "encrypted-assertion-inside", by_hand(assertion(extra="<saml:EncryptedAssertion/>")))
    keep("refused", "c14n-inclusive", by_hand(assertion(), reference_c14n=INC))
    keep("refused", "c14n-inclusive-signedinfo", by_hand(assertion(), info_c14n=INC))
    keep("refused", "c14n-changed-after-signing", good.replace(
        f'<ds:CanonicalizationMethod Algorithm="{EXC}"/>', f'<ds:CanonicalizationMethod Algorithm="{INC}"/>'))
    keep("refused", "signature-over-another-element", by_hand(
        assertion(extra='<saml:AttributeStatement ID="_other"/>'), uri="#_other",
        target=lambda root: root.find(f"{{{SAML}}}AttributeStatement")))
    keep("refused", "foreign-key-with-its-certificate", by_hand(
        assertion(), method=(MORE + "rsa-sha256", lambda o: rsa_sha256(o, "mallory")), key_info=key_info("mallory")))
    keep("refused", "sha1-signature", by_hand(
        assertion(), method=(DS + "rsa-sha1", lambda o: KEYS["rsa"].sign(o, padding.PKCS1v15(), hashes.SHA1()))))
    keep("refused", "sha1-digest", by_hand(assertion(), digest=(DS + "sha1", "sha1")))
    for form, secret in [
        ("pem", pem("rsa")),
        ("spki", KEYS["rsa"].public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)),
    ]:
        keep("refused", f"hmac-with-public-{form}", by_hand(
            assertion(), method=(MORE + "hmac-sha256", lambda o, s=secret: hmac.digest(s, o, "sha256"))))
    keep("refused", "ecdsa-name-for-an-rsa-key", by_hand(assertion(), method=(MORE + "ecdsa-sha256", rsa_sha256)))
    keep("refused", "object-in-signature", by_hand(assertion(), more="<ds:Object>x</ds:Object>"))
    keep("refused", "empty-uri", by_hand(assertion(), uri=""))
    keep("refused", "no-uri", by_hand(assertion(), uri=None))
    keep("refused", "xpointer-uri", by_hand(assertion(), uri="#xpointer(id('_a1'))"))
    keep("refused", "external-uri", by_hand(assertion(), uri="https://idp.example/a#_a1"))
    keep("refused", "no-reference", by_hand(assertion(), references=""))
    root_reference = block_of(good)
    reference = root_reference[root_reference.index("<ds:Reference"):root_reference.index("</ds:SignedInfo>")]
    keep("refused", "two-references", by_hand(assertion(), references=reference * 2))
    xpath = '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>true()</ds:XPath></ds:Transform>'
    filter2 = (
        '<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"><x:XPath '
        'xmlns:x="http://www.w3.org/2002/06/xmldsig-filter2" Filter="intersect">//*</x:XPath></ds:Transform>'
    )
    xslt = (
        '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet version="1.0" '
        'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">x</xsl:template></xsl:stylesheet></ds:Transform>'
    )
    env, exc = f'<ds:Transform Algorithm="{ENV}"/>', f'<ds:Transform Algorithm="{EXC}"/>'
    for name, transforms in [
        ("xpath", env + xpath + exc), ("xpath-filter2", env + filter2 + exc), ("xslt", env + xslt + exc),
        ("no-enveloped", exc), ("no-c14n", env), ("no", ""), ("reordered", exc + env),
        ("base64", f'<ds:Transform Algorithm="{DS}base64"/>' + exc), ("xpath-in-enveloped", f'<ds:Transform Algorithm="{ENV}"><ds:XPath>x</ds:XPath></ds:Transform>' + exc),
    ]:
        keep("refused", f"transforms-{name}", by_hand(assertion(), transforms=transforms))
    keep("refused", "dtd", "<!DOCTYPE Assertion>" + good)
    keep("refused", "dtd-attlist-id", f"<!DOCTYPE a [<!ATTLIST saml:NameID ID ID 'x'>]>{good}")
    keep("refused", "entity", '<!DOCTYPE a [<!ENTITY who "admin">]>' + good.replace("alice@", "&who;@"))
    keep("refused", "entity-external", '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + good.replace("alice", "&f;"))
    keep("refused", "entity-undeclared", good.replace("alice", "&who;"))
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    keep("refused", "entity-bomb", f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]>' + good.replace("alice", "&l8;"))
    same = assertion(extra='<saml:AttributeStatement ID="_a1"/>')
    keep("refused", "two-ids-the-same", by_hand(same))
    for attribute in ["Id", "id", "xml:id", "AssertionID"]:
        name = attribute.replace(":", "-") + ("-attribute" if attribute != "AssertionID" else "")
        same = assertion(extra=f'<saml:AttributeStatement {attribute}="_a1"/>')
        keep("refused", f"confused-{name}-elsewhere", by_hand(same))
        # The root answers to a second name, and that is the one signed.
        both = assertion().replace('ID="_a1"', f'ID="_a1" {attribute}="_b"', 1)
        keep("refused", f"confused-{name}-on-root", by_hand(both, uri="#_b"))
    keep("refused", "no-id", by_hand(assertion(), uri="#").replace(' ID="_a1"', ""))
    keep("refused", "empty-id", by_hand(assertion(""), uri="#"))
    keep("refused", "saml-1", by_hand(assertion()).replace('Version="2.0"', 'Version="1.1"'))
    response = f'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">{good}</samlp:Response>'
    keep("refused", "response", response)
    keep("refused", "foreign-root", good.replace(SAML, "urn:other"))
    keep("refused", "deep", "<a>" * 4000 + "</a>" * 4000)
    keep("refused", "issuer-of-another-format", by_hand(assertion().replace(
        "<saml:Issuer>", '<saml:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">')))
    keep("refused", "signature-value-not-base64", good.replace("<ds:SignatureValue>", "<ds:SignatureValue>*"))
    wrong = {
        "another-issuer": assertion(issuer="https://other.example"),
        "another-audience": assertion(audience="https://other.example"),
        "another-recipient": assertion(recipient="https://other.example/token"),
        "expired": assertion(until="2027-01-15T07:59:00Z", **{"from": "2027-01-15T07:00:00Z"}),
        "not-yet": assertion(**{"from": "2027-01-15T08:02:00Z"}),
        "too-far-ahead": assertion(until="2027-01-16T09:00:00Z"),
        "local-time": assertion(until="2027-01-15T09:05:00+01:00"),
        "no-confirmation": assertion().replace(":cm:bearer", ":cm:sender-vouches"),
        "no-recipient": assertion().replace(f' Recipient="{RECIPIENT}"', ""),
        "no-confirmation-end": assertion().replace(f'Data NotOnOrAfter="{TIMES["until"]}"', "Data"),
        "no-nameid": assertion().replace("saml:NameID", "saml:BaseID"),
        "empty-nameid": assertion(subject=" "),
        "unknown-condition": assertion().replace("</saml:Conditions>", '<x:C xmlns:x="urn:x"/></saml:Conditions>'),
    }
    start, end = assertion().index("<saml:Audience>"), assertion().index("</saml:AudienceRestriction>")
    wrong["empty-audience-restriction"] = assertion()[:start] + assertion()[end:]
    start, end = assertion().index("<saml:Conditions"), assertion().index("<saml:AuthnStatement")
    wrong["no-conditions"] = assertion()[:start] + assertion()[end:]
    wrong["second-audience-restriction"] = assertion().replace(
        "</saml:Conditions>",
        "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction></saml:Conditions>",
    )
    for name, document in wrong.items():
        keep("refused", f"claims-{name}", by_hand(document))


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    for name in KEYS:
        (HERE / f"{name}.pem").write_bytes(pem(name))
    for name, key in {
        "short": rsa.generate_private_key(65537, 1024), "p521": ec.generate_private_key(ec.SECP521R1()),
    }.items():
        made = certificate(key, name).public_bytes(serialization.Encoding.PEM)
        (HERE / f"unfit-{name}.pem").write_bytes(made)
    accepted()
    refused()


if __name__ == "__main__":
    main()
