"""The values a fact can have, the words people use for them, and the popular ones for decoys.

A reader would break this by adding a word that means two values of one fact to `words`, not `also`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a fact. `words` name it; `also` counts as it in an answer (silver for grey)."""

    code: str
    zh: str
    en: str
    words: tuple[str, ...]
    also: tuple[str, ...]


def _value(row: Mapping[str, Any]) -> Value:
    names = (row["zh"], row["en"], *row["words"])
    return Value(row["code"], row["zh"], row["en"], names, tuple(row.get("also", ())))


RAW: Final = Path(__file__).with_name("values.json").read_bytes()
"""As shipped: part of every bank's version, because a word can decide an answer."""
_SAID: Final = json.loads(RAW)

VALUES: Final[Mapping[str, Mapping[str, Value]]] = MappingProxyType(
    {
        fact: MappingProxyType({row["code"]: _value(row) for row in rows})
        for fact, rows in _SAID["values"].items()
    }
)
"""For each fact with a closed vocabulary (词库) its values by code."""
DECOY_MODELS: Final[tuple[str, ...]] = tuple(_SAID["decoys"]["models"])
DECOY_COLOURS: Final[tuple[str, ...]] = tuple(_SAID["decoys"]["colours"])
