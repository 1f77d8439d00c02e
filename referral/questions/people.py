"""A person's name heard in an answer (谁推荐的): the whole name, part of it, or another's.

A reader would break this by taking a surname for a name: 张先生 may be anybody.
"""

import re
from enum import Enum, auto
from typing import Final

from loyalty.formats.address import surname

_TITLES: Final = "先生|女士|小姐|太太|老师|师傅|老板|经理|医生|大哥|大姐|总|哥|姐|叔|姨|mr|mrs|ms"
_WHO: Final = (
    "朋友|好友|同事|同学|亲戚|邻居|客户|老乡|战友|哥们|闺蜜|表哥|表弟|表姐|表妹|老朋友|老同学"
)
_BEFORE: Final = (
    f"(?:{_WHO}|{_TITLES}|嗯+|哦|啊|呃|噢|那个|这个|就是|应该|好像|可能|大概|没错|对|是|叫做|叫|我们|我"
    "|他|她|您|一个|一位|有个|有位|名字|姓名|的|推荐|介绍|人|通过|听|说|经|由|车主|把|给|向|了|位|个"
    "|hisname|hername|name|itwas|itis|its|is|was|called|my|friend|colleague|by|a|yes|the|he|she|i)"
)
_AFTER: Final = (
    f"(?:{_TITLES}|{_WHO}|推荐|介绍|的|吧|啊|呀|呢|哦|嘛|了|我们|我|来|过来|给|他|她|您|你们|这|那|个|人"
    "|是|说|买|车|店|告诉|带|让|recommended|referred|introduced|told|sent|me|you|us|to|did|it)"
)
_CLAUSE: Final = re.compile(r"[,。;!?、:()]+")
_JOINTS: Final = re.compile(r"[\s·•.'’&\-]+")
_LATIN: Final = re.compile("[a-z]{2,}")
_HAN: Final = "[\u3400-\u9fff]"


class Heard(Enum):
    """`partly`: a surname, a given name, one other character or another script; a person reads."""

    WHOLE = auto()
    PARTLY = auto()
    OTHER = auto()


def hear(name: str, folded: str) -> Heard:
    """Whose name is said; titles, fillers and how they met around it do not matter.

    `name` is canonical (formats.md), `folded` the answer less what it denies. Two names are never
    the whole of one (referral.md, section 4: the knock-out).
    """
    clauses = [clause for each in _CLAUSE.split(folded) if (clause := _JOINTS.sub("", each))]
    named = [clause for clause in clauses if not re.fullmatch(f"{_BEFORE}*{_AFTER}*", clause)]
    hits = [clause for clause in named if _is(re.escape(name), clause)]
    if hits and len(hits) == len(named):
        return Heard.WHOLE
    near = any(_near(name, clause) for clause in named)
    return Heard.PARTLY if hits or near else Heard.OTHER


def _near(name: str, clause: str) -> bool:
    if name.isascii() or clause.isascii():
        return name in clause or name.isascii() != clause.isascii()
    family = surname(name)
    given = name[len(family) :]
    slips = [
        re.escape(family + given[:at]) + _HAN + re.escape(given[at + 1 :])
        for at in range(len(given))
    ]
    parts = [f"[老小阿姓]?{re.escape(family)}", *slips]
    if len(given) > 1:
        parts.append(f"[老小阿]?{re.escape(given)}")
    return name in clause or _is("|".join(parts), clause)


def _is(pattern: str, clause: str) -> bool:
    return re.fullmatch(f"{_BEFORE}*(?:{pattern}){_AFTER}*", clause) is not None
