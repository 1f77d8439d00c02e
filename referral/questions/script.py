"""What the agent (回访人员) reads before and after the questions, in Chinese and English.

A reader would break this by naming the other party in the greeting: it gives an answer away.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Line:
    """One passage. Placeholders: `{callee}` the person phoned (李女士), `{dealer}` us."""

    zh: str
    en: str


GREETING: Final = Line(
    zh=(
        "您好，请问是{callee}吗？这里是{dealer}回访中心。感谢您对我们的信任，"
        "想耽误您两分钟请教几个简单的问题，您现在方便吗？"
    ),
    en=(
        "Hello, am I speaking to {callee}? I am calling from {dealer}. Thank you for your trust "
        "in us. May I take two minutes of your time for a few simple questions?"
    ),
)

THANKS: Final = Line(
    zh="我的问题问完了，非常感谢您的耐心配合，祝您生活愉快、用车顺心。",
    en="Those were all my questions. Thank you very much for your patience; enjoy your car.",
)

INVITATION: Final = Line(
    zh="如果您身边还有朋友想买车，欢迎您把我们推荐给他；推荐经核实后，您会得到积分奖励。",
    en=(
        "If a friend of yours is thinking of a new car, please recommend us; once the "
        "recommendation is verified, points are credited to you."
    ),
)
