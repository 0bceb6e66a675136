"""PyGithub, unmodified, against the API at API_URL; what it saw goes to stdout as JSON.

Runs in the judges' environment. Environment: API_URL, TOKEN, REPOSITORY, RUN_ID.
"""

from __future__ import annotations

import json
import os

from github import Auth, Github

github = Github(
    base_url=os.environ["API_URL"], auth=Auth.Token(os.environ["TOKEN"]), per_page=100, seconds_between_requests=0
)
repository = github.get_repo(os.environ["REPOSITORY"])
runs = list(repository.get_workflow_runs())
rerun = repository.get_workflow_run(int(os.environ["RUN_ID"]))
first = rerun.get_attempt(1)
print(
    json.dumps(
        {
            "repository": repository.full_name,
            "workflows": [workflow.path for workflow in repository.get_workflows()],
            "runs": [
                {
                    "id": run.id,
                    "run_attempt": run.run_attempt,
                    "conclusion": run.conclusion,
                    "created_at": run.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "actor": run.actor.login,
                    "head_sha": run.head_sha,
                }
                for run in runs
            ],
            "jobs": [
                {"id": job.id, "conclusion": job.conclusion, "steps": [step.name for step in job.steps]}
                for job in rerun.jobs("all")
            ],
            "first": {"run_attempt": first.run_attempt, "conclusion": first.conclusion},
        }
    )
)
