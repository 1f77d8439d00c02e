"""Threads let go at the same moment, and what they got."""

import threading
from collections import Counter
from collections.abc import Callable


def at_once(count: int, act: Callable[[int], int]) -> Counter[int]:
    """What `count` threads got; thread n does `act(n)`."""
    gate, results = threading.Barrier(count), [0] * count

    def run(number: int) -> None:
        gate.wait()
        results[number] = act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(results)
