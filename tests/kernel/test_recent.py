"""A process remembers so much and no more."""

from kernel.recent import Recent


def test_the_oldest_is_forgotten_first_and_what_is_put_again_is_young() -> None:
    recent: Recent[str, int] = Recent(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        recent.put(key, value)
    assert [recent.get(key) for key in "abc"] == [3, None, 4]
