"""Shapes that single products and data sets have: the truth written down in each."""

from __future__ import annotations

from random import Random

from truth import TrueVote
from written import CLEAR, Row, Written, WrittenShape, asked, bot, by_pair, messages, preferred, unnamed, word


def toloka(votes: list[TrueVote], dice: Random) -> Written:
    """Assignments; what was skipped is rejected by the requester."""
    rows = []
    for vote in votes:
        said = {"a": "left", "b": "right"}.get(vote.verdict) or word(vote, dice)
        status = "REJECTED" if vote.verdict == "skip" else dice.choice(("APPROVED", "SUBMITTED"))
        rows.append(
            {"INPUT:question": asked(vote), "INPUT:left": vote.a, "INPUT:right": vote.b,
             "OUTPUT:result": "left" if vote.verdict == "skip" else said, "GOLDEN:result": None,
             "ASSIGNMENT:assignment_id": f"a{vote.number:04}", "ASSIGNMENT:worker_id": vote.annotator,
             "ASSIGNMENT:status": status, "ASSIGNMENT:submitted": f"2024-05-01T12:00:{vote.number:02}"}
        )  # fmt: skip
    return rows, votes


def prodigy(votes: list[TrueVote], dice: Random) -> Written:
    rows = []
    for vote in votes:
        options = [{"id": "one", "text": vote.a}, {"id": "two", "text": vote.b}]
        said = {"a": ["one"], "b": ["two"]}.get(vote.verdict, dice.choice((["one"], [])))
        rows.append({"text": asked(vote), "options": options, "accept": said, "_session_id": vote.annotator,
                     "answer": "ignore" if vote.verdict == "skip" else "accept", "_input_hash": vote.number,
                     "_timestamp": 1_700_000_000 + vote.number})  # fmt: skip
    return rows, votes


def swift(votes: list[TrueVote], _: Random) -> Written:
    rows = []
    for vote in votes:
        better, worse = preferred(vote)
        rows.append({"messages": [*messages(vote.prompt), bot(better)], "rejected_response": worse})
    return rows, unnamed(votes)


def nova(votes: list[TrueVote], dice: Random) -> Written:
    rows = []
    for vote in votes:
        candidates = [
            {"content": [{"text": text}], "preferenceLabel": what}
            for text, what in zip(preferred(vote), ("preferred", "non-preferred"), strict=True)
        ]
        dice.shuffle(candidates)
        system = [{"text": text} for role, text in vote.prompt if role == "system"]
        talk = [{"role": role, "content": [{"text": text}]} for role, text in vote.prompt if role != "system"]
        rows.append({"system": system, "messages": [*talk, {"role": "assistant", "candidates": candidates}]})
    return rows, unnamed(votes)


def oasst(votes: list[TrueVote], dice: Random) -> Written:
    """Messages, each with the one that it answers; one ranking of each question by nobody in particular."""
    rows: list[Row] = []
    votes = [group[0] for group in by_pair(votes)]
    for vote in votes:
        before = None
        for i, (role, text) in enumerate(vote.prompt):
            said = {"user": "prompter"}.get(role, role)
            rows.append(_message(f"{vote.number}-{i}", before, said, text, None))
            before = f"{vote.number}-{i}"
        answers = [_message(f"{vote.number}-answer-{rank}", before, "assistant", text, rank)
                   for rank, text in enumerate(preferred(vote))]  # fmt: skip
        dice.shuffle(answers)
        rows += answers
    return rows, unnamed(votes)


def _message(name: str, parent: str | None, role: str, text: str, rank: int | None) -> Row:
    return {"message_id": name, "parent_id": parent, "role": role, "text": text, "lang": "en", "rank": rank,
            "deleted": False, "review_result": True}  # fmt: skip


def pick_a_pic(votes: list[TrueVote], _: Random) -> Written:
    rows = [
        {"caption": asked(vote), "image_0_url": vote.a, "image_1_url": vote.b, "model_0": "m0", "model_1": "m1",
         "label_0": {"a": 1.0, "tie": 0.5}.get(vote.verdict, 0.0), "label_1": {"b": 1.0, "tie": 0.5}.get(vote.verdict, 0.0),
         "has_label": vote.verdict != "skip", "user_id": vote.annotator, "ranking_id": vote.number}
        for vote in votes
    ]  # fmt: skip
    return rows, votes


FLAT_PRODUCTS: dict[str, WrittenShape] = {
    "toloka": WrittenShape("toloka", toloka, ("a", "b", "tie", "both_bad", "skip")),
    "oasst, messages": WrittenShape("oasst", oasst, CLEAR, one_per_row=False),
    "pick-a-pic": WrittenShape("pick-a-pic", pick_a_pic, ("a", "b", "tie", "skip")),
}

NESTED_PRODUCTS: dict[str, WrittenShape] = {
    "prodigy": WrittenShape(
        "prodigy", prodigy, ("a", "b", "skip"), flat=False, one_per_row=False, refused="no list of options"
    ),
    "ms-swift": WrittenShape("ms-swift", swift, CLEAR, turns="system", flat=False, refused="is not an answer"),
    "nova": WrittenShape("nova", nova, CLEAR, turns="system", flat=False),
}
