"""How much memory a training run takes: parameters counted exactly and without their weights, the rest estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import transformers
from peft import get_peft_model

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}

STATES = {"adamw": 2.0, "adam": 2.0, "lion": 1.0, "sgd": 0.0, "adafactor": 0.0, "rmsprop": 1.0, "adagrad": 1.0}
"""Numbers that an optimiser keeps for each trained one; Adafactor's few are not counted."""

PER_WIDTH, PER_INNER = 11, 4
"""Numbers that a layer keeps of each token for the way back, as multiples of its width (norms, queries, keys, values, the
attended, residuals; attention keeps no matrix) and of its inner width (gate, its activation, what it lets through, their
product)."""


@dataclass(frozen=True)
class Memory:
    """Bytes in each process, and what they are counted from.

    Attributes:
        parameters: of the policy, adapters included; ``trained`` are those that are trained.
        weights: the policy.
        gradients: one for each trained parameter.
        optimizer: the optimiser's states.
        reference: the reference model, where one is held.
        activations: what the forward pass keeps for the backward pass of one micro-batch. A rough figure: 11 x width +
            4 x inner width numbers a token and layer; with gradient checkpointing one width, and that for a single layer.
    """

    parameters: int
    trained: int
    weights: float
    gradients: float
    optimizer: float
    reference: float
    activations: float

    @property
    def total(self) -> float:
        """All of it; what libraries, buffers and fragments take comes on top."""
        return self.weights + self.gradients + self.optimizer + self.reference + self.activations


def count_parameters(config: Any, peft_config: Any = None) -> tuple[int, int]:
    """(all, trained) parameters of the model that a configuration describes; nothing is loaded or allocated."""
    architecture = getattr(transformers, (config.architectures or [""])[0], None)
    with torch.device("meta"):
        model = architecture(config) if architecture else transformers.AutoModelForCausalLM.from_config(config)
        if peft_config is not None:
            model = get_peft_model(model, peft_config)
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained)


def estimate_memory(
    config: Any,
    parameters: tuple[int, int],
    training: Any,
    model: Any,
    *,
    tokens: int,
    own_reference: bool,
    shards: int,
) -> Memory:
    """Estimate the memory of one process.

    Args:
        config: the policy's configuration.
        parameters: what ``count_parameters`` says of it.
        training: the run's ``RobustPreferenceConfig``.
        model: TRL's ``ModelConfig``.
        tokens: tokens in the largest micro-batch, padding included.
        own_reference: whether a reference model is held beside the policy.
        shards: processes that share weights, gradients and states; 1 if each holds them all.
    """
    everything, trained = parameters
    frozen, text = everything - trained, config.get_text_config()
    name = model.dtype if model.dtype in BYTES else str(getattr(config, "dtype", "float32")).removeprefix("torch.")
    width = BYTES.get(name, 4)
    stored = 0.5 if model.load_in_4bit else 1 if model.load_in_8bit else width
    # PEFT trains its adapters in single precision, however the model beneath is stored.
    of_trained = 4 if frozen else width
    optimizer = str(getattr(training.optim, "value", training.optim))
    kept = next((number for start, number in STATES.items() if optimizer.startswith(start)), 2.0)
    precision = 2 if training.bf16 or training.fp16 else width
    layers, hidden = text.num_hidden_layers, text.hidden_size
    kept_by_layer = PER_WIDTH * hidden + PER_INNER * getattr(text, "intermediate_size", 2 * hidden)
    per_token = hidden * layers + kept_by_layer if training.gradient_checkpointing else kept_by_layer * layers
    return Memory(
        everything,
        trained,
        (frozen * stored + trained * of_trained) / shards,
        trained * of_trained / shards,
        trained * kept * (1 if "8bit" in optimizer else of_trained) / shards,
        everything * stored / shards if own_reference else 0.0,
        tokens * per_token * precision,
    )
