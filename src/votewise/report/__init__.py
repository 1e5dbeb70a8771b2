"""Reports: one self-contained HTML page per job, interactive, printable, and safe to open whatever the data hold."""

from votewise.report.audit import render_audit_report, write_audit_report

__all__ = ["render_audit_report", "write_audit_report"]
