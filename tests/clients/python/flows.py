"""Authlib and requests-oauthlib at the gateway: each flow ends with the protected call through Envoy.

Arguments: the gateway's URL, the URL of the person at the browser (tests/src/sample/remote.rs), a file with a key, the id
of a client that proves itself with it, and the secret of the client `<id>-hmac`.
"""

import os
import sys
import traceback
from pathlib import Path

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.integrations.requests_client import AssertionSession
from authlib.integrations.requests_client import OAuth2Session as Authlib
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc.jwk import ECKey
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError, LegacyApplicationClient
from requests_oauthlib import OAuth2Session as Oauthlib

GATEWAY, PERSON, KEY_FILE, CLIENT_WITH_KEY, HMAC_SECRET = sys.argv[1:6]
TOKEN, AUTHORIZE = f"{GATEWAY}/oauth2/token", f"{GATEWAY}/oauth2/authorize"


def redirect_uri():
    return requests.get(f"{PERSON}/redirect_uri", timeout=60).text


def visit(url):
    """The person visits a link, and comes back to the client with the URL that this gives."""
    answer = requests.post(f"{PERSON}/visit", data=url, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.text


def call(session):
    answer = session.get(f"{GATEWAY}/orders/1")
    assert answer.status_code == 200, answer.text
    return answer.json()["headers"]


def refused(answer, status, error):
    assert (answer.status_code, answer.json().get("error")) == (status, error), answer.text


def authlib_client_credentials():
    session = Authlib("demo-client-credentials", "demo-client-credentials-secret", scope="orders:read")
    token = session.fetch_token(TOKEN, grant_type="client_credentials")
    assert token["scope"] == "orders:read"
    assert call(session)["x-auth-client"] == "demo-client-credentials"


def authlib_private_key_jwt():
    key = ECKey.import_key(Path(KEY_FILE).read_text())
    session = Authlib(CLIENT_WITH_KEY, key, token_endpoint_auth_method="private_key_jwt", scope="orders:read")
    session.register_client_auth_method(PrivateKeyJWT(TOKEN, alg="ES256"))
    session.fetch_token(TOKEN, grant_type="client_credentials")
    assert call(session)["x-auth-client"] == CLIENT_WITH_KEY


def authlib_client_secret_jwt():
    client_id = f"{CLIENT_WITH_KEY}-hmac"
    session = Authlib(client_id, HMAC_SECRET, token_endpoint_auth_method="client_secret_jwt", scope="orders:read")
    session.register_client_auth_method(ClientSecretJWT(TOKEN))
    session.fetch_token(TOKEN, grant_type="client_credentials")
    assert call(session)["x-auth-client"] == client_id


def authlib_jwt_bearer():
    key = ECKey.import_key(Path(KEY_FILE).read_text())
    session = AssertionSession(
        TOKEN, issuer=CLIENT_WITH_KEY, subject=CLIENT_WITH_KEY, audience=TOKEN, scope="orders:read",
        grant_type=AssertionSession.JWT_BEARER_GRANT_TYPE, key=key, alg="ES256",
    )
    assert call(session)["x-auth-subject"] == CLIENT_WITH_KEY
    # An assertion is good once, and for a server that it names.
    assertion = PrivateKeyJWT(TOKEN, alg="ES256").sign(Authlib(CLIENT_WITH_KEY, key), TOKEN)
    form = {"grant_type": AssertionSession.JWT_BEARER_GRANT_TYPE, "assertion": assertion, "scope": "orders:read"}
    assert requests.post(TOKEN, data=form, timeout=20).status_code == 200
    refused(requests.post(TOKEN, data=form, timeout=20), 400, "invalid_grant")
    form["assertion"] = PrivateKeyJWT(TOKEN, alg="ES256").sign(Authlib(CLIENT_WITH_KEY, key), "https://other.example")
    refused(requests.post(TOKEN, data=form, timeout=20), 400, "invalid_grant")


def authlib_code_pkce_refresh_revoke():
    session = Authlib(
        "demo-refresh", "demo-refresh-secret", scope="orders:read", redirect_uri=redirect_uri(),
        code_challenge_method="S256", token_endpoint=TOKEN,
    )
    verifier = "authlib-verifier-of-at-least-forty-three-characters"
    url, state = session.create_authorization_url(AUTHORIZE, code_verifier=verifier)
    back = visit(url)
    first = session.fetch_token(TOKEN, authorization_response=back, state=state, code_verifier=verifier)
    call(session)
    second = session.refresh_token(TOKEN, first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    call(session)
    answer = session.introspect_token(f"{GATEWAY}/oauth2/introspect", token=second["access_token"])
    assert answer.json()["active"] is True
    assert session.revoke_token(f"{GATEWAY}/oauth2/revoke", token=second["refresh_token"]).status_code == 200
    answer = session.introspect_token(f"{GATEWAY}/oauth2/introspect", token=second["access_token"])
    assert answer.json() == {"active": False}


def authlib_password():
    session = Authlib("demo-password", "demo-password-secret", scope="orders:read")
    session.fetch_token(TOKEN, username="alice", password="alice-demo-password")
    call(session)


def authlib_implicit():
    session = Authlib("demo-implicit", scope="orders:read", redirect_uri=redirect_uri())
    url, state = session.create_authorization_url(AUTHORIZE, response_type="token")
    token = session.fetch_token(authorization_response=visit(url).replace("?", "#"), state=state)
    assert "refresh_token" not in token and token["scope"] == "orders:read"
    call(session)
    # Only for whom it was turned on.
    other = Authlib("demo-web", scope="orders:read", redirect_uri=redirect_uri())
    url, _ = other.create_authorization_url(AUTHORIZE, response_type="token")
    answer = requests.get(url, allow_redirects=False, timeout=20)
    assert "#error=unauthorized_client" in answer.headers["location"], answer.headers


def oauthlib_client_credentials():
    session = Oauthlib(client=BackendApplicationClient("demo-client-credentials", scope=["orders:read"]))
    session.fetch_token(TOKEN, client_secret="demo-client-credentials-secret")
    call(session)


def oauthlib_code_pkce_refresh():
    session = Oauthlib("demo-refresh", scope=["orders:read"], redirect_uri=redirect_uri(), pkce="S256")
    url, _ = session.authorization_url(AUTHORIZE)
    first = session.fetch_token(TOKEN, authorization_response=visit(url), client_secret="demo-refresh-secret")
    call(session)
    auth = requests.auth.HTTPBasicAuth("demo-refresh", "demo-refresh-secret")
    second = session.refresh_token(TOKEN, first["refresh_token"], auth=auth)
    assert second["refresh_token"] != first["refresh_token"]
    call(session)


def oauthlib_password():
    session = Oauthlib(client=LegacyApplicationClient("demo-password", scope=["orders:read"]))
    secret = "demo-password-secret"
    session.fetch_token(TOKEN, username="alice", password="alice-demo-password", client_secret=secret)
    call(session)
    for username, password in [("alice", "a guess"), ("nobody", "alice-demo-password")]:
        try:
            session.fetch_token(TOKEN, username=username, password=password, client_secret=secret)
            raise AssertionError(f"{username} got a token")
        except InvalidGrantError as error:
            assert "username or the password" in str(error)


FLOWS = [
    authlib_client_credentials, authlib_private_key_jwt, authlib_client_secret_jwt, authlib_jwt_bearer,
    authlib_code_pkce_refresh_revoke, authlib_password, authlib_implicit,
    oauthlib_client_credentials, oauthlib_code_pkce_refresh, oauthlib_password,
]

failed = False
for flow in FLOWS:
    try:
        flow()
        print("ok", flow.__name__)
    except Exception:
        failed = True
        print("FAILED", flow.__name__, traceback.format_exc())
sys.exit(failed)
