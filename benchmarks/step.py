"""The trainer's step compared with TRL's: forward, loss and backward on the same batches, alternating.

It compares the four values of `fast_step` (off, which is TRL's scoring with votewise's loss, answers, packed, shared) with
TRL's DPOTrainer, and checks that losses and gradients are equal. The reference model's log-probabilities are given, as with
`precompute_ref_log_probs`. Times are medians over the repeats with their 10% to 90% range, as ratios to TRL's median: wall
time, or with --threads 1 processor time, which other work on the machine disturbs less. Memory is the peak of a step in a
new process, minus the memory used before the step.

    python benchmarks/step.py [--pairs 4] [--repeats 5] [--threads 2] [--shapes head-long,body-long,...] [--ways shared]
    python benchmarks/step.py --config FOLDER [--prompt 384] [--answer 96] [--vary 0.6]   (a model's config.json)
    python benchmarks/step.py --device cuda --peak-tflops 989        (random models of 0.5 and 1.5 billion parameters, bf16)

On a GPU TRL runs with SDPA and, if installed, with flash attention; votewise runs with its default kernels and with the
other ones. Every batch runs once before it is timed, because kernels are compiled for each length. Tokens are counted in
the same way for all, as two rows per pair without padding. The share of the chip's peak counts the operations that are
really done: 6 for each weight and token that it is multiplied with, without those of attention.
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
GPU_SHAPES = {
    "0.5B-long": ("0.5B", 1024, 256, 0.0),
    "0.5B-short": ("0.5B", 256, 384, 0.0),
    "0.5B-varying": ("0.5B", 1024, 256, 0.6),
    "1.5B-long": ("1.5B", 1024, 256, 0.0),
}
"""Model, tokens per prompt, tokens per answer, by how much lengths vary."""

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
    # The sizes of the Qwen 2.5 models of this name.
    "0.5B": {
        "vocab_size": 151_936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
    },
    "1.5B": {
        "vocab_size": 151_936,
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
    },
}
WAYS: dict[str, dict[str, Any]] = {
    "TRL": {},
    **{way: {"fast_step": way} for way in ("off", "answers", "packed", "shared")},
}
GPU_WAYS: dict[str, dict[str, Any]] = WAYS | {
    "TRL, flash": {"attention": "flash_attention_2"},
    "shared, segments": {"fast_step": "shared", "packed_attention": "segments"},
    "shared, torch head": {"fast_step": "shared", "answer_projection": "torch"},
}
"""Settings of the trainer by name; those without `fast_step` are for TRL's trainer."""


def make_model(which: str, device: str = "cpu", attention: str = "sdpa") -> Any:
    """A random model of one of the ``BODIES``, or of the config in a folder; in bf16 on a GPU."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    if which in BODIES:
        config = LlamaConfig(**BODIES[which], max_position_embeddings=8192, pad_token_id=0, tie_word_embeddings=True)
    else:
        config = AutoConfig.from_pretrained(which)
    with torch.device(device):
        return AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16 if device == "cuda" else torch.float32, attn_implementation=attention
        )


def make_trainer(settings: dict[str, Any], which: str, folder: str, device: str = "cpu") -> Any:
    """TRL's trainer or votewise's, on one made-up pair; the batches are made by ``make_batch``."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    from votewise.demo.tiny_model import word_tokenizer
    from votewise.train import RobustPreferenceConfig, RobustPreferenceTrainer

    settings = dict(settings)
    model = make_model(which, device, settings.pop("attention", "sdpa"))
    rows = Dataset.from_list([{"prompt": "a", "chosen": "a", "rejected": "b"}])
    common = {
        "output_dir": folder,
        "report_to": "none",
        "bf16": device == "cuda",
        "use_cpu": device == "cpu",
        "gradient_checkpointing": False,
        "beta": 0.1,
        "logging_steps": 1000,
        "disable_tqdm": True,
    }
    # Any reference model will do, because its log-probabilities come with the batches.
    given = {"train_dataset": rows, "processing_class": word_tokenizer("ab"), "ref_model": make_model("head")}
    if "fast_step" not in settings:
        trainer = DPOTrainer(model, args=DPOConfig(**common), **given)
        trainer.precompute_ref_logps = True
    else:
        config = RobustPreferenceConfig(objective="plain", **settings, **common)
        trainer = RobustPreferenceTrainer(model, args=config, **given)
        for prepared in trainer.scoring.prepared.values():
            prepared.use_unchecked()
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
    device = trainer.model.device
    here = {name: value.to(device) for name, value in batch.items()}
    trainer.model.zero_grad(set_to_none=True)
    wait(device)
    start = clock(device)
    with trainer.accelerator.autocast():
        loss = trainer.compute_loss(trainer.model, here)
    loss.backward()
    wait(device)
    return clock(device) - start, float(loss)


def clock(device: Any) -> float:
    """Seconds: processor time for one thread on a CPU, which other work disturbs less; otherwise wall time."""
    import torch

    return time.process_time() if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter()


def wait(device: Any) -> None:
    """Wait until the GPU has finished its work."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


def compare(which: str, shape: tuple[int, int, float], options: argparse.Namespace) -> None:
    import torch

    cuda = options.device == "cuda"
    ways = {way: known for way, known in (gpu_ways() if cuda else WAYS).items() if way in options.ways or way == "TRL"}
    with tempfile.TemporaryDirectory() as folder:
        trainers = {way: make_trainer(known, which, folder, options.device) for way, known in ways.items()}
        vocabulary = trainers["TRL"].model.config.vocab_size
        batches = [make_batch(vocabulary, options.pairs, *shape, seed=i) for i in range(options.repeats + 1)]
        # Warm-up: on a GPU all batches once, on a CPU only the first one.
        rounds = [
            *((i, False) for i in range(len(batches) if cuda else 1)),
            *((i, True) for i in range(1, len(batches))),
        ]
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        memory: dict[str, float] = dict.fromkeys(ways, 0.0)
        worst_loss = worst_gradient = 0.0
        for turn, (i, counts) in enumerate(rounds):
            losses, gradients = {}, {}
            for way in np.random.default_rng(turn).permutation(list(ways)).tolist():
                before = start_of_peak() if cuda else 0.0
                took, losses[way] = step(trainers[way], batches[i])
                if cuda:
                    memory[way] = max(memory[way], peak() - before)
                if not (cuda and counts):  # copying them from the GPU takes time
                    gradients[way] = torch.cat([p.grad.flatten().cpu() for p in trainers[way].model.parameters()])
                trainers[way].model.zero_grad(set_to_none=True)
                if counts:
                    seconds[way].append(took)
            worst_loss = max(worst_loss, *(abs(loss - losses["TRL"]) for loss in losses.values()))
            for gradient in gradients.values():
                distance = (gradient - gradients["TRL"]).float().norm() / gradients["TRL"].float().norm()
                worst_gradient = max(worst_gradient, float(distance))
        work = {way: operations(trainers[way], known, batches[1:]) for way, known in ways.items()}
    tokens = float(np.mean([int(batch["attention_mask"].sum()) for batch in batches[1:]]))
    show(seconds, tokens, work, options.peak_tflops)
    if not cuda:
        memory = {way: fresh(which, way, shape, options) for way in ("TRL", "shared") if way in ways}
    for way, used in memory.items():
        print(f"  peak memory, {way}: {used:,.0f} MB ({used / memory['TRL']:.2f}x)")
    print(
        f"  largest difference of losses {worst_loss:.1e}, of gradients {worst_gradient:.1e} of their norm", flush=True
    )


def show(seconds: dict[str, list[float]], tokens: float, work: dict[str, float], peak_tflops: float | None) -> None:
    """Print medians, ratios to TRL's median, tokens per second and, if known, the share of the chip's peak."""
    base = float(np.median(seconds["TRL"]))
    print(f"  {'way':<20}{'seconds':>9}{'times as fast':>15}   10% to 90%{'tokens/s':>14}{'of peak':>10}")
    for way, found in seconds.items():
        ratios = base / np.quantile(found, [0.9, 0.5, 0.1])
        middle = float(np.median(found))
        share = f"{work[way] / middle / peak_tflops / 1e12:.1%}" if peak_tflops else "-"
        print(
            f"  {way:<20}{middle:>9.3f}{ratios[1]:>14.2f}x   {ratios[0]:.2f} to {ratios[2]:.2f}"
            f"{tokens / middle:>14,.0f}{share:>10}"
        )


def operations(trainer: Any, settings: dict[str, Any], batches: list[dict[str, Any]]) -> float:
    """Mean operations of a step: 6 per weight of the layers and input token, and per weight of the head and scored token."""
    from votewise.train.packing import pack

    model, how = trainer.model, settings.get("fast_step", "off")
    layers = sum(p.numel() for name, p in model.named_parameters() if "embed" not in name and "lm_head" not in name)
    head = model.get_output_embeddings().weight.numel()
    found = []
    for batch in batches:
        packed = pack(batch, share=how == "shared") if how in ("packed", "shared") else None
        fed = batch["input_ids"] if packed is None else packed.input_ids
        everywhere = how == "off" and model.device.type == "cpu"  # TRL's head without its kernels
        scored = batch["input_ids"].numel() if everywhere else int(batch["completion_mask"].sum())
        found.append(6.0 * (layers * fed.numel() + head * scored))
    return float(np.mean(found))


def gpu_ways() -> dict[str, dict[str, Any]]:
    """The ``GPU_WAYS`` that can run here."""
    from transformers.utils import is_flash_attn_2_available

    if is_flash_attn_2_available():
        return GPU_WAYS
    print("  TRL with flash attention is left out: flash-attn is not installed")
    return {way: known for way, known in GPU_WAYS.items() if way != "TRL, flash"}


def start_of_peak() -> float:
    """MB in use on the GPU now; resets the peak."""
    import torch

    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated() / 1e6


def peak() -> float:
    """Peak MB in use on the GPU since the last reset."""
    import torch

    return torch.cuda.max_memory_allocated() / 1e6


def fresh(which: str, way: str, shape: tuple[int, int, float], options: argparse.Namespace) -> float:
    """Peak memory in MB of a step in a new process, minus the memory of model and libraries."""
    command = [sys.executable, __file__, "--task", json.dumps([which, way, *shape]), "--pairs", str(options.pairs)]
    ended = subprocess.run([*command, "--threads", str(options.threads)], check=True, stdout=subprocess.PIPE, text=True)
    return float(ended.stdout.splitlines()[-1])


def one(which: str, way: str, *shape: Any, pairs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(WAYS[way], which, folder)
        batch = make_batch(trainer.model.config.vocab_size, pairs, *shape, seed=1)
        small = make_batch(trainer.model.config.vocab_size, 1, 4, 4, 0.0, seed=0)
        step(trainer, small)
        before = memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        step(trainer, batch)
        print(memory("VmHWM") - before)


def memory(what: str) -> float:
    """MB of this process, now (VmRSS) or at its peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--peak-tflops", type=float, help="the chip's peak in 10^12 operations per second (bf16)")
    parser.add_argument("--shapes", help=f"of {', '.join(SHAPES)}; on a GPU of {', '.join(GPU_SHAPES)}")
    parser.add_argument("--config", help="folder with a model's config.json")
    parser.add_argument("--prompt", type=int, default=384)
    parser.add_argument("--answer", type=int, default=96)
    parser.add_argument("--vary", type=float, default=0.0)
    parser.add_argument("--ways", nargs="+", choices=GPU_WAYS, default=list(GPU_WAYS), help="what to compare with TRL")
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    import torch
    import transformers

    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no GPU that PyTorch can use")
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
    shapes = GPU_SHAPES if options.device == "cuda" else SHAPES
    for name in options.shapes.split(",") if options.shapes else shapes:
        which, *shape = shapes[name]
        print(f"{name}: {options.pairs} pairs, prompt {shape[0]}, answers {shape[1]}, lengths +-{shape[2]:.0%}")
        compare(which, tuple(shape), options)


if __name__ == "__main__":
    main()
