"""The settings of an estimate of reliabilities, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from votewise.defaults import LEVEL, RELIABLE_FROM
from votewise.errors import BadInputError
from votewise.inference.priors import Beta

PriorChoice = Beta | Literal["fit"] | None
Point = Literal["mean", "mode"]
Progress = Callable[[str, int, float], None]
"""Called with (what is being done, EM steps so far, movement of the last one)."""

TOLERANCE = 5e-4
"""Largest movement of a reliability in one EM step that counts as none."""

MAX_ITERATIONS = 1000
"""Most EM steps of an estimate."""


@dataclass(frozen=True)
class FitSettings:
    """Every argument of an estimate, checked; see ``estimate_reliability``."""

    prior: PriorChoice = "fit"
    point: Point = "mean"
    shared_pairs: bool = True
    temperature: float | Literal["fit"] = 1.0
    reliability_init: float | None = None
    intervals: bool = True
    level: float = LEVEL
    reliable_from: float = RELIABLE_FROM
    tolerance: float = TOLERANCE
    max_iterations: int = MAX_ITERATIONS
    accelerate: bool = True
    fit_tests: bool = False

    def __post_init__(self) -> None:
        if not (self.prior is None or self.prior == "fit" or isinstance(self.prior, Beta)):
            raise BadInputError(
                "no such prior", parameter="prior", value=self.prior, expected="None, 'fit' or Beta(c, d)"
            )
        if self.point not in ("mean", "mode"):
            raise BadInputError("no such point", parameter="point", value=self.point, expected="'mean' or 'mode'")
        if self.point == "mode" and isinstance(self.prior, Beta) and min(self.prior.c, self.prior.d) < 1:
            raise BadInputError(
                f"{self.prior} has no mode inside (0, 1)", parameter="prior", expected="c and d of at least 1"
            )
        if self.point == "mode" and self.prior == "fit":
            raise BadInputError(
                "a fitted prior may have no mode", parameter="point", expected="point='mean' with prior='fit'"
            )
        if self.temperature != "fit" and not (isinstance(self.temperature, int | float) and self.temperature > 0):
            raise BadInputError(
                "out of range", parameter="temperature", value=self.temperature, expected="'fit' or a number above 0"
            )
        for name, low, high in (
            ("reliability_init", 0, 1),
            ("level", 0, 1),
            ("reliable_from", 0.5, 1),
            ("tolerance", 0, 1),
        ):
            value = getattr(self, name)
            if value is not None and not low < value < high:
                raise BadInputError(
                    "out of range", parameter=name, value=value, expected=f"a number between {low} and {high}"
                )
        if self.max_iterations < 1:
            raise BadInputError(
                "out of range", parameter="max_iterations", value=self.max_iterations, expected="at least 1"
            )

    def as_facts(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        facts = asdict(self)
        if isinstance(self.prior, Beta):
            facts["prior"] = f"beta:{self.prior.c:g},{self.prior.d:g}"
        return facts
