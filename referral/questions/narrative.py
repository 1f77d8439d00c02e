"""The open questions (自由叙述) asked where no set proves enough: told freely, read by two people.

A reader would break this by marking an answer: nothing is expected.
"""

from typing import Final

from referral.draw_rules import Party
from referral.questions.bank import Kind
from referral.questions.selector import Asked

_TEXTS: Final[dict[Party, tuple[tuple[str, str, str], ...]]] = {
    "owner": (
        ("who", "谁推荐您来的？", "Who recommended us to you?"),
        (
            "met",
            "您和{surname_title}是怎么认识的？请您说一说。",
            "How did you and {surname_title} come to know each other? Please tell me about it.",
        ),
        (
            "recommended",
            "{surname_title}是在什么情况下向您推荐我们的，当时怎么说的？",
            "On what occasion did {surname_title} recommend us to you, and in what words?",
        ),
        (
            "car",
            "您对{surname_title}的车了解些什么？",
            "What do you know about {surname_title}'s car?",
        ),
    ),
    "buyer": (
        ("who", "您最近向我们推荐了哪位朋友？", "Whom did you recommend to us?"),
        (
            "met",
            "您和{surname_title}是怎么认识的？请您说一说。",
            "How did you and {surname_title} come to know each other? Please tell me about it.",
        ),
        (
            "recommended",
            "您是在什么情况下向{surname_title}推荐我们的，当时怎么说的？",
            "On what occasion did you recommend us to {surname_title}, and in what words?",
        ),
        (
            "car",
            "{surname_title}看了什么车，后来选了哪一辆？",
            "Which cars did {surname_title} look at, and which was chosen in the end?",
        ),
    ),
}


def narrative(about: Party) -> tuple[Asked, ...]:
    """The questions about a party in the order to ask, the open name first (referral.md, 4).

    Nothing is expected and nothing is marked; the texts keep `{surname_title}`.
    """
    return tuple(
        Asked(f"{about}_story_{key}", Kind.NARRATIVE, "narrative", zh, en, {}, None)
        for key, zh, en in _TEXTS[about]
    )
