"""Nothing is downloaded, one core is used."""

from __future__ import annotations

import contextlib
import os

# Before the libraries are imported.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)
