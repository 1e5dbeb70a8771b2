"""Reports: one self-contained HTML page per job, interactive, printable, and safe to open whatever the data contain."""

from votewise.report.audit_page import render_audit_report, write_audit_report
from votewise.report.filter_page import render_filter_report, write_filter_report
from votewise.report.matrix_page import render_matrix_report, write_matrix_report
from votewise.report.win_rate_page import render_win_rate_report, write_win_rate_report

__all__ = [
    "render_audit_report",
    "render_filter_report",
    "render_matrix_report",
    "render_win_rate_report",
    "write_audit_report",
    "write_filter_report",
    "write_matrix_report",
    "write_win_rate_report",
]
