"""Real votes on which of two arguments is more convincing, and a pre-trained language model that learns from them.

519 arguments in 16 debates, 8 questions with two sides each, and 42,000 votes of 3,487 people on pairs within a debate
(UKPConvArg1). Pairs without a published answer are left out, so that clean labels exist for all.

What is trained is the model's last layer: the layers below are run once for each argument, so a policy costs what its last
layer costs. The output layer is cut to the tokens that occur in the arguments: the policy is the model given that no other
token occurs.

A policy is judged on debates that it was not trained on. Its accuracy is how often it gains more, over the model before, on
the better argument of a pair. Its win rate is that of an argument drawn from a pair in proportion to exp(gain), where every
pair counts in proportion to the sum of both.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from side_by_side import Judged
from torch import Tensor

from votewise import read_votes
from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.train.losses import ScoredAnswers

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "convincing_arguments.parquet"
LONGEST = 48
"""Tokens of an argument that are read and scored."""

AT_ONCE = 8
"""Arguments that go through the whole model at once."""

QUESTION = "Write a short, convincing argument. {}"


@dataclass(frozen=True, eq=False)
class Corpus:
    """The arguments, the pairs with a published answer, and all votes on these.

    Attributes:
        prompt, argument: (N,) the texts of each argument and its debate.
        side: (N,) code of each argument's debate.
        pairs: (M, 2) codes of the two arguments of each pair, sorted by debate.
        truth: (M,) +1 where the first is published as more convincing, else -1.
        votes: all votes on the pairs, with signs.
    """

    prompt: list[str]
    argument: list[str]
    side: npt.NDArray[np.int64]
    pairs: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int8]
    votes: Votes

    @property
    def question(self) -> npt.NDArray[np.int64]:
        """(N,) code of each argument's question: the two sides of one question share it."""
        names = [text.split(" Stance: ")[0] for text in self.prompt]
        return np.unique(names, return_inverse=True)[1]


def read_corpus(source: Path = DATA) -> Corpus:
    """Read the file."""
    import pyarrow.parquet as pq

    gold = pq.read_table(source, columns=["pair", "gold"])
    answers = dict(zip(gold["pair"].to_pylist(), gold["gold"].to_pylist(), strict=True))
    votes = read_votes(source)
    assert votes.texts is not None
    names = votes.pair_ids.to_pylist()
    truth = np.array([{"a": 1, "b": -1, None: 0}[answers[name]] for name in names], np.int8)
    texts = [votes.texts[name].to_pylist() for name in ("prompt", "response_a", "response_b")]
    codes: dict[tuple[str, str], int] = {}
    pairs = np.array(
        [[codes.setdefault((p, y), len(codes)) for y in (a, b)] for p, a, b in zip(*texts, strict=True)], np.int64
    )
    prompt, argument = ([key[i] for key in codes] for i in (0, 1))
    side = np.unique(prompt, return_inverse=True)[1]
    known = np.flatnonzero(truth)
    known = known[np.argsort(side[pairs[known, 0]], kind="stable")]
    place = np.full(len(truth), -1)
    place[known] = np.arange(len(known))
    kept = np.flatnonzero(place[votes.pair] >= 0)
    kept = kept[np.argsort(place[votes.pair[kept]], kind="stable")]
    chosen = Votes.from_arrays(place[votes.pair[kept]], votes.annotator[kept], votes.sign[kept])
    return Corpus(prompt, argument, side, pairs[known], truth[known], chosen)


class Reader:
    """A pre-trained model up to its last layer, run once over all arguments.

    Attributes:
        ids: (N, T) tokens of the arguments, as codes of the cut vocabulary; ``scored`` (N, T) which of them count.
        below: (N, L, D) what goes into the last layer, prompt included; the argument begins at ``first`` (N,) and ends
            before ``end`` (N,).
        layer, norm, head: the last layer, the last norm, and the (V, D) output weights of the cut vocabulary.
    """

    def __init__(self, folder: Path, corpus: Corpus) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        where = {"gguf_file": folder.name} if folder.suffix == ".gguf" else {}
        source = folder.parent if where else folder
        tokenizer = AutoTokenizer.from_pretrained(source, **where)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **where).eval()
        rows = [self._tokens(tokenizer, p, a) for p, a in zip(corpus.prompt, corpus.argument, strict=True)]
        longest = max(len(prompt) + len(answer) for prompt, answer in rows)
        self.first = torch.tensor([len(prompt) for prompt, _ in rows])
        every = torch.zeros(len(rows), longest, dtype=torch.int64)
        for row, (prompt, answer) in zip(every, rows, strict=True):
            row[: len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        said = torch.nn.utils.rnn.pad_sequence([torch.tensor(a) for _, a in rows], batch_first=True, padding_value=-1)
        self.scored = said >= 0
        words = said[self.scored].unique()
        self.ids = torch.searchsorted(words, said.clamp(min=0)).clamp(max=len(words) - 1)
        self.layer, self.norm = copy.deepcopy(model.model.layers[-1]), model.model.norm
        self.head = model.get_output_embeddings().weight[words].detach()
        self.end = self.first + self.scored.sum(-1)
        with torch.no_grad():
            self.below = torch.zeros(*every.shape, self.head.shape[1])
            for some in self.end.argsort().split(AT_ONCE):  # those of similar length together
                part = every[some, : self.end[some].max()]
                self.below[some, : part.shape[1]] = model.model(part, output_hidden_states=True).hidden_states[-2]
            self.rotary = model.model.rotary_emb(self.below, torch.arange(longest)[None])

    @staticmethod
    def _tokens(tokenizer: Any, prompt: str, argument: str) -> tuple[list[int], list[int]]:
        turn = [{"role": "user", "content": QUESTION.format(prompt)}]
        text = tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
        before = tokenizer(text, add_special_tokens=False)["input_ids"]
        return before, tokenizer(argument, add_special_tokens=False)["input_ids"][:LONGEST]

    def log_p(self, layer: torch.nn.Module, some: Tensor) -> Tensor:
        """(B, T, V) log-probabilities of the tokens of some arguments, by a last layer."""
        longest = int(self.end[some].max())
        out = layer(self.below[some, :longest], position_embeddings=tuple(part[:, :longest] for part in self.rotary))
        out = out[0] if isinstance(out, tuple) else out
        at = self.first[some][:, None] - 1 + torch.arange(self.ids.shape[1])
        at = at.clamp(max=out.shape[1] - 1)
        hidden = self.norm(out.gather(1, at[..., None].expand(-1, -1, out.shape[-1])))
        return (hidden @ self.head.T).log_softmax(-1)

    def logp(self, layer: torch.nn.Module, some: Tensor) -> Tensor:
        """(B,) log-probability of some arguments."""
        found = self.log_p(layer, some).gather(-1, self.ids[some][..., None])[..., 0]
        return (found * self.scored[some]).sum(-1)

    @cached_property
    def reference(self) -> Tensor:
        """(N,) log-probability of each argument before training."""
        with torch.no_grad():
            return torch.cat([self.logp(self.layer, some) for some in torch.arange(len(self.ids)).split(AT_ONCE)])


@dataclass(frozen=True, eq=False)
class ArgumentsWorld:
    """Training on some debates and judging on the others.

    Attributes:
        reader: the model, run over the arguments.
        corpus: the arguments and votes.
        held_out: codes of the questions that nobody is trained on.
        seed: of the order of batches, and of which vote of a pair is seen.
        rate: highest learning rate.
    """

    reader: Reader
    corpus: Corpus
    held_out: tuple[int, ...]
    seed: int
    rate: float = 1e-4

    @cached_property
    def _held(self) -> npt.NDArray[np.bool_]:
        return np.isin(self.corpus.question[self.corpus.pairs[:, 0]], self.held_out)

    @cached_property
    def shown(self) -> Tensor:
        """(M, 2) arguments of the training pairs."""
        return torch.tensor(self.corpus.pairs[~self._held])

    @property
    def pairs(self) -> int:
        """Number of training pairs."""
        return len(self.shown)

    @property
    def truth(self) -> Floats:
        """(M,) +1 where the first argument is published as better, else -1."""
        return np.asarray(self.corpus.truth[~self._held])

    def votes(self, crowd: str) -> Votes:
        """All votes on the training pairs, or one that is no tie of each pair that has any."""
        every = self.corpus.votes
        kept = np.flatnonzero(~self._held[every.pair])
        if crowd == ONE_VOTE:
            kept = np.random.default_rng([self.seed, 6]).permutation(kept)
            # The first of each pair in a random order that puts ties last.
            kept = kept[np.argsort(every.sign[kept] == 0, kind="stable")]
            kept = np.sort(kept[np.unique(every.pair[kept], return_index=True)[1]])
        code = np.cumsum(~self._held) - 1
        return Votes.from_arrays(code[every.pair[kept]], every.annotator[kept], every.sign[kept])

    def steps(self, epochs: int) -> list[tuple[int, Any]]:
        """The epoch and the pairs of each step: about ``BATCH`` pairs of one debate, which share their arguments."""
        rng = np.random.default_rng([self.seed, 9])
        side = self.corpus.side[self.shown[:, 0].numpy()]
        found: list[tuple[int, Any]] = []
        for epoch in range(epochs):
            parts = []
            for debate in np.unique(side):
                inside = rng.permutation(np.flatnonzero(side == debate))
                parts += np.array_split(inside, -(-len(inside) // BATCH))
            found += [(epoch, parts[i]) for i in rng.permutation(len(parts))]
        return found

    def policies(self, runs: int, *, reference: bool = True) -> ArgumentsPolicy:
        """One copy of the policy before training."""
        if runs != 1 or not reference:
            raise ValueError("one policy at a time, and only losses with a reference")
        return ArgumentsPolicy(self)


BATCH = 128
ONE_VOTE, ALL_VOTES = "one vote a pair", "all votes"


class ArgumentsPolicy:
    """A language model whose last layer is trained."""

    def __init__(self, world: ArgumentsWorld) -> None:
        self.world = world
        self.layer = copy.deepcopy(world.reader.layer)

    def parameters(self) -> list[Tensor]:
        """What is trained."""
        return list(self.layer.parameters())

    def answers(self, pairs: Tensor) -> tuple[ScoredAnswers, ScoredAnswers]:
        """Both arguments of (B,) pairs, with log-probabilities (1, B)."""
        both = self.world.shown[pairs]
        some, where = both.unique(return_inverse=True)
        found = self.world.reader.logp(self.layer, some)
        before = self.world.reader.reference[some]
        length = self.world.reader.scored[some].sum(-1).float()
        first, second = (ScoredAnswers(*(part[where[:, i]][None] for part in (found, before, length))) for i in (0, 1))
        return first, second

    @torch.no_grad()
    def judge(self) -> Judged:
        """On the held-out debates: accuracy on pairs, win rate of drawn arguments, and divergence per argument in nats."""
        world, reader = self.world, self.world.reader
        some = torch.tensor(np.flatnonzero(np.isin(world.corpus.question, world.held_out)))
        gain = np.zeros(len(reader.ids))
        divergence = []
        for part in some.split(AT_ONCE):
            here, there = (reader.log_p(layer, part) for layer in (self.layer, reader.layer))
            said = reader.ids[part][..., None]
            change = ((here - there).gather(-1, said)[..., 0] * reader.scored[part]).sum(-1)
            gain[part.numpy()] = change.double().numpy()  # as indices: one alone would be taken for a number
            divergence.append(((here.exp() * (here - there)).sum(-1) * reader.scored[part]).sum(-1))
        pairs, truth = world.corpus.pairs[world._held], world.corpus.truth[world._held]
        right = (gain[pairs[:, 0]] - gain[pairs[:, 1]]) * truth
        accuracy = np.mean(np.where(right == 0, 0.5, right > 0))
        wins = np.mean([self._win_rate(gain, pairs, truth, side) for side in np.unique(world.corpus.side[pairs[:, 0]])])
        return Judged(*(np.array([float(value)]) for value in (accuracy, wins, torch.cat(divergence).mean())))

    def _win_rate(self, gain: Floats, pairs: Any, truth: Any, side: int) -> float:
        """In one debate: how often an argument drawn in proportion to exp(gain) is the better one of its pairs."""
        one, two = pairs[self.world.corpus.side[pairs[:, 0]] == side].T
        won = truth[self.world.corpus.side[pairs[:, 0]] == side] > 0
        weight = np.exp(gain - gain[np.concatenate([one, two])].max())
        return float((weight[one] * won + weight[two] * ~won).sum() / (weight[one] + weight[two]).sum())
