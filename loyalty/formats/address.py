"""How a person is spoken of to someone who may not know the whole name: 张先生/女士.

A reader would break this by letting a given name through.
"""

from loyalty.formats.names import display

_COMPOUND = "欧阳司马上官诸葛司徒东方独孤南宫夏侯皇甫尉迟公孙慕容令狐长孙宇文轩辕端木百里呼延"
_TWO_CHARACTER_SURNAMES = {_COMPOUND[i : i + 2] for i in range(0, len(_COMPOUND), 2)}


def surname(name: str) -> str:
    """The surname (姓): one character, two for compound surnames.

    Of Latin names the first word, or its first letter when it is the only one.
    """
    words = display(name).replace("·", " ").split()
    first = words[0]
    if first.isascii() and len(words) > 1:
        return first
    return first[:2] if first[:2] in _TWO_CHARACTER_SURNAMES else first[:1]


def masked(name: str) -> str:
    """张*, 欧阳* or, of a Latin name, Z*: a first word may be a given name (api.md, masking)."""
    first = surname(name)
    return f"{first[:1] if first.isascii() else first}*"


def addressed_zh(name: str) -> str:
    return f"{surname(name)}先生/女士"


def addressed_en(name: str) -> str:
    return f"Mr/Ms {surname(name)}"
