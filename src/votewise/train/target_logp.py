"""Log-probabilities of targets from logits, in the memory of the logits alone.

PyTorch's ``cross_entropy`` holds three arrays of the logits' size: the log-softmax, a one-hot gradient, and the gradient.
Here the probabilities overwrite the logits, and the gradient overwrites the probabilities.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def target_logp(logits: Tensor, targets: Tensor) -> Tensor:
    """Log-probability of each target; overwrites ``logits``.

    Nobody else may read ``logits`` afterwards. PyTorch raises a RuntimeError in the backward pass if an operation before
    has kept them for its gradient. The gradient can be taken once, as without ``retain_graph``.

    Args:
        logits: (N, V) in fp32.
        targets: (N,) whole numbers from 0 to V - 1.

    Returns:
        (N,) in fp32.
    """
    if type(logits) is not Tensor or torch.compiler.is_compiling():
        return -torch.nn.functional.cross_entropy(logits, targets, reduction="none")  # sharded or traced logits
    found: Tensor = _TargetLogp.apply(logits, targets)  # type: ignore[no-untyped-call]
    return found


class _TargetLogp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        chosen = logits.gather(1, targets[:, None])
        largest = logits.amax(1, keepdim=True)
        total = logits.sub_(largest).exp_().sum(1, keepdim=True)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(logits.div_(total), targets)
        return (chosen - largest - total.log())[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient of log p_y is e_y - p."""
        probabilities, targets = ctx.saved_tensors
        of_logits = probabilities.mul_(-gradient[:, None])
        return of_logits.scatter_add_(1, targets[:, None], gradient[:, None]), None
