"""AES-GCM with what each ciphertext is bound to, and what is derived from a master key.

A ciphertext is a nonce of 12 random bytes, then what AES-256-GCM makes, its tag at the end. What it is bound to is
JSON: a list of texts and numbers is written in one way only, so that no two lists read alike. The library is
imported where it is used: most commands open no value.
"""

from __future__ import annotations

import json
from secrets import token_bytes
from typing import Final

from steward.domain.vault import Kept
from steward.ports import Permanent

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
HEADER: Final = b"steward-secrets-2\n"
"""How a file under a passphrase begins; its number is that of the form. The cost and the salt follow."""
SALT_BYTES: Final = 16
COST: Final = 17
"""How dear a passphrase is to try, as the exponent of scrypt's N. Source: OWASP's "Password Storage Cheat Sheet",
scrypt: N=2^17, r=8, p=1.
"""
COSTS: Final = range(10, 21)
"""What a file may ask for: at 2^20 one try takes 1 GB of memory."""


class Unfit(Exception):
    """A ciphertext, and what it is bound to, do not belong together under that key."""


def new_key() -> bytes:
    """A random key."""
    return token_bytes(KEY_BYTES)


def encrypt(key: bytes, clear: bytes, bound: bytes) -> bytes:
    """A ciphertext that opens with that key and that binding alone."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, clear, bound)


def decrypt(key: bytes, cipher: bytes, bound: bytes) -> bytes:
    """What was encrypted. Raises Unfit."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(cipher) < NONCE_BYTES + TAG_BYTES:
        raise Unfit
    try:
        return AESGCM(key).decrypt(cipher[:NONCE_BYTES], cipher[NONCE_BYTES:], bound)
    except InvalidTag:
        raise Unfit from None


def derived(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, from which nothing of the key can be told."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(key)


def key_id(key: bytes) -> str:
    """How a master key is called: 16 hex digits."""
    return derived(key, "id").hex()[:16]


def bound_value(kept: Kept, key_version: int) -> bytes:
    """What a value's ciphertext is bound to: everything that its row says but when it was sent."""
    return _listed(
        "value",
        kept.project_id,
        kept.name,
        str(kept.sort),
        ",".join(sorted(kept.places)),
        kept.set_at.isoformat(timespec="microseconds"),
        kept.set_by,
        kept.generated,
        kept.length,
        kept.version,
        key_version,
    )


def bound_key(project_id: str, version: int, master_id: str) -> bytes:
    """What a wrapped data key is bound to."""
    return _listed("key", project_id, version, master_id)


def _listed(*parts: object) -> bytes:
    return json.dumps(parts).encode()


def lock(data: bytes, passphrase: str, cost: int = COST) -> bytes:
    """A file under a passphrase: header, cost, salt, ciphertext, which is bound to what stands before it."""
    head = HEADER + bytes([cost]) + token_bytes(SALT_BYTES)
    return head + encrypt(_stretched(passphrase, head), data, head)


def unlock(data: bytes, passphrase: str) -> bytes:
    """What `lock` was given. Raises Permanent."""
    if not data.startswith(b"steward-secrets-"):
        raise Permanent("this is no export of secrets", "Name a file that `steward secret export` made.")
    if not data.startswith(HEADER):
        raise Permanent(
            "this export of secrets is of a form that this Steward cannot read", "Install a newer Steward."
        )
    begins = len(HEADER) + 1 + SALT_BYTES
    head, cipher = data[:begins], data[begins:]
    if len(cipher) < NONCE_BYTES + TAG_BYTES:
        raise Permanent("this export of secrets was cut short", "Use a whole copy of it.")
    try:
        return decrypt(_stretched(passphrase, head), cipher, head)
    except Unfit:
        raise Permanent(
            "this passphrase does not open the export, or the file was cut or changed",
            "Try the passphrase again; then another copy of the file.",
        ) from None


def _stretched(passphrase: str, head: bytes) -> bytes:
    """The key that a passphrase comes to, at the cost and with the salt of a file's head. Raises Unfit."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    cost, salt = head[len(HEADER)], head[len(HEADER) + 1 :]
    if cost not in COSTS:
        raise Unfit
    return Scrypt(salt=salt, length=KEY_BYTES, n=2**cost, r=8, p=1).derive(
        passphrase.encode("utf-8", "surrogatepass")
    )
