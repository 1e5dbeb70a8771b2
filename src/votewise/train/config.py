"""One dataclass on top of TRL's ``DPOConfig``: which loss, which objective, how reliabilities are learnt."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trl import DPOConfig

from votewise.defaults import RELIABILITY
from votewise.errors import BadInputError
from votewise.inference.priors import Beta
from votewise.train.losses import LOSSES, OBJECTIVES, PreferenceLoss, make_loss
from votewise.train.packing import PACKED_ATTENTION
from votewise.train.robust import BeliefSettings
from votewise.train.scoring import FAST_STEPS, PROJECTIONS

DEFAULT_BETA = {"dpo": 0.1, "ipo": 0.1, "simpo": 2.0, "cpo": 0.1}
"""TRL's for DPO, IPO and CPO; the lower end of what SimPO's authors recommend."""

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


@dataclass
class RobustPreferenceConfig(DPOConfig):
    """Every setting of ``RobustPreferenceTrainer``; those of TRL's ``DPOConfig`` are there too, with its defaults.

    ``loss_type`` and its companions belong to TRL's own losses and are refused; ``label_smoothing`` is the noise that the
    objectives ``smoothed`` and ``rdpo`` assume.
    """

    preference_loss: str = field(
        default="dpo",
        metadata={
            "help": "Loss of a pair: dpo, ipo, simpo or cpo. In Python also a function of (preferred, others), "
            "two votewise.train.Answers, that gives one loss per pair."
        },
    )
    objective: str = field(
        default="weighted",
        metadata={
            "help": "What becomes of a loss under noise: weighted (confidence x loss + (1 - confidence) x reverse loss, "
            "best in our measurements), gibbs (as published in RE-PO eq. 5), plain (all votes believed), smoothed and rdpo "
            "(noise of label_smoothing assumed), holder (DPO only)."
        },
    )
    beta: float | None = field(
        default=None,
        metadata={
            "help": "Strength of the loss: pull to the reference for dpo and ipo, scale of the margin for simpo and cpo. "
            "Above 0; default 0.1, 2.0 for simpo. RE-PO's paper uses 0.01 for dpo."
        },
    )
    simpo_gamma: float = field(
        default=1.0, metadata={"help": "Target margin of simpo, at least 0 [SimPO: 0.5 to 1.5 at beta 2]."}
    )
    cpo_alpha: float = field(
        default=1.0, metadata={"help": "Weight of the preferred answer's likelihood in cpo, at least 0 [CPO: 1]."}
    )
    cpo_per_token: bool = field(
        default=True,
        metadata={"help": "Average cpo's likelihood over tokens, as TRL does; the sum saturates on long answers."},
    )
    holder_gamma: float = field(
        default=2.0, metadata={"help": "Exponent of the objective holder, above 0 [Holder: 2]."}
    )
    reliability_init: float = field(
        default=RELIABILITY, metadata={"help": "Reliability everybody starts from, between 0 and 1 [RE-PO: 0.9]."}
    )
    reliability_update: str = field(
        default="step",
        metadata={"help": "When reliabilities are learnt: step, epoch (as in RE-PO's first version) or frozen."},
    )
    reliability_margins: str = field(
        default="first",
        metadata={
            "help": "What they are learnt from: first (the margin of each pair before it was trained on) or current (as "
            "published; drifts from the second epoch on)."
        },
    )
    reliability_momentum: float = field(
        default=0.1,
        metadata={"help": "Share of the new in a step's update with current margins, in (0, 1] [RE-PO eq. 7: 0.1]."},
    )
    reliability_prior: str = field(
        default="fit",
        metadata={"help": "Prior of reliabilities with first margins: fit, none, or beta:C,D such as beta:5,2."},
    )
    temperature: str = field(
        default="fit",
        metadata={"help": "Factor on first margins when reliabilities are learnt: fit, or a number above 0."},
    )
    annotator_column: str | None = field(
        default="annotator",
        metadata={"help": "Column with who voted; without one, all votes are one annotator's."},
    )
    one_row_per: str = field(
        default="pair",
        metadata={
            "help": "pair: one row with all votes on a pair, which share its truth; vote: one row per vote, as published."
        },
    )
    beliefs: str | None = field(
        default=None,
        metadata={"help": "Folder written by `votewise audit` on these votes: its reliabilities are where we start."},
    )
    beliefs_use: str = field(
        default="start",
        metadata={
            "help": "What becomes of beliefs: start (reliabilities are learnt on from there) or fixed (the audit's "
            "confidence in each pair is its weight to the end, whatever the policy says, and reliabilities stay)."
        },
    )
    fast_step: str = field(
        default="shared",
        metadata={
            "help": "How answers are scored, with the same result: shared (a pair's prompt computed once, no padding), "
            "packed (no padding), answers (vocabulary projected on only where a token is scored), off (as TRL does)."
        },
    )
    packed_attention: str = field(
        default="auto",
        metadata={
            "help": "How rows without padding attend: flex (PyTorch's FlexAttention), segments (one call for each answer), "
            "auto (flex on CUDA)."
        },
    )
    answer_projection: str = field(
        default="auto",
        metadata={
            "help": "How answers are projected on the vocabulary: trl (its fused head), torch, auto (trl's on CUDA)."
        },
    )
    precompute_ref_log_probs: bool | None = field(
        default=None,
        metadata={
            "help": "Compute the reference's log-probabilities once before training and keep them for later runs. Default: "
            "`votewise train` does where it loses nothing by it, the trainer does not."
        },
    )
    reference_cache: str | None = field(
        default=None,
        metadata={
            "help": "Folder where these are kept, or off. Default: reference in $VOTEWISE_CACHE, that is in "
            "~/.cache/votewise."
        },
    )
    allow_worse_than_chance: bool = field(
        default=False,
        metadata={"help": "Go on where the votes as a whole turn out to be worse than chance."},
    )
    write_beliefs: bool = field(
        default=True,
        metadata={"help": "Write annotators.parquet, votes.parquet and report.html into output_dir at the end."},
    )

    def __post_init__(self) -> None:
        loss = self.preference_loss
        if isinstance(loss, str) and loss not in LOSSES:
            raise BadInputError("preference_loss", value=loss, expected=", ".join(LOSSES) + " or a function")
        if self.beta is None:
            self.beta = DEFAULT_BETA.get(str(loss), 0.1)
        self._check_choices()
        self._check_numbers()
        if self.beliefs_use == "fixed":
            if self.beliefs is None:
                raise BadInputError("beliefs_use=fixed", expected="beliefs, a folder of `votewise audit`")
            self.reliability_update = "frozen"
        super().__post_init__()
        self._check_trl()
        self.belief_settings()

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it: a user's own loss by its name."""
        loss = self.preference_loss
        facts: dict[str, Any] = super().to_dict()
        return facts | {"preference_loss": loss if isinstance(loss, str) else getattr(loss, "__name__", "custom")}

    def __getstate__(self) -> dict[str, Any]:
        """As checkpoints keep it in ``training_args.bin``: an own loss that was made on the spot by its name."""
        try:
            pickle.dumps(self.preference_loss)
        except (AttributeError, TypeError, pickle.PicklingError):
            return self.__dict__ | {"preference_loss": getattr(self.preference_loss, "__name__", "custom")}
        return self.__dict__

    def _check_choices(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise BadInputError(name, value=getattr(self, name), expected=" or ".join(allowed))
        if self.objective in ("rdpo", "holder") and self.preference_loss != "dpo":
            raise BadInputError(
                f"objective={self.objective}", expected=f"preference_loss=dpo, not {self.preference_loss}"
            )

    def _check_numbers(self) -> None:
        for name, low, high, ends in (
            ("beta", 0.0, float("inf"), False),
            ("holder_gamma", 0.0, float("inf"), False),
            ("simpo_gamma", 0.0, float("inf"), True),
            ("cpo_alpha", 0.0, float("inf"), True),
            ("reliability_init", 0.0, 1.0, False),
            ("reliability_momentum", 0.0, 1.0, False),
        ):
            value = getattr(self, name)
            closed = value == low if ends else name == "reliability_momentum" and value == high
            if not (isinstance(value, int | float) and (low < value < high or closed)):
                least = "at least" if ends else "above"
                most = "" if high == float("inf") else f" and {'at most' if 'momentum' in name else 'below'} {high:g}"
                raise BadInputError(name, value=value, expected=f"{least} {low:g}{most}")

    def _check_trl(self) -> None:
        for name, ours in (
            ("loss_type", ["sigmoid"]),
            ("loss_weights", None),
            ("use_weighting", False),
            ("ld_alpha", None),
            ("f_divergence_type", "reverse_kl"),
        ):
            if getattr(self, name) != ours:
                raise BadInputError(
                    f"{name} belongs to TRL's own losses",
                    value=getattr(self, name),
                    expected="preference_loss and objective",
                )
        if not 0 <= self.label_smoothing < 0.5:
            raise BadInputError("label_smoothing", value=self.label_smoothing, expected="at least 0 and below 0.5")

    def loss(self) -> PreferenceLoss:
        """The loss of a pair, with its parameters."""
        chosen: Any = self.preference_loss
        if isinstance(chosen, PreferenceLoss):
            return chosen
        if isinstance(chosen, Callable):  # type: ignore[arg-type]
            return PreferenceLoss(getattr(chosen, "__name__", "custom"), chosen)
        assert self.beta is not None  # noqa: S101 - set in __post_init__
        return make_loss(
            chosen,
            beta=self.beta,
            simpo_gamma=self.simpo_gamma,
            cpo_alpha=self.cpo_alpha,
            cpo_per_token=self.cpo_per_token,
        )

    def belief_settings(self) -> BeliefSettings:
        """How reliabilities are learnt; BadInputError for a prior or a temperature that cannot be read."""
        return BeliefSettings(
            init=self.reliability_init,
            update=self.reliability_update,  # type: ignore[arg-type]
            margins=self.reliability_margins,  # type: ignore[arg-type]
            momentum=self.reliability_momentum,
            prior=_prior(self.reliability_prior),
            temperature=_temperature(self.temperature),
            allow_worse_than_chance=self.allow_worse_than_chance,
        )


def _prior(text: str) -> Any:
    if text == "fit":
        return "fit"
    if text == "none":
        return None
    name, _, numbers = str(text).partition(":")
    try:
        c, d = (float(x) for x in numbers.split(","))
    except ValueError:
        name = ""
    if name != "beta":
        raise BadInputError("reliability_prior", value=text, expected="fit, none or beta:C,D such as beta:5,2")
    return Beta(c, d)


def _temperature(value: str | float) -> Any:
    if value == "fit":
        return "fit"
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < float("inf"):
        raise BadInputError("temperature", value=value, expected="fit or a number above 0")
    return number
