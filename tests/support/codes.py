"""Steps over pools of voucher codes: a coded reward, uploads, reveals, cancellations; its rows."""

import uuid
from datetime import date, timedelta
from typing import Any

from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from kernel.database import owner_session
from loyalty.points.proof import prove
from tests.support import rewards, story
from tests.support.shop import Shop


def day(shop: Shop, days: int) -> str:
    """So many days from the dealer's business day."""
    return (date.fromisoformat(story.today(shop)) + timedelta(days=days)).isoformat()


def upload(shop: Shop, gift: str, *codes: Any, **facts: Any) -> TestResponse:
    """Codes as texts, or as pairs of a code and its last day."""
    rows = [dict(zip(("code", "ends_on"), (c,) if isinstance(c, str) else c)) for c in codes]  # noqa: B905
    return shop.post("dealer_admin", f"/v1/rewards/{gift}/codes", {"codes": rows}, **facts)


def coded(shop: Shop, *codes: Any, **terms: Any) -> str:
    """A voucher of 100 points whose pool holds these codes."""
    gift = rewards.termed(shop, stock=0, fulfilment="code", **terms)
    story.ok(upload(shop, gift, *codes))
    return gift


def saver(shop: Shop, points: int = 1000, **facts: str) -> uuid.UUID:
    member = story.member(shop, **facts)
    story.earn(shop, member, points)
    return member


def redeemed(shop: Shop, member: uuid.UUID, gift: str, **facts: Any) -> str:
    """The id of a redemption by the member himself."""
    found: str = story.ok(rewards.redeem(shop, member, gift, **facts))["id"]
    return found


def act(
    shop: Shop,
    redemption: str,
    how: str,
    role: str = "service_desk",
    *,
    subject: uuid.UUID | None = None,
    **body: Any,
) -> TestResponse:
    return shop.post(role, f"/v1/redemptions/{redemption}/{how}", body, subject=subject)


def reveal(shop: Shop, member: uuid.UUID, redemption: str) -> TestResponse:
    return act(shop, redemption, "code-reveals", "owner", subject=member)


def codes_of(shop: Shop, member: uuid.UUID, redemption: str) -> list[str]:
    return [each["code"] for each in story.ok(reveal(shop, member, redemption))["codes"]]


def cancel(shop: Shop, redemption: str, role: str = "service_desk", **facts: Any) -> TestResponse:
    facts = {"reason": "客户改变主意"} | facts
    return act(shop, redemption, "cancellations", role, **facts)


def standing(
    shop: Shop, redemption: str, role: str = "service_desk", *, subject: uuid.UUID | None = None
) -> dict[str, Any]:
    path = f"/v1/redemptions/{redemption}/fulfilment"
    return story.ok(shop.get(role, path, subject=subject), 200)


def pool(shop: Shop, gift: str) -> tuple[int, int, int, int]:
    """How many codes are available, held, issued, void."""
    found = story.ok(shop.get("dealer_admin", f"/v1/rewards/{gift}/code-pool"), 200)
    return found["available"], found["held"], found["issued"], found["void"]


def stock(shop: Shop, gift: str) -> tuple[int, int]:
    """Pieces received and available."""
    wanted = "SELECT received, available FROM reward_stock WHERE reward_id = :gift"
    (found,) = rows(shop, wanted, gift=gift)
    return found[0], found[1]


def rows(shop: Shop, statement: str, **values: Any) -> list[Any]:
    """What the owner of the tables sees; a statement that changes something is rolled back."""
    engine = create_engine(shop.service.settings.database_url)
    with engine.connect() as connection:
        found = list(connection.execute(text(statement), values))
    engine.dispose()
    return found


def broken(shop: Shop) -> list[str]:
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        return [finding.says for finding in prove(session) if finding.count]
