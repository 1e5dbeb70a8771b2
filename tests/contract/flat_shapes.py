"""Shapes of one vote per row, in columns of texts, names and numbers: the truth written down in each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

from product_shapes import FLAT_PRODUCTS
from truth import TrueVote
from written import (
    CLEAR,
    TIES,
    Row,
    Written,
    WrittenShape,
    amount,
    asked,
    bot,
    by_pair,
    carried,
    messages,
    preferred,
    unnamed,
    word,
)

OneVote = Callable[[TrueVote, Random], Row]


def row_per_vote(make: OneVote) -> Callable[[list[TrueVote], Random], Written]:
    return lambda votes, dice: ([make(vote, dice) for vote in votes], votes)


def plain(vote: TrueVote, dice: Random) -> Row:
    return {
        "annotator": vote.annotator,
        "prompt": asked(vote),
        "response_a": vote.a,
        "response_b": vote.b,
        "label": word(vote, dice),
        **carried(vote),
    }


def plain_named_pairs(votes: list[TrueVote], dice: Random) -> Written:
    names = {group[0].pair: f"{i:03}" for i, group in enumerate(by_pair(votes))}
    return [{**plain(vote, dice), "pair": names[vote.pair]} for vote in votes], votes


def plain_whole(vote: TrueVote, dice: Random) -> Row:
    """With every optional column."""
    pair = amount("".join(sorted((vote.a, vote.b))))
    sign = 1 if vote.a < vote.b else -1
    return plain(vote, dice) | {
        "time": 1_700_000_000 + vote.number,
        "seconds": vote.number / 4,
        "weight": 1 + vote.number % 3,
        "margin": sign * pair,
        "gold": "a" if sign > 0 else "b",
        "domain": f"d{len(asked(vote)) % 2}",
        "model_a": f"m{len(vote.a)}",
        "model_b": f"m{len(vote.b)}",
        "reason": vote.comment,
    }


def two_answers(vote: TrueVote, dice: Random) -> Row:
    return {"worker": vote.annotator, "question": asked(vote), "left": vote.a, "right": vote.b,
            "verdict": {"a": "left", "b": "Right"}.get(vote.verdict) or word(vote, dice), **carried(vote)}  # fmt: skip


def two_answers_by_text(vote: TrueVote, _: Random) -> Row:
    return {"worker": vote.annotator, "question": asked(vote), "left": vote.a, "right": vote.b, "label": vote.better}


def safe_rlhf(votes: list[TrueVote], _: Random) -> Written:
    rows = [
        {"prompt": asked(vote), "response_0": vote.a, "response_1": vote.b,
         "better_response_id": "ab".index(vote.verdict), "safer_response_id": vote.number % 2}
        for vote in votes
    ]  # fmt: skip
    return rows, unnamed(votes)


def shp(votes: list[TrueVote], _: Random) -> Written:
    rows = [
        {"history": asked(vote), "human_ref_A": vote.a, "human_ref_B": vote.b, "labels": "ba".index(vote.verdict),
         "score_A": 9, "score_B": 3, "score_ratio": 3.0}
        for vote in votes
    ]  # fmt: skip
    return rows, unnamed(votes)


def strengths(votes: list[TrueVote], dice: Random) -> Written:
    rows = [
        {"prompt": asked(vote), "response_1": vote.a, "response_2": vote.b, "split": "train",
         "preference_strength": {"a": -1, "b": 1, "tie": 0}[vote.verdict] * dice.randint(1, 3)}
        for vote in votes
    ]  # fmt: skip
    return rows, unnamed(votes)


def one_hot(votes: list[TrueVote], _: Random) -> Written:
    """LMSYS' release on Kaggle: the texts of all turns as JSON lists."""
    rows = []
    for vote in votes:
        questions = [text for role, text in vote.prompt if role == "user"]
        before = [text for role, text in vote.prompt if role == "assistant"]
        rows.append(
            {"id": vote.number, "model_a": "m1", "model_b": "m2", "prompt": json.dumps(questions),
             "response_a": json.dumps([*before, vote.a]), "response_b": json.dumps([*before, vote.b]),
             **{f"winner_{end}": int(vote.verdict == what)
                for end, what in (("model_a", "a"), ("model_b", "b"), ("tie", "tie"))}}
        )  # fmt: skip
    return rows, unnamed(votes)


def clicks(vote: TrueVote, dice: Random) -> Row:
    one, other = ("big", "small") if vote.score % 2 else ("small", "big")
    won = {"a": ("model_a", "a", one), "b": ("model_b", "B", other)}.get(vote.verdict)
    return {"user": vote.annotator, "prompt": asked(vote), "response_a": vote.a, "response_b": vote.b, "model_a": one,
            "model_b": other, "winner": dice.choice(won) if won else word(vote, dice), **carried(vote)}  # fmt: skip


def trl(vote: TrueVote, _: Random) -> Row:
    chosen, rejected = preferred(vote)
    return {"annotator": vote.annotator, "prompt": asked(vote), "chosen": chosen, "rejected": rejected, **carried(vote)}


def trl_unnamed(votes: list[TrueVote], _: Random) -> Written:
    rows = [dict(zip(("prompt", "chosen", "rejected"), (asked(v), *preferred(v)), strict=True)) for v in votes]
    return rows, unnamed(votes)


def trl_implicit(votes: list[TrueVote], _: Random) -> Written:
    rows = [{name: f"{asked(v)} {text}" for name, text in zip(("chosen", "rejected"), preferred(v), strict=True)}
            for v in votes]  # fmt: skip
    return rows, [replace(v, prompt=(), a=f"{asked(v)} {v.a}", b=f"{asked(v)} {v.b}") for v in unnamed(votes)]


def hh(votes: list[TrueVote], _: Random) -> Written:
    start = {v.number: f"\n\nHuman: {asked(v)}\n\nAssistant:" for v in votes}
    rows = [{name: f"{start[v.number]} {text}" for name, text in zip(("chosen", "rejected"), preferred(v), strict=True)}
            for v in votes]  # fmt: skip
    return rows, [replace(v, prompt=(("user", start[v.number]),), a=f" {v.a}", b=f" {v.b}") for v in unnamed(votes)]


def alpacaeval(vote: TrueVote, dice: Random) -> Row:
    preference = {"a": dice.choice((1, 1.25)), "b": dice.choice((1.75, 2)), "tie": 1.5, "skip": None}[vote.verdict]
    return {"instruction": asked(vote), "output_1": vote.a, "output_2": vote.b, "generator_1": "m1", "generator_2": "m2",
            "annotator": vote.annotator, "preference": preference, **carried(vote)}  # fmt: skip


def prism(votes: list[TrueVote], _: Random) -> Written:
    rows = [
        {"utterance_id": f"u{vote.number}-{i}", "interaction_id": f"i{vote.number}", "conversation_id": "c",
         "user_id": vote.annotator, "turn": 0, "user_prompt": asked(vote), "model_response": text,
         "model_name": f"m{i}", "score": 50, "if_chosen": text == vote.better}
        for vote in votes
        for i, text in enumerate((vote.a, vote.b))
    ]  # fmt: skip
    return rows, votes


def ranked_rows(votes: list[TrueVote], dice: Random) -> Written:
    """A row per answer; what was ranked together has a number."""
    rows = []
    for vote in votes:
        ranks = {"a": (1, 2), "b": (2, 1), "tie": (1, 1)}[vote.verdict]
        both = [{"task_id": vote.number, "prompt": asked(vote), "annotator": vote.annotator, "response": text, "rank": rank}
                for text, rank in zip((vote.a, vote.b), ranks, strict=True)]  # fmt: skip
        dice.shuffle(both)
        rows += both
    return rows, votes


def ranked_columns(vote: TrueVote, _: Random) -> Row:
    ranks = {"a": (1, 2), "b": (2, 1), "tie": (1, 1)}[vote.verdict]
    return {"annotator": vote.annotator, "prompt": asked(vote), "answer_1": vote.a, "answer_2": vote.b,
            "rank_1": ranks[0], "rank_2": ranks[1], **carried(vote)}  # fmt: skip


def arena_texts(vote: TrueVote, dice: Random) -> Row:
    """The arena's conversations as JSON texts."""
    return {"question_id": f"q{vote.number}", "judge": vote.annotator, "model_a": "m1", "model_b": "m2",
            "winner": dice.choice(("model_a",) if vote.verdict == "a" else ("model_b",)) if vote.verdict in CLEAR
            else word(vote, dice), "language": "English",
            **{f"conversation_{side}": json.dumps([*messages(vote.prompt), bot(text)])
               for side, text in (("a", vote.a), ("b", vote.b))}}  # fmt: skip


def wide(votes: list[TrueVote], dice: Random) -> Written:
    """A column for each person's verdict."""
    votes = by_two(votes)
    people = {who: f"annotator_{i}" for i, who in enumerate(dict.fromkeys(vote.annotator for vote in votes), 1)}
    rows = [
        {"question": asked(group[0]), "answer_1": group[0].a, "answer_2": group[0].b,
         **dict.fromkeys(people.values()), **{people[v.annotator]: _numbered(v, dice) for v in group}}
        for group in by_pair(votes)
    ]  # fmt: skip
    return rows, [replace(vote, annotator=people[vote.annotator]) for vote in votes]


def wide_named(votes: list[TrueVote], dice: Random) -> Written:
    """A column for each verdict, and one for the name of who gave it."""
    votes = by_two(votes)
    groups = by_pair(votes)
    most = max(map(len, groups))
    rows = []
    for group in groups:
        row: Row = {"prompt": asked(group[0]), "response_a": group[0].a, "response_b": group[0].b}
        for i in range(1, most + 1):
            vote = group[i - 1] if i <= len(group) else None
            row |= {f"label_{i}": vote and word(vote, dice), f"annotator_{i}": vote and vote.annotator}
        rows.append(row)
    return rows, votes


def counts(votes: list[TrueVote], _: Random) -> Written:
    rows = [
        {"prompt": asked(group[0]), "left": group[0].a, "right": group[0].b,
         **{name: sum(v.verdict == what for v in group)
            for name, what in (("votes_left", "a"), ("votes_right", "b"), ("ties", "tie"))}}
        for group in by_pair(votes)
    ]  # fmt: skip
    return rows, unnamed(votes)


def by_two(votes: list[TrueVote]) -> list[TrueVote]:
    """With a second vote on the first pair: one column of votes alone is no shape of several votes."""
    return [*votes, replace(votes[0], number=len(votes), annotator="one more", verdict="a")]


def _numbered(vote: TrueVote, dice: Random) -> str:
    return {"a": "1", "b": "2"}.get(vote.verdict) or word(vote, dice)


AMBIGUOUS = "may mean the side or the answer of that text"

FLAT: dict[str, WrittenShape] = {
    "plain": WrittenShape("plain", row_per_vote(plain), named=False, refused=AMBIGUOUS),
    "plain, pairs with names": WrittenShape("plain", plain_named_pairs, named=False, refused=AMBIGUOUS),
    "plain, every column": WrittenShape("plain", row_per_vote(plain_whole), refused=AMBIGUOUS),
    "two-answers": WrittenShape("two-answers", row_per_vote(two_answers), named=False, refused=AMBIGUOUS),
    "two-answers, the better text": WrittenShape(
        "two-answers", row_per_vote(two_answers_by_text), CLEAR, refused=r"unknown label|may mean|is null|is empty"
    ),
    "two-answers, Safe-RLHF": WrittenShape("two-answers", safe_rlhf, CLEAR),
    "two-answers, SHP": WrittenShape("two-answers", shp, CLEAR),
    "two-answers, strengths": WrittenShape("two-answers", strengths, TIES),
    "two-answers, one-hot": WrittenShape("two-answers", one_hot, TIES, turns="turns"),
    "clicks": WrittenShape("clicks", row_per_vote(clicks)),
    "trl": WrittenShape("trl", row_per_vote(trl), CLEAR, named=False),
    "trl, nobody named": WrittenShape("trl", trl_unnamed, CLEAR),
    "trl, prompt in the answers": WrittenShape("trl", trl_implicit, CLEAR, joined=True),
    "hh-rlhf": WrittenShape("hh-rlhf", hh, CLEAR),
    "alpacaeval": WrittenShape("alpacaeval", row_per_vote(alpacaeval), ("a", "b", "tie", "skip"), named=False),
    "prism": WrittenShape("prism", prism, CLEAR, one_per_row=False),
    "ranked-rows": WrittenShape("ranked-rows", ranked_rows, TIES, one_per_row=False),
    "ranked-columns": WrittenShape(
        "ranked-columns", row_per_vote(ranked_columns), TIES, named=False, one_per_row=False
    ),
    "arena, conversations as texts": WrittenShape("arena", row_per_vote(arena_texts), turns="system"),
    "several-votes, a column each": WrittenShape("several-votes", wide, one_per_row=False),
    "several-votes, names beside": WrittenShape("several-votes", wide_named, named=False, one_per_row=False),
    "several-votes, counts": WrittenShape("several-votes", counts, TIES, one_per_row=False),
    **FLAT_PRODUCTS,
}
