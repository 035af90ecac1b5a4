"""The report on a model: one HTML page that contains everything."""

from sk_fer.inspection.report._write import write_report

__all__ = ["write_report"]
