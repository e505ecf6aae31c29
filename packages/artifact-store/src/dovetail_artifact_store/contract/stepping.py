"""What is done to a call at its first step, then at its second, and so on to its last."""

from __future__ import annotations

from collections.abc import Callable


def at_each_step(done_at: Callable[[int], bool], each: int, to_the_last: bool = True) -> int:
    """Do something to a call at step 1, 2 and so on, until it ends before; return how many steps were found.

    `done_at(n)` does it, judges what came of it, and tells whether the call came as far as step n. Of a call with more than `each` steps some
    after those are left out, but not the last one, which is found by halves; all of them unless `to_the_last`.
    """
    for nth in range(1, each + 1):
        if not done_at(nth):
            return nth - 1
    return _last(done_at, each) if to_the_last else each


def _last(done_at: Callable[[int], bool], reached: int) -> int:
    """Return the last step, at which it is done too. One step is known to be reached."""
    beyond = 2 * reached
    while done_at(beyond):
        reached, beyond = beyond, 2 * beyond
    while beyond - reached > 1:
        middle = (reached + beyond) // 2
        reached, beyond = (middle, beyond) if done_at(middle) else (reached, middle)
    return reached
