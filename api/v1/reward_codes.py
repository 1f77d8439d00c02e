"""Pools of voucher codes: uploaded and counted by staff, shown to nobody but the owner of one."""

from typing import Any
from uuid import UUID

from api.routes import Routes
from api.schemas import reward_codes as shapes
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.rewards.codes import NewCode, Outcome, Pool, add_codes, pool_of
from loyalty.rewards.reveal import reveal

routes = Routes("rewards")
UPLOADERS = (Role.DEALER_ADMIN, Role.PROGRAMME_ADMIN)


@routes.post(
    "/v1/rewards/<uuid:reward_id>/codes",
    summary="Upload voucher codes into a reward's pool",
    roles=UPLOADERS,
    body=shapes.CodesIn,
    answer=shapes.CodeUploadOut,
    problems=("reward_not_found", "reward_has_stock"),
    example={"codes": [{"code": "WASH-7Q2K-0001", "ends_on": "2030-12-31"}]},
)
def create_reward_codes(uow: UnitOfWork, reward_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """What became of each, by its place: new, known or invalid; of the known, how many were told
    with another last day than they keep. Stock grows by those that are new; a reward that has
    other stock takes no codes."""
    batch = new_id()
    results = add_codes(uow, reward_id, [NewCode(**each) for each in body["codes"]], batch=batch)
    return {
        "id": batch,
        "reward_id": reward_id,
        **{each.value: sum(result.outcome is each for result in results) for each in Outcome},
        "known_other_day": sum(result.other_day for result in results),
        "results": [
            {
                "row": row,
                "outcome": result.outcome,
                "reason": "known_other_day" if result.other_day else result.fault,
            }
            for row, result in enumerate(results)
        ],
    }


@routes.get(
    "/v1/rewards/<uuid:reward_id>/code-pool",
    summary="How many codes a reward's pool holds",
    roles=(*UPLOADERS, Role.SHOWROOM_MANAGER, Role.AUDITOR),
    answer=shapes.CodePoolOut,
    problems=("reward_not_found",),
)
def get_code_pool(uow: UnitOfWork, reward_id: UUID) -> Pool:
    """Counts by state; never a code."""
    return pool_of(uow, reward_id)


@routes.post(
    "/v1/redemptions/<uuid:redemption_id>/code-reveals",
    summary="Show the owner the codes of his redemption",
    roles=(Role.OWNER,),
    body=shapes.RevealIn,
    answer=shapes.RevealOut,
    keeps_answer=False,
    problems=(
        "redemption_not_found",
        "redemption_cancelled",
        "redemption_without_codes",
        "account_frozen",
    ),
    example={},
)
def create_code_reveal(
    uow: UnitOfWork, redemption_id: UUID, body: dict[str, Any]
) -> dict[str, Any]:
    """From then on they count as used: a cancellation cannot bring them back. The answer is kept
    nowhere; asked again, it is told again."""
    return {"redemption_id": redemption_id, "codes": reveal(uow, redemption_id, **body)}
