"""Rate limits: counted in Redis, by each process without it, and never a reason to fail."""

import time
from pathlib import Path

import pytest

from api.limits import MACHINE_FACTOR, Limiter
from api.service import Service
from kernel.servers import start_redis

NOON = 1_790_000_000.0


def spend(limiter: Limiter, times: int, *, machine: bool = False) -> list[bool]:
    return [limiter.spend("north/somebody", machine=machine).granted for _ in range(times)]


def test_a_person_is_refused_after_his_minutes_share() -> None:
    assert spend(Limiter("", per_minute=3, seconds=lambda: NOON), 5) == [True] * 3 + [False] * 2


def test_the_next_minute_begins_anew_and_the_headers_say_when() -> None:
    now = [NOON - NOON % 60 + 45]
    limiter = Limiter("", per_minute=2, seconds=lambda: now[0])
    assert spend(limiter, 3) == [True, True, False]
    assert limiter.spend("north/somebody", machine=False).headers() == {
        "RateLimit-Policy": '"default";q=2;w=60',
        "RateLimit": '"default";r=0;t=15',
    }
    now[0] += 15
    assert spend(limiter, 1) == [True]


def test_a_machine_may_make_twenty_times_as_many_requests() -> None:
    seen = spend(Limiter("", per_minute=1, seconds=lambda: NOON), MACHINE_FACTOR + 1, machine=True)
    assert seen == [True] * MACHINE_FACTOR + [False]


def test_processes_count_together_in_redis(service: Service) -> None:
    url = service.settings.redis_url
    caller = f"test/{time.monotonic_ns()}"
    one, two = (Limiter(url, per_minute=2, seconds=lambda: NOON) for _ in range(2))
    seen = [limiter.spend(caller, machine=False).granted for limiter in (one, two, one, two)]
    assert seen == [True, True, False, False]
    assert one.shared()


def test_without_redis_requests_are_served_and_counted_by_the_process(tmp_path: Path) -> None:
    limiter = Limiter(f"unix://{tmp_path}/nobody", per_minute=2, seconds=lambda: NOON)
    assert spend(limiter, 3) == [True, True, False]
    assert not limiter.shared()


@pytest.mark.xdist_group("servers")
def test_redis_dying_in_the_middle_refuses_nobody() -> None:
    with start_redis() as redis:
        limiter = Limiter(redis.url, per_minute=100)
        assert spend(limiter, 2) == [True, True]
    assert spend(limiter, 50) == [True] * 50
    assert not limiter.shared()
