"""PyGithub, unmodified, as a GitHub App with its private key on stdin; what it saw goes to stdout as JSON.

Runs in the judges' environment. Environment: API_URL, REPOSITORY, APP_ID, INSTALLATION_ID.
"""

from __future__ import annotations

import json
import os
import sys

from github import Auth, Github

app = Auth.AppAuth(int(os.environ["APP_ID"]), sys.stdin.read())
auth = app.get_installation_auth(int(os.environ["INSTALLATION_ID"]))
github = Github(base_url=os.environ["API_URL"], auth=auth, per_page=100, seconds_between_requests=0)
runs = github.get_repo(os.environ["REPOSITORY"]).get_workflow_runs()
print(json.dumps({"token": auth.token, "runs": [run.id for run in runs]}))
