"""What is accepted as a tier scheme can be read again; nothing else is ever published."""

import copy
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

from kernel.database import owner_session
from kernel.errors import RuleViolation
from loyalty.tiers.rules.scheme import dump, parse
from tests.support.earning import day
from tests.support.shop import Shop
from tests.support.tiers import MARKS, ORDERS, draft_scheme, scheme

TRADE = {
    "code": "trade", "group": "potential", "measure": "grade", "kinds": ["trade"],
    "window_days": 365, "weight": 30, "grades": {"finance": 100}, "otherwise": 40,
}  # fmt: skip
WHOLE = {
    "components": [ORDERS | {"weight": 40}, MARKS, TRADE],
    "ladder": scheme()["ladder"] | {"period_end": "month"},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    inner: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [way for key, each in inner for way in [(*path, key), *places(each, (*path, key))]]


def without(body: Any, path: tuple[Any, ...], put: Any) -> Any:
    """The body with something else in one place, or nothing at all."""
    changed = at = copy.deepcopy(body)
    for key in path[:-1]:
        at = at[key]
    if put is KeyError:
        del at[path[-1]]
    else:
        at[path[-1]] = put
    return changed


PUT: st.SearchStrategy[Any] = st.sampled_from(
    [KeyError, None, {}, [], "", 0, 1, 30, 100, True, "full", "base", {"finance": 0}, [{}]]
)
BODIES = st.lists(st.tuples(st.sampled_from(places(WHOLE)), PUT), min_size=1, max_size=3)


@given(BODIES)
@example([(("components", 2, "grades"), {})])
@example([(("ladder", "levels", 2, "by_model"), {})])
def test_every_body_that_is_accepted_reads_the_same_as_it_is_kept(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    body: Any = WHOLE
    for path, put in changes:
        try:
            body = without(body, path, put)
        except (KeyError, IndexError, TypeError):
            continue
    try:
        known = parse(body)
    except RuleViolation:
        return
    assert parse(json.loads(json.dumps(dump(known)))) == known


@pytest.mark.parametrize(
    ("at", "empty"), [(("components", 2, "grades"), {}), (("components", 0, "bands"), [])]
)
def test_a_component_that_gives_points_for_nothing_is_refused(
    shop: Shop, at: tuple[Any, ...], empty: Any
) -> None:
    told = {"body": without(WHOLE, at, empty), "effective_from": day(shop)}
    refused = shop.post("dealer_admin", "/v1/tier-schemes", told)
    assert refused.json is not None
    error = refused.json["errors"][0]
    assert (refused.status_code, refused.json["code"]) == (422, "rule_invalid")
    assert error["pointer"] == "/body/" + "/".join(str(each) for each in at)


def test_a_draft_that_cannot_be_read_is_not_published(shop: Shop) -> None:
    draft = draft_scheme(shop)
    with owner_session(shop.service.settings.database_url) as session:
        spoiled = text("UPDATE tier_scheme SET body = body - 'ladder' WHERE id = :id")
        session.execute(spoiled, {"id": draft["id"]})
        session.commit()
    refused = shop.post("programme_admin", f"/v1/tier-schemes/{draft['id']}/publications")
    assert refused.json is not None
    assert (refused.status_code, refused.json["code"]) == (422, "rule_invalid")
