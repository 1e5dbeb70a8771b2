"""Checks on the settings of a training run. A wrong one is a BadInputError that names the setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from votewise.errors import BadInputError
from votewise.inference.priors import Beta, parse_prior
from votewise.train.answer_scores import PROJECTIONS
from votewise.train.losses import LOSSES
from votewise.train.objectives import OBJECTIVES
from votewise.train.packed_attention import PACKED_ATTENTION
from votewise.train.scoring import FAST_STEPS

CHOICES = {
    "objective": OBJECTIVES,
    "reliability_update": ("step", "epoch", "frozen"),
    "reliability_margins": ("first", "current"),
    "one_row_per": ("pair", "vote"),
    "beliefs_use": ("start", "fixed"),
    "fast_step": FAST_STEPS,
    "packed_attention": PACKED_ATTENTION,
    "answer_projection": PROJECTIONS,
}

NUMBERS: dict[str, tuple[Callable[[float], bool], str]] = {
    "beta": (lambda x: x > 0, "above 0"),
    "holder_gamma": (lambda x: x > 0, "above 0"),
    "simpo_gamma": (lambda x: x >= 0, "at least 0"),
    "cpo_alpha": (lambda x: x >= 0, "at least 0"),
    "reliability_init": (lambda x: 0 < x < 1, "above 0 and below 1"),
    "reliability_momentum": (lambda x: 0 < x <= 1, "above 0 and at most 1"),
}
"""Setting -> whether a finite number is allowed, and in words which ones are."""

TRL_DEFAULTS = {
    "loss_type": ["sigmoid"],
    "loss_weights": None,
    "use_weighting": False,
    "ld_alpha": None,
    "f_divergence_type": "reverse_kl",
}
"""Settings of TRL's own losses, which have no effect here and must keep their defaults."""


def check_config(config: Any) -> None:
    """Check votewise's own settings of a ``RobustPreferenceConfig``."""
    loss = config.preference_loss
    if isinstance(loss, str) and loss not in LOSSES:
        raise BadInputError("preference_loss", value=loss, expected=", ".join(LOSSES) + " or a function")
    for name, allowed in CHOICES.items():
        if getattr(config, name) not in allowed:
            raise BadInputError(name, value=getattr(config, name), expected=" or ".join(allowed))
    if config.objective in ("rdpo", "holder") and loss != "dpo":
        raise BadInputError(f"objective={config.objective}", expected=f"preference_loss=dpo, not {loss}")
    for name, (fits, range_) in NUMBERS.items():
        value = getattr(config, name)
        if not (isinstance(value, int | float) and value < float("inf") and fits(value)):
            raise BadInputError(name, value=value, expected=range_)
    if config.beliefs_use == "fixed" and config.beliefs is None:
        raise BadInputError("beliefs_use=fixed", expected="beliefs, a folder of `votewise audit`")


def check_trl_settings(config: Any) -> None:
    """Check the settings that a ``RobustPreferenceConfig`` inherits from TRL."""
    for name, default in TRL_DEFAULTS.items():
        if getattr(config, name) != default:
            raise BadInputError(
                f"{name} belongs to TRL's own losses",
                value=getattr(config, name),
                expected="preference_loss and objective",
            )
    if not 0 <= config.label_smoothing < 0.5:
        raise BadInputError("label_smoothing", value=config.label_smoothing, expected="at least 0 and below 0.5")


def parse_reliability_prior(text: str) -> Beta | Literal["fit"] | None:
    """``fit``, ``none`` or ``beta:C,D``."""
    try:
        return parse_prior(str(text))
    except BadInputError as error:
        if error.parameter is None:  # a Beta distribution that does not exist
            raise
        raise BadInputError(
            "reliability_prior", value=text, expected="fit, none or beta:C,D such as beta:5,2"
        ) from None


def parse_temperature(value: str | float) -> float | Literal["fit"]:
    """``fit`` or a number above 0."""
    if value == "fit":
        return "fit"
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < float("inf"):
        raise BadInputError("temperature", value=value, expected="fit or a number above 0")
    return number
