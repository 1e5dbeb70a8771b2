"""The ways of training that the demo compares. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ASSUMED_NOISE = 0.3
"""Share of wrong votes that is given to the methods that need to know one."""

LOSS_SETTINGS: dict[str, dict[str, float]] = {
    "dpo": {"beta": 0.5},
    "ipo": {"beta": 0.3},
    "simpo": {"beta": 2.0, "simpo_gamma": 1.0},
    "cpo": {"beta": 0.3, "cpo_alpha": 0.3},
}
"""Parameters of the losses, as in docs/method.md."""


@dataclass(frozen=True)
class Method:
    """A way of training.

    Attributes:
        name: name of the method.
        settings: settings of the trainer.
        clean: whether it is trained on the truth instead of the votes.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    clean: bool = False


PLAIN = Method("all votes believed", {"objective": "plain"})
SMOOTHED = Method("label smoothing", {"objective": "smoothed", "label_smoothing": ASSUMED_NOISE})
RDPO = Method("rDPO", {"objective": "rdpo", "label_smoothing": ASSUMED_NOISE})
PUBLISHED = Method(
    "RE-PO as published", {"objective": "gibbs", "reliability_margins": "current", "one_row_per": "vote"}
)
OURS = Method("votewise")
SCORE = Method("votewise, score", {"objective": "score"})
CLEAN = Method("clean labels", {"objective": "plain"}, clean=True)
ROPO = Method("ROPO", {"objective": "ropo"})
DRDPO = Method("Dr. DPO", {"objective": "drdpo"})
METHODS = (PLAIN, SMOOTHED, RDPO, PUBLISHED, OURS, SCORE, CLEAN)
DPO_ONLY = (RDPO, SCORE)

BETA_FACTORS = (1.0, 0.2, 0.04)
"""Every method is trained with the loss's beta times each of these: what robust training gains depends on the beta."""
