"""Kinds of silent loss by columns that nobody reads: repeated votes, people, prompts, questions, rows that are not votes.

Each sample is of a kind that public data sets have, under names that no reader was made for, in several languages and
containers. Its votes are written by hand; where nobody can know them, it must be refused by a message that names the column.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import Row, Sample

VOTE = {"annotator": "ann", "label": "a", "prompt": "Was?", "response_a": "Hund", "response_b": "Katze"}
CHOSEN = {"prompt": "p", "chosen": "ja", "rejected": "nein"}


def both(row: Row, *changes: Row, **named: Any) -> list[Row]:
    """The row once for each change."""
    return [row | named | change for change in changes]


def said(text: str) -> list[Row]:
    return [{"role": "user", "content": text}]


PAIR = {"response_a": "x", "response_b": "y"}
WIDE = {"prompt": "q", **PAIR, "annotator_2": "b"}
SCORED = {"question": "¿Qué?", "responses": ["sol", "luna"], "annotator": "eva"}

REPEATED = {
    "a picture's address": Sample(
        both(VOTE, {"bild": "/daten/hund.png"}, {"bild": "/daten/wolf.png", "label": "b"}), refused=("bild",)),
    "lists of documents": Sample(
        both(VOTE, {"quellen": [{"t": "Dogs bark."}]}, {"quellen": [{"t": "Cats meow."}], "label": "b"}),
        container="json", refused=("quellen",)),
    "a number": Sample(
        [{"worker": "w", "left": "x", "right": "y", "label": "left", "temperature": t} for t in (0.1, 0.9)],
        ["w: x > y | ", "w: x > y | "], "csv"),
    "a text beside scored answers": Sample(
        both(SCORED, {"scores": [2, 1], "escena": "playa de noche"}, {"scores": [1, 2], "escena": "playa de día"}),
        refused=("escena",)),
    "a text beside wide votes": Sample(
        both(WIDE, {"annotator_1": "a", "szene": "am Meer bei Nacht"}, {"annotator_1": "b", "szene": "im Wald am Tag"}),
        container="csv", refused=("szene",)),
    "a text beside the pair's name": Sample(
        [{"annotator": "w", "pair": "p1", "label": side, "source_text": text}
         for side, text in (("a", "The cat sat here."), ("b", "The dog ran off."))], refused=("source_text",)),
}  # fmt: skip

PEOPLE = {
    "German": Sample(both(CHOSEN, {"bewerter": "Uwe"}, {"bewerter": "Ida"}), container="csv",
                     refused=("--columns annotator=bewerter",)),
    "Spanish": Sample(both(CHOSEN, {"anotador": "Luz"}, {"anotador": "Paz"}), refused=("--columns annotator=anotador",)),
    "Mechanical Turk": Sample(both(CHOSEN, {"WorkerId": "A1B"}, {"WorkerId": "A2C"}),
                              ["A1B: ja > nein | p", "A2C: ja > nein | p"], "csv"),
    "by whom": Sample(both(CHOSEN, {"annotated_by": "u"}, {"annotated_by": "v"}),
                      ["u: ja > nein | p", "v: ja > nein | p"], "parquet"),
    "an id and a name": Sample(
        both(CHOSEN, {"raterId": 1, "raterName": "Bo"}, {"raterId": 2, "raterName": "Cy"}),
        ["1: ja > nein | p", "2: ja > nein | p"], "json"),
    "an object": Sample(both(CHOSEN, {"annotator": {"id": 7, "name": "Uwe"}}, {"annotator": {"id": 8, "name": "Ida"}}),
                        refused=("annotator",)),
    "inside of an object": Sample(
        both(CHOSEN, {"metadata": {"annotator_id": "u1"}}, {"metadata": {"annotator_id": "u2"}}),
        refused=("--columns annotator=metadata.annotator_id",)),
    "inside of an object, named": Sample(
        both(CHOSEN, {"metadata": {"annotator_id": "u1"}}, {"metadata": {"annotator_id": "u2"}}),
        ["u1: ja > nein | p", "u2: ja > nein | p"], "parquet",
        options={"columns": {"annotator": "metadata.annotator_id"}}),
    "who created the row": Sample(both(CHOSEN, {"created_by": "u"}, {"created_by": "v"}),
                                  refused=("--columns annotator=created_by",)),
    "counts beside chosen": Sample([CHOSEN | {"human_votes": {"chosen": 3, "rejected": 1}}], container="json",
                                   refused=("human_votes",)),
    "a list beside chosen": Sample([CHOSEN | {"crowd_choices": ["first", "second"]}], refused=("crowd_choices",)),
    "columns beside chosen": Sample([CHOSEN | {"annotator_1": "agree", "annotator_2": "disagree"}], container="csv",
                                    refused=("annotator_1", "annotator_2", "--columns response_a=chosen")),
    "columns beside a label": Sample([VOTE | {"annotator_1": "a", "annotator_2": "b"}], container="csv",
                                     refused=("--columns annotator_1=", "--columns label=")),
}  # fmt: skip

PROMPTS = {
    "system instruction": Sample(
        [{"system_instruction": f"Be {who}.", "prompt": "Hi", "chosen": "Ahoy", "rejected": "Hi"}
         for who in ("a pirate", "Bo")],
        ["(unknown): Ahoy > Hi | system: Be Bo. / Hi", "(unknown): Ahoy > Hi | system: Be a pirate. / Hi"]),
    "capitals": Sample([{"SYSTEM": "Kurz.", "PROMPT": "Wer?", "Chosen": "Ich", "Rejected": "Du"}],
                       ["(unknown): Ich > Du | system: Kurz. / Wer?"], "csv"),
    "a passage": Sample(
        [{"passage": f"{who} has a cat.", "question": "Who?", "answer_1": "Bo", "answer_2": "Al", "winner": n}
         for who, n in (("Bo", 1), ("Al", 2))],
        ["(unknown): Al > Bo | Al has a cat.\n\nWho?", "(unknown): Bo > Al | Bo has a cat.\n\nWho?"], "parquet"),
    "an object with messages": Sample(
        [{"prompt": {"system": how, "messages": said("Katze?")}, "chosen": "Tatze", "rejected": "Hund"}
         for how in ("Reim!", "Prosa!")],
        ["(unknown): Tatze > Hund | system: Prosa! / Katze?", "(unknown): Tatze > Hund | system: Reim! / Katze?"]),
    "an object in a text, with tools": Sample(
        [{"prompt": f'{{"messages": [{{"role": "user", "content": "Wo?"}}], "tools": [{{"name": "{tool}"}}]}}',
          "chosen": "Hier", "rejected": "Dort"} for tool in ("karte", "suche")],
        ["(unknown): Hier > Dort | Wo?"] * 2, "csv"),
    "steps before the answers": Sample(
        [{"prompt": "2+2*2?", "initial_reason_steps": f"{how} first.", "chosen": "6", "rejected": "8"}
         for how in ("x", "+")],
        ["(unknown): 6 > 8 | 2+2*2?\n\n+ first.", "(unknown): 6 > 8 | 2+2*2?\n\nx first."], "json"),
    "a question in German": Sample(
        [{"frage": f"Wie {how} ist es?", "annotator": "u", "label": "a", **PAIR} for how in ("alt", "groß")],
        container="csv", refused=("frage", "--columns prompt=frage")),
    "the bytes of a picture": Sample(
        [{"question": "Was?", "image": {"bytes": b"PNG" + n, "path": None}, "chosen": "Hut", "rejected": "Hund"}
         for n in (b"1", b"2")], ["(unknown): Hut > Hund | Was?"] * 2, "parquet"),
}  # fmt: skip

ASPECTS = [
    {"annotator": "w", "pair": "p", "label": side, "aspect": name} for side, name in (("a", "Stil"), ("b", "Inhalt"))
]

JUDGEMENTS = {
    "an aspect": Sample(ASPECTS, container="csv", refused=("aspect", "--criterion ")),
    "the aspect that was asked for": Sample(ASPECTS, ["w: b > a | p"], "csv", options={"criterion": "Inhalt"}),
    "a rubric": Sample(
        [{"worker_id": who, **PAIR, "label": side, "rubric": name}
         for who in ("r", "s") for side, name in (("a", "claridad"), ("b", "verdad"))],
        refused=("rubric", "--criterion")),
    "both orders": Sample(
        [VOTE | {"prompt": "q"}, VOTE | {"prompt": "q", "response_a": "Katze", "response_b": "Hund"}],
        ["ann: Hund > Katze | q", "ann: Katze > Hund | q"]),
    "a revision by updated_at": Sample(
        [{"worker": "r", "left": "x", "right": "y", "choice": side, "updated_at": at}
         for side, at in (("left", 1700000500), ("right", 1700000900))], ["r: y > x | "], "parquet"),
    "a revision that stands first": Sample(
        [{"annotator": "r", "pair": "p", "label": side, "submitted_at": f"2026-03-0{day}T10:00:00Z"}
         for side, day in (("b", 2), ("a", 1))], ["r: b > a | p"], "csv"),
    "numbers of a round": Sample(
        [{"annotator": "r", "pair": "p", "label": side, "runde": n} for side, n in (("a", 1), ("b", 2))],
        ["r: a > b | p", "r: b > a | p"]),
    "columns of criteria": Sample([{"annotator": "w", "prompt": "q", **PAIR, "helpful": "a", "harmless": "b"}],
                                  container="csv", refused=("--columns label=helpful", "--format several-votes")),
}  # fmt: skip

NO_VOTES = {
    "an assignment's status": Sample(
        [{"WorkerId": f"w{i}", "left": "x", "right": "y", "answer": "left", "AssignmentStatus": status}
         for i, status in enumerate(("Approved", "Rejected"))],
        ["w0: x > y | "], "csv", options={"columns": {"label": "answer"}}),
    "a draft": Sample(
        [{"annotator": who, "pair": "p", "label": "a", "is_draft": draft} for who, draft in (("u", False), ("v", True))],
        ["u: a > b | p"], "parquet"),
    "skipped, without a label": Sample(
        [{"annotator": "u", "pair": "p", "label": "a", "skipped": False},
         {"annotator": "v", "pair": "p", "label": None, "skipped": True}], ["u: a > b | p"]),
    "no label, says a column": Sample(
        [{"user_id": who, **PAIR, "label": "a", "has_label": has} for who, has in ((5, True), (6, False))],
        ["5: x > y | "], "json"),
    "a tie, says a status": Sample(
        [CHOSEN | {"prompt": text, "status": status} for text, status in (("p1", "tie"), ("p2", "ok"))],
        ["(unknown): ja = nein | p1", "(unknown): ja > nein | p2"], "csv"),
    "a preference for none": Sample(
        [{"rater": "u", "answer_a": "x", "answer_b": "y", "preference": "none"}], container="csv",
        refused=("--label 'none'=a",)),
    "checks of attention are votes": Sample(
        [{"annotator": "u", "pair": pair, "label": "a", "attention_check": check}
         for pair, check in (("p", True), ("q", False))],
        ["u: a > b | p", "u: a > b | q"], "csv"),
    "a status of another meaning": Sample(
        [VOTE | {"annotator": who, "status": "married"} for who in ("u", "v")],
        ["u: Hund > Katze | Was?", "v: Hund > Katze | Was?"], "csv"),
    "every row is a draft": Sample([VOTE | {"status": "draft"}], refused=("status", "--columns status=")),
}  # fmt: skip

KINDS = {"repeated": REPEATED, "people": PEOPLE, "prompt": PROMPTS, "judgements": JUDGEMENTS, "no vote": NO_VOTES}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, samples in KINDS.items() for name in samples])
def test_nothing_is_lost_in_silence(kind: str, name: str, tmp_path: Path) -> None:
    KINDS[kind][name].check(tmp_path)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    votes = NO_VOTES["skipped, without a label"].check(tmp_path)
    assert votes is not None
    assert (votes.reading.votes, votes.reading.kept, votes.reading.skipped) == (2, 1, 1)
    assert any(
        "By the column 'skipped', 1 row is not a vote; --columns skipped=" in note for note in votes.reading.notes
    )


def test_what_a_model_sees_tells_pairs_apart(tmp_path: Path) -> None:
    for name in ("an object in a text, with tools", "the bytes of a picture"):
        votes = PROMPTS[name].check(tmp_path)
        assert votes is not None
        assert votes.n_pairs == 2
