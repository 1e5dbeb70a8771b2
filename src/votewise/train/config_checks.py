"""Checks on the settings of a training run. A wrong one is a BadInputError that names the setting."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from votewise.errors import BadInputError
from votewise.inference.priors import Beta, parse_prior
from votewise.train.answer_scores import PROJECTIONS
from votewise.train.losses import LOSSES
from votewise.train.objectives import DPO_OBJECTIVES, OBJECTIVES
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
    "ropo_alpha": (lambda x: x > 0, "above 0"),
    "drdpo_beta": (lambda x: x > 0, "above 0"),
    "simpo_gamma": (lambda x: x >= 0, "at least 0"),
    "sft_weight": (lambda x: x >= 0, "at least 0"),
    "cpo_alpha": (lambda x: x >= 0, "at least 0"),
    "score_tilt": (lambda x: x >= 0, "at least 0"),
    "keep_easiest": (lambda x: 0 < x <= 1, "above 0 and at most 1"),
    "reliability_init": (lambda x: 0 < x < 1, "above 0 and below 1"),
    "reliability_momentum": (lambda x: 0 < x <= 1, "above 0 and at most 1"),
}
"""Setting -> whether a finite number is allowed, and in words which ones are."""

WITH = {
    "simpo_gamma": ("preference_loss", "simpo"),
    "cpo_alpha": ("preference_loss", "cpo"),
    "cpo_per_token": ("preference_loss", "cpo"),
    "holder_gamma": ("objective", "holder"),
    "loss_temperature": ("objective", "score"),
    "score_tilt": ("objective", "score"),
    "ropo_alpha": ("objective", "ropo"),
    "drdpo_beta": ("objective", "drdpo"),
}
"""Settings that only act where another one has this value; elsewhere they must keep their default."""

SCORED = ("dpo", "dpo_norm", "cpo")
"""Losses for the objective ``score``: those that are a likelihood of the margin; of cpo, its ranking without the rest."""


def check_config(config: Any) -> None:
    """Check votewise's own settings of a ``RobustPreferenceConfig``."""
    loss = config.preference_loss
    if isinstance(loss, str) and loss not in LOSSES:
        raise BadInputError("preference_loss", value=loss, expected=", ".join(LOSSES) + " or a function")
    for name, allowed in CHOICES.items():
        if getattr(config, name) not in allowed:
            raise BadInputError(name, value=getattr(config, name), expected=" or ".join(allowed))
    if config.objective in DPO_OBJECTIVES and loss != "dpo":
        raise BadInputError(f"objective={config.objective}", expected=f"preference_loss=dpo, not {loss}")
    if config.objective == "score" and loss not in SCORED:
        raise BadInputError(
            "objective=score",
            expected=f"preference_loss={', '.join(SCORED[:-1])} or {SCORED[-1]}, or objective=weighted",
        )
    if config.objective == "score" and config.reliability_margins != "first":
        raise BadInputError("objective=score", expected="reliability_margins=first")
    learnt = config.reliability_update != "frozen" and config.beliefs_use != "fixed"
    if parse_loss_temperature(config.loss_temperature) == "auto" and config.objective == "score" and not learnt:
        raise BadInputError(
            "loss_temperature=auto is found with the reliabilities, which are not learnt here",
            expected="loss_temperature, a number, or reliability_update=step",
        )
    if config.objective == "drdpo" and config.per_device_train_batch_size == 1:
        raise BadInputError(
            "objective=drdpo has no effect with per_device_train_batch_size=1, whatever is accumulated",
            expected="at least 2, because it compares the rows of a batch",
        )
    for name, (fits, range_) in NUMBERS.items():
        value = getattr(config, name)
        if not (isinstance(value, int | float) and value < float("inf") and fits(value)):
            raise BadInputError(name, value=value, expected=range_)
    fields = type(config).__dataclass_fields__
    for name, (other, wanted) in WITH.items():
        if getattr(config, name) != fields[name].default and getattr(config, other) != wanted:
            now = getattr(config, other)
            raise BadInputError(
                f"{name} has no effect with {other}={getattr(now, '__name__', now)}",
                value=getattr(config, name),
                expected=f"{other}={wanted}",
            )
    if config.loss_column != fields["loss_column"].default and config.keep_easiest == 1:
        raise BadInputError("loss_column has no effect without keep_easiest", expected="keep_easiest below 1 beside it")
    if config.sft_weight and loss == "cpo":
        raise BadInputError("sft_weight", value=config.sft_weight, expected="cpo_alpha, which weights cpo's own term")
    if config.beliefs_use == "fixed" and config.beliefs is None:
        raise BadInputError("beliefs_use=fixed", expected="beliefs, a folder of `votewise audit`")
    if config.groups is not None and config.beliefs_use == "fixed":
        raise BadInputError(
            "groups have no effect with beliefs_use=fixed, because the audit's confidences stay as they are",
            expected="an audit with these groups, or beliefs_use=start",
        )
    if config.groups is not None and config.one_row_per == "vote":
        raise BadInputError(
            "groups need votes that share their pair's truth", expected="one_row_per=pair, or no groups"
        )


def parse_named_groups(value: Any) -> dict[str, str | list[str]] | str | None:
    """Groups by patterns from a mapping, also as JSON in a text that begins with a brace; else the name of a column."""
    if value is None or (isinstance(value, str) and not value.lstrip().startswith("{")):
        return value
    try:
        groups = json.loads(value) if isinstance(value, str) else value
        if not isinstance(groups, Mapping):
            raise TypeError
        return {str(name): _patterns(patterns) for name, patterns in groups.items()}
    except (TypeError, ValueError):
        raise BadInputError(
            "groups", value=value, expected='a column, or groups with patterns of names: {"judges": "gpt-*"}'
        ) from None


def _patterns(given: Any) -> str | list[str]:
    """One pattern or several; TypeError for anything else."""
    if isinstance(given, str):
        return given
    if isinstance(given, list | tuple) and all(isinstance(pattern, str) for pattern in given):
        return list(given)
    raise TypeError


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


def parse_loss_temperature(value: str | float) -> float | Literal["auto"]:
    """``auto`` or a number above 0."""
    if value == "auto":
        return "auto"
    try:
        return float(parse_temperature(value))
    except (BadInputError, ValueError):
        raise BadInputError("loss_temperature", value=value, expected="auto or a number above 0") from None
