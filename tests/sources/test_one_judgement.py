"""Several votes of one judgement stay marked: in every reader that makes them, and from file to file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from sources import shapes
from votewise import audit, export, read
from votewise.annotators.saved import load_audit, load_votes
from votewise.cli.printing.read import print_reading
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes


def ranked(*ranks: int, who: str = "u", prompt: str = "Hi") -> dict[str, Any]:
    answers = [{"rank": rank, "completion": f"answer {i} to {prompt}"} for i, rank in enumerate(ranks)]
    return {"prompt": prompt, "annotator": who, "completions": answers}


def groups(votes: Votes) -> list[list[tuple[str, str]]]:
    """Per judgement the preferred and the other answer of each vote, sorted."""
    assert votes.judgement is not None
    assert votes.texts is not None
    a, b = (votes.texts[name].to_pylist() for name in ("response_a", "response_b"))
    found: dict[int, list[tuple[str, str]]] = {}
    for pair, sign, judgement in zip(votes.pair.tolist(), votes.sign.tolist(), votes.judgement.tolist(), strict=True):
        found.setdefault(judgement, []).append((str(a[pair]), str(b[pair]))[::sign])
    return [sorted(group) for _, group in sorted(found.items())]


def plain(who: str, a: str, b: str, judgement: Any, prompt: str = "Hi", label: str = "a") -> dict[str, Any]:
    return {
        "annotator": who, "prompt": prompt, "response_a": a, "response_b": b, "label": label, "judgement": judgement,
    }  # fmt: skip


# Readers


def test_a_ranking_is_one_judgement() -> None:
    votes = read_votes([ranked(0, 1, 2), ranked(1, 0, 1, who="v"), ranked(2, 1, 0, prompt="Other")])
    assert votes.judgement.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert votes.reading.judgements == 3


def test_rankings_of_two_answers_need_no_mark() -> None:
    votes = read_votes([ranked(0, 1), ranked(1, 0, who="v")])
    assert votes.judgement is None
    assert votes.reading.judgements == 0


def test_rankings_by_unknown_people_are_judgements_of_their_own() -> None:
    rows = [{k: v for k, v in ranked(0, 1, 2).items() if k != "annotator"} for _ in range(2)]
    votes = read_votes(rows)
    assert votes.judgement.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_ranking_repeated_in_the_file_counts_once() -> None:
    votes = read_votes([ranked(0, 1, 2), ranked(0, 1, 2)])
    assert (len(votes), votes.reading.repeated, votes.reading.judgements) == (3, 3, 1)


def test_the_chosen_answer_of_an_interaction_is_one_judgement() -> None:
    rows = [shapes.prism(i, f"i{i // 3}", "u", 0, f"answer {i}", i % 3 == 1) for i in range(6)]
    assert [len(group) for group in groups(read_votes(rows))] == [2, 2]


def test_a_thumb_against_several_models_is_one_judgement() -> None:
    rows = [shapes.openwebui("u1", 1, "m1", ["m2", "m3"], texts=False), shapes.openwebui("u2", -1, "m1", ["m2"])]
    votes = read_votes(rows)
    assert votes.judgement.tolist() == [0, 0, 1]
    assert votes.reading.judgements == 2


def test_a_ranking_in_a_labelling_tool_is_one_judgement() -> None:
    argilla = {
        "id": "r1", "prompt": "Hi", **{f"response-{i}": f"answer {i}" for i in (1, 2, 3)},
        "ranking.responses": [
            [{"value": f"response-{i}", "rank": rank} for i, rank in enumerate(ranks, 1)] for ranks in ((1, 2, 3), (2, 1, 3))
        ],
        "ranking.responses.users": ["u", "v"], "ranking.responses.status": ["submitted"] * 2,
    }  # fmt: skip
    assert read_votes([argilla, argilla | {"id": "r2", "prompt": "Other"}]).judgement.tolist() == [
        0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3,
    ]  # fmt: skip


def test_a_ranking_in_label_studio_is_one_judgement() -> None:
    def task(prompt: str) -> dict[str, Any]:
        answers = [{"id": f"r{i}", "body": f"answer {i} to {prompt}"} for i in range(3)]
        orders = (["r0", "r1", "r2"], ["r1", "r0", "r2"])
        results = [
            [{"type": "ranker", "from_name": "rank", "to_name": "answers", "value": {"ranker": {"rank": order}}}]
            for order in orders
        ]
        annotations = [{"completed_by": who, "result": result} for who, result in zip((1, 2), results, strict=True)]
        return {"data": {"prompt": prompt, "answers": answers}, "annotations": annotations}

    votes = read_votes([task("Hi"), task("Other")])
    assert [len(group) for group in groups(votes)] == [3, 3, 3, 3]


def test_the_best_of_several_answers_is_one_judgement() -> None:
    rows = [{"prompt": p, "responses": ["w", "x", "y", "z"], "best": 0, "annotator": "u"} for p in ("1", "2")]
    assert [len(group) for group in groups(read_votes(rows))] == [3, 3]


# The plain column


def test_a_column_says_which_votes_come_from_one_judgement() -> None:
    rows = [plain("u", "x", "y", 1), plain("u", "x", "z", 1), plain("u", "y", "z", None), plain("v", "x", "y", 1)]
    votes = read_votes(rows)
    assert votes.judgement.tolist() == [0, 0, 1, 2], (
        "one number by two people is two judgements, no number is a judgement on its own"
    )
    assert votes.reading.judgements == 3
    assert "judgement" in [column.role for column in votes.reading.columns]


def test_without_two_votes_of_one_judgement_nothing_is_marked() -> None:
    votes = read_votes([plain("u", "x", "y", "1"), plain("v", "x", "y", "2")])
    assert votes.judgement is None


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([plain("u", "x", "y", 1), plain("u", "y", "x", 1), plain("u", "x", "z", 1)], "two votes on a pair"),
        ([plain("u", "x", "y", 1), plain("u", "x", "z", 1, prompt="Other")], "several prompts"),
    ],
)
def test_a_column_that_groups_other_things_is_set_aside_with_a_note(rows: list[Any], why: str) -> None:
    votes = read_votes(rows)
    assert votes.judgement is None
    assert len(votes) == len(rows)
    assert any(
        "'judgement' does not say which votes come from one judgement" in n and why in n for n in votes.reading.notes
    )


def test_a_column_of_labels_is_no_judgement() -> None:
    rows = [
        {"worker": "w", "question": "Hi", "left": "Yes", "right": "No", "judgement": "left"},
        {"worker": "w", "question": "Hi", "left": "Yes", "right": "Maybe", "judgement": "left"},
    ]
    votes = read_votes(rows)
    assert votes.judgement is None
    assert votes.sign.tolist() == [1, 1]
    assert not any("something else" in note or "does not say" in note for note in votes.reading.notes)


def test_two_judgements_of_one_pair_by_one_annotator_are_not_merged() -> None:
    """They differ in a column that tells votes apart; exact repetitions still count once."""
    first = [plain("u", "x", "y", 1), plain("u", "x", "z", 1)]
    again = [plain("u", "x", "y", 2, label="b"), plain("u", "x", "z", 2)]
    votes = read_votes([*first, *again, *first])
    assert (len(votes), votes.reading.repeated) == (4, 2)
    assert votes.judgement.tolist() == [0, 0, 1, 1]
    assert "Kept: 2 votes, different from another one only in 'judgement'." in votes.reading.notes


def test_another_name_can_be_given() -> None:
    rows = [{**plain("u", "x", y, None), "act": "left"} for y in ("y", "z")]
    for row in rows:
        del row["judgement"]
    assert read_votes(rows).judgement is None
    assert read_votes(rows, columns={"judgement": "act"}).judgement.tolist() == [0, 0]


def test_prompts_of_messages_are_told_apart_too() -> None:
    rows = [plain("u", "x", b, 1, prompt=p) for p, b in (("Hi", "y"), ("Hi", "z"), ("Other", "z"))]
    chats = [{**row, "prompt": [{"role": "user", "content": row["prompt"]}]} for row in rows]
    assert read_votes(chats[:2]).judgement.tolist() == [0, 0]
    assert read_votes(chats).judgement is None


def test_beside_chosen_and_rejected_few_values_need_a_word() -> None:
    """They may be verdicts on ``chosen``, so reading stops; --columns says that they are judgements."""
    rows = [{"prompt": "Hi", "chosen": "x", "rejected": b, "annotator": "u", "judgement": 0} for b in ("y", "z")]
    rows += [row | {"prompt": "Other", "judgement": 1} for row in rows]
    with pytest.raises(BadInputError, match="may say which of chosen and rejected was preferred"):
        read_votes(rows)
    assert read_votes(rows, columns={"judgement": "judgement"}).judgement.tolist() == [0, 0, 1, 1]


# From file to file


@pytest.fixture
def rankings(tmp_path: Path) -> Path:
    """Rankings of three answers by four people, with a column of the source's own that is called judgement."""
    rows = [
        {**ranked(*ranks, who=f"u{k}", prompt=f"prompt {i}"), "judgement": f"own-{i}-{k}"}
        for i in range(12)
        for k, ranks in enumerate(((0, 1, 2), (0, 2, 1), (0, 1, 2), (1, 0, 2)))
    ]
    path = tmp_path / "rankings.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_audit_export_and_reading_again_keep_the_marks(rankings: Path, tmp_path: Path) -> None:
    result = audit(rankings, out=tmp_path / "audit")
    before = groups(result.votes)
    assert len(before) == 48
    saved = load_audit(tmp_path / "audit")
    assert saved.summary["counts"]["judgements"] == 48
    again = load_votes(saved)
    assert again.judgement.tolist() == result.votes.judgement.tolist()

    for source in (result, tmp_path / "audit"):
        for shape in ("votes", "trl"):
            file = tmp_path / f"{shape}.parquet"
            export(source, out=file, to=shape, min_confidence=0.0)  # type: ignore[arg-type]
            read_back = read_votes(file)
            assert read_back.judgement is not None
            assert sorted(groups(read_back)) == sorted(before)


@pytest.mark.parametrize("shape", ["votes", "trl"])
def test_two_rankings_are_not_taken_for_two_labels(shape: str, tmp_path: Path) -> None:
    """Names of judgements that look like nothing else: 0 and 1 beside chosen and rejected would be a verdict."""
    result = audit([ranked(0, 1, 2), ranked(0, 2, 1, who="v")], out=tmp_path / "audit", force=True)
    assert load_votes(load_audit(tmp_path / "audit")).judgement.tolist() == [0, 0, 0, 1, 1, 1]
    export(tmp_path / "audit", out=tmp_path / "out.parquet", to=shape, min_confidence=0.0)  # type: ignore[arg-type]
    assert sorted(groups(read_votes(tmp_path / "out.parquet"))) == sorted(groups(result.votes))


def test_a_sources_own_column_of_that_name_is_not_lost(rankings: Path, tmp_path: Path) -> None:
    audit(rankings, out=tmp_path / "audit")
    table = pq.read_table(tmp_path / "audit" / "votes.parquet")
    assert table["judgement"].to_pylist()[:4] == ["own-0-0", "own-0-0", "own-0-0", "own-0-1"]
    named = table["votewise_judgement"].to_pylist()
    assert named[0] == named[1] == named[2] != named[3]


def test_plain_files_keep_their_column(tmp_path: Path) -> None:
    rows = [plain(who, "x", b, 7, prompt=p) for who in ("u", "v", "w") for p in ("1", "2") for b in ("y", "z")]
    for i, row in enumerate(rows):
        row["judgement"] = f"j{i // 2}"
    result = audit(rows, out=tmp_path / "audit")
    again = load_votes(load_audit(tmp_path / "audit"))
    assert again.judgement.tolist() == result.votes.judgement.tolist() == [i // 2 for i in range(12)]


def test_reading_prints_how_many_judgements_there_are(rankings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_reading(read(rankings))
    assert "48  judgements: several votes of one, such as a ranking" in " ".join(capsys.readouterr().out.split("\n"))


def test_pairs_of_one_prompt_share_answers() -> None:
    """A ranking of four answers by two people: six pairs of four answers, in the pairs' own orientation."""
    answers = ["ice", "jam", "kiwi", "lime"]
    rows = [
        {"prompt": "Which?", "answers": answers, "ranks": ranks, "annotator": name}
        for name, ranks in (("ann", [1, 2, 3, 4]), ("bob", [2, 1, 4, 3]))
    ]
    votes = read_votes(rows)
    assert votes.answers is not None
    assert votes.answers.shape == (6, 2)
    assert len(np.unique(votes.answers)) == 4
    texts = votes.texts.to_pylist()
    name = dict(zip(votes.answers[:, 0].tolist(), [t["response_a"] for t in texts], strict=True))
    name |= dict(zip(votes.answers[:, 1].tolist(), [t["response_b"] for t in texts], strict=True))
    assert sorted(name.values()) == answers
    for codes, text in zip(votes.answers.tolist(), texts, strict=True):
        assert [name[c] for c in codes] == [text["response_a"], text["response_b"]]
