"""Version 1 of the API: every operation, in the order of the document."""

from api.routes import Operation
from api.v1 import callbacks, members, points, referrals, rewards, sales, staff

OPERATIONS: tuple[Operation, ...] = tuple(
    operation
    for module in (members, points, rewards, referrals, sales, callbacks, staff)
    for operation in module.routes.operations
)
