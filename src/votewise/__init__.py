"""Votewise turns noisy preference votes into an aligned model that can be trusted.

Whatever the command line does is a function here, with the same names and defaults: ``votewise.audit("votes.parquet")`` is
``votewise audit votes.parquet``. The public names are loaded when first used, so that ``import votewise`` costs next to
nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from votewise._version import __version__

if TYPE_CHECKING:
    import inspect

    from votewise.annotators.estimate import estimate_reliability
    from votewise.annotators.results import ReliabilityResult
    from votewise.annotators.two_coins import estimate_two_coins
    from votewise.data.clicks import Clicks, Counts
    from votewise.data.reading import Reading
    from votewise.data.votes import Votes
    from votewise.errors import BadInputError, NotIdentifiableError, VotewiseError
    from votewise.generate.results import GenerateResult
    from votewise.inference.diagnostic import Diagnostic
    from votewise.inference.priors import Beta
    from votewise.judge.results import JudgeResult
    from votewise.report.audit_page import write_audit_report
    from votewise.report.filter_page import write_filter_report
    from votewise.score.results import ScoreResult
    from votewise.simulate import simulate_annotators, simulate_users
    from votewise.sources import read_votes
    from votewise.users.estimate import estimate_attentiveness
    from votewise.users.known_win_rates import Bounds, GoldSample
    from votewise.users.read_clicks import count_comparisons
    from votewise.users.results import AttentivenessResult
    from votewise.workflows.audit import AuditResult, audit
    from votewise.workflows.collect_campaign import collect_campaign
    from votewise.workflows.collect_erase import CollectErasure, collect_erase
    from votewise.workflows.collect_export import CollectExport, CollectExportCheck, collect_export
    from votewise.workflows.collect_import import CollectImport, collect_import
    from votewise.workflows.collect_init import CollectFolder, collect_init
    from votewise.workflows.collect_invite import collect_invite
    from votewise.workflows.collect_key import collect_key
    from votewise.workflows.collect_migrate import CollectMigration, collect_migrate
    from votewise.workflows.collect_serve import collect_serve
    from votewise.workflows.collect_simulate import CollectSimulation, collect_simulate
    from votewise.workflows.collect_status import CollectStatus, collect_status
    from votewise.workflows.demo import DemoResult, demo
    from votewise.workflows.evaluate_benchmark import BenchmarkEvaluation, evaluate_benchmark
    from votewise.workflows.evaluate_matrix import MatrixEvaluation, evaluate_matrix
    from votewise.workflows.evaluate_win_rate import WinRateEvaluation, evaluate_win_rate
    from votewise.workflows.export import ExportResult, export
    from votewise.workflows.export_alpaca_eval import AlpacaEvalExport, export_alpaca_eval
    from votewise.workflows.export_arena_hard import ArenaHardExport, export_arena_hard
    from votewise.workflows.filter_clicks import FilterResult, filter_clicks
    from votewise.workflows.formats import formats
    from votewise.workflows.generate import generate
    from votewise.workflows.import_arena_hard import ArenaHardImport, import_arena_hard
    from votewise.workflows.judge import judge
    from votewise.workflows.jury import JuryResult, jury
    from votewise.workflows.rank_models import RankResult, rank_models
    from votewise.workflows.read import ReadResult, read
    from votewise.workflows.score import score
    from votewise.workflows.simulate_clicks import ClicksSimulation, simulate_clicks
    from votewise.workflows.simulate_votes import VotesSimulation, simulate_votes
    from votewise.workflows.train import TrainResult, train

__all__ = [
    "AlpacaEvalExport",
    "ArenaHardExport",
    "ArenaHardImport",
    "AttentivenessResult",
    "AuditResult",
    "BadInputError",
    "BenchmarkEvaluation",
    "Beta",
    "Bounds",
    "Clicks",
    "ClicksSimulation",
    "CollectErasure",
    "CollectExport",
    "CollectExportCheck",
    "CollectFolder",
    "CollectImport",
    "CollectMigration",
    "CollectSimulation",
    "CollectStatus",
    "Counts",
    "DemoResult",
    "Diagnostic",
    "ExportResult",
    "FilterResult",
    "GenerateResult",
    "GoldSample",
    "JudgeResult",
    "JuryResult",
    "MatrixEvaluation",
    "NotIdentifiableError",
    "RankResult",
    "ReadResult",
    "Reading",
    "ReliabilityResult",
    "ScoreResult",
    "TrainResult",
    "Votes",
    "VotesSimulation",
    "VotewiseError",
    "WinRateEvaluation",
    "__version__",
    "audit",
    "collect_campaign",
    "collect_erase",
    "collect_export",
    "collect_import",
    "collect_init",
    "collect_invite",
    "collect_key",
    "collect_migrate",
    "collect_serve",
    "collect_simulate",
    "collect_status",
    "count_comparisons",
    "demo",
    "estimate_attentiveness",
    "estimate_reliability",
    "estimate_two_coins",
    "evaluate_benchmark",
    "evaluate_matrix",
    "evaluate_win_rate",
    "export",
    "export_alpaca_eval",
    "export_arena_hard",
    "filter_clicks",
    "formats",
    "generate",
    "import_arena_hard",
    "judge",
    "jury",
    "rank_models",
    "read",
    "read_votes",
    "score",
    "simulate_annotators",
    "simulate_clicks",
    "simulate_users",
    "simulate_votes",
    "train",
    "write_audit_report",
    "write_filter_report",
]

_HOMES = {
    "AlpacaEvalExport": "votewise.workflows.export_alpaca_eval",
    "ArenaHardExport": "votewise.workflows.export_arena_hard",
    "ArenaHardImport": "votewise.workflows.import_arena_hard",
    "AttentivenessResult": "votewise.users.results",
    "AuditResult": "votewise.workflows.audit",
    "BadInputError": "votewise.errors",
    "BenchmarkEvaluation": "votewise.workflows.evaluate_benchmark",
    "Beta": "votewise.inference.priors",
    "Bounds": "votewise.users.known_win_rates",
    "Clicks": "votewise.data.clicks",
    "ClicksSimulation": "votewise.workflows.simulate_clicks",
    "CollectErasure": "votewise.workflows.collect_erase",
    "CollectExport": "votewise.workflows.collect_export",
    "CollectExportCheck": "votewise.workflows.collect_export",
    "CollectFolder": "votewise.workflows.collect_init",
    "CollectImport": "votewise.workflows.collect_import",
    "CollectMigration": "votewise.workflows.collect_migrate",
    "CollectSimulation": "votewise.workflows.collect_simulate",
    "CollectStatus": "votewise.workflows.collect_status",
    "Counts": "votewise.data.clicks",
    "DemoResult": "votewise.workflows.demo",
    "Diagnostic": "votewise.inference.diagnostic",
    "ExportResult": "votewise.workflows.export",
    "FilterResult": "votewise.workflows.filter_clicks",
    "GenerateResult": "votewise.generate.results",
    "GoldSample": "votewise.users.known_win_rates",
    "JudgeResult": "votewise.judge.results",
    "JuryResult": "votewise.workflows.jury",
    "MatrixEvaluation": "votewise.workflows.evaluate_matrix",
    "NotIdentifiableError": "votewise.errors",
    "RankResult": "votewise.workflows.rank_models",
    "ReadResult": "votewise.workflows.read",
    "Reading": "votewise.data.reading",
    "ReliabilityResult": "votewise.annotators.results",
    "ScoreResult": "votewise.score.results",
    "TrainResult": "votewise.workflows.train",
    "Votes": "votewise.data.votes",
    "VotesSimulation": "votewise.workflows.simulate_votes",
    "VotewiseError": "votewise.errors",
    "WinRateEvaluation": "votewise.workflows.evaluate_win_rate",
    "audit": "votewise.workflows.audit",
    "collect_campaign": "votewise.workflows.collect_campaign",
    "collect_erase": "votewise.workflows.collect_erase",
    "collect_export": "votewise.workflows.collect_export",
    "collect_import": "votewise.workflows.collect_import",
    "collect_init": "votewise.workflows.collect_init",
    "collect_invite": "votewise.workflows.collect_invite",
    "collect_key": "votewise.workflows.collect_key",
    "collect_migrate": "votewise.workflows.collect_migrate",
    "collect_serve": "votewise.workflows.collect_serve",
    "collect_simulate": "votewise.workflows.collect_simulate",
    "collect_status": "votewise.workflows.collect_status",
    "count_comparisons": "votewise.users.read_clicks",
    "estimate_attentiveness": "votewise.users.estimate",
    "estimate_reliability": "votewise.annotators.estimate",
    "estimate_two_coins": "votewise.annotators.two_coins",
    "evaluate_benchmark": "votewise.workflows.evaluate_benchmark",
    "evaluate_matrix": "votewise.workflows.evaluate_matrix",
    "evaluate_win_rate": "votewise.workflows.evaluate_win_rate",
    "export": "votewise.workflows.export",
    "export_alpaca_eval": "votewise.workflows.export_alpaca_eval",
    "export_arena_hard": "votewise.workflows.export_arena_hard",
    "filter_clicks": "votewise.workflows.filter_clicks",
    "formats": "votewise.workflows.formats",
    "import_arena_hard": "votewise.workflows.import_arena_hard",
    "jury": "votewise.workflows.jury",
    "rank_models": "votewise.workflows.rank_models",
    "read": "votewise.workflows.read",
    "read_votes": "votewise.sources",
    "simulate_annotators": "votewise.simulate",
    "simulate_clicks": "votewise.workflows.simulate_clicks",
    "simulate_users": "votewise.simulate",
    "simulate_votes": "votewise.workflows.simulate_votes",
    "write_audit_report": "votewise.report.audit_page",
    "write_filter_report": "votewise.report.filter_page",
}

_CALLABLE: tuple[str, ...] = ("demo", "generate", "judge", "score", "train")
"""Packages that have the name of a command, and can be called as its workflow."""


class _CallablePackage(ModuleType):
    """A package that can be called as the workflow of its name: ``votewise.generate(...)``."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._workflow()(*arguments, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        import inspect

        return inspect.signature(self._workflow())

    def _workflow(self) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(f"votewise.workflows.{name}"), name)


class _Votewise(ModuleType):
    """This module: importing one of its ``_CALLABLE`` packages sets an attribute here, which makes it callable."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _CALLABLE and isinstance(value, ModuleType):
            value.__class__ = _CallablePackage
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Votewise


def __getattr__(name: str) -> object:
    """Load a public name from its home; module attribute access ends here once per name."""
    if name in _CALLABLE:
        return import_module(f"votewise.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'votewise' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
