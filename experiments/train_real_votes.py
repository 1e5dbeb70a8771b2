"""Do the confidences from training find wrong votes among real votes as well as an audit without a model does?

41,742 votes by 3,487 people on which of two arguments is more convincing (UKPConvArg1). A model of 37,000 parameters,
made on the spot with a tokenizer trained on the arguments, is trained for one epoch by `recipes/convincing.yaml`, one
row per pair. Its margin of each pair, as it was before the pair was trained on, joins the votes.

The gold answers are the authors' own, computed from these same votes where they agree well enough. So besides how well
confidence finds votes that contradict them, the script measures how well each vote is predicted from the other votes on
its pair and the margin.

    python experiments/train_real_votes.py
    python experiments/train_real_votes.py --model-only models/convincing
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
from harness import Page, parser
from scipy.special import expit, logit
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import votewise
from votewise import estimate_reliability, read_votes
from votewise.annotators.gold import score_against_gold
from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "convincing_arguments.parquet"
RECIPE = ROOT / "recipes" / "convincing.yaml"
TEMPERATURES: tuple[float | str, ...] = (0.1, 0.25, 0.5, 1.0, "fit")
MINUTES = 5
"""Time limit of an epoch on two cores."""


def make_model(votes: Votes, folder: Path, *, vocabulary: int = 512, width: int = 32, seed: int = 0) -> None:
    """Make a small model and a tokenizer trained on the texts, and save them."""
    assert votes.texts is not None
    texts = sorted({text for name in votes.texts.column_names for text in votes.texts[name].to_pylist()})
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=["<pad>", "<eos>"], initial_alphabet=alphabet, show_progress=False
        ),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def prediction_loss(votes: Votes, result: ReliabilityResult, margins: np.ndarray) -> float:
    """Mean log-loss of each vote, predicted from its pair's margin and the other votes on it."""
    of = dict(
        zip(result.annotators["annotator"].to_pylist(), result.annotators["reliability"].to_pylist(), strict=True)
    )
    eta = np.array([of[name] for name in votes.annotator_ids.to_pylist()])[votes.annotator]
    own = votes.sign * logit(np.clip(eta, 1e-6, 1 - 1e-6))
    others = (np.bincount(votes.pair, own, votes.n_pairs) + result.temperature * margins)[votes.pair] - own
    p = expit(votes.sign * others)
    return float(-np.log(p * eta + (1 - p) * (1 - eta))[votes.sign != 0].mean())


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--model-only", type=Path, metavar="DIR", help="make the model and stop")
    args = arguments.parse_args()
    if not DATA.exists():
        print(f"skipped: the arguments of UKPConvArg1 are not at {DATA}")
        sys.exit(0)
    votes = read_votes(DATA)
    if args.model_only:
        make_model(votes, args.model_only)
        print(f"A small model is in {args.model_only}")
        return
    torch.set_num_threads(args.workers)
    page = Page("Training on real votes", args)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(votes, folder / "model")
        start = time.perf_counter()
        result = votewise.train(
            RECIPE,
            votes=DATA,
            model_name_or_path=folder / "model",
            output_dir=folder / "run",
            disable_tqdm=True,
            logging_steps=500,
        )
        minutes = (time.perf_counter() - start) / 60
    assert result.trainer is not None, "one process needs no launcher"
    report(page, votes, result.trainer, minutes)


def report(page: Page, votes: Votes, trainer: Any, minutes: float) -> None:
    """Write the page."""
    audit = estimate_reliability(votes)
    seen = np.nan_to_num(trainer.beliefs.first)
    written = trainer.estimate()
    results = {"audit, no model": (audit, np.zeros_like(seen))}
    for t in TEMPERATURES:
        result = written if t == written.temperature else estimate_reliability(votes, margins=seen, temperature=t)
        mark = " (the recipe's)" if result is written else ""
        results[f"trained, temperature {result.temperature:.2f}{', fitted' if t == 'fit' else mark}"] = (result, seen)
    rows = []
    for name, (result, margins) in results.items():
        gold = score_against_gold(votes, result)
        assert gold is not None
        assert gold.auc is not None
        loss = prediction_loss(votes, result, margins)
        rows.append([name, f"{gold.auc:.4f}", f"{gold.accuracy:.2%}", f"{loss:.4f}"])
    parameters = sum(p.numel() for p in trainer.model.parameters())
    page.text(
        f"{len(trainer.rows.pair):,} rows, one per pair; {trainer.state.global_step} steps of a model of {parameters:,} "
        f"parameters. Reading, training and writing took {minutes:.0f} minutes on two shared cores."
    )
    page.table(
        ["beliefs", "AUC", "pairs right", "log-loss of predicted votes"],
        rows,
        "AUC of confidence for votes that contradict the gold answers; share of pairs with a gold answer that is the more "
        "likely response; mean log-loss of each vote, predicted from the other votes on its pair and the margin.",
    )
    audit, own, fitted = rows[0], next(row for row in rows if "recipe" in row[0]), rows[-1]
    page.write(
        f"Confidences written by training find wrong votes with an AUC of {own[1]}, those of an audit without a model with "
        f"{audit[1]}: {'no worse' if float(own[1]) >= float(audit[1]) else 'worse'}. An epoch took "
        f"{'less' if minutes < MINUTES else 'more'} than {MINUTES} minutes. The more weight the model's margins have, the "
        f"better votes are predicted (log-loss {audit[3]} without them, {fitted[3]} with the temperature fitted), but then "
        f"they lower the AUC (fitted: {fitted[1]}), because the gold answers are made from the votes alone."
    )


if __name__ == "__main__":
    main()
