"""pysaml2 makes an assertion, signxml signs it with the demo's key, and the gateway gives a token for it (RFC 7522).

Arguments: the gateway's URL, and the file of the key.
"""

import base64
import datetime
import sys
from pathlib import Path

import requests
from lxml import etree
from saml2 import saml
from saml2.s_utils import sid
from signxml import SignatureConstructionMethod, XMLSigner

GATEWAY, KEY = sys.argv[1:3]
ISSUER = "https://idp.demo.example/saml"


def instant(seconds=0):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def assertion(audience=GATEWAY):
    data = saml.SubjectConfirmationData(recipient=f"{GATEWAY}/oauth2/token", not_on_or_after=instant(300))
    confirmation = saml.SubjectConfirmation(method=saml.SCM_BEARER, subject_confirmation_data=data)
    restriction = saml.AudienceRestriction(audience=[saml.Audience(text=audience)])
    made = saml.Assertion(
        id=sid(), version="2.0", issue_instant=instant(), issuer=saml.Issuer(text=ISSUER),
        subject=saml.Subject(name_id=saml.NameID(text="alice"), subject_confirmation=[confirmation]),
        attribute_statement=[saml.AttributeStatement(attribute=[
            saml.Attribute(name="ou", attribute_value=[saml.AttributeValue(text="Sales & co")]),
            saml.Attribute(name="mail", attribute_value=[saml.AttributeValue(text="alice@example.org")]),
        ])],
        conditions=saml.Conditions(not_on_or_after=instant(300), audience_restriction=[restriction]),
    )
    root = etree.fromstring(str(made).encode())
    # signxml puts the signature where it finds this.
    place = etree.Element("{http://www.w3.org/2000/09/xmldsig#}Signature", Id="placeholder")
    root[0].addnext(place)
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped, signature_algorithm="ecdsa-sha256",
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    signed = signer.sign(root, key=Path(KEY).read_bytes(), reference_uri="#" + made.id, id_attribute="ID")
    return base64.urlsafe_b64encode(etree.tostring(signed)).rstrip(b"=").decode()


def post(text):
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer", "assertion": text}
    return requests.post(f"{GATEWAY}/oauth2/token", data=form, auth=("demo-saml-bearer", "demo-saml-bearer-secret"), timeout=20)


once = assertion()
answer = post(once)
assert answer.status_code == 200, answer.text
token = answer.json()["access_token"]
call = requests.get(f"{GATEWAY}/orders/1", headers={"authorization": f"Bearer {token}"}, timeout=20)
assert call.status_code == 200 and call.json()["headers"]["x-auth-client"] == "demo-saml-bearer", call.text
print("ok saml_bearer")
# The one attribute that the issuer's registration takes into tokens (`--claim-from department=ou`).
form, demo = {"token": token}, ("demo-saml-bearer", "demo-saml-bearer-secret")
told = requests.post(f"{GATEWAY}/oauth2/introspect", data=form, auth=demo, timeout=20).json()
assert told["department"] == "Sales & co" and "mail" not in told and "ou" not in told, told
print("ok saml_attributes")
for why, text in {"used_before": once, "for_somebody_else": assertion("https://other.example")}.items():
    answer = post(text)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), answer.text
    print(f"ok saml_{why}")
