"""Version 1 of the API: every operation, in the order of the document."""

from api.routes import Operation
from api.v1 import (
    callbacks,
    corrections,
    earning,
    exports,
    finance,
    holds,
    imports,
    members,
    points,
    referrals,
    rewards,
    rules,
    sales,
    staff,
    tiers,
)

OPERATIONS: tuple[Operation, ...] = tuple(
    operation
    for module in (
        members,
        points,
        earning,
        rules,
        tiers,
        rewards,
        holds,
        corrections,
        referrals,
        sales,
        callbacks,
        staff,
        finance,
        exports,
        imports,
    )
    for operation in module.routes.operations
)
