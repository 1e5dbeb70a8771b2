"""The settings of a training run on top of TRL's ``DPOConfig``: loss, objective, how reliabilities are learnt."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trl import DPOConfig

from votewise.train.config_checks import check_config, parse_named_groups, parse_reliability_prior, parse_temperature
from votewise.train.losses import RANKING, PreferenceLoss, make_loss
from votewise.train.objectives import DRDPO_BETA, ROPO_ALPHA
from votewise.train.running_beliefs import BeliefSettings
from votewise.train.score_inputs import TILT
from votewise.train.trl_settings import check_trl_settings, translate_loss_type

DEFAULT_BETA = {"dpo": 0.1, "ipo": 0.1, "simpo": 2.0, "cpo": 0.1, "dpo_norm": 5.0}
"""TRL's default for DPO, IPO and CPO, the lowest value that SimPO's authors recommend, and Tulu 3's for DPO per token."""


@dataclass
class RobustPreferenceConfig(DPOConfig):
    """Every setting of ``RobustPreferenceTrainer``, including those of TRL's ``DPOConfig`` with its defaults.

    ``loss_type`` and ``loss_weights`` are translated where there is the same loss here, and refused by name elsewhere; so is
    every setting of TRL that would have no effect. ``label_smoothing`` is the share of wrong votes that the objectives
    ``smoothed`` and ``rdpo`` assume.
    """

    preference_loss: str = field(
        default="dpo",
        metadata={
            "help": "Loss of a pair: dpo, ipo, simpo, cpo, or dpo_norm (dpo per token). In Python also a function of "
            "(preferred, others), two votewise.train.ScoredAnswers, that returns one loss per pair."
        },
    )
    objective: str = field(
        default="auto",
        metadata={
            "help": "How the loss is protected against wrong votes: auto (weighted; for cpo score, if it learns from first "
            "margins), weighted (confidence x loss + (1 - confidence) x reverse loss), gibbs (as published in RE-PO eq. "
            "5), plain (every vote is trusted), smoothed and rdpo (label_smoothing is the assumed share of wrong votes), "
            "holder, ropo, drdpo, score (finds its temperature itself, so that beta hardly matters). rdpo, holder and ropo "
            "are for dpo only, score for dpo, dpo_norm and cpo."
        },
    )
    beta: float | None = field(
        default=None,
        metadata={
            "help": "Strength of the loss: how strongly dpo and ipo keep the model close to the reference, scale of the "
            "margin for simpo and cpo. Above 0; default 0.1, for simpo 2.0, for dpo_norm 5.0. The RE-PO paper "
            "uses 0.01 for dpo."
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
        metadata={"help": "Average cpo's log-likelihood over tokens, as TRL does; the sum saturates on long answers."},
    )
    sft_weight: float = field(
        default=0.0,
        metadata={
            "help": "Weight of the better answers' negative log-likelihood per token, added to dpo, dpo_norm, ipo or simpo "
            "(RPO and CPO-SimPO: 1; Llama 3: 0.2). At least 0. TRL's loss_type sigmoid,sft with loss_weights 1,x is x."
        },
    )
    holder_gamma: float = field(
        default=2.0, metadata={"help": "Exponent of the objective holder, above 0 [Holder: 2]."}
    )
    loss_temperature: str = field(
        default="auto",
        metadata={
            "help": "Factor on the margins in the objective score, which decides where the loss saturates and not how large "
            "a step is: a number above 0 (1: as in dpo), or auto, found from first-seen margins."
        },
    )
    score_tilt: float = field(
        default=TILT,
        metadata={
            "help": "How much more rows that are decided count towards the end in the objective score where votes are "
            "trusted little, at least 0 (0: a likelihood's own score)."
        },
    )
    ropo_alpha: float = field(
        default=ROPO_ALPHA,
        metadata={"help": "Weight of the bounded part of the objective ropo, above 0 [ROPO: 14]; large is cautious."},
    )
    drdpo_beta: float = field(
        default=DRDPO_BETA,
        metadata={
            "help": "Softness of the objective drdpo, above 0 [Dr. DPO: 1]: small lets few pairs of a batch decide, large "
            "gives the plain mean. The batch is per_device_train_batch_size rows of one process, at least 2."
        },
    )
    reliability_init: float = field(
        default=BeliefSettings.init,
        metadata={"help": "Reliability that every annotator starts from, between 0 and 1 [RE-PO: 0.9]."},
    )
    reliability_update: str = field(
        default=BeliefSettings.update,
        metadata={
            "help": "When reliabilities are updated: after a step, after an epoch (as in the first version of RE-PO), or "
            "never (frozen)."
        },
    )
    reliability_margins: str = field(
        default=BeliefSettings.margins,
        metadata={
            "help": "The margins that reliabilities are learnt from: first (of each pair before it was trained on) or "
            "current (as published; reliabilities drift from the second epoch on)."
        },
    )
    reliability_momentum: float = field(
        default=BeliefSettings.momentum,
        metadata={"help": "Weight of the new value in an update with current margins, in (0, 1] [RE-PO eq. 7: 0.1]."},
    )
    reliability_prior: str = field(
        default=str(BeliefSettings.prior),
        metadata={"help": "Prior of reliabilities with first margins: fit, none, or beta:C,D such as beta:5,2."},
    )
    temperature: str = field(
        default=str(BeliefSettings.temperature),
        metadata={"help": "Factor on first margins when reliabilities are learnt: fit, or a number above 0."},
    )
    annotator_column: str | None = field(
        default="annotator",
        metadata={"help": "Column with the annotator; without it, all votes count as those of one annotator."},
    )
    one_row_per: str = field(
        default="pair",
        metadata={
            "help": "What a row of training data is: pair (all votes on a pair together, which share its truth) or vote "
            "(as published)."
        },
    )
    keep_easiest: float = field(
        default=1.0,
        metadata={
            "help": "Share of the rows to train on, those with the lowest loss_column, in this order; above 0 and at most 1 "
            "[Selective DPO: 0.5]. Below 1 sets train_sampling_strategy to sequential."
        },
    )
    loss_column: str = field(
        default="held_out_loss",
        metadata={
            "help": "Column with the loss of each row under models that were not trained on it, for keep_easiest."
        },
    )
    beliefs: str | None = field(
        default=None,
        metadata={
            "help": "Folder that `votewise audit` wrote for these votes; training starts from its reliabilities."
        },
    )
    beliefs_use: str = field(
        default="start",
        metadata={
            "help": "How `beliefs` are used: start (reliabilities start there and are learnt further) or fixed (the audit's "
            "confidence is the weight of each pair throughout, and reliabilities are not updated)."
        },
    )
    groups: dict[str, Any] | str | None = field(
        default=None,
        metadata={
            "help": "Annotators who err together, such as models of one family: the name of each group with a shell-style "
            'pattern of its members\' names, or several, as YAML or JSON: {"judges": "gpt-*"}; or the column that has each '
            "annotator's group. How much they err together is found in the votes before training, as `votewise audit` does."
        },
    )
    fast_step: str = field(
        default="shared",
        metadata={
            "help": "How answers are scored; the result is the same: shared (each prompt is computed once, no padding), "
            "packed (no padding), answers (logits only of tokens that are scored), off (as TRL does)."
        },
    )
    packed_attention: str = field(
        default="auto",
        metadata={
            "help": "Attention for rows without padding: flex (PyTorch's FlexAttention), segments (one call per answer), "
            "auto (flex on CUDA)."
        },
    )
    answer_projection: str = field(
        default="auto",
        metadata={"help": "How the logits of answers are computed: trl (its fused head), torch, auto (trl on CUDA)."},
    )
    precompute_ref_log_probs: bool | None = field(
        default=None,
        metadata={
            "help": "Compute the reference model's log-probabilities once before training and keep them for later runs. "
            "Default: `votewise train` does so when it costs nothing extra; the trainer in Python does not."
        },
    )
    reference_cache: str | None = field(
        default=None,
        metadata={
            "help": "Folder where these log-probabilities are kept, or off. Default: the folder reference in "
            "$VOTEWISE_CACHE, which is ~/.cache/votewise if not set."
        },
    )
    allow_worse_than_chance: bool = field(
        default=False,
        metadata={"help": "Continue if the votes as a whole turn out to be worse than chance."},
    )
    write_beliefs: bool = field(
        default=True,
        metadata={"help": "Write annotators.parquet, votes.parquet and report.html into output_dir at the end."},
    )

    def __post_init__(self) -> None:
        translate_loss_type(self)
        if self.beta is None:
            self.beta = DEFAULT_BETA.get(str(self.preference_loss), DEFAULT_BETA["dpo"])
        if self.objective == "auto":
            scored = self.preference_loss == "cpo" and self.reliability_margins == "first" and self.temperature == "fit"
            learnt = self.reliability_update != "frozen" and self.beliefs_use != "fixed"
            self.objective = "score" if scored and learnt else "weighted"
        self.groups = parse_named_groups(self.groups)
        check_config(self)
        if self.beliefs_use == "fixed":
            self.reliability_update = "frozen"
        if self.keep_easiest < 1:
            self.train_sampling_strategy = "sequential"
        super().__post_init__()
        check_trl_settings(self, reference=self.loss().reference)
        self.belief_settings()

    def to_dict(self) -> dict[str, Any]:
        """For JSON: a custom loss is given by its name."""
        loss = self.preference_loss
        facts: dict[str, Any] = super().to_dict()
        return facts | {"preference_loss": loss if isinstance(loss, str) else getattr(loss, "__name__", "custom")}

    def __getstate__(self) -> dict[str, Any]:
        """For ``training_args.bin`` of checkpoints: a custom loss that cannot be pickled is given by its name."""
        try:
            pickle.dumps(self.preference_loss)
        except (AttributeError, TypeError, pickle.PicklingError):
            return self.__dict__ | {"preference_loss": getattr(self.preference_loss, "__name__", "custom")}
        return self.__dict__

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
            apart=self.objective == "score",
        )

    def _weighs_first_margins(self, loss: PreferenceLoss) -> bool:
        """Whether each loss is weighted by a confidence from first-seen margins, in steps per unit of trust."""
        return loss.name in RANKING and self.objective == "weighted" and self.reliability_margins == "first"

    def belief_settings(self) -> BeliefSettings:
        """How reliabilities are learnt; BadInputError for an invalid prior or temperature."""
        loss = self.loss()
        return BeliefSettings(
            init=self.reliability_init,
            update=self.reliability_update,  # type: ignore[arg-type]
            margins=self.reliability_margins,  # type: ignore[arg-type]
            momentum=self.reliability_momentum,
            prior=parse_reliability_prior(self.reliability_prior),
            temperature=parse_temperature(self.temperature),
            allow_worse_than_chance=self.allow_worse_than_chance,
            one_annotator="filter" if self.objective == "score" or self._weighs_first_margins(loss) else "em",
            reference=loss.reference,
        )
