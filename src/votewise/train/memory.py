"""How much memory a training run needs: parameters are counted exactly without loading them, the rest is estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import transformers
from peft import get_peft_model

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}

STATES = {"adamw": 2.0, "adam": 2.0, "lion": 1.0, "sgd": 0.0, "adafactor": 0.0, "rmsprop": 1.0, "adagrad": 1.0}
"""Numbers that an optimiser keeps per trained parameter; Adafactor's few are not counted."""

PER_WIDTH, PER_INNER = 11, 4
"""Numbers that a layer keeps per token for the backward pass, as multiples of its width (norms, queries, keys, values,
attention output, residuals; no attention matrix) and of its inner width (gate, activated gate, input, their product)."""


@dataclass(frozen=True)
class Memory:
    """Estimated bytes in each process, and the numbers of parameters.

    Attributes:
        parameters: parameters of the policy, adapters included.
        trained: those of them that are trained.
        weights: the policy.
        gradients: one for each trained parameter.
        optimizer: the optimiser's states.
        reference: the reference model, if one is loaded.
        activations: what the forward pass of a micro-batch keeps for the backward pass. Roughly 11 x width + 4 x inner
            width numbers per token and layer. With gradient checkpointing: one width per layer, and that of one layer.
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
        """The sum. Libraries, buffers and fragmentation need more memory in addition."""
        return self.weights + self.gradients + self.optimizer + self.reference + self.activations


def count_parameters(config: Any, peft_config: Any = None) -> tuple[int, int]:
    """(all, trained) parameters of the model with this configuration; nothing is loaded or allocated."""
    architecture = getattr(transformers, (config.architectures or [""])[0], None)
    with torch.device("meta"):
        model = architecture(config) if architecture else transformers.AutoModelForCausalLM.from_config(config)
        if peft_config is not None:
            model = get_peft_model(model, peft_config)
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained)


@dataclass(frozen=True)
class Load:
    """What one process has to hold.

    Attributes:
        parameters: (all, trained) parameters of the policy, from ``count_parameters``.
        tokens: tokens in the largest micro-batch, padding included.
        own_reference: whether a reference model is loaded in addition to the policy.
        shards: number of processes that share weights, gradients and optimiser states; 1 if each holds them all.
    """

    parameters: tuple[int, int]
    tokens: int
    own_reference: bool
    shards: int


def estimate_memory(config: Any, training: Any, model: Any, load: Load) -> Memory:
    """Estimate the memory of one process.

    Args:
        config: the policy's configuration.
        training: the run's ``RobustPreferenceConfig``.
        model: TRL's ``ModelConfig``.
        load: what the process has to hold.
    """
    (everything, trained), shards = load.parameters, load.shards
    frozen, text = everything - trained, config.get_text_config()
    name = model.dtype if model.dtype in BYTES else str(getattr(config, "dtype", "float32")).removeprefix("torch.")
    width = BYTES.get(name, 4)
    stored = 0.5 if model.load_in_4bit else 1 if model.load_in_8bit else width
    # PEFT trains adapters in single precision, whatever the number format of the base model.
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
        everything * stored / shards if load.own_reference else 0.0,
        load.tokens * per_token * precision,
    )
