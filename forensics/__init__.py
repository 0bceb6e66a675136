"""Offline analyzer for GitHub Actions concurrency incidents."""

__version__ = "0.1.0"
