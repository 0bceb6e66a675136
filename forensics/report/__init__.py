"""The HTML incident report: one self-contained file."""
