"""Made-up histories with planted incidents, written as evidence in GitHub's own forms."""
