"""Settings that a ``RobustPreferenceConfig`` inherits from TRL: each acts, is translated, or is refused in one line."""

from __future__ import annotations

import os
from typing import Any

from transformers.utils import is_liger_kernel_available

from votewise.errors import BadInputError
from votewise.train.objectives import NOISE_OBJECTIVES

TRL_BETA = 0.1
"""TRL's default strength, which holds where a loss is named as TRL names it."""

TRANSLATED: dict[str, dict[str, str]] = {
    "sigmoid": {},
    "ipo": {"preference_loss": "ipo"},
    "sigmoid_norm": {"preference_loss": "dpo_norm"},
    "robust": {"objective": "rdpo"},
}
"""TRL's names of losses -> the settings that say the same here; ``sft`` beside one of them is ``sft_weight``."""

INSTEAD = {
    "hinge": "a function as preference_loss; docs/training.md shows this one",
    "exo_pair": "objective=smoothed with label_smoothing",
    "nca_pair": "a function of the two answers as preference_loss",
    "bco_pair": "a function of the two answers as preference_loss",
    "sppo_hard": "a function of the two answers as preference_loss",
    "apo_zero": "a function of the two answers as preference_loss",
    "apo_down": "a function of the two answers as preference_loss",
    "discopop": "a function of the two answers as preference_loss",
    "aot": "preference_loss=dpo with objective=smoothed; sorting a batch takes the votes from their rows",
    "aot_unpaired": "preference_loss=dpo with objective=smoothed; sorting a batch takes the votes from their rows",
    "sft": "sft_weight beside preference_loss, or TRL's SFTTrainer",
}
"""TRL's losses that are not here -> what to use instead."""

OTHERS_ONLY: dict[str, tuple[Any, str]] = {
    "use_weighting": (False, "objective=weighted, which weights rows by the belief in their votes"),
    "ld_alpha": (None, "preference_loss=dpo_norm, which takes the length out of the loss"),
    "f_divergence_type": ("reverse_kl", "reverse_kl, the divergence of every preference_loss"),
    "f_alpha_divergence_coef": (0.5, "no such setting, because the divergence is reverse_kl"),
    "discopop_tau": (0.05, "no such setting, because loss_type=discopop is not there"),
    "padding_free": (False, "fast_step=shared or packed, whose rows have no padding"),
    "label_smoothing_factor": (0.0, "objective=smoothed with label_smoothing, the share of wrong votes"),
}
"""Settings that act on TRL's own losses only -> the default that they must keep, and what to use instead."""


def translate_loss_type(config: Any) -> None:
    """Turn TRL's ``loss_type`` and ``loss_weights`` into the settings that say the same, and reset them.

    Raises:
        BadInputError: a loss that is not here, weights that cannot be said, or a preference loss or objective beside it.
    """
    names: list[str] = [config.loss_type] if isinstance(config.loss_type, str) else list(config.loss_type)
    weights = [1.0] * len(names) if config.loss_weights is None else [float(w) for w in config.loss_weights]
    if names == ["sigmoid"] and weights == [1.0]:
        return
    for name in names:
        if name not in TRANSLATED and not (name == "sft" and len(names) == 2):
            known = INSTEAD.get(name, f"{', '.join(TRANSLATED)}, or sft beside one of them")
            raise BadInputError("loss_type", value=name, expected=known)
    given = dict(zip(names, weights, strict=True))
    sft_weight = given.pop("sft", 0.0)
    if len(given) != 1:
        raise BadInputError("loss_type", value=names, expected="one loss of a pair, and sft beside it if wanted")
    ((name, weight),) = given.items()
    if weight != 1:
        raise BadInputError(
            f"loss_weights of {name}",
            value=weight,
            expected="1, and sft_weight or a learning_rate that makes up for it",
        )
    told = TRANSLATED[name] | ({"sft_weight": sft_weight} if "sft" in names else {})
    for setting, value in told.items():
        if getattr(config, setting) not in (value, type(config).__dataclass_fields__[setting].default):
            raise BadInputError(
                f"loss_type={name} and {setting}={getattr(config, setting)} contradict each other",
                expected=f"{setting} alone",
            )
        setattr(config, setting, value)
    if config.beta is None:
        config.beta = TRL_BETA
    config.loss_type, config.loss_weights = ["sigmoid"], None


def check_trl_settings(config: Any, *, reference: bool) -> None:
    """Refuse settings of TRL that would have no effect.

    Args:
        config: the settings, translated.
        reference: whether the loss needs a reference model.

    Raises:
        BadInputError: a setting that has no effect here, or none beside the others.
    """
    for name, (default, instead) in OTHERS_ONLY.items():
        if getattr(config, name) != default:
            raise BadInputError(f"{name} has no effect here", value=getattr(config, name), expected=instead)
    smoothing = config.label_smoothing
    if not 0 <= smoothing < 0.5:
        raise BadInputError("label_smoothing", value=smoothing, expected="at least 0 and below 0.5")
    if smoothing and config.objective not in NOISE_OBJECTIVES:
        raise BadInputError(
            f"label_smoothing has no effect with objective={config.objective}",
            value=smoothing,
            expected=f"objective={' or '.join(NOISE_OBJECTIVES)}",
        )
    if not config.sync_ref_model:
        for name, default in (("ref_model_mixup_alpha", 0.6), ("ref_model_sync_steps", 512)):
            if getattr(config, name) != default:
                raise BadInputError(
                    f"{name} has no effect alone", value=getattr(config, name), expected="sync_ref_model=True beside it"
                )
    if not reference:
        for name in ("sync_ref_model", "precompute_ref_batch_size"):
            if getattr(config, name):
                raise BadInputError(
                    f"{name} has no effect with preference_loss={config.preference_loss}",
                    value=getattr(config, name),
                    expected="no such setting, because this loss has no reference model",
                )


def refuse_dispatched_pairs(config: Any) -> None:
    """Refuse batches that the first process hands out to several: they are cut between chosen and rejected answers.

    TRL itself turns this off for streams.

    Raises:
        BadInputError: ``dispatch_batches`` with several processes.
    """
    if config.accelerator_config.dispatch_batches and config.world_size > 1:
        raise BadInputError(
            f"accelerator_config: dispatch_batches cuts pairs apart in {config.world_size} processes",
            value=True,
            expected="False, so that each process reads its own batches",
        )


def refuse_missing_kernels(config: Any) -> None:
    """Refuse Liger's kernels where they cannot run; they would be missed only when training begins.

    Raises:
        BadInputError: no liger-kernel, or no GPU.
    """
    if not config.use_liger_kernel:
        return
    if not is_liger_kernel_available():
        raise BadInputError("use_liger_kernel needs liger-kernel", value=True, expected="pip install liger-kernel")
    if config.device.type == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        raise BadInputError("use_liger_kernel has no kernels for a CPU", value=True, expected="a GPU, or False")
