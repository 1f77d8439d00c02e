"""If-Match: the version a person looked at before deciding. Weak tags and `*` are not versions."""

import re

from flask import request

from api.problems import PreconditionRequired, Unreadable

_TAG = re.compile(r'"([0-9]{1,18})"')


def expected_version() -> int:
    """The version in If-Match. Raises PreconditionRequired, Unreadable `if_match_invalid`."""
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired("if_match_required")
    match = _TAG.fullmatch(given.strip())
    if match is None:
        raise Unreadable("if_match_invalid")
    return int(match[1])
