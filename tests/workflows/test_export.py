import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import votewise
from votewise import read_votes
from votewise.annotators.results import ReliabilityResult
from votewise.annotators.saved import summarise
from votewise.data.votes import Votes
from votewise.demo import make_demo_data
from votewise.errors import BadInputError
from votewise.report.audit_files import write_audit

PLAIN = [
    # Pair 1 is shown as (x, y) first, so p_a is about x; then swapped.
    {"prompt": "P1", "response_a": "x", "response_b": "y", "annotator": "ann", "label": "a"},
    {"prompt": "P1", "response_a": "y", "response_b": "x", "annotator": "bob", "label": "a"},
    {"prompt": "P1", "response_a": "y", "response_b": "x", "annotator": "cy", "label": "tie"},
    {"prompt": "P2", "response_a": "u", "response_b": "v", "annotator": "ann", "label": "b"},
    {"prompt": "P2", "response_a": "u", "response_b": "v", "annotator": "bob", "label": "a"},
]
CONFIDENCE = [0.9, 0.1, None, 0.3, 0.7]
P_A = [0.9, 0.7]


def audit_of(folder: Path, rows: list[dict[str, Any]], confidence: list[float | None], p_a: list[float]) -> Path:
    """The folder of an audit whose beliefs are given."""
    votes = read_votes(rows)
    write_audit(folder, votes, result_of(votes, confidence, p_a), title=None)
    return folder


def result_of(votes: Votes, confidence: list[float | None], p_a: list[float]) -> ReliabilityResult:
    table = votes.table
    for name, codes, ids in (("pair", votes.pair, votes.pair_ids), ("annotator", votes.annotator, votes.annotator_ids)):
        if name not in table.column_names:
            table = table.append_column(name, ids.take(pa.array(codes)))
    n = votes.n_pairs
    return ReliabilityResult(
        annotators=pa.table({"annotator": votes.annotator_ids, "flag": ["unsure"] * votes.n_annotators}),
        votes=table.append_column("confidence", pa.array(confidence, pa.float64())),
        pairs=pa.table({"pair": votes.pair_ids, "p_a": p_a, "votes": [1] * n, "ties": [0] * n}),
        calibration=pa.table({}), prior={"family": "none"}, prior_width=0.95, temperature=1.0,
        converged=True, iterations=1, history=(0.0,),
        diagnostics=(), settings={},
    )  # fmt: skip


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def preference(
    prompt: Any, chosen: Any, rejected: Any, annotator: str, confidence: float, **more: Any
) -> dict[str, Any]:
    own = {"prompt": prompt, "chosen": chosen, "rejected": rejected, "annotator": annotator, "confidence": confidence}
    return own | more


def test_keeps_flips_and_drops_exactly(tmp_path: Path) -> None:
    audit = audit_of(tmp_path / "audit", PLAIN, CONFIDENCE, P_A)
    out = tmp_path / "train.jsonl"
    chosen = votewise.export(audit, out=out, flip_below=0.2)
    assert lines(out) == [
        preference("P1", "x", "y", "ann", 0.9, flipped=False),
        preference("P1", "x", "y", "bob", 0.9, flipped=True),  # voted for y, shown first
        preference("P2", "u", "v", "bob", 0.7, flipped=False),
    ]
    assert (chosen.kept, chosen.flipped, chosen.dropped, chosen.ties) == (2, 1, 1, 1)


def test_one_row_per_pair_follows_the_posterior(tmp_path: Path) -> None:
    audit = audit_of(tmp_path / "audit", PLAIN, CONFIDENCE, [0.2, 0.5])
    out = tmp_path / "train.parquet"
    chosen = votewise.export(audit, out=out, one_per_pair=True)
    assert pq.read_table(out).to_pylist() == [preference("P1", "y", "x", "consensus", 0.8)]
    assert (chosen.kept, chosen.dropped, chosen.ties) == (1, 0, 1)


def test_both_orders_by_one_annotator_are_two_votes_on_one_pair(tmp_path: Path) -> None:
    rows = [
        {"prompt": "P", "response_a": "x", "response_b": "y", "annotator": "ann", "label": "a", "time": 1},
        {"prompt": "P", "response_a": "y", "response_b": "x", "annotator": "ann", "label": "b", "time": 2},
    ]
    audit = audit_of(tmp_path / "audit", rows, [0.9, 0.9], [0.9])
    for one_per_pair in (False, True):
        votewise.export(audit, out=tmp_path / "train.jsonl", one_per_pair=one_per_pair)
        written = lines(tmp_path / "train.jsonl")
        assert len(written) == (1 if one_per_pair else 2)
        for row in written:
            assert (row["chosen"], row["rejected"], row["confidence"]) == ("x", "y", 0.9)


def test_plain_votes_keep_the_order_in_which_answers_were_shown(tmp_path: Path) -> None:
    rows = [row | {"time": 10 * i, "gold": "a" if row["response_a"] in "xu" else "b", "domain": row["prompt"].lower()}
            for i, row in enumerate(PLAIN)]  # fmt: skip
    audit = audit_of(tmp_path / "audit", rows, CONFIDENCE, P_A)
    out = tmp_path / "votes.jsonl"
    votewise.export(audit, out=out, to="votes", flip_below=0.2)
    written = lines(out)
    assert [(row["response_a"], row["response_b"], row["label"], row["gold"]) for row in written] == [
        ("x", "y", "a", "a"), ("y", "x", "b", "b"), ("u", "v", "a", "a"),
    ]  # fmt: skip
    assert [row["time"] for row in written] == [f"1970-01-01T00:00:{s}+00:00" for s in ("00", "10", "40")]
    again = read_votes(out)
    assert again.sign.tolist() == [1, 1, 1]
    assert again.swapped.tolist() == [False, True, False]
    assert again.gold.tolist() == [1, 1]
    assert [again.domain_ids[code] for code in again.domain] == ["p1", "p2"]


def said(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def test_conversations_stay_conversations(tmp_path: Path) -> None:
    rows = [{"prompt": said("user", "P"), "chosen": said("assistant", "x"), "rejected": said("assistant", "y")}]
    audit = audit_of(tmp_path / "audit", rows, [0.9], [0.9])
    for name in ("train.jsonl", "train.parquet"):
        votewise.export(audit, out=tmp_path / name)
        votes = read_votes(tmp_path / name)
        assert votes.reading.format == "trl"
        assert votes.texts.to_pylist() == [
            {"prompt": said("user", "P"), "response_a": said("assistant", "x"), "response_b": said("assistant", "y")}
        ]


def test_standard_texts_stay_texts(tmp_path: Path) -> None:
    rows = [{"prompt": "P", "chosen": "x", "rejected": "y", "source": "here"}]
    audit = audit_of(tmp_path / "audit", rows, [0.1], [0.1])
    votewise.export(audit, out=tmp_path / "train.jsonl", flip_below=0.2)
    (row,) = lines(tmp_path / "train.jsonl")
    assert (row["prompt"], row["chosen"], row["rejected"]) == ("P", "y", "x")
    assert row["confidence"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    "rows",
    [PLAIN[:1], [{"prompt": said("user", "P1"), "chosen": said("assistant", "x"), "rejected": said("assistant", "y")}]],
)
def test_openai_lines(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    audit = audit_of(tmp_path / "audit", rows, [0.9], [0.9])
    votewise.export(audit, out=tmp_path / "train.jsonl", to="openai")
    assert lines(tmp_path / "train.jsonl") == [
        {
            "input": {"messages": said("user", "P1")},
            "preferred_output": said("assistant", "x"),
            "non_preferred_output": said("assistant", "y"),
        }
    ]


@pytest.mark.parametrize("name", ["train.jsonl", "train.parquet"])
def test_datasets_loads_it(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    votewise.export(audit_of(tmp_path / "audit", PLAIN, CONFIDENCE, P_A), out=tmp_path / name)
    kind = "json" if name.endswith("jsonl") else "parquet"
    loaded = datasets.load_dataset(
        kind, data_files=str(tmp_path / name), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded.column_names == ["prompt", "chosen", "rejected", "annotator", "confidence"]
    assert loaded["chosen"] == ["x", "u"]


def test_votes_without_texts_are_refused(tmp_path: Path) -> None:
    rows = [{"pair": "p", "annotator": "ann", "label": "a"}]
    audit = audit_of(tmp_path / "audit", rows, [0.9], [0.9])
    with pytest.raises(BadInputError, match="the votes have no texts"):
        votewise.export(audit, out=tmp_path / "train.jsonl")
    votewise.export(audit, out=tmp_path / "votes.jsonl", to="votes")
    assert lines(tmp_path / "votes.jsonl") == [{"pair": "p", "annotator": "ann", "label": "a", "confidence": 0.9}]


def test_an_export_may_be_empty(tmp_path: Path) -> None:
    audit = audit_of(tmp_path / "audit", PLAIN, CONFIDENCE, P_A)
    for shape in ("trl", "votes", "openai"):
        assert len(votewise.export(audit, out=tmp_path / "none.jsonl", to=shape, min_confidence=1).table) == 0
        assert lines(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [("train.csv", {}, "ending in .jsonl or .parquet"), ("train.jsonl", {"to": "kto"}, "no such shape"),
     ("train.parquet", {"to": "openai"}, "JSON lines"),
     ("train.jsonl", {"one_per_pair": True, "flip_below": 0.2}, "cannot be combined with one_per_pair")],
)  # fmt: skip
def test_settings_that_contradict_each_other(
    tmp_path: Path, name: str, settings: dict[str, Any], expected: str
) -> None:
    audit = audit_of(tmp_path / "audit", PLAIN, CONFIDENCE, P_A)
    with pytest.raises(BadInputError, match=expected):
        votewise.export(audit, out=tmp_path / name, **settings)
    assert not (tmp_path / name).exists()


def test_without_out_nothing_is_written_and_the_rows_are_the_same(tmp_path: Path) -> None:
    audit = audit_of(tmp_path / "audit", PLAIN, CONFIDENCE, P_A)
    before = sorted(tmp_path.rglob("*"))
    for shape in ("trl", "votes", "openai"):
        result = votewise.export(audit, to=shape, flip_below=0.2)
        assert result.files == ()
        assert sorted(tmp_path.rglob("*")) == before
        out = tmp_path.with_name(f"{shape}.jsonl")
        assert votewise.export(audit, out=out, to=shape, flip_below=0.2).files == (out,)
        assert result.table.to_pylist() == lines(out)


@pytest.mark.parametrize("one_per_pair", [False, True])
@pytest.mark.parametrize("shape", ["trl", "votes", "openai"])
def test_an_audit_in_memory_gives_the_same_rows_as_its_folder(tmp_path: Path, shape: Any, one_per_pair: bool) -> None:
    table = make_demo_data(pairs=60).table
    audit = votewise.audit(table, out=tmp_path / "audit", report=False)
    settings = {"to": shape, "one_per_pair": one_per_pair, "min_confidence": 0.7}
    saved = votewise.export(tmp_path / "audit", **settings)
    result = votewise.export(audit, **settings)
    assert len(result.table) > 20
    assert result.table.to_pylist() == saved.table.to_pylist()
    assert (result.kept, result.dropped, result.ties) == (saved.kept, saved.dropped, saved.ties)


def test_other_columns_of_the_source_stay_beside_ours(tmp_path: Path) -> None:
    rows = [
        row | {"source": f"s{i}", "label_quality": i, "tags": ["x", str(i)], "confidence": "high", "messages": "none"}
        for i, row in enumerate(PLAIN)
    ]
    votes = read_votes(rows, columns={"source": "", "messages": "", "tags": ""})
    audit = votewise.audit(votes, out=tmp_path / "audit", report=False, force=True)
    for source in (audit, tmp_path / "audit"):
        result = votewise.export(source, to="votes", min_confidence=0.0)
        found = result.table.to_pylist()
        assert [row["source"] for row in found] == ["s0", "s1", "s3", "s4"], "without the tie"
        assert {row["confidence"] for row in found} == {"high"}
        assert all(0 <= row["votewise_confidence"] <= 1 for row in found)
        assert result.notes == (
            "The source has columns with the names of ours, which keep them: our 'confidence' is in 'votewise_confidence'.",
        )
        result = votewise.export(source, min_confidence=0.0)
        assert result.table.column_names == [
            "prompt", "chosen", "rejected", "annotator", "confidence", "source", "label_quality", "tags",
        ]  # fmt: skip
        assert result.table["tags"].to_pylist() == [["x", str(i)] for i in (0, 1, 3, 4)]
        assert "'confidence', 'messages'" in result.notes[0]
        assert votewise.export(source, to="openai", min_confidence=0.0).notes == ()
        # A row about a pair is no row of the source.
        pairs = votewise.export(source, one_per_pair=True, min_confidence=0.0)
        assert "source" not in pairs.table.column_names


def test_a_flipped_vote_is_read_as_flipped_beside_the_sources_columns(tmp_path: Path) -> None:
    words = {"a": "links", "b": "rechts"}
    rows = [{"id": i, "frage": row["prompt"], "links": row["response_a"], "rechts": row["response_b"],
             "wer": row["annotator"], "urteil": words.get(row["label"], "tie")} for i, row in enumerate(PLAIN)]  # fmt: skip
    columns = {"prompt": "frage", "response_a": "links", "response_b": "rechts", "annotator": "wer", "label": "urteil"}
    votes = read_votes(rows, columns=columns, label={"links": "a", "rechts": "b"})
    result = result_of(votes, CONFIDENCE, P_A)
    audit = votewise.AuditResult(votes, result, summarise(votes, result))
    votewise.export(audit, to="votes", out=tmp_path / "v.jsonl", flip_below=0.2)
    assert [(row["id"], row["label"]) for row in lines(tmp_path / "v.jsonl")] == [(0, "a"), (1, "b"), (4, "a")]
    assert read_votes(tmp_path / "v.jsonl").sign.tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", ["train.jsonl", "train.parquet"])
def test_rows_say_which_votes_are_flipped(tmp_path: Path, name: str) -> None:
    """In every shape that has room for columns, and never over a column of the source."""
    source = [row | {"flipped": "no", "votewise_flipped": i} for i, row in enumerate(PLAIN)]
    for rows, own in ((PLAIN, "flipped"), (source, "votewise_flipped_2")):
        audit = audit_of(tmp_path / own, rows, CONFIDENCE, P_A)
        for shape in ("trl", "votes"):
            result = votewise.export(audit, to=shape, out=tmp_path / name, flip_below=0.2)
            read = lines(tmp_path / name) if name.endswith("jsonl") else pq.read_table(tmp_path / name).to_pylist()
            assert [row[own] for row in read] == [False, True, False]
            if own != "flipped":
                assert [(row["flipped"], row["votewise_flipped"]) for row in read] == [("no", 0), ("no", 1), ("no", 4)]
                assert f"'flipped' is in '{own}'" in " ".join(result.notes)
            votewise.export(audit, to=shape, out=tmp_path / name)
            assert read_votes(tmp_path / name).reading.kept == 2
            assert own not in read_votes(tmp_path / name).table.column_names, "nothing could be flipped"
    if name.endswith("jsonl"):
        votewise.export(audit, to="openai", out=tmp_path / name, flip_below=0.2)
        assert {*lines(tmp_path / name)[0]} == {"input", "preferred_output", "non_preferred_output"}


def test_a_flipped_vote_stays_marked_when_it_is_audited_and_exported_again(tmp_path: Path) -> None:
    audit = audit_of(tmp_path / "first", PLAIN, CONFIDENCE, P_A)
    votewise.export(audit, to="votes", out=tmp_path / "once.jsonl", flip_below=0.2)
    again = votewise.audit(tmp_path / "once.jsonl", out=tmp_path / "second", report=False, force=True)
    found = votewise.export(again, min_confidence=0.0, flip_below=0.0).table
    assert found["flipped"].to_pylist() == [False, True, False]
    assert found["votewise_flipped"].to_pylist() == [False, False, False]


@pytest.mark.parametrize("domains", [("old", "new", None, "other"), (1, 2, None, 3)])
def test_the_domain_of_a_row_is_what_its_source_says(tmp_path: Path, domains: tuple[Any, ...]) -> None:
    """Not that of another row on its pair, and the same from a folder, which lacks the votes that were repeated."""
    row = {"prompt": "P", "response_a": "x", "response_b": "y", "label": "a"}
    people = ("ann", "ann", "bob", "cy")
    rows = [
        row | {"annotator": who, "time": i, "domain": d} for i, (who, d) in enumerate(zip(people, domains, strict=True))
    ]
    audit = votewise.audit(rows, out=tmp_path / "audit", report=False, force=True)
    for source in (audit, tmp_path / "audit"):
        table = votewise.export(source, to="votes", min_confidence=0.0).table
        assert table["domain"].to_pylist() == [None if d is None else str(d) for d in domains[1:]]


def alpaca(**more: Any) -> dict[str, Any]:
    return {
        "instruction": "P", "output_1": "x", "output_2": "y", "generator_1": "m", "generator_2": "n", "annotator": "w",
        "preference": 1.0,
    } | more  # fmt: skip


def exported(folder: Path, rows: list[dict[str, Any]], name: str = "out.jsonl", **options: Any) -> Path:
    """An audit of the rows, exported."""
    votes = read_votes(rows)
    audited = audit_of(folder / "audit", rows, [0.9] * len(votes.sign), [0.9] * votes.n_pairs)
    votewise.export(audited, out=folder / name, **options)
    return folder / name


def test_columns_of_the_source_with_names_of_ours_are_never_trained_on(tmp_path: Path) -> None:
    rows = [alpaca(response_a="not shown", response_b="not shown either", also="something", log_odds=3.0)]
    row = lines(exported(tmp_path, rows))[0]
    assert (row["chosen"], row["rejected"]) == ("x", "y")
    assert (row["response_a"], row["response_b"], row["also"]) == ("not shown", "not shown either", "something")


def test_texts_of_the_source_with_names_of_ours_stand_beside_conversations(tmp_path: Path) -> None:
    user, bot = {"role": "user", "content": "P"}, {"role": "assistant", "content": "x"}
    row = {
        "model_a": "m", "model_b": "n", "winner": "model_a", "judge": "w", "conversation_a": [user, bot],
        "conversation_b": [user, bot | {"content": "y"}], "prompt": "p", "response_a": "not shown", "turn": 1,
    }  # fmt: skip
    found = lines(exported(tmp_path, [row]))[0]
    assert found["prompt"] == [user]
    assert found["chosen"] == [bot]
    assert found["response_a"] == "not shown"


def test_a_large_audit_is_exported_by_its_own_columns_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from votewise.sources.containers import stand_ins

    more = {"response_a": "not shown", "response_b": "neither", "tools": '[{"name": "f"}]'}
    rows = [alpaca(instruction=f"P{i}", **more) for i in range(3)]
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    votewise.audit(path, out=tmp_path / "audit", force=True)
    votewise.export(tmp_path / "audit", out=tmp_path / "out.jsonl")
    found = {(row["chosen"], row["rejected"], row["response_a"]) for row in lines(tmp_path / "out.jsonl")}
    assert found == {("x", "y", "not shown")}


def test_objects_of_the_source_are_json_in_parquet(tmp_path: Path) -> None:
    rows = [alpaca(meta={}), alpaca(meta={"n": 1}, instruction="Q"), alpaca(meta=[], instruction="R")]
    table = pq.read_table(exported(tmp_path, rows, "out.parquet"))
    assert [json.loads(value) for value in table.column("meta").to_pylist()] == [{}, {"n": 1}, []]
    assert table.column("chosen").to_pylist() == ["x"] * 3


def test_votes_without_a_prompt_ask_nothing_in_openais_shape(tmp_path: Path) -> None:
    rows = [{"worker": "w", "left": "x", "right": "y", "label": "x"}]
    assert lines(exported(tmp_path, rows, to="openai"))[0]["input"] == {"messages": []}


def judged_rows(**more: Any) -> list[dict[str, Any]]:
    """Forty pairs with the votes of three judges who mostly say the same, and of four people."""
    rows = []
    for i in range(40):
        good, poor = f"good {i}", f"poor {i}"
        wrong = {"gpt-0": i % 4 == 0, "gpt-1": i % 4 == 0, "gpt-2": i % 5 == 0}
        wrong |= {f"person {k}": (i + k) % 6 == 0 for k in range(4)}
        rows += [
            {"prompt": f"P{i}", "response_a": good, "response_b": poor, "annotator": name, "label": "ab"[said]} | more
            for name, said in wrong.items()
        ]
    return rows


@pytest.mark.parametrize("in_memory", [True, False])
def test_what_was_found_of_groups_goes_with_the_rows(tmp_path: Path, in_memory: bool) -> None:
    found = votewise.audit(judged_rows(), groups={"judges": "gpt-*"}, out=tmp_path / "audit", fit_tests=False)
    audit: Any = found if in_memory else tmp_path / "audit"
    confidence = dict(zip(range(280), found.reliability.confidence.to_pylist(), strict=True))
    for shape, name in (("trl", "train.jsonl"), ("votes", "votes.parquet")):
        result = votewise.export(audit, out=tmp_path / name, to=shape, min_confidence=0.0)
        rows = result.table.to_pylist()
        assert [row["group"] for row in rows] == [("judges" if row["annotator"][0] == "g" else None) for row in rows]
        assert [row["confidence"] for row in rows] == pytest.approx(list(confidence.values()))
        (group,) = found.reliability.groups
        assert any(f"'judges' (3 annotators worth {group.effective:.1f}" in note for note in result.notes)
        beside = json.loads(result.files[1].read_text(encoding="utf-8"))
        assert result.files[1].name == f"{Path(name).stem}-groups.json"
        assert beside["groups"][0]["effective"] == group.effective
        assert beside["members"] == {f"gpt-{k}": "judges" for k in range(3)}
        assert beside["said"]["with_groups"] < beside["said"]["without_groups"]
    one = votewise.export(audit, out=tmp_path / "pairs.jsonl", one_per_pair=True, min_confidence=0.0)
    openai = votewise.export(audit, out=tmp_path / "openai.jsonl", to="openai", min_confidence=0.0)
    for result in (one, openai):
        assert "group" not in result.table.column_names
        assert [file.name for file in result.files][1:] == [f"{result.files[0].stem}-groups.json"]


def test_without_groups_there_is_nothing_about_them(tmp_path: Path) -> None:
    votewise.audit(judged_rows(), out=tmp_path / "audit", fit_tests=False)
    result = votewise.export(tmp_path / "audit", out=tmp_path / "train.jsonl")
    assert "group" not in result.table.column_names
    assert (result.notes, result.files) == ((), (tmp_path / "train.jsonl",))


def test_what_an_earlier_export_said_of_groups_does_not_stay(tmp_path: Path) -> None:
    votewise.audit(judged_rows(), groups={"judges": "gpt-*"}, out=tmp_path / "groups", fit_tests=False)
    votewise.audit(judged_rows(), out=tmp_path / "alone", fit_tests=False)
    beside, foreign = tmp_path / "train-groups.json", tmp_path / "other-groups.json"
    votewise.export(tmp_path / "groups", out=tmp_path / "train.jsonl")
    assert beside.exists()
    result = votewise.export(tmp_path / "alone", out=tmp_path / "train.jsonl")
    assert not beside.exists()
    assert "train-groups.json was removed" in result.notes[0]
    foreign.write_text('{"groups": 3}')
    assert votewise.export(tmp_path / "alone", out=tmp_path / "other.jsonl").notes == ()
    assert foreign.read_text() == '{"groups": 3}'


def test_a_group_column_of_the_source_keeps_its_name(tmp_path: Path) -> None:
    rows = [row | {"group": "house" if row["annotator"][0] == "g" else None} for row in judged_rows()]
    audit = votewise.audit(rows, groups="group", fit_tests=False)
    for shape in ("trl", "votes"):
        result = votewise.export(audit, out=tmp_path / "train.jsonl", to=shape, min_confidence=0.0)
        assert result.table["group"].to_pylist() == result.table["votewise_group"].to_pylist()
        assert "'group' is in 'votewise_group'" in " ".join(result.notes)
