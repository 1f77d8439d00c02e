"""Body colours (车身颜色) as the one-letter codes of the registration authority.

Words are a closed list: a new trade name is added here, never guessed from its last character.
"""

import re
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import text

WORDS: Final = {
    "A": "白 white ivory",
    "B": "灰 银 银灰 铁灰 石墨 grey gray silver graphite",
    "C": "黄 金 香槟 香槟金 yellow gold golden champagne",
    "D": "粉 粉红 桃红 pink",
    "E": "红 大红 紫红 橙红 酒红 枣红 玫瑰红 red maroon burgundy",
    "F": "紫 紫罗兰 purple violet",
    "G": "绿 青 墨绿 蓝绿 green",
    "H": "蓝 藏青 藏蓝 blue navy",
    "I": "棕 褐 棕褐 咖 咖啡 啡 茶色 古铜 brown coffee bronze",
    "J": "黑 black",
    "Z": "其他 其它 橙 橘 米色 other orange beige",
}
_SHADES: Final = (
    "色 漆 金属漆 车 车身 深 浅 亮 暗 淡 纯 哑光 珠光 金属 珍珠 象牙 极地 雪 奶 乳 米 碳 炭 曜石 "
    "宝 宝石 星空 极光 天 海 深海 雅士 钛 中国 dark light deep bright pale pearl pearlescent "
    "metallic matt matte off midnight sky colour color"
)
_CODES: Final[dict[str, str]] = {
    **{shade.upper(): "" for shade in _SHADES.split()},
    **{word.upper(): code for code, words in WORDS.items() for word in words.split()},
}
_WORD: Final = re.compile("|".join(sorted(_CODES, key=len, reverse=True)))


def canonical(value: str) -> str:
    """The code letter: A white, B grey and silver, C yellow, D pink, E red, F purple, G green,
    H blue, I brown, J black, Z other (formats.md), from a code or a Chinese or English name.

    Raises RuleViolation `colour_unknown`, also for two colours at once, or `text_unusable`.
    """
    name = text.simplified(text.compact(value))
    if name in WORDS:
        return name
    codes = {_CODES[word] for word in _WORD.findall(name)} - {""}
    if len(codes) != 1 or _WORD.sub("", name):
        raise RuleViolation("colour_unknown")
    return codes.pop()
