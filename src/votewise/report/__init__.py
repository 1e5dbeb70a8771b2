"""Reports: one self-contained HTML page per job, interactive, printable, and safe to open whatever the data hold."""

from votewise.report.audit import render_audit_report, write_audit_report
from votewise.report.filter import render_filter_report, write_filter_report

__all__ = ["render_audit_report", "render_filter_report", "write_audit_report", "write_filter_report"]
