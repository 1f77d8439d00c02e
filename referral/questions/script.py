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

RE_ASK: Final = Line(
    zh="麻烦您再想一想：刚才说的情况对不对？如果有不对的地方，请您说一下实际情况。",
    en=(
        "Could you think again for a moment: is what I said correct? If any of it is not, please "
        "tell me how it really is."
    ),
)
"""Once, after "yes, I think so" (好像是), whether the statement is true or false."""

NARRATIVE: Final = Line(
    zh="下面几个问题没有标准答案，请您用自己的话随便说说，说得越具体越好。",
    en=(
        "There are no set answers to the next questions; please tell me in your own words, and "
        "as precisely as you like."
    ),
)
"""Before the open questions (自由叙述), where nothing is marked."""

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
