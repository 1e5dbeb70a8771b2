"""The trainer's step beside TRL's: forward, loss and backward of the same batches, in turn, with equal losses and gradients.

Four ways, as `fast_step` has them: off (TRL's own scoring under our loss), answers, packed, shared; and TRL's DPOTrainer.
The reference's log-probabilities are given, as with `precompute_ref_log_probs`. Times are medians over the repeats with
their 10% to 90% range, as ratios to TRL's median; memory is the peak of a step in a fresh process less what it held before.

    python benchmarks/step.py [--pairs 4] [--repeats 5] [--threads 2] [--shapes head-long,body-long,...]
    python benchmarks/step.py --config FOLDER [--prompt 384] [--answer 96] [--vary 0.6]   (a model's config.json)
"""

from __future__ import annotations

import argparse
import json
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

SHAPES = {
    "head-long": ("head", 384, 96, 0.0),
    "head-short": ("head", 128, 192, 0.0),
    "body-long": ("body", 384, 96, 0.0),
    "body-short": ("body", 128, 192, 0.0),
    "body-varying": ("body", 384, 96, 0.6),
}
"""Model, tokens of a prompt, tokens of an answer, by how much lengths vary."""

BODIES = {
    "head": {
        "vocab_size": 32_000,
        "hidden_size": 256,
        "intermediate_size": 688,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
    },
    "body": {
        "vocab_size": 4_000,
        "hidden_size": 512,
        "intermediate_size": 1408,
        "num_hidden_layers": 8,
        "num_attention_heads": 8,
    },
}
WAYS = ("TRL", "off", "answers", "packed", "shared")


def make_model(which: str) -> Any:
    """A random model of a shape, or of a folder's config."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    if which in BODIES:
        config = LlamaConfig(**BODIES[which], max_position_embeddings=2048, pad_token_id=0, tie_word_embeddings=True)
    else:
        config = AutoConfig.from_pretrained(which)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def make_trainer(way: str, model: Any, folder: str) -> Any:
    """TRL's trainer or ours, on one made-up pair: batches are given by hand."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    from votewise.demo.tiny_model import word_tokenizer
    from votewise.train import RobustPreferenceConfig, RobustPreferenceTrainer

    rows = Dataset.from_list([{"prompt": "a", "chosen": "a", "rejected": "b"}])
    common = {
        "output_dir": folder,
        "report_to": "none",
        "bf16": False,
        "use_cpu": True,
        "gradient_checkpointing": False,
        "beta": 0.1,
        "logging_steps": 1000,
        "disable_tqdm": True,
    }
    # Any reference will do: its log-probabilities come with the batches.
    given = {"train_dataset": rows, "processing_class": word_tokenizer("ab"), "ref_model": make_model("head")}
    if way == "TRL":
        trainer = DPOTrainer(model, args=DPOConfig(**common), **given)
        trainer.precompute_ref_logps = True
    else:
        config = RobustPreferenceConfig(objective="plain", fast_step=way, **common)
        trainer = RobustPreferenceTrainer(model, args=config, **given)
        trainer._checked = True
    trainer.ref_model = None
    trainer.model.train()
    return trainer


def make_batch(vocabulary: int, pairs: int, prompt: int, answer: int, vary: float, seed: int) -> dict[str, Any]:
    import torch
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    rng = np.random.default_rng(seed)

    def tokens(mean: int) -> list[int]:
        return rng.integers(2, vocabulary, max(1, round(mean * (1 + vary * rng.uniform(-1, 1))))).tolist()

    rows = [
        {"prompt_ids": tokens(prompt), "chosen_ids": tokens(answer), "rejected_ids": tokens(answer)}
        for _ in range(pairs)
    ]
    batch = DataCollatorForPreference(pad_token_id=0)(rows)
    for name in ("ref_chosen_logps", "ref_rejected_logps"):
        batch[name] = torch.full((pairs,), -8.0 * answer)
    return batch


def step(trainer: Any, batch: dict[str, Any]) -> tuple[float, float]:
    """Seconds of forward and backward, and the loss."""
    trainer.model.zero_grad(set_to_none=True)
    start = time.perf_counter()
    loss = trainer.compute_loss(trainer.model, dict(batch))
    loss.backward()
    return time.perf_counter() - start, float(loss)


def compare(which: str, shape: tuple[int, int, float], options: argparse.Namespace) -> None:
    import torch

    with tempfile.TemporaryDirectory() as folder:
        trainers = {way: make_trainer(way, make_model(which), folder) for way in WAYS}
        vocabulary = trainers["TRL"].model.config.vocab_size
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        worst_loss = worst_gradient = 0.0
        for repeat in range(options.repeats + 1):
            batch = make_batch(vocabulary, options.pairs, *shape, seed=repeat)
            losses, gradients = {}, {}
            for way in np.random.default_rng(repeat).permutation(WAYS).tolist():
                took, losses[way] = step(trainers[way], batch)
                gradients[way] = torch.cat([p.grad.flatten() for p in trainers[way].model.parameters()])
                if repeat:  # the first batch warms up
                    seconds[way].append(took)
            norm = gradients["TRL"].norm()
            for way in WAYS:
                worst_loss = max(worst_loss, abs(losses[way] - losses["TRL"]))
                worst_gradient = max(worst_gradient, float((gradients[way] - gradients["TRL"]).norm() / norm))
    peaks = {way: fresh(which, way, shape, options) for way in ("TRL", "shared")}
    base = float(np.median(seconds["TRL"]))
    print(f"  {'way':<10}{'seconds':>9}{'times as fast':>15}   10% to 90%")
    for way in WAYS:
        ratios = base / np.quantile(seconds[way], [0.9, 0.5, 0.1])
        print(f"  {way:<10}{np.median(seconds[way]):>9.3f}{ratios[1]:>14.2f}x   {ratios[0]:.2f} to {ratios[2]:.2f}")
    share = peaks["shared"] / peaks["TRL"]
    print(f"  peak memory {peaks['TRL']:,.0f} MB -> {peaks['shared']:,.0f} MB ({share:.2f}x)")
    print(
        f"  largest difference of losses {worst_loss:.1e}, of gradients {worst_gradient:.1e} of their norm", flush=True
    )


def fresh(which: str, way: str, shape: tuple[int, int, float], options: argparse.Namespace) -> float:
    """Peak memory in MB of a step in a process of its own, less what model and libraries took."""
    command = [sys.executable, __file__, "--task", json.dumps([which, way, *shape]), "--pairs", str(options.pairs)]
    ended = subprocess.run([*command, "--threads", str(options.threads)], check=True, stdout=subprocess.PIPE, text=True)
    return float(ended.stdout.splitlines()[-1])


def one(which: str, way: str, *shape: Any, pairs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(way, make_model(which), folder)
        batch = make_batch(trainer.model.config.vocab_size, pairs, *shape, seed=1)
        small = make_batch(trainer.model.config.vocab_size, 1, 4, 4, 0.0, seed=0)
        step(trainer, small)
        before = memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        step(trainer, batch)
        print(memory("VmHWM") - before)


def memory(what: str) -> float:
    """MB of this process, now (VmRSS) or at its peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--config", help="folder with a model's config.json")
    parser.add_argument("--prompt", type=int, default=384)
    parser.add_argument("--answer", type=int, default=96)
    parser.add_argument("--vary", type=float, default=0.0)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    import torch
    import transformers

    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    import datasets

    datasets.disable_progress_bars()
    if options.task:
        one(*json.loads(options.task), pairs=options.pairs)
        return
    if options.config:
        print(f"{options.config}: {options.pairs} pairs, prompt {options.prompt}, answers {options.answer}")
        compare(options.config, (options.prompt, options.answer, options.vary), options)
        return
    for name in options.shapes.split(","):
        which, *shape = SHAPES[name]
        print(f"{name}: {options.pairs} pairs, prompt {shape[0]}, answers {shape[1]}, lengths +-{shape[2]:.0%}")
        compare(which, tuple(shape), options)


if __name__ == "__main__":
    main()
