"""What the reference cache saves: seconds until the first step of a first and a second run, compared with an epoch.

Random models and words. Each run is a new process; first and second runs alternate, and each first run has an empty cache.
Medians over the repeats with their range.

    python benchmarks/reference.py [--pairs 64] [--repeats 3] [--threads 2] [--model body]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from step import make_model

WORDS = 1000
PROMPT, ANSWER = 384, 96


def make_rows(pairs: int) -> Any:
    from datasets import Dataset

    rng = np.random.default_rng(0)

    def text(length: int) -> str:
        return " ".join(f"w{i}" for i in rng.integers(0, WORDS, length))

    return Dataset.from_list(
        [{"prompt": text(PROMPT) + " ", "chosen": text(ANSWER), "rejected": text(ANSWER)} for _ in range(pairs)]
    )


def run(options: argparse.Namespace) -> None:
    """One run. It prints the seconds until its first step, and those of its epoch."""
    import torch

    from votewise.demo.tiny_model import word_tokenizer
    from votewise.train import RobustPreferenceConfig, RobustPreferenceTrainer

    torch.set_num_threads(options.threads)
    model, rows = make_model(options.model), make_rows(options.pairs)
    tokenizer = word_tokenizer([f"w{i}" for i in range(WORDS)])
    with tempfile.TemporaryDirectory() as folder:
        config = RobustPreferenceConfig(
            folder, precompute_ref_log_probs=True, use_cpu=True, bf16=False, gradient_checkpointing=False,
            per_device_train_batch_size=4, num_train_epochs=1, report_to="none",
            disable_tqdm=True, write_beliefs=False, save_strategy="no",
        )  # fmt: skip
        start = time.perf_counter()
        trainer = RobustPreferenceTrainer(model, args=config, train_dataset=rows, processing_class=tokenizer)
        ready = time.perf_counter()
        trainer.train()
        print(ready - start, time.perf_counter() - ready)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default="body", help="head or body, as in step.py, or a folder with a config.json")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        import datasets

        warnings.simplefilter("ignore")
        datasets.disable_progress_bars()
        run(options)
        return
    seconds: dict[str, list[float]] = {
        "first run, until its first step": [],
        "second run": [],
        "an epoch of training": [],
    }
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as cache:
            own = dict(os.environ, VOTEWISE_CACHE=cache)
            for which in ("first run, until its first step", "second run"):
                command = [sys.executable, str(Path(__file__)), "--one", *sys.argv[1:]]
                ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=own)
                begun, trained = (float(x) for x in ended.stdout.splitlines()[-1].split())
                seconds[which].append(begun)
                seconds["an epoch of training"].append(trained)
    print(f"{options.model}: {options.pairs} pairs, prompt {PROMPT}, answers {ANSWER}")
    for name, found in seconds.items():
        print(f"  {name:<34}{np.median(found):8.2f} s   {min(found):.2f} to {max(found):.2f}")


if __name__ == "__main__":
    main()
