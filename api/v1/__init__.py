"""Version 1 of the API: every operation, in the order of the document."""

from api.routes import Operation
from api.v1 import (
    benefit_uses,
    benefits,
    callbacks,
    corrections,
    counter,
    earning,
    exports,
    finance,
    fulfilment,
    holds,
    home,
    imports,
    members,
    points,
    referrals,
    reward_codes,
    reward_terms,
    rewards,
    rules,
    sales,
    staff,
    tiers,
    value_facts,
)

OPERATIONS: tuple[Operation, ...] = tuple(
    operation
    for module in (
        members,
        home,
        points,
        earning,
        rules,
        value_facts,
        tiers,
        benefits,
        benefit_uses,
        rewards,
        reward_codes,
        fulfilment,
        reward_terms,
        holds,
        counter,
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
