"""The forms of GitHub Actions logs: archives, member names, lines, steps."""
