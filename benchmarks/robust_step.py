"""What robust training costs: a step of RE-DPO, RE-IPO, RE-SimPO and RE-CPO compared with the plain loss.

Both trainers have the same model, data and settings except the objective (weighted or score, with reliabilities from
first-seen margins, or plain). Their steps alternate in one process, in random order; the result is the median ratio of
two steps on the same batch. The steps are from the middle of an epoch, when most estimates are over, because a new one is
made whenever a tenth more pairs were seen. The cost of all estimates is measured separately, with simulated margins, and
compared with a step of half a second. Times are processor times of one thread, so other work on the machine hardly
matters.

    python benchmarks/robust_step.py [--objectives weighted score] [--steps 40] [--repeats 3] [--votes 1000000]
"""

from __future__ import annotations

import argparse
import operator
import os
import statistics
import tempfile
import time
import warnings
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import datasets
import numpy as np
import torch
from datasets import Dataset
from scipy.special import expit
from transformers import LlamaConfig, LlamaForCausalLM

from votewise.data.votes import Votes
from votewise.demo.tiny_model import word_tokenizer
from votewise.train import RobustPreferenceConfig, RobustPreferenceTrainer, TrainingBeliefs
from votewise.train.config_checks import SCORED
from votewise.train.losses import LOSSES

WORDS = 4000
PROMPT, ANSWER, BATCH = 32, 32, 8
PAIRS, SEEN = 4000, 2000
STEP_SECONDS = 0.5
"""Time of a step that the updates are compared with; short for a model of several billion parameters."""


def make_model() -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=WORDS + 3,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(config)


def make_rows(n: int) -> Dataset:
    """One vote per pair, by fifty annotators; all sequences have the same length, so every step is the same work."""
    rng = np.random.default_rng(0)

    def words(length: int) -> list[str]:
        return [" ".join(f"w{i}" for i in row) for row in rng.integers(0, WORDS, (n, length))]

    who = [f"annotator {i}" for i in rng.integers(0, 50, n)]
    prompts = [f"{prompt} " for prompt in words(PROMPT)]
    return Dataset.from_dict({"prompt": prompts, "chosen": words(ANSWER), "rejected": words(ANSWER), "annotator": who})


class Stepper:
    """A trainer that takes one complete optimiser step per call: micro-batch, beliefs, clipping, update."""

    def __init__(self, rows: Dataset, folder: str, **settings: Any) -> None:
        args = RobustPreferenceConfig(
            output_dir=folder,
            per_device_train_batch_size=BATCH,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            dataloader_pin_memory=False,
            report_to="none",
            allow_worse_than_chance=True,
            **settings,
        )
        self.trainer = RobustPreferenceTrainer(
            make_model(), args=args, train_dataset=rows, processing_class=word_tokenizer(f"w{i}" for i in range(WORDS))
        )
        # As if half of an epoch were over.
        rng = np.random.default_rng(2)
        self.trainer.beliefs.absorb(rng.permutation(PAIRS)[:SEEN], rng.normal(0, 1, SEEN))
        self.trainer.create_optimizer_and_scheduler(len(rows) // BATCH)
        self.trainer.current_gradient_accumulation_steps = 1
        self.trainer.model.train()
        self.batches = iter(self.trainer.get_train_dataloader())

    def step(self) -> float:
        """Seconds of one step, without data loading."""
        batch, trainer = next(self.batches), self.trainer
        start = time.process_time()
        trainer.training_step(trainer.model, batch)
        torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), 1.0)
        trainer.optimizer.step()
        trainer.model.zero_grad()
        return time.process_time() - start


def compare(robust: Stepper, plain: Stepper, steps: int, order: np.random.Generator) -> tuple[list[float], list[float]]:
    """Seconds of each robust and each plain step, alternating, after three steps of each as a warm-up."""
    spent: tuple[list[float], list[float]] = [], []
    for i in range(steps + 3):
        pair = [(robust, spent[0]), (plain, spent[1])]
        for stepper, times in pair if order.random() < 0.5 else reversed(pair):
            seconds = stepper.step()
            if i >= 3:
                times.append(seconds)
    return spent


def measure_steps(objective: str, steps: int, repeats: int) -> None:
    rows = make_rows(PAIRS)
    order = np.random.default_rng(1)
    size = sum(p.numel() for p in make_model().parameters()) / 1e6
    print(
        f"{size:.1f} M parameters, {BATCH} pairs per step of {PROMPT} + 2 x {ANSWER} tokens, {repeats} x {steps} steps, "
        f"{objective} over plain:"
    )
    for loss in SCORED if objective == "score" else LOSSES:
        with tempfile.TemporaryDirectory() as folder:
            ours = Stepper(rows, folder, preference_loss=loss, objective=objective, reliability_margins="first")
            plain = Stepper(rows, folder, preference_loss=loss, objective="plain", reliability_update="frozen")
            runs = [compare(ours, plain, steps, order) for _ in range(repeats)]
        ratios = [statistics.median(map(operator.truediv, *run)) for run in runs]
        one, other = ([seconds for run in runs for seconds in run[i]] for i in (0, 1))
        whole = statistics.median(map(operator.truediv, one, other))
        print(
            f"  RE-{loss:<6}{1e3 * statistics.median(one):>7.1f} ms, plain{1e3 * statistics.median(other):>7.1f} ms: ratio "
            f"{whole:.3f} ({min(ratios):.3f} to {max(ratios):.3f}), of the fastest {min(one) / min(other):.3f}",
            flush=True,
        )


def measure_updates(n: int, votes_per_pair: int, batch: int) -> None:
    """Processor time of the beliefs in an epoch: evidence before every step, learning after it."""
    rng = np.random.default_rng(0)
    pairs = n // votes_per_pair
    people = max(n // 200, 1)
    eta = rng.beta(5, 2, people)
    margins = rng.normal(0, 2, pairs)
    truth = np.where(rng.random(pairs) < expit(margins), 1, -1)
    pair = np.repeat(np.arange(pairs), votes_per_pair)
    annotator = rng.integers(0, people, len(pair))
    sign = np.where(rng.random(len(pair)) < eta[annotator], truth[pair], -truth[pair])
    votes = Votes.from_arrays(pair, annotator, sign)
    start = time.process_time()
    beliefs = TrainingBeliefs(votes)
    before = time.process_time() - start
    order = rng.permutation(pairs)
    longest, fits = 0.0, 0
    start = time.process_time()
    for i in range(0, pairs, batch):
        here = order[i : i + batch]
        beliefs.evidence_for(here)
        began, fitted = time.process_time(), beliefs.log_odds
        beliefs.absorb(here, margins[here])
        longest = max(longest, time.process_time() - began)
        fits += beliefs.log_odds is not fitted
    spent = time.process_time() - start
    steps = -(-pairs // batch)
    error = float(np.abs(beliefs.reliability - eta[: len(beliefs.log_odds)]).mean())
    print(
        f"  {n:,} votes, {votes_per_pair} per pair, {steps:,} steps of {batch}: {before:.2f} s before the first, then "
        f"{spent:.2f} s in {fits} estimates (longest {longest:.2f} s), {1e3 * (spent + before) / steps:.2f} ms per step = "
        f"{(spent + before) / steps / STEP_SECONDS:.2%} of a step of {STEP_SECONDS} s; mean error of eta {error:.3f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objectives", nargs="+", choices=("weighted", "score"), default=["weighted", "score"])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--votes", type=int, default=1_000_000)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    datasets.disable_progress_bars()
    torch.set_num_threads(1)
    print("reliability updates of an epoch alone:")
    for votes_per_pair in (1, 5):
        measure_updates(args.votes, votes_per_pair, 64)
    for objective in args.objectives:
        measure_steps(objective, args.steps, args.repeats)


if __name__ == "__main__":
    main()
