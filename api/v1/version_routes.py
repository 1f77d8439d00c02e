"""What endpoints of versioned data share: who drafts, how a version is published and ended."""

from collections.abc import Callable
from typing import Any

from marshmallow import Schema

from api.routes import Routes
from api.schemas.rules import RuleEndIn, RulePublicationIn
from loyalty.dealers.roles import Role

AUTHORS = (Role.DEALER_ADMIN, Role.SHOWROOM_MANAGER, Role.PROGRAMME_ADMIN)
PUBLISHERS = (Role.PROGRAMME_ADMIN,)
Declared = Callable[[Callable[..., Any]], Callable[..., Any]]


def publication(
    routes: Routes, version: str, *, answer: type[Schema], problems: tuple[str, ...] = ()
) -> Declared:
    """Declares the handler that publishes the version at this path; `problems` beyond those of
    `versions.publish`."""
    return routes.post(
        f"{version}/publications",
        summary="Publish a version somebody else drafted",
        roles=PUBLISHERS,
        body=RulePublicationIn,
        answer=answer,
        problems=(
            "rule_not_found",
            "rule_not_draft",
            "separation_of_duties",
            "effective_in_the_past",
            *problems,
        ),
        example={},
    )


def ending(routes: Routes, version: str, *, answer: type[Schema]) -> Declared:
    """Declares the handler that ends the published version at this path."""
    return routes.post(
        f"{version}/ends",
        summary="Set the day from which a published version counts no more",
        roles=PUBLISHERS,
        body=RuleEndIn,
        answer=answer,
        problems=(
            "rule_not_found",
            "rule_not_published",
            "rule_end_set",
            "effective_in_the_past",
            "effective_until_not_after_from",
        ),
        example={"effective_until": "2031-01-01"},
    )
