"""Every architecture of transformers that has a causal class, trained for two steps by votewise and by TRL.

A tiny random model of each is made from its configuration's defaults (``tiny_models``). Both trainers get the same weights,
the same reference model and the same rows of varying lengths, with the plain DPO objective and SGD. Losses and the change of
the parameters must be equal. The result is one row per architecture:

    fast         equal, scored in the fast way
    fallback     equal, scored in a slower way, with the reason
    refused      votewise ends with one line, with the reason
    not trained  TRL itself ends with an error, so there is nothing to compare with
    not built    no tiny model could be made from the configuration, with the reason
    WRONG        anything else; then the exit code is 1

Each architecture has a process of its own, so one that crashes or hangs does not end the run.

    python benchmarks/architectures.py [--only NAME ...] [--resume FILE] [--out FILE]
"""

from __future__ import annotations

import argparse
import copy
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
os.environ |= {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "TQDM_DISABLE": "1"}

import numpy as np
import torch
import transformers
import transformers.models.llama.modeling_llama
import trl
from datasets import Dataset
from tiny_models import build
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from trl import DPOConfig, DPOTrainer

from votewise.demo.tiny_model import word_tokenizer
from votewise.errors import BadInputError
from votewise.train import RobustPreferenceConfig, RobustPreferenceTrainer

WORDS, PAIRS, BATCH = 60, 8, 4
MILLIONS, GIGABYTES, SECONDS = 12, 8, 90
"""Most parameters of a model, memory and time of its process."""

LOSS, CHANGE = 1e-4, 1e-3
"""Most that the losses may differ, and the changes of all parameters as a share of their norm."""

KINDS = ("fast", "fallback", "refused", "not trained", "not built", "WRONG")


def make_rows() -> Dataset:
    """Rows whose prompts and answers have 1 to 24 tokens."""
    rng = np.random.default_rng(0)

    def words(most: int) -> str:
        return " ".join(f"w{i}" for i in rng.integers(0, WORDS, rng.integers(1, most)))

    rows = [{"prompt": words(24) + " ", "chosen": words(16), "rejected": words(16)} for _ in range(PAIRS)]
    return Dataset.from_list(rows)


def train(model: Any, reference: Any, rows: Dataset, folder: str, ours: bool) -> tuple[list[float], Any, Any]:
    """Two steps: their losses, the change of all parameters, and the trainer."""
    common: dict[str, Any] = {
        "output_dir": folder,
        "per_device_train_batch_size": BATCH,
        "max_steps": 2,
        "optim": "sgd",
        "learning_rate": 0.05,
        "lr_scheduler_type": "constant",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "beta": 0.3,
    }
    given = {
        "train_dataset": rows,
        "ref_model": reference,
        "processing_class": word_tokenizer(f"w{i}" for i in range(WORDS)),
    }
    before = parameters(model)
    if ours:
        config = RobustPreferenceConfig(objective="plain", write_beliefs=False, **common)
        trainer: Any = RobustPreferenceTrainer(model, args=config, **given)
    else:
        trainer = DPOTrainer(model, args=DPOConfig(**common), **given)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return losses, parameters(model) - before, trainer


def parameters(model: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten().double() for p in model.parameters()])


def other_model(model: Any) -> Any:
    """A reference model a little away from a model, so that the first loss depends on all log-probabilities."""
    other = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in other.parameters():
            if p.is_floating_point():
                p += 0.02 * torch.randn(p.shape, generator=generator)
    return other


def one_line(error: BaseException) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())[:200] or "no message"
    return f"{type(error).__name__}: {said} ({Path(where.filename).name})"


def judge(kind: str, rows: Dataset, said: Any) -> None:
    """Train one architecture both ways and send what came out: the kind of result and a reason."""
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES << 30, GIGABYTES << 30))
    warnings.simplefilter("ignore")
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    vocabulary = len(word_tokenizer(f"w{i}" for i in range(WORDS)))
    try:
        model = build(kind, vocabulary, MILLIONS)
        again, reference = copy.deepcopy(model), other_model(model)
        ids = torch.arange(3, 20)[None]
        model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    except BaseException as error:
        said.send(("not built", one_line(error)))
        return
    theirs: Any = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            theirs = train(model, copy.deepcopy(reference), rows, folder, ours=False)
        except BaseException as error:
            failed = one_line(error)
        try:
            losses, change, trainer = train(again, reference, rows, folder, ours=True)
        except BadInputError as error:
            said.send(("refused", " ".join(str(error).split())))
            return
        except BaseException as error:
            said.send(("WRONG", one_line(error)) if theirs else ("not trained", failed))
            return
    if theirs is None:
        said.send(("not trained", failed))
        return
    apart = float(np.abs(np.subtract(losses, theirs[0])).max())
    share = float((change - theirs[1]).norm() / theirs[1].norm())
    if not (apart <= LOSS and share <= CHANGE):
        said.send(("WRONG", f"scored as {trainer.scoring.how}: losses differ by {apart:.2g}, changes by {share:.2g}"))
    elif trainer.scoring.how == "shared":
        said.send(("fast", f"losses differ by {apart:.0e}, changes by {share:.0e}"))
    else:
        why = trainer.scoring.fallbacks.get(trainer.scoring.how, "TRL has an auxiliary loss")
        said.send(("fallback", f"{trainer.scoring.how}, because {why}"))


def run(kind: str, rows: Dataset) -> tuple[str, str]:
    """The result of an architecture, from a process of its own."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=judge, args=(kind, rows, sender))
    process.start()
    sender.close()
    try:
        found: tuple[str, str] = (
            receiver.recv() if receiver.poll(SECONDS) else ("WRONG", f"not ready after {SECONDS} s")
        )
    except EOFError:
        process.join()
        found = "WRONG", f"its process ended with {process.exitcode}"
    process.kill()
    process.join()
    return found


def table(found: dict[str, tuple[str, str]]) -> str:
    counts = Counter(kind for kind, _ in found.values())
    lines = [
        "# Architectures",
        "",
        f"`python benchmarks/architectures.py` with torch {torch.__version__}, transformers {transformers.__version__}, TRL "
        f"{trl.__version__}: {len(found)} architectures, two steps each.",
        "",
        ", ".join(f"{kind}: {counts[kind]}" for kind in KINDS),
        "",
        "| architecture | result | |",
        "|---|---|---|",
        *(f"| {name} | {kind} | {why.replace('|', '/')} |" for name, (kind, why) in sorted(found.items())),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="architectures, as in transformers' CONFIG_MAPPING")
    parser.add_argument("--resume", type=Path, help="JSON file of results: those in it are not computed again")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    found: dict[str, tuple[str, str]] = {}
    if options.resume and options.resume.exists():
        found = {name: tuple(result) for name, result in json.loads(options.resume.read_text()).items()}
    rows = make_rows()
    for kind in options.only or sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES):
        if kind in found:
            continue
        start = time.perf_counter()
        found[kind] = run(kind, rows)
        print(f"{kind:<28}{time.perf_counter() - start:>6.1f} s  {': '.join(found[kind])}", flush=True)
        if options.resume:
            options.resume.write_text(json.dumps(found, indent=1) + "\n")
    text = table(found)
    if options.out:
        options.out.write_text(text)
    counts = Counter(kind for kind, _ in found.values())
    print(", ".join(f"{kind}: {counts[kind]}" for kind in KINDS))
    return int(counts["WRONG"] > 0)


if __name__ == "__main__":
    sys.exit(main())
