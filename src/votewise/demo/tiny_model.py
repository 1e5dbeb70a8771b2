"""A tiny language model of a made-up world of facts, and how often its answers are right.

Nothing is downloaded and nothing is saved. The tokenizer has one token per word, the model is a one-layer Llama of about
94,000 parameters, and both are made from a seed in a few seconds. Needs the [train] extra.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from votewise.arrays import Bools, Floats
from votewise.demo.facts import RIGHT_SOURCE, SYLLABLES, WORDINGS, WRONG_SOURCE, Facts, write_corpus

PAD, EOS, UNKNOWN = "<pad>", "<eos>", "<unk>"
ANSWER_TOKENS = 2
BATCH = 64
"""Texts per step of pre-training. Larger batches take the same time per text and learn less from each text."""

CHUNK = 1024
"""Sequences per forward pass when the model answers."""


def make_tokenizer(facts: Facts) -> PreTrainedTokenizerFast:
    """A tokenizer with one token for each word of the world, in addition to `<pad>`, `<eos>` and `<unk>`."""
    texts = [*WORDINGS, RIGHT_SOURCE, WRONG_SOURCE, *SYLLABLES, *facts.entities]
    return word_tokenizer(word for text in texts for word in text.split() if word != "{}")


def word_tokenizer(words: Iterable[str]) -> PreTrainedTokenizerFast:
    """A tokenizer with one token for each different word, after `<pad>`, `<eos>` and `<unk>`."""
    words = [PAD, EOS, UNKNOWN, *dict.fromkeys(words)]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=EOS, unk_token=UNKNOWN)


def make_model(
    tokenizer: PreTrainedTokenizerFast, *, width: int = 64, layers: int = 1, seed: int = 0
) -> LlamaForCausalLM:
    """An untrained model for the tokenizer's words, of hidden size ``width``."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=256,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=32,
        tie_word_embeddings=True,
        initializer_range=0.1,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config).eval()


def pretrain(
    facts: Facts,
    tokenizer: PreTrainedTokenizerFast,
    *,
    texts: int = 60_000,
    learning_rate: float = 4e-3,
    seed: int = 0,
) -> LlamaForCausalLM:
    """A model trained once on each of ``texts`` texts about the facts, so it knows both answers to every question.

    It learns only the answers, not the prompts. AdamW warms up for a tenth of the steps, then a cosine goes down to 0.

    Args:
        facts: the world.
        tokenizer: the world's tokenizer.
        texts: number of texts; 60,000 take about 9 seconds on one core.
        learning_rate: the highest learning rate.
        seed: seed of the texts and of the untrained model.
    """
    model = make_model(tokenizer, seed=seed)
    corpus = write_corpus(facts, texts=texts, seed=seed)
    ids, lengths = encode(tokenizer, [f"{p}{a}{EOS}" for p, a in zip(*corpus, strict=True)])
    position = torch.arange(ids.shape[1])
    scored = (position >= lengths[:, None] - ANSWER_TOKENS - 1) & (position < lengths[:, None])
    steps = math.ceil(texts / BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share_of_peak(step / steps))
    model.train()
    for some, targets in zip(torch.split(ids, BATCH), torch.split(scored, BATCH), strict=True):
        hidden = model.model(input_ids=some).last_hidden_state[:, :-1]
        logits = model.lm_head(hidden[targets[:, 1:]])
        loss = torch.nn.functional.cross_entropy(logits, some[:, 1:][targets[:, 1:]])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    return model.eval()


def encode(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """(N, L) token ids of N texts, padded on the right, and (N,) their lengths."""
    rows = tokenizer(list(texts), return_attention_mask=False)["input_ids"]
    lengths = torch.tensor([len(row) for row in rows])
    ids = torch.full((len(rows), int(lengths.max())), int(tokenizer.pad_token_id))
    ids[torch.arange(ids.shape[1]) < lengths[:, None]] = torch.tensor([token for row in rows for token in row])
    return ids, lengths


def sampled_answers(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], *, seed: int = 0
) -> list[str]:
    """(N,) an answer to each prompt, sampled token by token at temperature 1."""
    generator = torch.Generator().manual_seed(seed)

    def choose(logits: Tensor) -> Tensor:
        return torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]

    return _answers(model, tokenizer, prompts, choose)


def sampled_shares(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    answers: Sequence[str],
    *,
    samples_per_prompt: int = 4,
    seed: int = 0,
) -> Floats:
    """(N,) share of right answers to each prompt among the model's samples, token by token at temperature 1."""
    said = sampled_answers(model, tokenizer, list(prompts) * samples_per_prompt, seed=seed)
    right = _are_right(said, list(answers) * samples_per_prompt)
    return np.asarray(right.reshape(samples_per_prompt, -1).mean(axis=0))


def greedy_accuracy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], answers: Sequence[str]
) -> float:
    """Share of right answers when the model always gives its most likely next token."""
    return float(_are_right(_answers(model, tokenizer, prompts, lambda logits: logits.argmax(1)), answers).mean())


def is_right(text: str, answer: str) -> bool:
    """Whether the text is the answer, word by word."""
    return text.split() == answer.split()


def _are_right(said: Sequence[str], answers: Sequence[str]) -> Bools:
    """(N,) which texts are the answers."""
    return np.array([is_right(text, answer) for text, answer in zip(said, answers, strict=True)])


@torch.no_grad()
def _answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    choose: Callable[[Tensor], Tensor],
) -> list[str]:
    """(N,) the model's answers to the prompts; ``choose`` picks each next token from (N, V) logits."""
    ids, lengths = encode(tokenizer, prompts)
    ids = torch.nn.functional.pad(ids, (0, ANSWER_TOKENS), value=int(tokenizer.pad_token_id))
    training = model.training
    model.eval()
    for some, ends in zip(torch.split(ids, CHUNK), torch.split(lengths, CHUNK), strict=True):
        row = torch.arange(len(some))
        for step in range(ANSWER_TOKENS):  # fills in `ids`; a token does not see what is to its right
            logits = model(input_ids=some.to(model.device)).logits[row, ends + step - 1]
            some[row, ends + step] = choose(logits.float().cpu())
    model.train(training)
    said = ids.gather(1, lengths[:, None] + torch.arange(ANSWER_TOKENS))
    return [str(text) for text in tokenizer.batch_decode(said)]


def _share_of_peak(done: float) -> float:
    """Learning rate as a share of the highest one, after a share ``done`` of the steps."""
    return min(1.0, done / 0.1 + 0.01) if done < 0.1 else 0.5 + 0.5 * math.cos(math.pi * (done - 0.1) / 0.9)
