"""A real model and a preference file instead of a made-up world, on a GPU where there is one.

A tenth of the prompts is held out. The labels of the file are taken as the truth; votes about the other prompts are
simulated, the model is trained on them with LoRA as in the users' paper (r = 16, alpha = 32, dropout 0.1, peak 5e-6,
100 steps of warm-up, batches of 24, one epoch; in bf16 on a GPU), and its implicit reward decides which answers to
the held-out prompts are better.
"""

from __future__ import annotations

import gc
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset
from outcomes import Outcome
from peft import LoraConfig

from votewise import BadInputError, read_votes
from votewise.demo.methods import Method
from votewise.demo.world import corrected_votes
from votewise.simulate import SimulatedVotes
from votewise.train import RobustPreferenceConfig, RobustPreferenceTrainer
from votewise.train.running_beliefs import WorseThanChanceError

HELD_OUT = 0.1
BATCH, AT_ONCE = 24, 4
BETA = {"dpo": 0.1, "ipo": 0.1, "simpo": 2.0, "cpo": 0.1}


class Downloaded:
    """A model's folder or name and a preference file, its prompts split by a seed.

    Attributes:
        texts: (M,) the pairs to train on.
        truth: (M,) +1 where response_a is the better one by the file, else -1.
        held_out: rows ``prompt``, ``chosen``, ``rejected`` of the prompts held out.

    Raises:
        BadInputError: a file without texts or labels, or with one prompt only.
    """

    def __init__(self, model: str, data: Path, *, seed: int, max_steps: int | None = None) -> None:
        self.model, self.seed, self.max_steps = model, seed, max_steps
        votes = read_votes(data)
        if votes.texts is None:
            raise BadInputError(
                "there are no texts to train on", source=str(data), expected="a preference file with texts"
            )
        lead = np.sign(np.bincount(votes.pair, votes.sign, votes.n_pairs))
        truth = lead if votes.gold is None else np.where(votes.gold != 0, votes.gold, lead)
        labelled = np.flatnonzero(truth)
        texts, truth = votes.texts.take(pa.array(labelled)), truth[labelled].astype(np.int8)
        held = self._held(texts, np.random.default_rng([seed, 4]))
        self.texts, self.truth = texts.filter(pa.array(~held)), truth[~held]
        self.held_out = rows_of(texts.filter(pa.array(held)), truth[held])

    def _held(self, texts: pa.Table, rng: np.random.Generator) -> np.ndarray:
        """(M,) whether the prompt of each pair is held out."""
        prompt = np.array([json.dumps(text, sort_keys=True) for text in texts["prompt"].to_pylist()])
        names, code = np.unique(prompt, return_inverse=True)
        if len(names) < 2:
            raise BadInputError(
                f"{len(names)} prompts with a label", expected="two or more, so that some can be held out"
            )
        chosen = rng.permutation(len(names)) < max(1, round(HELD_OUT * len(names)))
        return np.asarray(chosen[code])

    def train(self, cast: SimulatedVotes, method: Method, *, loss: str = "dpo", **settings: Any) -> Outcome:
        """Train the model with a method and score it on the held-out prompts."""
        gpu = torch.cuda.is_available()
        votes = corrected_votes(cast) if method.clean else cast.votes
        own = (
            {"preference_loss": loss, "beta": BETA[loss], "max_steps": self.max_steps or -1}
            | method.settings
            | settings
        )
        with tempfile.TemporaryDirectory() as folder:
            config = RobustPreferenceConfig(
                folder,
                learning_rate=5e-6,
                lr_scheduler_type="cosine",
                warmup_steps=100,
                num_train_epochs=1,
                per_device_train_batch_size=AT_ONCE,
                per_device_eval_batch_size=AT_ONCE,
                gradient_accumulation_steps=BATCH // AT_ONCE,
                seed=self.seed,
                bf16=gpu,
                use_cpu=not gpu,
                gradient_checkpointing=gpu,
                dataloader_pin_memory=gpu,
                report_to="none",
                save_strategy="no",
                write_beliefs=False,
                model_init_kwargs={"dtype": "bfloat16" if gpu else "float32"},
                **own,
            )
            trainer = RobustPreferenceTrainer(
                self.model,
                args=config,
                train_dataset=votes,
                eval_dataset=self.held_out,
                peft_config=LoraConfig(
                    r=16, lora_alpha=32, lora_dropout=0.1, target_modules="all-linear", task_type="CAUSAL_LM"
                ),
            )
            try:
                trainer.train()
                stopped = False
            except WorseThanChanceError:
                stopped = True
            score = float(trainer.evaluate()["eval_rewards/accuracies"])
        learnt = config.objective in ("weighted", "gibbs")
        reliability = trainer.beliefs.reliability
        error = float(np.abs(reliability - cast.reliability).mean()) if learnt else np.nan
        del trainer
        gc.collect()
        if gpu:
            torch.cuda.empty_cache()
        return Outcome(score, reliability, error, stopped=stopped)


def rows_of(texts: pa.Table, truth: np.ndarray) -> Dataset:
    """Pairs as rows ``prompt``, ``chosen``, ``rejected``."""
    a, b = texts["response_a"].to_pylist(), texts["response_b"].to_pylist()
    better = [(one, other)[:: int(sign)] for one, other, sign in zip(a, b, truth, strict=True)]
    return Dataset.from_dict(
        {
            "prompt": texts["prompt"].to_pylist(),
            "chosen": [one for one, _ in better],
            "rejected": [other for _, other in better],
        }
    )
