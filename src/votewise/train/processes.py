"""Whether the processes of a training run share one model."""

from __future__ import annotations

import os

SHARDING = ("FSDP", "DEEPSPEED")


def sharded_here() -> bool:
    """Whether accelerate shards the model of this process over several processes."""
    return any(os.environ.get(f"ACCELERATE_USE_{kind}", "").lower() in ("1", "true") for kind in SHARDING)
