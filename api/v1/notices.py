"""Messages (短信) for the dealer's gateway, which collects and sends them."""

from typing import Any

from api.routes import Routes
from api.schemas import notices as shapes
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.notices.collect import collect_notices

routes = Routes("notices")


@routes.post(
    "/v1/notice-collections",
    summary="Take the messages that wait to be sent",
    roles=(Role.CRM,),
    body=shapes.NoticeCollectionIn,
    answer=shapes.NoticeCollectionOut,
    keeps_answer=False,
    example={"limit": 50},
)
def create_notice_collection(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Oldest first. Each is given out at most once and erased with it; one whose time is over is
    not given out at all."""
    return {"items": collect_notices(uow, limit=body["limit"])}
