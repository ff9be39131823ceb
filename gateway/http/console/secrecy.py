"""A row or a filter as a part of an address that tells nobody anything: addresses are kept in the logs of proxies and browsers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import orjson

from gateway.errors import StoreError
from gateway.store.sealing import Keyring

_ABOUT = b"console address"


def folded(keyring: Keyring, told: Mapping[str, str]) -> str:
    """Sealed with the store's own key; another text each time."""
    return base64.urlsafe_b64encode(keyring.seal(orjson.dumps(dict(told)), _ABOUT)).decode().rstrip("=")


def unfolded(keyring: Keyring, text: str) -> dict[str, str]:
    """What was folded; {} of what nobody folded here."""
    try:
        found = orjson.loads(keyring.open(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), _ABOUT))
    except (binascii.Error, ValueError, StoreError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
