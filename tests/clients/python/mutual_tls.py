"""Authlib and requests at a gateway with TLS: clients that prove themselves by certificates (RFC 8705), and tokens that are bound
to them.

Arguments: the gateway's URL, its plain one, and a directory with ca.pem and <name>.pem (certificate and key in one).
"""

import sys
import time
from pathlib import Path
from urllib.parse import quote

import requests
from authlib.integrations.requests_client import OAuth2Session

GATEWAY, PLAIN, DIRECTORY = sys.argv[1], sys.argv[2], Path(sys.argv[3])
TOKEN, ORDER = f"{GATEWAY}/oauth2/token", f"{GATEWAY}/orders/1"


def prepared(session, certificate):
    # Otherwise what this machine's environment says of authorities comes first.
    session.trust_env = False
    session.verify = str(DIRECTORY / "ca.pem")
    session.cert = certificate and str(DIRECTORY / f"{certificate}.pem")
    return session


def session(client_id, certificate):
    return prepared(OAuth2Session(client_id, scope="orders:read", token_endpoint_auth_method="none"), certificate)


def call(token, certificate, **headers):
    headers["authorization"] = f"Bearer {token}"
    answer = prepared(requests.Session(), certificate).get(ORDER, headers=headers)
    return answer.status_code, answer.headers.get("www-authenticate", "")


def ask(client_id, certificate, url=TOKEN, **headers):
    form = {"grant_type": "client_credentials", "client_id": client_id}
    return prepared(requests.Session(), certificate).post(url, data=form, headers=headers)


def until_open():
    """The gateway has just started: until it has keys and the feed, it says 503."""
    token = ask("by-authority", "client").json()["access_token"]
    end = time.monotonic() + 20
    while call(token, "client")[0] != 200:
        assert time.monotonic() < end, call(token, "client")
        time.sleep(0.05)


def refused(answer, status, error):
    assert (answer.status_code, answer.json().get("error")) == (status, error), answer.text


until_open()
for client_id, certificate, method in [
    ("by-authority", "client", "tls_client_auth"), ("by-itself", "pinned", "self_signed_tls_client_auth"),
]:
    by = session(client_id, certificate)
    token = by.fetch_token(TOKEN, grant_type="client_credentials")["access_token"]
    answer = by.get(ORDER)
    assert answer.status_code == 200, answer.text
    assert answer.json()["headers"]["x-auth-client"] == client_id
    others = {"client": "pinned", "pinned": "client"}[certificate]
    for wrong in [others, "another", None]:
        status, challenge = call(token, wrong)
        assert status == 401 and 'error="invalid_token"' in challenge, (wrong, status, challenge)
    # A certificate of the same authority for somebody else, one of nobody's, none.
    for wrong in [others, "another", None]:
        refused(ask(client_id, wrong), 401, "invalid_client")
    print("ok", method)

# What a client writes of itself is not what the gateway says: taken off, with a certificate or without, by TLS or not.
pem = (DIRECTORY / "client.pem").read_text().split("-----BEGIN PRIVATE KEY")[0]
forged = {
    "x-forwarded-client-cert": f'Hash=ab;Cert="{quote(pem, safe="")}"',
    "x-bearward-gateway": f"v1.{int(time.time())}.{'A' * 43}",
    "x-bearward-client-address": "192.0.2.7",
}
for url, certificate in [(TOKEN, None), (TOKEN, "another"), (f"{PLAIN}/oauth2/token", None)]:
    refused(ask("by-authority", certificate, url, **forged), 401, "invalid_client")
    assert ask("by-authority", "client", **forged).status_code == 200, "nor does it harm who has the certificate"
bound = ask("by-authority", "client").json()["access_token"]
assert call(bound, None, **forged)[0] == 401
assert call(bound, "client", **forged)[0] == 200
print("ok forged_headers")
