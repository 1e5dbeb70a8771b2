"""Whether the same inputs give the same files as an earlier version: every command is run by both, every file compared.

Numbers may differ by 1e-12, relative where they exceed one; what a run cannot repeat (times, versions) and sentences for a
person are left out. Both versions run with this environment's libraries, one thread each. A command whose files differ is
run once more, because a database engine may order rows differently from run to run.

Run: python benchmarks/same_outputs.py --before REVISION [--only WORD] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from compare_files import TOLERANCE, Difference, compare_folders
from fixed_inputs import make_inputs

REPOSITORY = Path(__file__).resolve().parents[1]
SIDES = ("before", "after")
RUN = "import sys; from votewise.cli import main; main(sys.argv[1:])"
PLAIN = "--users 60 --comparisons-per-user 20"
FILTER = "filter inputs/clicks.parquet --model large --out OUT"
WIN_RATE = "evaluate win-rate inputs/comparisons.jsonl --column verdict --model new --baseline old --out OUT"


@dataclass(frozen=True)
class Case:
    """One command line; OUT in it is a folder of its own, made beforehand.

    Attributes:
        name: what it is called in the table.
        words: the words of the command line.
        earlier: the words before the redesign, where they were others.
        models: whether it needs torch.
    """

    name: str
    words: str
    earlier: str = ""
    models: bool = False

    @property
    def slug(self) -> str:
        """The name of its folder."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name)


CASES = (
    Case("simulate annotators", "simulate annotators --pairs 200 --seed 1 --out OUT/votes.parquet"),
    Case("simulate annotators, profile",
         "simulate annotators --pairs 100 --profile inputs/profile.json --noise 0.1 --annotators 30 --out OUT/votes.jsonl"),
    Case("simulate annotators, of votes",
         "simulate annotators inputs/votes.parquet --reliability 0.95,0.7,0.2 --votes-per-pair 2 --out OUT/votes.jsonl"),
    Case("simulate users", f"simulate users {PLAIN} --prior beta:6,2 --seed 2 --out OUT/clicks.parquet"),
    Case("simulate users, sampled",
         f"simulate users inputs/scored_pairs.jsonl {PLAIN} --follow sampled --prior two-point:0.2,0.2,0.98 "
         "--out OUT/clicks.jsonl"),
    Case("audit", "audit inputs/votes.parquet --out OUT"),
    Case("audit, margins", "audit inputs/margins.parquet --out OUT"),
    Case("audit, margins, --temperature fit", "audit inputs/margins.parquet --temperature fit --out OUT"),
    Case("audit, --prior beta", "audit inputs/votes.parquet --prior beta:5,2 --level 0.9 --out OUT"),
    Case("audit, --prior none", "audit inputs/margins.parquet --prior none --no-shared-pairs --out OUT"),
    Case("audit, --no-intervals", "audit inputs/votes.parquet --no-intervals --out OUT"),
    Case("export, trl", "export out/audit --out OUT/train.jsonl"),
    Case("export, votes", "export out/audit --to votes --min-confidence 0.7 --out OUT/train.parquet"),
    Case("export, openai", "export out/audit --to openai --out OUT/train.jsonl"),
    Case("export, flipped", "export out/audit --flip-below 0.3 --out OUT/train.parquet"),
    Case("export, one per pair", "export out/audit --one-per-pair --min-confidence 0.9 --out OUT/train.jsonl"),
    Case("filter, two-point", f"{FILTER} --win-rate 0.74 --prior two-point"),
    Case("filter, beta", f"{FILTER} --win-rate 160/200 --prior beta --keep 0.5"),
    Case("filter, mixture of betas", f"{FILTER} --win-rate 0.74 --prior beta-mixture:2 --threshold 0.6"),
    Case("filter, logistic-normal", f"{FILTER} --win-rate 0.7..0.8 --prior logistic-normal --keep-new"),
    Case("filter, nonparametric prior", f"{FILTER} --win-rate 0.74 --prior nonparametric"),
    Case("filter, domains", f"{FILTER} --domain topic --win-rate code=0.8 --win-rate prose=0.7"),
    Case("filter, window", f"{FILTER} --win-rate 0.74 --prior beta --window 30d --time time"),
    Case("evaluate win-rate, column", WIN_RATE),
    Case("evaluate win-rate, length", f"{WIN_RATE} --length-controlled --level 0.9"),
    Case("evaluate matrix", "evaluate matrix inputs/arena.jsonl --column verdict --out OUT"),
    Case("score, columns", "score inputs/scored.jsonl --score-columns score_chosen score_rejected --fit-temperature "
         "--out OUT/scored.jsonl",
         "score inputs/scored.jsonl --columns score_chosen score_rejected --fit-temperature --out OUT/scored.jsonl"),
    Case("score, reward model", "score inputs/few_votes.parquet --reward-model inputs/reward --fit-temperature "
         "--out OUT/scored.parquet", models=True),
    Case("score, implicit reward", "score inputs/few_votes.parquet --policy inputs/policy --reference inputs/reference "
         "--beta 0.2 --out OUT/scored.jsonl", models=True),
    Case("generate", "generate inputs/prompts.jsonl --model inputs/policy --model inputs/reference --max-tokens 8 "
         "--temperature 0.7 --seed 5 --out OUT/answers.jsonl", models=True),
    Case("evaluate win-rate, reward model", "evaluate win-rate inputs/answers_new.jsonl inputs/answers_old.jsonl "
         "--reward-model inputs/reward --soft --out OUT", models=True),
    Case("train, dpo", "train --config inputs/dpo.yaml --output_dir OUT", models=True),
    Case("train, simpo", "train --config inputs/simpo.yaml --output_dir OUT", models=True),
    Case("train, rdpo", "train --config inputs/rdpo.yaml --output_dir OUT", models=True),
    Case("train, audited", "train --config inputs/dpo.yaml --votes inputs/votes.parquet --beliefs out/audit "
         "--beliefs_use fixed --output_dir OUT", models=True),
)  # fmt: skip


def unpack(revision: str, folder: Path) -> None:
    """Write a revision's files into a folder."""
    folder.mkdir(parents=True)
    archive = folder.with_suffix(".tar")
    subprocess.run(["git", "archive", "--output", str(archive), revision, "src"], cwd=REPOSITORY, check=True)
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")


def environment(source: Path, place: Path) -> dict[str, str]:
    """One thread, no downloads, a cache of its own, and votewise from ``source``."""
    own = {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
           "VOTEWISE_CACHE": str(place / "cache"), "PYTHONDONTWRITEBYTECODE": "1", "CI": "1"}  # fmt: skip
    return os.environ | own


def run_case(case: Case, sources: dict[str, Path], work: Path) -> Difference:
    """Run a case in both versions at the same time, and compare what they wrote."""
    running = {}
    for side in SIDES:
        (work / side / "out" / case.slug).mkdir(parents=True, exist_ok=True)
        words = (case.earlier if side == "before" and case.earlier else case.words).replace("OUT", f"out/{case.slug}")
        running[side] = subprocess.Popen(
            [sys.executable, "-c", RUN, *words.split()], cwd=work / side, env=environment(sources[side], work / side),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    ended = {side: (process.communicate()[1].strip(), process.returncode) for side, process in running.items()}
    failed = [
        f"{side} ended with {code}: {said.splitlines()[-1] if said else ''}"
        for side, (said, code) in ended.items()
        if code
    ]
    if failed:
        return Difference(other=failed)
    found = compare_folders(*(work / side / "out" / case.slug for side in SIDES))
    if not found.files:
        found.other.append("nothing was written")
    return found


def check_origin(side: str, source: Path, work: Path) -> None:
    """Stop where another votewise than the intended one would be run."""
    code = "import votewise; print(votewise.__file__)"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=environment(source, work), cwd=work, check=True, capture_output=True, text=True)
    if not found.stdout.startswith(str(source)):
        raise SystemExit(f"{side}: {found.stdout.strip()} was imported instead of {source}")


def main() -> None:
    """Print the table; exit code 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, help="a git revision to compare the working tree with")
    parser.add_argument("--only", default="", help="run only the cases whose names contain this, and those they need")
    parser.add_argument("--keep", type=Path, help="keep both versions' files in this folder")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (chosen.keep or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        unpack(chosen.before, work / "revision")
        sources = {"before": work / "revision" / "src", "after": REPOSITORY / "src"}
        models = find_spec("trl") is not None
        make_inputs(work / "inputs", models=models)
        for side in SIDES:
            check_origin(side, sources[side], work)
            shutil.copytree(work / "inputs", work / side / "inputs")
        needed = {"audit"} if chosen.only else set()
        cases = [case for case in CASES if chosen.only in case.name or case.name in needed]
        raise SystemExit(print_table([case for case in cases if models or not case.models], sources, work))


def print_table(cases: list[Case], sources: dict[str, Path], work: Path) -> int:
    """Run the cases and print one line for each; 1 where anything differs."""
    print(f"{'command':<36}{'files':>6}  {'largest difference':<20}{'seconds':>8}  verdict")
    differing = 0
    for case in cases:
        start = time.perf_counter()
        found, again = run_case(case, sources, work), ""
        if not found.equal and found.files:
            found, again = run_case(case, sources, work), ", but not the first time"
        seconds = time.perf_counter() - start
        verdict = f"same{again}" if found.equal else "DIFFERENT"
        print(f"{case.name:<36}{found.files:>6}  {found.largest:<20.3g}{seconds:>8.1f}  {verdict}", flush=True)
        for line in found.other[:5]:
            print(f"    {line}")
        if len(found.other) > 5:
            print(f"    and {len(found.other) - 5} more")
        differing += not found.equal
    print(f"{len(cases) - differing} of {len(cases)} commands write the same files, to {TOLERANCE:g}")
    return int(differing > 0)


if __name__ == "__main__":
    main()
