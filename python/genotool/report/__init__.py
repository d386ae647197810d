"""The report: a run folder, or a recipe's folder of steps, as one HTML file that needs nothing else."""

from genotool.report.render import write_report

__all__ = ["write_report"]
