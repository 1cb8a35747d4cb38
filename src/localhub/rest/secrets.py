"""Secrets and variables of organisations and repositories.

Secrets are sealed for the public key that is handed out, and stay sealed.
"""

import base64
import binascii
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from localhub.rest.shapes import settings_scope
from localhub.store import Record, Taken
from localhub.wire import Answer, Call, Problem, Route, invalid, not_found

_NAME = re.compile(r"(?!GITHUB_)[A-Z_][A-Z0-9_]*")
_VISIBILITIES = ("all", "private", "selected")
_SEAL_BYTES = 48
"""What sealing adds to a secret: a public key of 32 bytes and a tag of 16."""


def public_key(call: Call) -> Answer:
    """`GET .../actions/secrets/public-key`: the X25519 key that secrets are to be sealed for."""
    return Answer(body=_public_key(call, settings_scope(call, "secrets", write=True)))


def _public_key(call: Call, scope: str) -> dict[str, str]:
    with call.core.store.transaction():
        kept = call.core.store.by_key("secret_key", scope, "x25519")
        if kept is None:
            private = X25519PrivateKey.generate()
            data = {
                "private": base64.b64encode(private.private_bytes_raw()).decode(),
                "public": base64.b64encode(private.public_key().public_bytes_raw()).decode(),
            }
            kept = call.core.store.add("secret_key", scope, "x25519", data)
    return {"key_id": str(kept.id), "key": kept.data["public"]}


def list_secrets(call: Call) -> Answer:
    """`GET .../actions/secrets`: names and dates."""
    found = call.core.store.records("secret", settings_scope(call, "secrets", write=True))
    return _counted(call, "secrets", [_secret(one) for one in found])


def show_secret(call: Call) -> Answer:
    """`GET .../actions/secrets/{name}`."""
    return Answer(body=_secret(_named(call, "secret", settings_scope(call, "secrets", write=True))))


def set_secret(call: Call) -> Answer:
    """`PUT .../actions/secrets/{name}`: 201 for a new one, 204 for one that was there."""
    scope = settings_scope(call, "secrets", write=True)
    name = _checked_name(call.params["name"], "Secret")
    if call.text("key_id", resource="Secret") != _public_key(call, scope)["key_id"]:
        raise invalid("Secret", "key_id", "key_id is not that of the public key", "invalid")
    sealed = call.text("encrypted_value", resource="Secret")
    try:
        size = len(base64.b64decode(sealed, validate=True))
    except binascii.Error as error:
        raise invalid("Secret", "encrypted_value", "encrypted_value is not base64", "invalid") from error
    if size < _SEAL_BYTES:
        raise invalid("Secret", "encrypted_value", "encrypted_value is not a sealed box", "invalid")
    now = call.core.now()
    with call.core.store.transaction():
        kept = call.core.store.by_key("secret", scope, name)
        created = kept.data["created_at"] if kept else now
        data = {"sealed": sealed, "created_at": created, "updated_at": now, **_visibility(call)}
        if kept is not None:
            call.core.store.change("secret", Record(kept.id, scope, name, data))
            return Answer(204)
        call.core.store.add("secret", scope, name, data)
    return Answer(201, {})


def remove_secret(call: Call) -> Answer:
    """`DELETE .../actions/secrets/{name}`."""
    call.core.store.remove("secret", _named(call, "secret", settings_scope(call, "secrets", write=True)).id)
    return Answer(204)


def _secret(one: Record) -> dict[str, Any]:
    return {"name": one.key} | {name: value for name, value in one.data.items() if name != "sealed"}


def list_variables(call: Call) -> Answer:
    """`GET .../actions/variables`."""
    found = call.core.store.records("variable", settings_scope(call, "variables", write=True))
    return _counted(call, "variables", [_variable(one) for one in found])


def add_variable(call: Call) -> Answer:
    """`POST .../actions/variables`: 409 when there is one of this name."""
    scope = settings_scope(call, "variables", write=True)
    name = _checked_name(call.text("name", resource="Variable"), "Variable")
    now = call.core.now()
    data = {"value": call.text("value", resource="Variable"), "created_at": now, "updated_at": now}
    data |= _visibility(call)
    try:
        call.core.store.add("variable", scope, name, data)
    except Taken as error:
        raise Problem(409, "Already exists - Variable already exists") from error
    return Answer(201, {})


def show_variable(call: Call) -> Answer:
    """`GET .../actions/variables/{name}`."""
    return Answer(body=_variable(_named(call, "variable", settings_scope(call, "variables", write=True))))


def change_variable(call: Call) -> Answer:
    """`PATCH .../actions/variables/{name}`: `value`, and `name` to rename it."""
    scope = settings_scope(call, "variables", write=True)
    kept = _named(call, "variable", scope)
    name = _checked_name(call.text("name", resource="Variable", default=kept.key), "Variable")
    value = call.text("value", resource="Variable", default=kept.data["value"])
    data = kept.data | {"value": value, "updated_at": call.core.now()}
    try:
        call.core.store.change("variable", Record(kept.id, scope, name, data))
    except Taken as error:
        raise Problem(409, "Already exists - Variable already exists") from error
    return Answer(204)


def remove_variable(call: Call) -> Answer:
    """`DELETE .../actions/variables/{name}`."""
    call.core.store.remove(
        "variable", _named(call, "variable", settings_scope(call, "variables", write=True)).id
    )
    return Answer(204)


def _variable(one: Record) -> dict[str, Any]:
    return {"name": one.key, **one.data}


def _visibility(call: Call) -> dict[str, str]:
    """For which repositories an organisation's secret or variable is; one of a repository has no such thing."""
    if "org" not in call.params:
        return {}
    wanted = call.text("visibility", resource="Organization", default="all")
    if wanted not in _VISIBILITIES:
        raise invalid("Organization", "visibility", f"visibility must be one of {', '.join(_VISIBILITIES)}")
    return {"visibility": wanted}


def _named(call: Call, kind: str, scope: str) -> Record:
    found = call.core.store.by_key(kind, scope, call.params["name"].upper())
    if found is None:
        raise not_found()
    return found


def _checked_name(name: str, resource: str) -> str:
    if not _NAME.fullmatch(name.upper()):
        words = "name may hold letters, digits and '_', and begin neither with a digit nor with GITHUB_"
        raise invalid(resource, "name", words, "invalid")
    return name.upper()


def _counted(call: Call, name: str, entries: list[dict[str, Any]]) -> Answer:
    answer = call.paged(entries)
    return Answer(body={"total_count": len(entries), name: answer.body}, headers=answer.headers)


ROUTES = [
    Route(method, f"{where}/actions/{path}", handler)
    for where in ("/orgs/{org}", "/repos/{owner}/{repo}")
    for method, path, handler in (
        ("GET", "secrets", list_secrets),
        ("GET", "secrets/public-key", public_key),
        ("GET", "secrets/{name}", show_secret),
        ("PUT", "secrets/{name}", set_secret),
        ("DELETE", "secrets/{name}", remove_secret),
        ("GET", "variables", list_variables),
        ("POST", "variables", add_variable),
        ("GET", "variables/{name}", show_variable),
        ("PATCH", "variables/{name}", change_variable),
        ("DELETE", "variables/{name}", remove_variable),
    )
]
