"""githubkit, unmodified, against the API at API_URL: each answer must fit its generated models, else it raises.

Runs in the judges' environment; what it saw goes to stdout as JSON. Environment: API_URL, TOKEN, OWNER, REPO, RUN_ID.
"""

from __future__ import annotations

import json
import os

from githubkit import GitHub, TokenAuthStrategy

owner, repo, run_id = os.environ["OWNER"], os.environ["REPO"], int(os.environ["RUN_ID"])
github = GitHub(TokenAuthStrategy(os.environ["TOKEN"]), base_url=os.environ["API_URL"], timeout=30)
actions = github.rest.actions
runs = list(
    github.rest.paginate(
        actions.list_workflow_runs_for_repo,
        map_func=lambda answer: answer.parsed_data.workflow_runs,
        owner=owner,
        repo=repo,
        per_page=100,
    )
)
jobs = actions.list_jobs_for_workflow_run(owner, repo, run_id, filter_="all").parsed_data.jobs
attempt = actions.get_workflow_run_attempt(owner, repo, run_id, 1).parsed_data
workflows = actions.list_repo_workflows(owner, repo).parsed_data.workflows
deployments = github.rest.repos.list_deployments(owner, repo, per_page=100).parsed_data
print(
    json.dumps(
        {
            "runs": [{"id": run.id, "run_attempt": run.run_attempt, "conclusion": run.conclusion} for run in runs],
            "jobs": [{"id": job.id, "conclusion": job.conclusion} for job in jobs],
            "first": {"run_attempt": attempt.run_attempt, "conclusion": attempt.conclusion},
            "workflows": [workflow.path for workflow in workflows],
            "deployments": len(deployments),
        }
    )
)
