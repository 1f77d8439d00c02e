"""The odds of a call as people read them: per cent with two digits, and a sentence."""

from api.messages import Language, catalogue
from referral.call_models import Callback

_CHANCES = ("fake_t0", "fake_t1", "fake_t2", "honest_rejected")
_LEAST = 0.0001


def odds_shown(call: Callback, language: Language) -> dict[str, dict[str, str] | None]:
    """The four chances of a call; None where nothing was computed, as for an open narrative."""
    return {name: _shown(name, getattr(call, name), language) for name in _CHANCES}


def _shown(name: str, chance: float | None, language: Language) -> dict[str, str] | None:
    if chance is None:
        return None
    percent = f"{chance:.2%}" if chance >= _LEAST else "<0.01%"
    says = catalogue()[f"odds_{name}"].detailed(language, {"percent": percent})
    return {"percent": percent, "says": says}
