"""The values that settings of models can have; also for the workflows and commands, so this module imports no libraries."""

from __future__ import annotations

from typing import Literal

BackendName = Literal["transformers", "vllm", "endpoint"]
"""What runs a model that answers: a library on this machine, or an OpenAI-compatible server."""

DtypeName = Literal["auto", "float32", "bfloat16", "float16"]
"""Number format of a model's weights; ``auto`` for the one that they were saved in."""
