"""Shapes with lists and objects in them: the truth written down in each."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from flat_shapes import AMBIGUOUS, row_per_vote
from product_shapes import NESTED_PRODUCTS
from truth import Prompt, TrueVote
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


def plain_talks(vote: TrueVote, dice: Random) -> Row:
    return {"annotator": vote.annotator, "prompt": messages(vote.prompt), "response_a": [bot(vote.a)],
            "response_b": [bot(vote.b)], "label": word(vote, dice), **carried(vote)}  # fmt: skip


def plain_parts(vote: TrueVote, dice: Random) -> Row:
    """System text, history and question in columns of their own."""
    system = next((text for role, text in vote.prompt if role == "system"), None)
    before = [message for message in vote.prompt[:-1] if message[0] != "system"]
    return {"annotator": vote.annotator, "system": system, "history": messages(tuple(before)), "question": asked(vote),
            "response_a": vote.a, "response_b": vote.b, "label": word(vote, dice)}  # fmt: skip


def plain_parts_truth(votes: list[TrueVote], dice: Random) -> Written:
    rows = [plain_parts(vote, dice) for vote in votes]
    return rows, [replace(vote, prompt=_said(vote.prompt)) for vote in votes]


def _said(prompt: Prompt) -> Prompt:
    """A prompt without an empty system text, and without an empty question after something else: these say nothing."""
    *before, asked = (message for message in prompt if message != ("system", ""))
    return tuple(before) if before and not asked[1] else (*before, asked)


def trl_talks(vote: TrueVote, _: Random) -> Row:
    chosen, rejected = preferred(vote)
    return {"annotator": vote.annotator, "prompt": messages(vote.prompt), "chosen": [bot(chosen)],
            "rejected": [bot(rejected)], **carried(vote)}  # fmt: skip


def trl_whole_talks(vote: TrueVote, _: Random) -> Row:
    chosen, rejected = preferred(vote)
    return {"annotator": vote.annotator, "chosen": [*messages(vote.prompt), bot(chosen)],
            "rejected": [*messages(vote.prompt), bot(rejected)]}  # fmt: skip


def binarized(votes: list[TrueVote], _: Random) -> Written:
    rows = []
    for vote in votes:
        chosen, rejected = ([*messages(vote.prompt), bot(text)] for text in preferred(vote))
        scores = dict(zip(("score_chosen", "score_rejected"), map(amount, preferred(vote)), strict=True))
        rows.append({"prompt": asked(vote), "prompt_id": f"p{vote.number}", "chosen": chosen, "rejected": rejected,
                     "messages": chosen, **scores})  # fmt: skip
    return rows, unnamed(votes)


def ultrafeedback(votes: list[TrueVote], dice: Random) -> Written:
    rows = []
    for vote in votes:
        chosen, rejected = ([*messages(vote.prompt), bot(text)] for text in preferred(vote))
        responses = [vote.a, vote.b, "another one"]
        dice.shuffle(responses)
        rows.append({"prompt": asked(vote), "prompt_id": f"p{vote.number}", "chosen": chosen, "rejected": rejected,
                     "all_generated_responses": responses, "all_rm_scores": [amount(r) for r in responses]})  # fmt: skip
    return rows, unnamed(votes)


def multipref(votes: list[TrueVote], dice: Random) -> Written:
    rows = []
    for number, group in enumerate(by_pair(votes)):
        said = [
            {"evaluator": vote.annotator, "overall_pref": _multipref_word(vote, dice), "time_spent": 60,
             "timestamp": f"2024-05-01T12:00:{vote.number:02}Z"}
            for vote in group
        ]  # fmt: skip
        cut = dice.randint(0, len(said))
        rows.append({"comparison_id": f"c{number}", "prompt_id": f"p{number}", "text": asked(group[0]), "model_a": "m1",
                     "completion_a": group[0].a, "model_b": "m2", "completion_b": group[0].b,
                     "normal_worker_annotations": said[:cut], "expert_worker_annotations": said[cut:]})  # fmt: skip
    return rows, votes


def _multipref_word(vote: TrueVote, dice: Random) -> str:
    if vote.verdict == "tie":
        return dice.choice(("Tie", "tie"))
    side = vote.verdict.upper() if dice.random() < 0.5 else vote.verdict
    return f"{side}-is-{dice.choice(('clearly', 'slightly'))}-better"


def helpsteer(votes: list[TrueVote], dice: Random) -> Written:
    rows, expected = [], []
    for group in by_pair(votes):
        scores = [{"a": -1, "b": 1, "tie": 0}[vote.verdict] * dice.randint(1, 3) for vote in group]
        rows.append({"context": messages(group[0].prompt), "response1": group[0].a, "response2": group[0].b,
                     "overall_preference": 0, "domain": "code", "language": "python",
                     "individual_preference": [{"score": s, "reasoning": "r"} for s in scores]})  # fmt: skip
        expected += [replace(vote, annotator=f"position {i}") for i, vote in enumerate(group, 1)]
    return rows, expected


def arena(vote: TrueVote, dice: Random) -> Row:
    won = {"a": "model_a", "b": "model_b"}.get(vote.verdict) or word(vote, dice)
    return {"question_id": f"q{vote.number}", "model_a": "m1", "model_b": "m2", "winner": won,
            "conversation_a": [*messages(vote.prompt), bot(vote.a)],
            "conversation_b": [*messages(vote.prompt), bot(vote.b)], "turn": len(vote.prompt),
            "language": "English"}  # fmt: skip


def arena_33k(vote: TrueVote, dice: Random) -> Row:
    return arena(vote, dice) | {"judge": vote.annotator, "tstamp": 1_682_351_591.5 + vote.number, "anony": True}


def arena_100k(vote: TrueVote, dice: Random) -> Row:
    return arena(vote, dice) | {"judge_hash": vote.annotator, "tstamp": 1_682_351_591.5 + vote.number}


def arena_140k(vote: TrueVote, dice: Random) -> Row:
    """Contents in parts."""
    row = arena(vote, dice) | {"evaluation_session_id": vote.annotator, "evaluation_order": 1}
    for side in "ab":
        row[f"conversation_{side}"] = [
            message | {"content": [{"type": "text", "text": message["content"], "image": None}]}
            for message in row[f"conversation_{side}"]
        ]
    return row


def mt_bench(vote: TrueVote, dice: Random) -> Row:
    """About a turn in the middle: what comes after it was not seen."""
    row = arena(vote, dice) | {"judge": vote.annotator, "turn": sum(role == "assistant" for role, _ in vote.prompt) + 1}
    del row["language"]
    for side in "ab":
        row[f"conversation_{side}"] += messages((("user", "And?"), ("assistant", f"more by {side}")))
    return row


def openwebui(votes: list[TrueVote], dice: Random) -> Written:
    rows = []
    for vote in votes:
        talk: dict[str, Row] = {}
        parent = None
        for i, message in enumerate(messages(vote.prompt)):
            talk[f"m{i}"] = {"id": f"m{i}", "parentId": parent, **message}
            parent = f"m{i}"
        for name, text in (("ra", vote.a), ("rb", vote.b)):
            talk[name] = {"id": name, "parentId": parent, "model": name, **bot(text)}
        rated = dice.choice(("ra", "rb"))
        other = "rb" if rated == "ra" else "ra"
        rating = 1 if (rated == "ra") == (vote.verdict == "a") else -1
        rows.append(
            {"id": f"f{vote.number}", "user_id": vote.annotator, "type": "rating",
             "data": {"rating": rating, "model_id": rated, "sibling_model_ids": [other], "reason": "",
                      "comment": vote.comment},
             "meta": {"arena": False, "chat_id": f"c{vote.number}", "message_id": rated},
             "snapshot": {"chat": {"id": "c", "chat": {"history": {"messages": talk, "currentId": rated}}}},
             "created_at": 1_704_067_200 + vote.number}
        )  # fmt: skip
    return rows, votes


def argilla(votes: list[TrueVote], dice: Random, *, ranks: bool = False) -> Written:
    rows = []
    for number, group in enumerate(by_pair(votes)):
        kept = [vote for vote in group if vote.verdict != "skip"]
        values = [_ranks(vote, dice) if ranks else {"a": "response-1", "b": "response-2"}.get(vote.verdict, "tie")
                  for vote in group]  # fmt: skip
        status = ["submitted" if vote in kept else "draft" for vote in group]
        rows.append({"id": f"r{number}", "status": "completed", "_server_id": "s", "prompt": asked(group[0]),
                     "response-1": group[0].a, "response-2": group[0].b, "preference.responses": values,
                     "preference.responses.users": [vote.annotator for vote in group],
                     "preference.responses.status": status})  # fmt: skip
    return rows, votes


def _ranks(vote: TrueVote, dice: Random) -> list[Row]:
    first, second = {"a": (1, 2), "b": (2, 1)}.get(vote.verdict, (1, 1))
    found = [{"value": "response-1", "rank": first}, {"value": "response-2", "rank": second}]
    return found if dice.random() < 0.5 else found[::-1]


def label_studio(votes: list[TrueVote], dice: Random, *, kind: str = "pairwise") -> Written:
    rows = []
    for number, group in enumerate(by_pair(votes)):
        said = []
        for vote in group:
            chosen = {"a": "left", "b": "right"}.get(vote.verdict)
            value = {"selected": chosen} if kind == "pairwise" else {"choices": [chosen or word(vote, dice)]}
            results = [{"type": kind, "from_name": "pw", "to_name": "text1,text2", "value": value}]
            said.append({"id": vote.number, "completed_by": vote.annotator, "was_cancelled": vote.verdict == "skip",
                         "created_at": "2021-03-09T22:16:08Z",
                         "result": results if kind == "choices" or chosen else []})  # fmt: skip
        rows.append({"id": number, "data": {"prompt": asked(group[0]), "text1": group[0].a, "text2": group[0].b},
                     "annotations": said})  # fmt: skip
    return rows, votes


def openai(votes: list[TrueVote], _: Random) -> Written:
    rows = []
    for vote in votes:
        chosen, rejected = preferred(vote)
        rows.append({"input": {"messages": messages(vote.prompt), "tools": [], "parallel_tool_calls": True},
                     "preferred_output": [bot(chosen)], "non_preferred_output": [bot(rejected)]})  # fmt: skip
    return rows, unnamed(votes)


def ranked(vote: TrueVote, dice: Random) -> Row:
    better, worse = preferred(vote)
    answers = [{"rank": 0, "completion": [bot(better)]}, {"rank": 1, "completion": [bot(worse)]}]
    dice.shuffle(answers)
    return {"annotator": vote.annotator, "prompt": messages(vote.prompt), "completions": answers}


def bedrock(votes: list[TrueVote], _: Random) -> Written:
    rows = []
    for group in by_pair(votes):
        answers = [
            {"workerId": v.annotator, "answerContent": {"evaluationResults": {"comparisonRank": [
                {"metricName": "better", "result": [{"modelResponseId": "0", "rank": 1 if v.verdict != "b" else 2},
                                                    {"modelResponseId": "1", "rank": 1 if v.verdict != "a" else 2}]}]}}}
            for v in group
        ]  # fmt: skip
        rows.append(
            {"humanEvaluationResult": {"humanAnswers": answers, "modelResponseIdMap": {"0": "m1", "1": "m2"}},
             "inputRecord": {"prompt": asked(group[0])},
             "modelResponses": [{"modelIdentifier": "m1", "response": group[0].a},
                                {"modelIdentifier": "m2", "response": group[0].b}]}
        )  # fmt: skip
    return rows, votes


def listed(votes: list[TrueVote], dice: Random) -> Written:
    rows = [
        {"prompt": asked(group[0]), "response_a": group[0].a, "response_b": group[0].b,
         "labels": [word(v, dice) for v in group], "annotators": [v.annotator for v in group]}
        for group in by_pair(votes)
    ]  # fmt: skip
    return rows, votes


def listed_objects(votes: list[TrueVote], dice: Random) -> Written:
    rows = [
        {"prompt": asked(group[0]), "response_a": group[0].a, "response_b": group[0].b,
         "votes": [{"annotator": v.annotator, "label": word(v, dice)} for v in group]}
        for group in by_pair(votes)
    ]  # fmt: skip
    return rows, votes


def argilla_ranks(votes: list[TrueVote], dice: Random) -> Written:
    return argilla(votes, dice, ranks=True)


def label_studio_choices(votes: list[TrueVote], dice: Random) -> Written:
    return label_studio(votes, dice, kind="choices")


def nested(format: str, write: object, verdicts: tuple[str, ...] = CLEAR, **more: object) -> WrittenShape:
    return WrittenShape(format, write, verdicts, flat=False, **{"turns": "system", **more})  # type: ignore[arg-type]


ALL = ("a", "b", "tie", "both_bad", "both_good", "skip")

NESTED: dict[str, WrittenShape] = {
    "plain, conversations": nested("plain", row_per_vote(plain_talks), ALL, named=False),
    "plain, parts of the prompt": nested("plain", plain_parts_truth, ALL, named=False, refused=AMBIGUOUS),
    "trl, conversations": nested("trl", row_per_vote(trl_talks), named=False),
    "trl, prompt in the conversations": nested("trl", row_per_vote(trl_whole_talks), named=False),
    "ultrafeedback-binarized": nested("ultrafeedback-binarized", binarized),
    "ultrafeedback": nested("ultrafeedback", ultrafeedback),
    "multipref": nested("multipref", multipref, TIES, turns="text", one_per_row=False),
    "helpsteer3": nested("helpsteer3", helpsteer, TIES, one_per_row=False),
    "arena": nested("arena", row_per_vote(arena_33k), ALL),
    "arena-100k": nested("arena-100k", row_per_vote(arena_100k), ALL),
    "arena-140k": nested("arena-140k", row_per_vote(arena_140k), ALL),
    "mt-bench": nested("mt-bench", row_per_vote(mt_bench), ALL),
    "openwebui": nested("openwebui", openwebui, one_per_row=False),
    "argilla, labels": nested("argilla", argilla, ("a", "b", "tie", "skip"), turns="text", one_per_row=False),
    "argilla, ranks": nested("argilla", argilla_ranks, TIES, turns="text", one_per_row=False),
    "labelstudio, pairwise": nested(
        "labelstudio", label_studio, ("a", "b", "tie", "skip"), turns="text", one_per_row=False
    ),
    "labelstudio, choices": nested(
        "labelstudio", label_studio_choices, ("a", "b", "tie", "both_bad", "skip"), turns="text", one_per_row=False
    ),
    "openai": nested("openai", openai, one_per_row=False),
    "ranked": nested("ranked", row_per_vote(ranked), named=False, one_per_row=False),
    "bedrock": nested("bedrock", bedrock, TIES, turns="text", one_per_row=False),
    "several-votes, a list": nested("several-votes", listed, ALL, turns="text", one_per_row=False),
    "several-votes, objects": nested("several-votes", listed_objects, ALL, turns="text", one_per_row=False),
    **NESTED_PRODUCTS,
}
