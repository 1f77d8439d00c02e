"""Rate limits: each process counts, Redis adds them up, and neither is a reason to fail."""

import time
from pathlib import Path
from typing import Any

import pytest

from api.limits import EXCHANGE_S, MACHINE_FACTOR, WINDOW_S, Limiter
from api.redis_link import RedisLink
from api.service import Service
from kernel.servers import start_redis

NOON = 1_790_000_000.0


def spend(limiter: Limiter, times: int, *, machine: bool = False) -> list[bool]:
    return [limiter.spend("north/somebody", machine=machine).granted for _ in range(times)]


def test_a_person_is_refused_after_his_minutes_share() -> None:
    assert spend(Limiter(None, per_minute=3, seconds=lambda: NOON), 5) == [True] * 3 + [False] * 2


def test_the_next_minute_begins_anew_and_the_headers_say_when() -> None:
    now = [NOON - NOON % 60 + 45]
    limiter = Limiter(None, per_minute=2, seconds=lambda: now[0])
    assert spend(limiter, 3) == [True, True, False]
    assert limiter.spend("north/somebody", machine=False).headers() == {
        "RateLimit-Policy": '"default";q=2;w=60',
        "RateLimit": '"default";r=0;t=15',
    }
    now[0] += 15
    assert spend(limiter, 1) == [True]


def test_a_machine_may_make_twenty_times_as_many_requests() -> None:
    seen = spend(
        Limiter(None, per_minute=1, seconds=lambda: NOON), MACHINE_FACTOR + 1, machine=True
    )
    assert seen == [True] * MACHINE_FACTOR + [False]


def two(service: Service, **more: Any) -> tuple[Limiter, Limiter]:
    """Limiters of two processes on one Redis."""
    url = service.settings.redis_url
    return Limiter(RedisLink(url), **more), Limiter(RedisLink(url), **more)


def test_processes_count_together_what_they_told_each_other(service: Service) -> None:
    caller = f"test/{time.monotonic_ns()}"
    one, other = two(service, per_minute=5, seconds=lambda: NOON)
    for limiter, made in ((one, 3), (other, 1)):
        for _ in range(made):
            assert limiter.spend(caller, machine=False).granted
        limiter.exchange()
    assert other.spend(caller, machine=False).remaining == 0
    assert not other.spend(caller, machine=False).granted
    assert one.spend(caller, machine=False).remaining == 1
    one.exchange()
    other.exchange()
    assert one.shared()


def heard(limiter: Limiter, caller: str) -> int:
    """What a limiter knows of the others' counts; to hear again, it must have something to tell."""
    limiter.spend(caller, machine=False)
    return limiter._counts[caller].elsewhere


def test_a_thread_tells_what_was_counted_without_being_asked(service: Service) -> None:
    caller = f"test/{time.monotonic_ns()}"
    now = time.time() // WINDOW_S * WINDOW_S
    one, other = two(service, per_minute=100, seconds=lambda: now)
    one.spend(caller, machine=False)
    deadline = time.monotonic() + 20 * EXCHANGE_S
    while not heard(other, caller):
        assert time.monotonic() < deadline
        time.sleep(EXCHANGE_S / 5)
    assert heard(other, caller) == 1


def test_without_redis_requests_are_served_and_counted_by_the_process(tmp_path: Path) -> None:
    nobody = RedisLink(f"unix://{tmp_path}/nobody")
    limiter = Limiter(nobody, per_minute=2, seconds=lambda: NOON)
    assert spend(limiter, 3) == [True, True, False]
    limiter.exchange()
    assert not limiter.shared()


@pytest.mark.xdist_group("servers")
def test_redis_dying_in_the_middle_refuses_nobody() -> None:
    with start_redis() as redis:
        limiter = Limiter(RedisLink(redis.url), per_minute=100, seconds=lambda: NOON)
        assert spend(limiter, 2) == [True, True]
        limiter.exchange()
    assert spend(limiter, 50) == [True] * 50
    limiter.exchange()
    assert limiter.spend("north/somebody", machine=False).remaining == 47
    assert not limiter.shared()
