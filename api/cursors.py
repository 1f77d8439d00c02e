"""Signed page cursors: where the next page starts, good only for the query that issued it.

A reader would break this by putting personal data into a position: it is signed, not hidden.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from api.problems import Unreadable

MAX_CURSOR_CHARACTERS = 2_048

_PURPOSE = b"cursor-1"
_TAG_BYTES = 16


def encode(position: Sequence[str | int], *, bound_to: str, key: bytes) -> str:
    """Return the cursor of `position`, the sort values of the last row shown.

    `bound_to` names route, filters, dealer and subject (api.md, lists); `key` is secret.
    """
    content = json.dumps(list(position), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_tag(content, bound_to, key) + content).decode().rstrip("=")


def decode(cursor: str, *, bound_to: str, key: bytes) -> list[str | int]:
    """Return the position in `cursor`; raises Unreadable `cursor_invalid` if it is not ours.

    A cursor that was changed, or issued for another `bound_to` or key, is not ours.
    """
    try:
        if len(cursor) > MAX_CURSOR_CHARACTERS:
            raise Unreadable("cursor_invalid")
        sealed = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError as error:
        raise Unreadable("cursor_invalid") from error
    content = sealed[_TAG_BYTES:]
    if not hmac.compare_digest(sealed[:_TAG_BYTES], _tag(content, bound_to, key)):
        raise Unreadable("cursor_invalid")
    if base64.urlsafe_b64encode(sealed).decode().rstrip("=") != cursor:
        raise Unreadable("cursor_invalid")
    position: list[str | int] = json.loads(content)
    return position


def _tag(content: bytes, bound_to: str, key: bytes) -> bytes:
    binding = hashlib.sha256(bound_to.encode()).digest()
    return hmac.digest(key, _PURPOSE + binding + content, "sha256")[:_TAG_BYTES]
