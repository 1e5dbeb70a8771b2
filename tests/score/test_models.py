"""Reward models and log-probabilities against one answer at a time, without padding and without shortcuts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import CONTEXT, language_model, make_tokenizer, reward_model
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
)

from votewise.errors import BadInputError
from votewise.score.implicit import LogProbabilities
from votewise.score.reward import RewardScorer
from votewise.score.scorer import Answer, ModelOptions


def words(rng: np.random.Generator, number: int) -> str:
    return " ".join(f"w{i}" for i in rng.integers(0, 40, number))


def some_answers(number: int = 20, *, space: str = " ") -> list[Answer]:
    rng = np.random.default_rng(0)
    return [Answer(words(rng, 1 + rng.integers(9)) + space, words(rng, 1 + rng.integers(9))) for _ in range(number)]


def scores(scorer: Any, answers: list[Answer], done: Any = ()) -> list[float | None]:
    found = {f.number: f.score for batch in scorer.scores(answers, set(done)) for f in batch}
    return [found.get(i) for i in range(len(answers))]


def options(**settings: Any) -> ModelOptions:
    return ModelOptions(**{"device": "cpu"} | settings)


@torch.no_grad()
def rewards_one_by_one(folder: Path, texts: list[str]) -> list[float]:
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), make_tokenizer(chat=False)
    return [float(model(torch.tensor([tokenizer(text)["input_ids"]])).logits[0, 0]) for text in texts]


@pytest.mark.parametrize("size", [1, 6, 100])
def test_rewards_of_conversations(tmp_path: Path, size: int) -> None:
    folder, answers = reward_model(tmp_path / "reward", chat=True), some_answers(space="")
    talks = [
        Answer([{"role": "user", "content": str(a.prompt)}], [{"role": "assistant", "content": str(a.response)}])
        for a in answers
    ]
    expected = rewards_one_by_one(folder, [f"<user> {a.prompt} <assistant> {a.response} <eos>" for a in answers])
    assert len(set(expected)) == len(expected)
    assert scores(RewardScorer(str(folder), options(batch_size=size)), answers) == pytest.approx(expected, abs=1e-5)
    assert scores(RewardScorer(str(folder), options(batch_size=size)), talks) == pytest.approx(expected, abs=1e-5)


def test_rewards_of_plain_texts_are_taken_at_the_end_of_text(tmp_path: Path) -> None:
    folder, answers = reward_model(tmp_path / "reward"), some_answers()
    expected = rewards_one_by_one(folder, [f"{a.prompt}{a.response}<eos>".replace("<eos>", " <eos>") for a in answers])
    chat = reward_model(tmp_path / "chat", chat=True)
    # The tokenizer splits at spaces, so the end-of-text token must follow a space.
    spaced = [Answer(a.prompt, f"{a.response} ") for a in answers]
    assert scores(RewardScorer(str(folder), options()), spaced) == pytest.approx(expected, abs=1e-5)
    assert scores(RewardScorer(str(chat), options(chat=False)), spaced) == pytest.approx(expected, abs=1e-5)


def test_a_reward_model_without_a_padding_token(tmp_path: Path) -> None:
    folder, answers = reward_model(tmp_path / "reward", chat=True, pad_token_id=None), some_answers(space="")
    expected = rewards_one_by_one(folder, [f"<user> {a.prompt} <assistant> {a.response} <eos>" for a in answers])
    assert scores(RewardScorer(str(folder), options(batch_size=7)), answers) == pytest.approx(expected, abs=1e-5)


@torch.no_grad()
def test_padding_is_never_mistaken_for_the_end(tmp_path: Path) -> None:
    # Without a padding token the score is that of the last token, whichever it is; 0 would be the first choice for padding.
    scorer = RewardScorer(str(reward_model(tmp_path / "reward", pad_token_id=None)), options())
    rows = [[7, 8, 9, 0], [7, 0], [8, 9, 1], [5, 6, 7, 8, 9, 0, 0]]
    expected = [float(scorer.model(torch.tensor([row])).logits[0, 0]) for row in rows]
    found = scorer._run([{"input_ids": row, "attention_mask": [1] * len(row)} for row in rows])
    assert found == pytest.approx(expected, abs=1e-5)


@torch.no_grad()
def test_an_encoder_takes_prompt_and_answer_as_two_texts(tmp_path: Path) -> None:
    from tokenizers.processors import TemplateProcessing

    plain = make_tokenizer(chat=False)
    plain.backend_tokenizer.post_processor = TemplateProcessing(
        single="<eos> $A <unk>", pair="<eos> $A <unk> $B:1 <unk>:1", special_tokens=[("<eos>", 1), ("<unk>", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain.backend_tokenizer,
        pad_token="<pad>",
        cls_token="<eos>",
        sep_token="<unk>",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, num_labels=1,
        max_position_embeddings=64, initializer_range=0.5,
    )  # fmt: skip
    model = BertForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    answers = some_answers(space="")
    expected = []
    for prompt, response in answers:
        first, second = (plain(text, add_special_tokens=False)["input_ids"] for text in (prompt, response))
        ids, kinds = [1, *first, 2, *second, 2], [0] * (len(first) + 2) + [1] * (len(second) + 1)
        found = model(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([kinds])).logits
        expected.append(float(found[0, 0]))
    assert scores(RewardScorer(str(tmp_path), options(batch_size=7)), answers) == pytest.approx(expected, abs=1e-4)


def test_other_models_are_refused(tmp_path: Path) -> None:
    language, two = language_model(tmp_path / "language"), reward_model(tmp_path / "two", num_labels=2)
    for folder in (language, two):
        with pytest.raises(BadInputError, match=r"is not a reward model, got .* a sequence classifier with one output"):
            scores(RewardScorer(str(folder), options()), some_answers(1))
    with pytest.raises(BadInputError, match="holds no model"):
        scores(RewardScorer(str(tmp_path), options()), some_answers(1))


@torch.no_grad()
def logp_one_by_one(folder: Path, prompt: str, whole: str) -> float:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), make_tokenizer(chat=False)
    start, ids = len(tokenizer(prompt)["input_ids"]), tokenizer(whole)["input_ids"]
    logp = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return sum(float(logp[i - 1, ids[i]]) for i in range(start, len(ids)))


@pytest.mark.parametrize("size", [1, 6, 100])
def test_log_probabilities_of_conversations(tmp_path: Path, size: int) -> None:
    folder, answers = language_model(tmp_path / "model", chat=True), some_answers(space="")
    opened = [f"<user> {a.prompt} <assistant>" for a in answers]
    expected = [
        logp_one_by_one(folder, start, f"{start} {a.response} <eos>") for start, a in zip(opened, answers, strict=True)
    ]
    assert scores(LogProbabilities(str(folder), options(batch_size=size)), answers) == pytest.approx(expected, abs=1e-4)


def test_log_probabilities_of_plain_texts(tmp_path: Path) -> None:
    folder, answers = language_model(tmp_path / "model"), some_answers()
    expected = [logp_one_by_one(folder, str(a.prompt), f"{a.prompt}{a.response} <eos>") for a in answers]
    spaced = [Answer(a.prompt, f"{a.response} ") for a in answers]
    assert scores(LogProbabilities(str(folder), options(batch_size=6)), spaced) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", ["reward", "language"])
def test_answers_that_are_too_long_have_no_score(tmp_path: Path, kind: str) -> None:
    make, scorer = (reward_model, RewardScorer) if kind == "reward" else (language_model, LogProbabilities)
    folder = make(tmp_path / "model", chat=True)
    # Four tokens are added to the words (the prompt, two roles and an end), so 60 words just fit.
    answers = [Answer("w1", " ".join(["w2"] * n)) for n in (CONTEXT - 4, CONTEXT - 3, 5)]
    fits, long, short = scores(scorer(str(folder), options(batch_size=3)), answers)
    assert fits is not None
    assert long is None
    assert short is not None


@pytest.mark.parametrize("kind", ["reward", "language"])
def test_a_resumed_run_has_the_same_batches(tmp_path: Path, kind: str) -> None:
    make, scorer = (reward_model, RewardScorer) if kind == "reward" else (language_model, LogProbabilities)
    folder, answers = make(tmp_path / "model", chat=True), some_answers(10)
    batches = [[f.number for f in b] for b in scorer(str(folder), options(batch_size=4)).scores(answers, set()) if b]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    done = {*batches[0], *batches[1][1:]}
    again = [[f.number for f in b] for b in scorer(str(folder), options(batch_size=4)).scores(answers, done) if b]
    assert again == batches[1:]
    assert list(scorer("/nowhere", options()).scores(answers, set(range(10)))) == []


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("chat", [False, True])
def test_the_tokens_are_those_of_training(tmp_path: Path, chat: bool) -> None:
    from tiny import as_chat, make_rows, make_trainer
    from tiny import make_model as trained_model
    from tiny import make_tokenizer as trained_tokenizer

    rows = make_rows(8, votes_per_pair=1, reliability=(1.0,))
    rows = as_chat(rows) if chat else rows
    trainer = make_trainer(tmp_path / "run", rows, processing_class=trained_tokenizer(chat))
    trained_model().save_pretrained(tmp_path / "model")
    trained_tokenizer(chat).save_pretrained(tmp_path / "model")
    scorer = LogProbabilities(str(tmp_path / "model"), options())
    for row, trained in zip(rows, trainer.train_dataset, strict=True):
        for name in ("chosen", "rejected"):
            ids, start = scorer._row(Answer(row["prompt"], row[name]))
            assert ids[:start] == trained["prompt_ids"]
            assert ids[start:] == trained[f"{name}_ids"]
