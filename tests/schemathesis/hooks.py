"""What Schemathesis makes up names nothing that exists, so most of it would only be answered by 404 and 412. Two calls of
three are made to name an object that was made for them, at the version that it has. The client that Schemathesis speaks as
stays as it is, or everything after would be answered by 401."""

import itertools
import os

import requests
import schemathesis

SELF = os.environ["BEARWARD_SELF"]
API = os.environ["BEARWARD_API"]
SESSION = requests.Session()
SESSION.headers["Authorization"] = "Bearer " + os.environ["BEARWARD_TOKEN"]
NUMBERS = itertools.count()

MAKE = {
    "clients": lambda n: {
        "client_id": f"made-{n}",
        "auth_method": "client_secret",
        "grant_types": ["client_credentials"],
        "scope": "orders:read",
    },
    # Hashing a password takes long: few people, each changed again and again.
    "people": lambda n: {"username": f"made-{n // 40}", "password": "a long password"},
    "scopes": lambda n: {"name": f"made:{n}", "title": "A title"},
    "authorization-types": lambda n: {"name": f"made:{n}", "title": "A title"},
    "issuers": lambda n: {"issuer": f"https://made-{n}.example", "keys": {"jwks_uri": "https://made.example/jwks"}},
}
IDENTIFIED_BY = {
    "clients": "client_id",
    "people": "id",
    "scopes": "name",
    "authorization-types": "name",
    "issuers": "issuer",
}


def made(kind, number):
    """An object of this kind, and its version."""
    body = MAKE[kind](number)
    answer = SESSION.post(f"{API}/{kind}", json=body)
    if answer.status_code == 409:
        query = {"q": body["username"]} if kind == "people" else {}
        found = SESSION.get(f"{API}/{kind}", params=query).json()["items"][0]
        return found[IDENTIFIED_BY[kind]], f'"{found["version"]}"'
    answer.raise_for_status()
    return answer.json()[IDENTIFIED_BY[kind]], answer.headers["ETag"]


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(NUMBERS)
    kind = case.path.split("/")[1]
    # Issuers are named in the query.
    parameters = (case.query if kind == "issuers" else case.path_parameters) or {}
    if number % 3 and kind in MAKE and parameters:
        name, version = made(kind, number)
        first = {"scopes": "name", "authorization-types": "name", "issuers": "issuer"}.get(kind, "id")
        parameters[first] = name
        if isinstance(case.body, dict) and first in case.body:
            case.body[first] = name
        if case.headers is not None and "If-Match" in case.headers:
            case.headers["If-Match"] = version
        if "secret" in parameters:
            shown = SESSION.post(f"{API}/clients/{name}/secrets", json={"label": "made"})
            parameters["secret"] = shown.json()["id"]
    for value in (parameters, case.body):
        if isinstance(value, dict):
            for member, text in value.items():
                if isinstance(text, str) and SELF in text:
                    value[member] = "demo-service"
