"""The tiny model learns its world, and its answers are counted rightly."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from votewise.demo.facts import RIGHT_SOURCE, WORDINGS, WRONG_SOURCE, held_out_questions, make_facts, write_corpus


@pytest.fixture(scope="module")
def tiny() -> Iterator[SimpleNamespace]:
    """A world of 20 entities, torch on one core, the tiny model's module and tokenizer."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from votewise.demo import tiny_model

    facts, threads = make_facts(entities=20), torch.get_num_threads()
    torch.set_num_threads(1)
    yield SimpleNamespace(torch=torch, module=tiny_model, facts=facts, tokenizer=tiny_model.make_tokenizer(facts))
    torch.set_num_threads(threads)


def test_every_word_is_one_token(tiny: SimpleNamespace) -> None:
    corpus = write_corpus(tiny.facts, texts=400)
    texts = [prompt + answer for prompt, answer in zip(*corpus, strict=True)]
    for text, prompt, row in zip(texts, corpus.prompts, tiny.tokenizer(texts)["input_ids"], strict=True):
        assert tiny.tokenizer.unk_token_id not in row
        assert len(row) == len(text.split())
        assert tiny.tokenizer.decode(row) == text
        assert row[:-2] == tiny.tokenizer(prompt)["input_ids"]
    assert tiny.tokenizer("vel<eos> nowhere")["input_ids"][1:] == [1, 2]


def test_encoding_pads_on_the_right(tiny: SimpleNamespace) -> None:
    ids, lengths = tiny.module.encode(tiny.tokenizer, ["vel", "note: vel tor<eos>"])
    vel, note, tor = (tiny.tokenizer.convert_tokens_to_ids(word) for word in ("vel", "note:", "tor"))
    assert ids.tolist() == [[vel, 0, 0, 0], [note, vel, tor, 1]]
    assert lengths.tolist() == [1, 4]


def test_pretraining_is_reproducible_and_leaves_the_global_generator_alone(tiny: SimpleNamespace) -> None:
    before = tiny.torch.get_rng_state()
    one, again, other = (tiny.module.pretrain(tiny.facts, tiny.tokenizer, texts=200, seed=s) for s in (1, 1, 2))
    assert tiny.torch.equal(tiny.torch.get_rng_state(), before)
    for a, b in zip(one.parameters(), again.parameters(), strict=True):
        assert tiny.torch.equal(a, b)
    assert not tiny.torch.equal(next(one.parameters()), next(other.parameters()))
    assert not one.training


@pytest.mark.slow
def test_the_model_learns_both_answers_and_which_source_gives_which(tiny: SimpleNamespace) -> None:
    model = tiny.module.pretrain(tiny.facts, tiny.tokenizer, texts=4000, learning_rate=1e-2)
    prompts, right = held_out_questions(tiny.facts)
    wrong = [tiny.facts.wrong[e] for e in np.flatnonzero(~tiny.facts.voted) for _ in range(4)]

    def share(source: str, answers: list[str]) -> float:
        asked = [source + prompt for prompt in prompts]
        return tiny.module.sampled_shares(model, tiny.tokenizer, asked, answers, samples_per_prompt=16).mean()

    assert 0.25 < share("", right) < 0.65
    assert 0.25 < share("", wrong) < 0.65
    assert share(RIGHT_SOURCE, right) > 0.75
    assert share(WRONG_SOURCE, wrong) > 0.75


def test_sampled_answers_follow_the_models_probabilities(tiny: SimpleNamespace) -> None:
    """A model that says each right word with probability 0.8, and else `<pad>`: 4,000 samples, 5 standard errors."""
    torch, tokenizer = tiny.torch, tiny.tokenizer
    prompts, answers = held_out_questions(tiny.facts, wordings=len(WORDINGS))
    rows = tokenizer([p + a for p, a in zip(prompts, answers, strict=True)])["input_ids"]
    following = {tuple(row[:end]): row[end] for row in rows for end in (len(row) - 2, len(row) - 1)}

    class Oracle(torch.nn.Module):
        device = torch.device("cpu")

        def forward(self, input_ids):
            logits = torch.full((*input_ids.shape, len(tokenizer)), -torch.inf)
            logits[..., 0] = np.log(0.2)
            for i, row in enumerate(input_ids.tolist()):
                for end in range(1, len(row)):
                    if tuple(row[:end]) in following:
                        logits[i, end - 1, following[tuple(row[:end])]] = np.log(0.8)
            return SimpleNamespace(logits=logits)

    model = Oracle()
    settings = {"samples_per_prompt": 25, "seed": 1}
    share = tiny.module.sampled_shares(model, tokenizer, prompts, answers, **settings).mean()
    assert abs(share - 0.64) < 5 * np.sqrt(0.64 * 0.36 / 4000)
    assert share == tiny.module.sampled_shares(model, tokenizer, prompts, answers, **settings).mean()
    assert share != tiny.module.sampled_shares(model, tokenizer, prompts, answers, samples_per_prompt=25, seed=2).mean()
    shares = tiny.module.sampled_shares(model, tokenizer, prompts, answers, **settings)
    assert shares.shape == (160,)
    assert shares.mean() == pytest.approx(share)
    assert tiny.module.greedy_accuracy(model, tokenizer, prompts, answers) == 1
    assert tiny.module.greedy_accuracy(model, tokenizer, prompts, answers[16:] + answers[:16]) == 0
    assert model.training
