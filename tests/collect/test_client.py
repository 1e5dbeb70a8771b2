"""The Python client and the JavaScript example, against a service that runs as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from shell import process, refused, shell
from votewise import collect_init, collect_key
from votewise.collect import Client
from votewise.collect.client import ServiceRefusedError
from votewise.collect.database import reading
from votewise.collect.folder import open_collection
from votewise.collect.schema import vote
from votewise.errors import BadInputError, EngineFailedError

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Served:
    folder: Path
    url: str
    key: str
    process: subprocess.Popen[str]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "study"
    collect_init(folder, model_a="tuned-7b", model_b="base-7b")
    key = collect_key(folder, "website")
    assert key is not None
    words = process("collect", "serve", folder, "--port", "0")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().split()[-1]
        yield Served(folder, url, key, running)
        running.kill()


@pytest.mark.slow
def test_the_client_posts_and_the_service_survives_a_kill(served: Served) -> None:
    client = Client(served.url, served.key)
    assert client.settings()["models"] == {"tuned-7b": "a", "base-7b": "b"}
    made = client.create("k", user="ann", prompt="2 + 2?", left=("tuned-7b", "Four."), right=("base-7b", "Five."))
    assert client.shown(made["id"])["state"] == "shown"
    assert client.vote(made["id"], "left", ms_visible=900)["choice"] == "left"
    assert client.undo(made["id"])["choice"] is None
    assert client.vote(made["id"], "right")["state"] == "voted"
    assert client.state(made["id"])["choice"] == "right"
    drawn = client.create("drawn", user="bob", prompt="3 + 3?")
    assert client.answer(drawn["id"], "left", drawn["left_model"], "Six.", tokens_out=2)["state"] == "answering"
    assert client.fail(drawn["id"], "right")["state"] == "one_sided"
    side = {"model": "tuned-7b", "content": "Four."}
    many = [
        {
            "client_key": f"m{n}",
            "user": f"u{n % 7}",
            "prompt": f"{n}?",
            "left": side,
            "right": side | {"model": "base-7b"},
        }
        for n in range(1200)
    ]
    found = list(client.create_many(many))
    assert len({one["id"] for one in found}) == 1200
    voted = list(client.vote_many({"comparison": one["id"], "choice": "tie"} for one in found))
    assert {one["state"] for one in voted} == {"voted"}
    assert client.void(made["id"])["state"] == "voided"
    served.process.kill()
    served.process.wait()
    with pytest.raises(EngineFailedError, match="no answer after 1 tries"):
        Client(served.url, served.key, tries=1).settings()
    collection = open_collection(served.folder)
    with reading(collection.engine) as connection:
        assert len(connection.execute(select(vote.c.comparison_id)).all()) == 1200
    collection.close()


@pytest.mark.slow
def test_what_the_service_refuses_is_one_line(served: Served) -> None:
    with pytest.raises(ServiceRefusedError, match="the key is missing or unknown") as error:
        Client(served.url, "wrong").settings()
    assert error.value.status == 401
    with pytest.raises(ServiceRefusedError, match="no such comparison"):
        Client(served.url, served.key).vote("not an id?", "left")
    with pytest.raises(BadInputError, match="is no address of a service"):
        Client("votes.example", served.key)


@pytest.mark.slow
def test_the_example_in_javascript_posts_a_vote(served: Served) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    environment = os.environ | {"COLLECT_URL": served.url, "COLLECT_KEY": served.key}
    for _ in range(2):  # the second time everything is there already
        words = [node, str(ROOT / "docs" / "collect_client.mjs")]
        ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=True, timeout=60)
        assert ended.stdout.endswith(" voted\n")
    assert len((ROOT / "docs" / "collect_client.mjs").read_text().splitlines()) <= 32


@pytest.mark.slow
def test_the_service_ends_when_it_is_asked_to(served: Served) -> None:
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=30) in (0, 130)
    assert served.process.stderr is not None
    assert "Traceback" not in served.process.stderr.read()


def test_keys_in_the_shell(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    assert shell("collect", "init", folder).code == 0
    made = shell("collect", "key", folder, "website").out.strip()
    assert made.startswith("votewise_")
    assert shell("collect", "key", folder, "website", "--revoke").out == "The key of website is revoked.\n"
    assert "there is no such product, got 'app' (expected website)" in refused(
        shell("collect", "key", folder, "app", "--revoke")
    )
    assert "tables are of version" in shell("collect", "migrate", folder).out
    assert "--port: out of range" in refused(shell("collect", "serve", folder, "--port", "70000"))
    assert "has no collect.toml" in refused(shell("collect", "serve", tmp_path))
