"""Requests as bytes, as a dealer's own programs send them: real tokens, a fresh key each."""

import random
import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

from api.commands.token import token_for
from bench.people import DEALER, desk_id, member_id, reward_id
from kernel.settings import Settings
from loyalty.dealers.roles import Role

_HEAD: Final = (
    "POST /v1/redemptions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n"
    "Content-Type: application/json\r\nContent-Length: {}\r\nIdempotency-Key: "
)
_BODY: Final = '{{"member_id":"{}","reward_id":"{}","quantity":1}}'


def desk_tokens(settings: Settings, desks: int) -> list[str]:
    """A duty manager's token for each desk."""
    return [
        token_for(settings, role=Role.DUTY_MANAGER, dealer_id=DEALER, subject=desk_id(number))
        for number in range(1, desks + 1)
    ]


def redemptions(
    tokens: Sequence[str], *, members: int, rewards: int, seed: int = 1
) -> Iterator[bytes]:
    """Redemptions without end: any desk, any member, any reward, never the same key."""
    dice = random.Random(seed)
    run = f"{time.time_ns():x}"
    sizes = len(_BODY.format(member_id(1), reward_id(1)))
    heads = [_HEAD.format(token, sizes).encode() for token in tokens]
    for number in count():
        member, reward = dice.randint(1, members), dice.randint(1, rewards)
        body = _BODY.format(member_id(member), reward_id(reward))
        key = f"{run}-{seed}-{number}\r\n\r\n"
        yield heads[number % len(heads)] + key.encode() + body.encode()
