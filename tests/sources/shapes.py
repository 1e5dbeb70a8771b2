"""A small example of every format: the source's rows and the votes they hold.

A vote is (annotator, better, worse, tie): the last messages of the two responses, or model or pair names where there
are no texts, sorted where it is a tie.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Vote = tuple[str, str, str, bool]


@dataclass(frozen=True)
class Shape:
    """One example; ``prompt`` is what the first pair's prompt must be, ``skipped`` what Reading must count."""

    format: str
    rows: list[Row]
    votes: list[Vote]
    prompt: Any = None
    skipped: int = 0
    shown: bool = True
    margins: list[float] | None = None
    weights: list[float] | None = None
    columns: dict[str, str] = field(default_factory=dict)
    by_name: bool = False
    """Whether the format is only read where it is named."""


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def bot(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def multipref_annotation(who: str, pref: str) -> Row:
    return {
        "evaluator": who,
        "overall_pref": pref,
        "overall_confidence": "fairly-confident",
        "time_spent": 120,
        "timestamp": "2024-05-01T12:00:00Z",
        "helpful_pref": pref,
    }


MULTIPREF = [
    {
        "comparison_id": "c1",
        "prompt_id": "p1",
        "text": "Why?",
        "model_a": "m1",
        "completion_a": "Yes",
        "model_b": "m2",
        "completion_b": "No",
        "normal_worker_annotations": [
            multipref_annotation("u1", "A-is-clearly-better"),
            multipref_annotation("u2", "tie"),
        ],
        "expert_worker_annotations": [
            multipref_annotation("u3", "b-is-slightly-better"),
            multipref_annotation("u4", "B-is-clearly-better"),
        ],
    }
]


def arena(winner: str, who: str, **more: Any) -> Row:
    return {
        "question_id": "q1",
        "model_a": "m1",
        "model_b": "m2",
        "winner": winner,
        "conversation_a": [user("Hi"), bot("Yes")],
        "conversation_b": [user("Hi"), bot("No")],
        **({"judge": who} if "judge_hash" not in more and "evaluation_session_id" not in more else {}),
        **more,
    }


def parts(text: str) -> list[Row]:
    return [{"type": "text", "text": text, "image": None, "mimeType": None}]


def openwebui(who: str, rating: int | None, model: str, siblings: list[str] | None, texts: bool = True) -> Row:
    messages = {
        "q": {"id": "q", "parentId": None, "childrenIds": ["r1", "r2"], **user("Hi")},
        "r1": {"id": "r1", "parentId": "q", "childrenIds": [], "model": "m1", **bot("Yes")},
        "r2": {"id": "r2", "parentId": "q", "childrenIds": [], "model": "m2", **bot("No")},
    }
    history = {"messages": messages if texts else None, "currentId": "r1"}
    return {
        "id": f"f-{who}",
        "user_id": who,
        "type": "rating",
        "data": {
            "rating": rating,
            "model_id": model,
            "sibling_model_ids": siblings,
            "reason": "helpful",
            "comment": "good",
        },
        "meta": {"arena": False, "chat_id": "c1", "message_id": "r1" if model == "m1" else "r2"},
        "snapshot": {"chat": {"id": "c1", "title": "t", "chat": {"history": history}}},
        "created_at": 1704067200,
    }


def argilla(values: list[Any], users: list[str], statuses: list[str], question: str = "preference") -> Row:
    return {
        "id": "r1",
        "status": "completed",
        "_server_id": "s1",
        "prompt": "Hi",
        "response-1": "Yes",
        "response-2": "No",
        f"{question}.responses": values,
        f"{question}.responses.users": users,
        f"{question}.responses.status": statuses,
    }


def labelstudio(*annotations: Row) -> Row:
    return {"id": 1, "data": {"prompt": "Hi", "text1": "Yes", "text2": "No"}, "annotations": list(annotations)}


def annotation(who: Any, selected: str | None, cancelled: bool = False) -> Row:
    chosen = {"type": "pairwise", "from_name": "pw", "to_name": "text1,text2", "value": {"selected": selected}}
    return {
        "id": 7,
        "completed_by": who,
        "lead_time": 4.2,
        "was_cancelled": cancelled,
        "created_at": "2021-03-09T22:16:08.728353Z",
        "result": [] if selected is None else [chosen],
    }


def oasst(own: str, role: str, text: str, rank: int | None, replies: list[Row] | None = None) -> Row:
    return {"message_id": own, "role": role, "text": text, "rank": rank, **({"replies": replies} if replies else {})}


def prism(row: int, interaction: str, who: str, turn: int, answer: str, chosen: bool) -> Row:
    return {
        "utterance_id": f"ut{row}",
        "interaction_id": interaction,
        "conversation_id": "c1",
        "user_id": who,
        "turn": turn,
        "user_prompt": "Hi",
        "model_response": answer,
        "model_name": f"model {row}",
        "score": 50,
        "if_chosen": chosen,
    }


def alpaca(preference: float | None) -> Row:
    return {
        "instruction": "Hi",
        "output_1": "Yes",
        "generator_1": "m1",
        "output_2": "No",
        "generator_2": "m2",
        "annotator": f"judge {preference}",
        "preference": preference,
    }


PLAIN = [
    {"prompt": "Hi", "response_a": "Yes", "response_b": "No", "annotator": "u1", "label": "a"},
    {"prompt": "Hi", "response_a": "No", "response_b": "Yes", "annotator": "u2", "label": "B"},
    {"prompt": "Hi", "response_a": "Yes", "response_b": "No", "annotator": "u3", "label": "Tie"},
]
YES = [("u1", "Yes", "No", False), ("u2", "Yes", "No", False), ("u3", "No", "Yes", True)]
ALL = [("(unknown)", "Yes", "No", False)]
ULTRA = {"chosen": [user("Hi"), bot("Yes")], "rejected": [user("Hi"), bot("No")], "prompt": "Hi", "prompt_id": "p1"}
CONVERSATION = [user("Hi")]
HH = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Well?\n\nAssistant:"
HELPSTEER = {"context": [user("Hi")], "response1": "Yes", "response2": "No", "domain": "code", "language": "python"}
ARENA = [arena("model_a", "u1"), arena("model_b", "u2"), arena("tie (bothbad)", "u3")]
BATTLES = [("u1", "Yes", "No", False), ("u2", "No", "Yes", False), ("u3", "No", "Yes", True)]


def bedrock(**chosen: str) -> dict[str, Any]:
    answers = [
        {
            "answerContent": {
                "evaluationResults": {
                    "comparisonChoice": [{"metricName": "Fluency", "result": {"modelResponseId": best}}],
                    "thumbsUpDown": [{"metricName": "Safe", "modelResponseId": "0", "result": True}],
                }
            },
            "submissionTime": "2024-06-07T22:32:19.640Z",
            "timeSpentInSeconds": 22.5,
            "workerId": who,
        }
        for who, best in chosen.items()
    ]
    return {
        "humanEvaluationResult": {
            "flowDefinitionArn": "arn:flow",
            "humanAnswers": answers,
            "humanLoopName": "loop",
            "modelResponseIdMap": {"0": "m1", "1": "m2"},
        },
        "inputRecord": {"prompt": "Hi", "category": "talk", "referenceResponse": "Yes."},
        "modelResponses": [{"modelIdentifier": "m2", "response": "No"}, {"modelIdentifier": "m1", "response": "Yes"}],
    }


SHAPES: dict[str, Shape] = {
    "plain": Shape("plain", PLAIN, YES, "Hi"),
    "plain, pairs without texts": Shape(
        "plain",
        [{"pair": "p", "annotator": 1, "label": "a"}, {"pair": "p", "annotator": 2, "label": "b"}],
        [("1", "p", "p", False), ("2", "p", "p", False)],
    ),
    "clicks, sides have won": Shape(
        "clicks",
        [
            {"user": 7, "prompt": "Hi", "response_a": "Yes", "response_b": "No", "winner": "model_a"},
            {"user": 8, "prompt": "Hi", "response_a": "No", "response_b": "Yes", "winner": "tie (inconsistent)"},
        ],
        [("7", "Yes", "No", False), ("8", "No", "Yes", True)],
        "Hi",
    ),
    "clicks, models have won": Shape(
        "clicks",
        [
            {"user": "u1", "model_a": a, "model_b": b, "response_a": x, "response_b": y, "winner": "large"}
            for a, b, x, y in (("large", "small", "Yes", "No"), ("small", "large", "Maybe", "Sure"))
        ],
        [("u1", "Yes", "No", False), ("u1", "Sure", "Maybe", False)],
    ),
    "trl, explicit texts": Shape("trl", [{"prompt": "Hi", "chosen": "Yes", "rejected": "No"}], ALL, "Hi", shown=False),
    "trl, implicit texts": Shape(
        "trl",
        [{"chosen": "The sky is blue.", "rejected": "The sky is red."}],
        [("(unknown)", " blue.", " red.", False)],
        "The sky is",
        shown=False,
    ),
    "trl, explicit conversations": Shape(
        "trl",
        [{"prompt": [user("Hi")], "chosen": [bot("Yes")], "rejected": [bot("No")]}],
        ALL,
        CONVERSATION,
        shown=False,
    ),
    "trl, implicit conversations": Shape(
        "trl",
        [{"chosen": [user("Hi"), bot("Yes")], "rejected": [user("Hi"), bot("No")]}],
        ALL,
        CONVERSATION,
        shown=False,
    ),
    "trl, with annotators": Shape(
        "trl",
        [
            {"prompt": "Hi", "chosen": "Yes", "rejected": "No", "annotator": "u1"},
            {"prompt": "Hi", "chosen": "No", "rejected": "Yes", "annotator": "u2"},
        ],
        [("u1", "Yes", "No", False), ("u2", "No", "Yes", False)],
        "Hi",
        shown=False,
    ),
    "ultrafeedback": Shape(
        "ultrafeedback",
        [ULTRA | {"all_generated_responses": ["Maybe", "No", "Yes"], "all_rm_scores": [0.5, 0.25, 1.0]}],
        ALL,
        CONVERSATION,
        shown=False,
        margins=[0.75],
    ),
    "ultrafeedback-binarized": Shape(
        "ultrafeedback-binarized",
        [ULTRA | {"messages": [user("Hi"), bot("Yes")], "score_chosen": 8.0, "score_rejected": 6.5}],
        ALL,
        CONVERSATION,
        shown=False,
        margins=[1.5],
    ),
    "hh-rlhf": Shape(
        "hh-rlhf",
        [{"chosen": f"{HH} Yes", "rejected": f"{HH} No"}],
        [("(unknown)", " Yes", " No", False)],
        HH,
        shown=False,
    ),
    "multipref": Shape(
        "multipref",
        MULTIPREF,
        [
            ("u1", "Yes", "No", False),
            ("u2", "No", "Yes", True),
            ("u3", "No", "Yes", False),
            ("u4", "No", "Yes", False),
        ],
        "Why?",
    ),
    "helpsteer3, individual": Shape(
        "helpsteer3",
        [
            HELPSTEER
            | {
                "overall_preference": -1,
                "individual_preference": [
                    {"score": -2, "reasoning": "r", "feedback1": "f", "feedback2": "g"},
                    {"score": 0, "reasoning": "r", "feedback1": "f", "feedback2": "g"},
                    {"score": 3, "reasoning": "r", "feedback1": "f", "feedback2": "g"},
                ],
            }
        ],
        [
            ("position 1", "Yes", "No", False),
            ("position 2", "No", "Yes", True),
            ("position 3", "No", "Yes", False),
        ],
        CONVERSATION,
    ),
    "helpsteer3, overall": Shape(
        "helpsteer3", [HELPSTEER | {"overall_preference": 2}], [("overall", "No", "Yes", False)], CONVERSATION
    ),
    "prism": Shape(
        "prism",
        [
            prism(1, "i1", "u1", 0, "No", False),
            prism(2, "i1", "u1", 0, "Yes", True),
            prism(3, "i1", "u1", 0, "Perhaps", False),
            prism(4, "i2", "u1", 1, "Later", True),
            prism(5, "i2", "u1", 1, "Never", False),
            prism(6, "i3", "u2", 0, "Alone", True),
        ],
        [("u1", "Yes", "No", False), ("u1", "Yes", "Perhaps", False)],
        "Hi",
        skipped=3,
        shown=False,
    ),
    "arena": Shape(
        "arena",
        [row | {"turn": 1, "anony": True, "language": "English", "tstamp": 1682351591.1} for row in ARENA],
        BATTLES,
        CONVERSATION,
    ),
    "arena-100k": Shape(
        "arena-100k",
        [
            arena("model_a", "", judge_hash="u1", turn=1, language="English", tstamp=1.7e9),
            arena("tie", "", judge_hash="u3", turn=1, language="English", tstamp=1.7e9),
        ],
        [BATTLES[0], BATTLES[2]],
        CONVERSATION,
    ),
    "arena-140k": Shape(
        "arena-140k",
        [
            arena(
                winner,
                "",
                evaluation_session_id=who,
                evaluation_order=1,
                conversation_a=[
                    {"role": "user", "content": parts("Hi")},
                    {"role": "assistant", "content": parts("Yes")},
                ],
                conversation_b=[
                    {"role": "user", "content": parts("Hi")},
                    {"role": "assistant", "content": parts("No")},
                ],
            )
            for winner, who in (("model_a", "u1"), ("both_bad", "u3"))
        ],
        [BATTLES[0], BATTLES[2]],
        CONVERSATION,
    ),
    "mt-bench": Shape(
        "mt-bench",
        [
            arena(
                winner,
                who,
                turn=turn,
                question_id=81,
                conversation_a=[user("Hi"), bot("Yes"), user("And?"), bot("Yes again")],
                conversation_b=[user("Hi"), bot("No"), user("And?"), bot("No again")],
            )
            for winner, who, turn in (("model_a", "u1", 1), ("model_b", "u2", 2))
        ],
        [BATTLES[0], ("u2", "No again", "Yes again", False)],
        CONVERSATION,
        shown=False,
    ),
    "openwebui": Shape(
        "openwebui",
        [
            openwebui("u1", 1, "m1", ["m2"]),
            openwebui("u2", -1, "m1", ["m2"]),
            openwebui("u3", 1, "m1", None),
            openwebui("u4", None, "m1", ["m2"]),
            openwebui("u5", 1, "m2", ["m1"]),
        ],
        [("u1", "Yes", "No", False), ("u2", "No", "Yes", False), ("u5", "No", "Yes", False)],
        CONVERSATION,
        skipped=2,
        shown=False,
    ),
    "openwebui, snapshots without texts": Shape(
        "openwebui",
        [openwebui("u1", 1, "m1", ["m2", "m3"], texts=False)],
        [("u1", "c1/r1/m1/m2", "c1/r1/m1/m2", False), ("u1", "c1/r1/m1/m3", "c1/r1/m1/m3", False)],
        shown=False,
    ),
    "argilla, labels": Shape(
        "argilla",
        [
            argilla(
                ["response-1", "response-2", "tie", "response-1"],
                ["u1", "u2", "u3", "u4"],
                ["submitted", "submitted", "submitted", "draft"],
            )
        ],
        BATTLES,
        "Hi",
        skipped=1,
    ),
    "argilla, rankings": Shape(
        "argilla",
        [
            argilla(
                [
                    [{"value": "response-1", "rank": 1}, {"value": "response-2", "rank": 2}],
                    [{"value": "response-1", "rank": 2}, {"value": "response-2", "rank": 1}],
                    [{"value": "response-1", "rank": 1}, {"value": "response-2", "rank": 1}],
                ],
                ["u1", "u2", "u3"],
                ["submitted"] * 3,
                question="ranking",
            )
        ],
        BATTLES,
        "Hi",
    ),
    "labelstudio": Shape(
        "labelstudio",
        [labelstudio(annotation(1, "left"), annotation(2, "right"), annotation(3, None), annotation(4, "left", True))],
        [("1", "Yes", "No", False), ("2", "No", "Yes", False), ("3", "No", "Yes", True)],
        "Hi",
        skipped=1,
    ),
    "labelstudio, users as objects": Shape(
        "labelstudio",
        [labelstudio(annotation({"id": 5, "email": "ann@example.org"}, "left"))],
        [("ann@example.org", "Yes", "No", False)],
        "Hi",
    ),
    "alpacaeval": Shape(
        "alpacaeval",
        [alpaca(1.0), alpaca(1.9), alpaca(1.5), alpaca(None)],
        [("judge 1.0", "Yes", "No", False), ("judge 1.5", "No", "Yes", True), ("judge 1.9", "No", "Yes", False)],
        "Hi",
        skipped=1,
        shown=False,
        weights=[1.0, 0.8, 1.0],
    ),
    "openai": Shape(
        "openai",
        [
            {
                "input": {"messages": [user("Hi")], "tools": [], "parallel_tool_calls": True},
                "preferred_output": [bot(better)],
                "non_preferred_output": [bot(worse)],
            }
            for better, worse in (("Yes", "No"), ("No", "Maybe"))
        ],
        [("(unknown)", "No", "Maybe", False), ("(unknown)", "Yes", "No", False)],
        [user("Hi")],
        shown=False,
    ),
    "ranked": Shape(
        "ranked",
        [
            {
                "context": [user("Hi")],
                "completions": [{"rank": 1, "completion": [bot("No")]}, {"rank": 0, "completion": [bot("Yes")]}],
            }
        ],
        [("(unknown)", "Yes", "No", False)],
        [user("Hi")],
        shown=False,
    ),
    "two-answers": Shape(
        "two-answers",
        [
            {"worker": "w1", "question": "Hi", "left": "Yes", "right": "No", "label": "Yes"},
            {"worker": "w2", "question": "Hi", "left": "Yes", "right": "No", "label": "right"},
        ],
        [("w1", "Yes", "No", False), ("w2", "No", "Yes", False)],
        "Hi",
    ),
    "two-answers, SHP": Shape(
        "two-answers",
        [
            {
                "c_root_id_A": "i",
                "c_root_id_B": "j",
                "history": "Hi",
                "human_ref_A": "Yes",
                "human_ref_B": other,
                "score_A": 9,
                "score_B": 3,
                "labels": label,
                "score_ratio": 3.0,
            }
            for other, label in (("No", 1), ("Maybe", 0))
        ],
        [("(unknown)", "Maybe", "Yes", False), ("(unknown)", "Yes", "No", False)],
        "Hi",
    ),
    "two-answers, HelpSteer2's strengths": Shape(
        "two-answers",
        [
            {"split": "train", "prompt": text, "response_1": "Yes", "response_2": "No", "preference_strength": strength}
            for text, strength in (("Hi", -3), ("Ho", 0), ("Hu", 2))
        ],
        [("(unknown)", "No", "Yes", False), ("(unknown)", "No", "Yes", True), ("(unknown)", "Yes", "No", False)],
        "Hi",
    ),
    "toloka": Shape(
        "toloka",
        [
            {
                "INPUT:question": "Hi",
                "INPUT:left": "Yes",
                "INPUT:right": "No",
                "OUTPUT:result": result,
                "GOLDEN:result": gold,
                "ASSIGNMENT:worker_id": who,
                "ASSIGNMENT:status": status,
                "ASSIGNMENT:submitted": "2024-05-01T12:00:00",
            }
            for who, result, gold, status in (
                ("w1", "left", "left", "APPROVED"),
                ("w2", "No", None, "SUBMITTED"),
                ("w3", "right", None, "REJECTED"),
            )
        ],
        [("w1", "Yes", "No", False), ("w2", "No", "Yes", False)],
        "Hi",
        skipped=1,
    ),
    "prodigy": Shape(
        "prodigy",
        [
            {
                "text": "Hi",
                "options": [{"id": "A", "text": "Yes"}, {"id": "B", "text": "No"}],
                "accept": accept,
                "answer": answer,
                "_session_id": who,
                "_timestamp": 1_700_000_000,
            }
            for who, accept, answer in (("s1", ["A"], "accept"), ("s2", ["B"], "accept"), ("s3", ["B"], "ignore"))
        ],
        [("s1", "Yes", "No", False), ("s2", "No", "Yes", False)],
        "Hi",
        skipped=1,
    ),
    "ranked, by several people": Shape(
        "ranked",
        [
            {
                "prompt": "Hi",
                "responses": ["Yes", "No", "So"],
                "rank_annotator_1": [1, 2, 3],
                "rank_annotator_2": [2, 1, 2],
            }
        ],
        [
            ("annotator_1", "Yes", "No", False),
            ("annotator_1", "Yes", "So", False),
            ("annotator_1", "No", "So", False),
            ("annotator_2", "No", "Yes", False),
            ("annotator_2", "No", "So", False),
        ],
        "Hi",
        shown=False,
    ),
    "ranked-rows": Shape(
        "ranked-rows",
        [
            {"prompt_id": who, "prompt": "Hi", "response": text, "rank": rank, "annotator": who}
            for who, ranks in (("u1", (1, 2, 3)), ("u2", (2, 1, 2)))
            for text, rank in zip(("Yes", "No", "So"), ranks, strict=True)
        ],
        [
            ("u1", "Yes", "No", False),
            ("u1", "Yes", "So", False),
            ("u1", "No", "So", False),
            ("u2", "No", "Yes", False),
            ("u2", "No", "So", False),
        ],
        "Hi",
        shown=False,
    ),
    "ranked-columns": Shape(
        "ranked-columns",
        [
            {"prompt": "Hi", "answer_1": "Yes", "answer_2": "No", "answer_3": "So", "worker": who}
            | {f"rank_{i}": rank for i, rank in enumerate(ranks, 1)}
            for who, ranks in (("u1", (1, 2, 3)), ("u2", (2, 1, 2)))
        ],
        [
            ("u1", "Yes", "No", False),
            ("u1", "Yes", "So", False),
            ("u1", "No", "So", False),
            ("u2", "No", "Yes", False),
            ("u2", "No", "So", False),
        ],
        "Hi",
        shown=False,
    ),
    "ranked, with ties": Shape(
        "ranked",
        [{"prompt": "Hi", "responses": ["Yes", "No", "So"], "ranks": [[2], [1, 3]]}],
        [("(unknown)", "No", "Yes", False), ("(unknown)", "No", "So", False)],
        "Hi",
        shown=False,
    ),
    "chosen-lists": Shape(
        "chosen-lists",
        [{"id": "1", "prompt": "Hi", "chosen": ["Yes"], "rejected": ["No", "So"], "models": ["m1", "m2", "m3"]}],
        [("(unknown)", "Yes", "No", False), ("(unknown)", "Yes", "So", False)],
        "Hi",
        shown=False,
        by_name=True,
    ),
    "ms-swift": Shape(
        "ms-swift",
        [{"messages": [user("Hi"), bot("Yes")], "rejected_response": "No", "user_id": "u1"}],
        [("u1", "Yes", "No", False)],
        [user("Hi")],
        shown=False,
    ),
    "nova": Shape(
        "nova",
        [
            {
                "system": [{"text": "Be kind."}],
                "messages": [
                    {"role": "user", "content": [{"text": "Hi"}]},
                    {
                        "role": "assistant",
                        "candidates": [
                            {"content": [{"text": "No"}], "preferenceLabel": "non-preferred"},
                            {"content": [{"text": "Yes"}], "preferenceLabel": "preferred"},
                        ],
                    },
                ],
            }
        ],
        ALL,
        [{"role": "system", "content": "Be kind."}, user("Hi")],
        shown=False,
    ),
    "bedrock": Shape(
        "bedrock",
        [bedrock(u1="0", u2="1")],
        [("u1", "Yes", "No", False), ("u2", "No", "Yes", False)],
        "Hi",
        shown=False,
    ),
    "oasst, trees": Shape(
        "oasst",
        [
            {
                "message_tree_id": "t",
                "prompt": oasst(
                    "t", "prompter", "Hi", None, [oasst("a", "assistant", "Yes", 0), oasst("b", "assistant", "No", 1)]
                ),
            }
        ],
        ALL,
        [user("Hi")],
        shown=False,
    ),
    "oasst, messages": Shape(
        "oasst",
        [
            oasst("t", "prompter", "Hi", None) | {"parent_id": None},
            oasst("a", "assistant", "Yes", 0) | {"parent_id": "t"},
            oasst("b", "assistant", "No", 1) | {"parent_id": "t"},
        ],
        ALL,
        [user("Hi")],
        shown=False,
    ),
    "pick-a-pic": Shape(
        "pick-a-pic",
        [
            {
                "caption": "Hi",
                "image_0_url": "Yes",
                "image_1_url": "No",
                "label_0": one,
                "label_1": other,
                "has_label": one + other > 0,
                "user_id": 7,
                "model_0": "m1",
                "model_1": "m2",
            }
            for one, other in ((1, 0), (0, 0))
        ],
        [("7", "Yes", "No", False)],
        "Hi",
        skipped=1,
    ),
    "several-votes, a column each": Shape(
        "several-votes",
        [
            {"question": "Hi", "answer_1": "Yes", "answer_2": "No", "annotator_1": "1", "annotator_2": "tie"},
            {"question": "Ho", "answer_1": "Sure", "answer_2": "Never", "annotator_1": "2", "annotator_2": None},
        ],
        [
            ("annotator_1", "Yes", "No", False),
            ("annotator_1", "Never", "Sure", False),
            ("annotator_2", "No", "Yes", True),
        ],
        "Hi",
    ),
    "several-votes, a list": Shape(
        "several-votes",
        [{"prompt": "Hi", "response_a": "Yes", "response_b": "No", "labels": ["a", "b"], "annotators": ["u1", "u2"]}],
        BATTLES[:2],
        "Hi",
    ),
    "several-votes, counts": Shape(
        "several-votes",
        [{"prompt": "Hi", "left": "Yes", "right": "No", "votes_left": 2, "votes_right": 1, "ties": 0}],
        [*ALL, *ALL, ("(unknown)", "No", "Yes", False)],
        "Hi",
    ),
}
