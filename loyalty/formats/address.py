"""How a person is spoken of to someone who may not know the whole name: 张先生/女士.

A reader would break this by letting a given name through.
"""

from loyalty.formats.names import display

_COMPOUND = "欧阳司马上官诸葛司徒东方独孤南宫夏侯皇甫尉迟公孙慕容令狐长孙宇文轩辕端木百里呼延"
_TWO_CHARACTER_SURNAMES = {_COMPOUND[i : i + 2] for i in range(0, len(_COMPOUND), 2)}


def surname(name: str) -> str:
    """The surname: one character, two for compound surnames, the first word of other names."""
    shown = display(name)
    first = shown.replace("·", " ").split()[0]
    if first.isascii():
        return first
    return first[:2] if first[:2] in _TWO_CHARACTER_SURNAMES else first[:1]


def addressed_zh(name: str) -> str:
    return f"{surname(name)}先生/女士"


def addressed_en(name: str) -> str:
    return f"Mr/Ms {surname(name)}"
