"""``collect.toml``: what is wrong with it is one line that names the key and says what to do."""

from __future__ import annotations

import pytest

from votewise.collect.assignment import AssignmentRule
from votewise.collect.collect_settings import CampaignSettings, CollectModel, parse_settings
from votewise.collect.folder import starting_text
from votewise.errors import BadInputError

TEXT = starting_text("new", "old")


def test_new_settings_can_be_read() -> None:
    found = parse_settings(TEXT)
    assert (found.mode, found.database, found.database_env, found.batch) == ("ingest", "collect.db", None, 1000)
    assert found.models == (CollectModel("new", "a"), CollectModel("old", "b"))
    assert found.model_of("a") == CollectModel("new", "a")
    assert found.model_of("probe") is None


def test_a_campaign_is_as_the_file_says_or_as_usual() -> None:
    found = parse_settings(TEXT).campaign
    assert found.rule == AssignmentRule()
    assert (found.lease_seconds, found.reasons[0]) == (1800, "more correct")
    assert parse_settings(TEXT[: TEXT.index("[campaign]")]).campaign == CampaignSettings()
    fixed = parse_settings(TEXT.replace('"adaptive"\n', '"fixed"\n').replace("want = 12", "want = 3")).campaign.rule
    assert fixed == AssignmentRule(want=3, fixed=True, weighted=False, retire_below=0)


@pytest.mark.parametrize("name", ['tu"ned', "\\7b\\", "a\tb", "日本", "del\x7f", "{b}"])
def test_every_name_of_a_model_can_be_written(name: str) -> None:
    assert [model.name for model in parse_settings(starting_text(name, "old")).models] == [name, "old"]


WRONG = {
    'mode = "live"': ("mode: there is no such mode, got 'live'", "expected ingest"),
    "mode = ingest": ("is not TOML", "line"),
    'role = "c"': ("[[model]] 1, role: there is no such role, got 'c'", "a, b, probe"),
    'role = "b"': ("model: 0 models have role 'a'", "exactly one"),
    'name = "old"': ("[[model]] 2, name: is the name of two models, got 'old'", "of its own"),
    "price_in = -1": ("[[model]] 1, price_in: out of range, got -1", "0 or more"),
    "price_in = inf": ("[[model]] 1, price_in: out of range, got inf", "0 or more"),
    "api_key = 'sk-123'": ("[[model]] 1, api_key: there is no such key", "one of name, role, price_in, price_out"),
    "share = 0.6": ("probes.share: out of range, got 0.6", "0 to 0.5"),
    "share = true": ("probes.share: out of range, got True", "0 to 0.5"),
    "share = nan": ("probes.share: out of range, got nan", "0 to 0.5"),
    "batch = 0": ("limits.batch: out of range, got 0", "1 to 10000"),
    "batch = 1.5": ("limits.batch: out of range, got 1.5", "a whole number"),
    "batch_size = 3": ("limits.batch_size: there is no such key", "one of batch"),
    "# batch": ("limits.batch: is missing", "a line batch = ..."),
    'database = "/etc/collect.db"': ("store.database: is no name of a file in this folder", "collect.db"),
    'database = "postgres://me:secret@host/db"': ("store.database: is no name of a file in this folder", "collect.db"),
    'database_env = "postgres://me:secret@host/db"': (
        "store.database_env: is no name of an environment",
        "not the URL",
    ),
    'assignment = "random"': ("campaign.assignment: there is no such assignment, got 'random'", "adaptive or fixed"),
    "want = 0": ("campaign.want: out of range, got 0", "1 to 1000"),
    "sure = 0.5": ("campaign.sure: out of range, got 0.5", "0.51 to 0.9999"),
    "most_share = 0.5": ("campaign.most_share: out of range, got 0.5", "1 to 1000"),
    "audits = 0.5": ("campaign.audits: out of range, got 0.5", "0 to 0.49"),
    "reasons = 3": ("campaign.reasons: is not a list of at most 20 texts, got 3", "clearer"),
    'reasons = [" "]': ("campaign.reasons: is no reason, got ' '", "1 to 200 characters"),
    "votes = 3": ("campaign.votes: there is no such key", "one of assignment, want"),
    'consent = ""': ("consent: is not a text", "some words"),
}
PLACES = {
    "assignment": 'assignment = "adaptive"',
    "want": "want = 12",
    "sure": "sure = 0.95",
    "most_share": "most_share = 2.0",
    "audits": "audits = 0.05",
    "reasons": TEXT[TEXT.index("reasons = ") :],
    "votes": "want = 12",
    "mode": 'mode = "ingest"',
    "role": 'role = "a"',
    "name": 'name = "new"',
    "price_in": "# price_in = 0.5",
    "api_key": "# price_in = 0.5",
    "share": "share = 0.15",
    "batch": "batch = 1000",
    "batch_size": "batch = 1000",
    "#": "batch = 1000",
    "database": 'database = "collect.db"',
    "database_env": 'database = "collect.db"',
    "consent": TEXT[TEXT.index("consent = ") : TEXT.index("\n[store]")],
}


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_used_is_one_line(line: str) -> None:
    text = TEXT.replace(PLACES[line.split()[0]], line, 1)
    with pytest.raises(BadInputError) as error:
        parse_settings(text, "study/collect.toml")
    said = str(error.value)
    assert said.startswith("study/collect.toml")
    assert all(part in said for part in WRONG[line]), said
    assert "\n" not in said
    assert "secret" not in said
    assert "sk-123" not in said


REST = TEXT[TEXT.index("[store]") :]
SHAPES = {
    f'mode = "ingest"\nconsent = "c"\nmodel = 3\n{REST[: REST.index("[[model]]")]}{REST[REST.index("[probes]") :]}': (
        "model: is not a list of tables"
    ),
    f'mode = "ingest"\nconsent = "c"\nprobes = 3\n{REST[: REST.index("[probes]")]}': "probes: is not a table",
    f'consent = "c"\n[mode]\n{REST}': "mode: is not a text",
    TEXT.replace("[limits]", "[[limits]]"): "limits: is not a table",
}


@pytest.mark.parametrize("text", SHAPES, ids=["model", "probes", "mode", "limits"])
def test_another_shape_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match=SHAPES[text]):
        parse_settings(text)
