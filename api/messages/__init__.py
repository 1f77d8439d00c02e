"""The catalogue of error messages: every code once, in Chinese and English, as data.

A reader would break this by writing a sentence in Python, or a code in one language only.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter
from types import MappingProxyType
from typing import Any, Literal

Language = Literal["zh-CN", "en"]

_KEYS: Mapping[Language, str] = MappingProxyType({"zh-CN": "zh", "en": "en"})
_CODE = re.compile(r"[a-z][a-z0-9_]{1,62}")
_MAX_HEADER_CHARACTERS = 1_000
_RANGE = re.compile(
    r"\s*(?P<tag>zh|en)(?:-[a-z0-9-]*)?\s*(?:;\s*q=(?P<q>[01](?:\.[0-9]{0,3})?)\s*)?",
    re.ASCII | re.IGNORECASE,
)


class CatalogueError(ValueError):
    """A message file is incomplete, ambiguous or malformed; the service must not start with it."""


@dataclass(frozen=True)
class Message:
    """The title and the detail sentence of one code, by language."""

    title: Mapping[str, str]
    detail: Mapping[str, str]

    def titled(self, language: Language) -> str:
        """Return the static title in `language`."""
        return self.title[_KEYS[language]]

    def detailed(self, language: Language, params: Mapping[str, Any]) -> str:
        """Return the detail sentence filled with `params`; a missing one shows as `?`."""
        return self.detail[_KEYS[language]].format_map(_Shown(params))


class _Shown(dict[str, str]):
    """Parameters as text, so that filling a sentence can never raise."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__({name: _in_words(value) for name, value in params.items()})

    def __missing__(self, name: str) -> str:
        return "?"


def _in_words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def load(documents: Mapping[str, str]) -> Mapping[str, Message]:
    """Join message files, given as file name to JSON text, into one catalogue (api.md, errors).

    Raises CatalogueError for a code found twice, a missing language or an unusable sentence.
    """
    messages: dict[str, Message] = {}
    for name, text in documents.items():
        for code, entry in json.loads(text, object_pairs_hook=_unique).items():
            if code in messages:
                raise CatalogueError(f"{name}: {code} is defined twice")
            messages[code] = _message(f"{name}: {code}", code, entry)
    return MappingProxyType(messages)


@cache
def catalogue() -> Mapping[str, Message]:
    """Return every message of `api/messages/*.json` by code, read once; raises CatalogueError."""
    folder = sorted(files(__name__).iterdir(), key=lambda file: file.name)
    return load(
        {file.name: file.read_text("utf-8") for file in folder if file.name.endswith(".json")}
    )


def language(accept_language: str | None) -> Language:
    """Choose the language of an answer from an `Accept-Language` header (api.md, errors).

    Any `zh` tag means zh-CN, any `en` tag means en, the higher weight wins, the first of
    equals wins, and everything else, malformed headers included, means zh-CN.
    """
    best: Language = "zh-CN"
    best_weight = 0.0
    for part in (accept_language or "")[:_MAX_HEADER_CHARACTERS].split(","):
        found = _RANGE.fullmatch(part)
        weight = min(float(found["q"] or 1), 1.0) if found else 0.0
        if found and weight > best_weight:
            best, best_weight = ("en" if found["tag"].lower() == "en" else "zh-CN"), weight
    return best


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise CatalogueError(f"a key is repeated among {sorted(members)}")
    return members


def _message(where: str, code: str, entry: Any) -> Message:
    if not _CODE.fullmatch(code):
        raise CatalogueError(f"{where}: not a lower_snake code")
    if not isinstance(entry, dict) or set(entry) != {"title", "detail"}:
        raise CatalogueError(f"{where}: needs exactly a title and a detail")
    for part in entry.values():
        if not isinstance(part, dict) or set(part) != set(_KEYS.values()):
            raise CatalogueError(f"{where}: needs exactly zh and en")
        if not all(isinstance(text, str) and text.strip() for text in part.values()):
            raise CatalogueError(f"{where}: a text is empty")
    for sentence in entry["detail"].values():
        _check_placeholders(where, sentence)
    return Message(title=entry["title"], detail=entry["detail"])


def _check_placeholders(where: str, sentence: str) -> None:
    try:
        fields = [part[1:] for part in Formatter().parse(sentence) if part[1] is not None]
    except ValueError as error:
        raise CatalogueError(f"{where}: {error}") from error
    for name, spec, conversion in fields:
        if not str(name).isidentifier() or spec or conversion:
            raise CatalogueError(f"{where}: only plain {{name}} placeholders are allowed")
