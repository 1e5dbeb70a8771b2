"""Answers by transformers against a plain loop in this file: one prompt at a time, no padding, no cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import CONTEXT, language_model, make_tokenizer
from transformers import AutoModelForCausalLM

from votewise.errors import BadInputError
from votewise.generate import BackendOptions, Sampling
from votewise.generate.with_transformers import LocalModel, draw
from votewise.language_models.completions import Completion

EOS = 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    language_model(folder / "plain")
    language_model(folder / "chat", chat=True)
    return folder


@pytest.fixture
def plain(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A relative path, because what is drawn depends on the model's name, which must not change from run to run."""
    monkeypatch.chdir(folder)
    return Path("plain")


@pytest.fixture
def chat(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same weights, and a chat template."""
    monkeypatch.chdir(folder)
    return Path("chat")


def some_prompts(number: int = 24) -> list[Any]:
    rng = np.random.default_rng(1)
    texts = [" ".join(f"w{i}" for i in rng.integers(0, 40, rng.integers(1, 20))) for _ in range(number)]
    assert len(set(texts)) == number
    return texts


def answers(model: Path, prompts: list[Any], sampling: Sampling, **options: Any) -> list[Completion]:
    backend = LocalModel(str(model), sampling, BackendOptions(device="cpu", **options))
    found = {i: completion for batch in backend.answers(prompts, set()) for i, completion in batch}
    return [found[i] for i in range(len(prompts))]


@torch.no_grad()
def one_by_one(model: Path, text: str, sampling: Sampling, prompt: Any = None) -> Completion:
    """What the answer must be, by NumPy and with the whole text read again for every token."""
    net, tokenizer = AutoModelForCausalLM.from_pretrained(model), make_tokenizer(chat=False)
    numbers = np.random.default_rng(sampling.seed_of(str(model), prompt or text)).random(
        sampling.max_tokens, np.float32
    )
    ids, said = tokenizer(text)["input_ids"], []
    for number in numbers:
        logits = net(torch.tensor([ids + said])).logits[0, -1].double().numpy()
        if sampling.temperature == 0:
            token = int(logits.argmax())
        else:
            p = np.exp((logits - logits.max()) / sampling.temperature)
            p /= p.sum()
            order = np.argsort(-p, kind="stable") if sampling.top_p < 1 else np.arange(len(p))
            p = p[order]
            p[np.cumsum(p) - p >= sampling.top_p] = 0
            token = int(order[np.searchsorted(np.cumsum(p / p.sum()), number, side="right")])
        said.append(token)
        if token == EOS:
            break
    text = tokenizer.decode([token for token in said if token != EOS], skip_special_tokens=True)
    return Completion(text, None, len(said)) if text else Completion(None, "an empty answer", len(said))


@pytest.mark.slow
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(12),
        Sampling(30, temperature=1.0, seed=3),
        Sampling(12, temperature=0.5, seed=3),
        Sampling(12, temperature=2.0, top_p=0.6, seed=3),
    ],
    ids=["greedy", "sampled", "cool", "top-p"],
)
def test_answers_are_those_of_the_plain_loop(plain: Path, sampling: Sampling) -> None:
    prompts = some_prompts()
    found = answers(plain, prompts, sampling, batch_size=7)
    assert found == [one_by_one(plain, prompt, sampling) for prompt in prompts]
    if sampling.max_tokens == 30:
        assert any((completion.tokens or 0) < 30 for completion in found), "no answer ended by itself"


@pytest.mark.slow
def test_an_answer_does_not_depend_on_its_batch(plain: Path) -> None:
    prompts, sampling = some_prompts(), Sampling(12, temperature=1.0, seed=5)
    together = answers(plain, prompts, sampling, batch_size=100)
    assert answers(plain, prompts, sampling, batch_size=1) == together
    order = np.random.default_rng(0).permutation(len(prompts))
    assert answers(plain, [prompts[i] for i in order], sampling, batch_size=5) == [together[i] for i in order]
    assert answers(plain, prompts[3:9], sampling, batch_size=5) == together[3:9]


def test_seeds_and_models_draw_differently(plain: Path, chat: Path) -> None:
    prompts = some_prompts()
    first = answers(plain, prompts, Sampling(12, temperature=1.0, seed=5))
    other = answers(plain, prompts, Sampling(12, temperature=1.0, seed=6))
    assert sum(a == b for a, b in zip(first, other, strict=True)) < 3
    # The same weights under another name: other draws, so that two equal models do not give the same answers.
    same = answers(chat, prompts, Sampling(12, temperature=1.0, seed=5), chat=False)
    assert sum(a == b for a, b in zip(first, same, strict=True)) < 3
    greedy = Sampling(12)
    assert answers(plain, prompts, greedy) == answers(chat, prompts, greedy, chat=False)


def test_a_chat_template_is_used_if_there_is_one(chat: Path) -> None:
    texts, sampling = some_prompts(5), Sampling(12, temperature=1.0)
    talks = [[{"role": "system", "content": "w7"}, {"role": "user", "content": text}] for text in texts]
    expected = [one_by_one(chat, f"<user> {t} <assistant>", sampling, t) for t in texts]
    assert answers(chat, texts, sampling) == expected
    expected = [
        one_by_one(chat, f"<system> w7 <user> {t} <assistant>", sampling, p) for t, p in zip(texts, talks, strict=True)
    ]
    assert answers(chat, talks, sampling) == expected
    assert answers(chat, texts, sampling, chat=False) == [one_by_one(chat, t, sampling) for t in texts]


def test_conversations_without_a_template(plain: Path) -> None:
    (text, *_), sampling = some_prompts(), Sampling(4)
    single = [{"role": "user", "content": text}]
    assert answers(plain, [single], sampling) == [one_by_one(plain, text, sampling)]
    with pytest.raises(BadInputError, match="a conversation of 2 messages, and the tokenizer has no chat template"):
        answers(plain, [[*single, *single]], sampling)


def test_prompts_that_do_not_fit_fail_alone(plain: Path) -> None:
    prompts = ["w1 w2", " ".join(["w3"] * (CONTEXT - 9)), " ".join(["w4"] * (CONTEXT - 10)), "   "]
    short, long, fits, empty = answers(plain, prompts, Sampling(10))
    assert short.text
    assert fits.text
    assert long == Completion(None, "a prompt of 55 tokens leaves no room for 10 more in the model's 64")
    assert empty == Completion(None, "a prompt without tokens")


def test_finished_prompts_are_not_answered_again(plain: Path) -> None:
    prompts = some_prompts(10)
    backend = LocalModel(str(plain), Sampling(4), BackendOptions(device="cpu", batch_size=4))
    batches = [[i for i, _ in batch] for batch in backend.answers(prompts, set()) if batch]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    # A batch that is partly done is answered again as a whole, so that it is the same batch.
    again = [[i for i, _ in batch] for batch in backend.answers(prompts, {*batches[0], *batches[1][:2]}) if batch]
    assert again == batches[1:]
    assert list(LocalModel("/nowhere", Sampling(4), BackendOptions()).answers(prompts, set(range(10)))) == []


def test_numbers_fall_on_tokens_in_proportion() -> None:
    p = torch.tensor([0.5, 0.0, 0.125, 0.375, 0.0])
    numbers = (torch.arange(1000) + 0.5) / 1000
    found = torch.bincount(draw(p.expand(1000, 5), numbers), minlength=5)
    assert found.tolist() == [500, 0, 125, 375, 0]
    # The likeliest that make up 0.6: 0.5 and the 0.375 that crosses it.
    found = torch.bincount(draw(p.expand(1000, 5), numbers, 0.6), minlength=5)
    assert found.tolist() == [571, 0, 0, 429, 0]
    assert draw(p.expand(3, 5), torch.tensor([0.0, 0.3, 0.9999999]), 0.5).tolist() == [0, 0, 0]
    # Numbers at the very edge never fall on impossible tokens.
    assert draw(p.expand(2, 5), torch.tensor([0.0, 1.0])).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_tokens": 0}, "^max_tokens: must be 1 or more, got 0"),
        ({"temperature": -1.0}, "^temperature: is not a temperature, got -1.0"),
        ({"temperature": float("nan")}, "^temperature: "),
        ({"top_p": 0.0}, "^top_p: is not a share"),
        ({"top_p": 1.5}, "^top_p: is not a share"),
    ],
)
def test_impossible_sampling_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Sampling(**settings)


def test_what_is_not_a_model_is_refused(tmp_path: Path, plain: Path) -> None:
    with pytest.raises(BadInputError, match="holds no model"):
        answers(tmp_path, ["w1"], Sampling(4))
    with pytest.raises(BadInputError, match="cannot be loaded as a model"):
        answers(tmp_path / "none", ["w1"], Sampling(4))
    with pytest.raises(BadInputError, match=r"^batch_size: a batch holds at least one, got 0"):
        answers(plain, ["w1"], Sampling(4), batch_size=0)
    backend = LocalModel(str(plain), Sampling(4), BackendOptions(device="quantum"))
    with pytest.raises(BadInputError, match=r"^device: there is no such device"):
        list(backend.answers(["w1"], set()))
