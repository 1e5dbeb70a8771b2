"""What bitsandbytes' quantised layers ask of training."""

from __future__ import annotations

from typing import Any

import torch

from votewise.errors import BadInputError


def in_8_bits(model: Any) -> bool:
    """Whether a model is quantised to 8 bits: its layers choose outliers among all the tokens of a batch."""
    return bool(getattr(model, "is_loaded_in_8bit", False))


def refuse_layers_without_gradients(model: Any, device: torch.device) -> None:
    """Refuse 4 bits on CPUs where the layers take another form at the first evaluation, for which no gradients are there.

    Raises:
        BadInputError: the gradients would be wrong, of which PyTorch only warns.
    """
    if device.type == "cpu" and any(getattr(part, "support_avx512bf16_for_cpu", False) for part in model.modules()):
        raise BadInputError(
            "a model in 4 bits has no gradients on this CPU once it was evaluated", expected="8 bits, or a GPU"
        )
