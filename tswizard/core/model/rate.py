"""How fast something goes, by the clock of the events that tell of it."""

from collections import deque

_WINDOW = 30.0
"""Seconds over which a rate is taken."""


class Rate:
    """Units a second over the last half minute."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, at: float, done: int) -> None:
        """`done` units at this instant; fewer than before start over."""
        if self._samples and done < self._samples[-1][1]:
            self._samples.clear()
        self._samples.append((at, done))
        while len(self._samples) > 2 and self._samples[1][0] < at - _WINDOW:
            self._samples.popleft()

    @property
    def per_second(self) -> float | None:
        """None until a second has been seen."""
        if not self._samples:
            return None
        (first_at, first), (last_at, last) = self._samples[0], self._samples[-1]
        if last_at - first_at < 1:
            return None
        return (last - first) / (last_at - first_at)
