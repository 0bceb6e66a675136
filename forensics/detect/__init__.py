"""Detectors: one SQL file each, read, checked and run on a read-only case."""
