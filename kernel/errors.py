"""The five families a refusal belongs to. The domain says what is wrong; only `api` speaks HTTP.

A reader would break this by adding a status code, or personal data, to an error.
"""

from typing import Any


class DomainError(Exception):
    """A typed refusal.

    `code` is stable lower_snake and has a message in Chinese and English in `api/messages/`;
    `params` fill that message and are never personal data; `pointer` is the JSON pointer of
    the request field concerned, if there is one.
    """

    def __init__(self, code: str, *, pointer: str | None = None, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.pointer = pointer
        self.params = params


class NotFound(DomainError):
    """The object does not exist, or not for this caller."""


class Conflict(DomainError):
    """The request is fine, the present state does not allow it."""


class RuleViolation(DomainError):
    """A value breaks a rule of the field or the business."""


class Forbidden(DomainError):
    """This person may not do this, whatever the state."""


class TooSoon(DomainError):
    """Right, but not yet: the same request may succeed later."""
