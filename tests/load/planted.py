"""A small run in GitHub's own forms, to be written to disk piece by piece."""

import io
import json
import zipfile

RUN_ID, JOB_ID = 31000000001, 95000000001
SHA = "a" * 40


def stamp(second, text):
    return f"2026-05-01T10:00:{second:02d}.1234567Z {text}"


STEPS = {
    1: ("Set up job", [stamp(1, "Current runner version: '2.335.1'"), stamp(1, "Complete job name: deploy")]),
    2: (
        "Run npm publish",
        [
            stamp(3, "##[group]Run npm publish"),
            stamp(3, "\x1b[36;1mnpm publish\x1b[0m"),
            stamp(3, "##[endgroup]"),
            stamp(5, "npm notice Publishing to https://registry.example/ with tag latest and public access"),
            stamp(7, "+ left-pad@1.2.3"),
        ],
    ),
    3: ("Complete job", [stamp(8, "Cleaning up orphan processes")]),
}


def job_text():
    return "\ufeff" + "\r\n".join(line for _, lines in STEPS.values() for line in lines) + "\r\n"


def step_text(number):
    return "\ufeff" + "\r\n".join(STEPS[number][1]) + "\r\n"


def run_object(run_id=RUN_ID, **values):
    return {
        "id": run_id,
        "name": "Release",
        "head_branch": "main",
        "head_sha": SHA,
        "path": ".github/workflows/release.yml",
        "display_title": "Release it",
        "run_number": 12,
        "run_attempt": 1,
        "event": "push",
        "status": "completed",
        "conclusion": "success",
        "workflow_id": 77,
        "jobs_url": f"https://api.github.example/repos/acme/shop/actions/runs/{run_id}/jobs",
        "created_at": "2026-05-01T10:00:00Z",
        "run_started_at": "2026-05-01T10:00:00Z",
        "updated_at": "2026-05-01T10:00:12Z",
        "actor": {"login": "ada"},
        "repository": {"full_name": "acme/shop"},
        **values,
    }


def job_object(job_id=JOB_ID, run_id=RUN_ID, **values):
    return {
        "id": job_id,
        "run_id": run_id,
        "run_attempt": 1,
        "name": "deploy",
        "status": "completed",
        "conclusion": "success",
        "created_at": "2026-05-01T10:00:00Z",
        "started_at": "2026-05-01T10:00:01Z",
        "completed_at": "2026-05-01T10:00:08Z",
        "runner_id": 9,
        "runner_name": "runner 9",
        "labels": ["ubuntu-latest"],
        "head_sha": SHA,
        "url": f"https://api.github.example/repos/acme/shop/actions/jobs/{job_id}",
        "steps": [
            {
                "number": number,
                "name": name,
                "status": "completed",
                "conclusion": "success",
                "started_at": lines[0][:19] + "Z",
                "completed_at": lines[-1][:19] + "Z",
            }
            for number, (name, lines) in STEPS.items()
        ],
        **values,
    }


def runs_page(*runs):
    return json.dumps({"total_count": len(runs), "workflow_runs": list(runs or [run_object()])}).encode()


def jobs_page(*jobs):
    return json.dumps({"total_count": len(jobs) or 1, "jobs": list(jobs or [job_object()])}).encode()


def log_zip(*, old_layout=True):
    members = {f"{1 if old_layout else 0}_deploy.txt": job_text()}
    if old_layout:
        members |= {f"deploy/{number}_{name}.txt": step_text(number) for number, (name, _) in STEPS.items()}
    else:
        where = "Job defined at: acme/shop/.github/workflows/release.yml@refs/heads/main"
        members["deploy/system.txt"] = f"2026-05-01T10:00:00.1230000Z {where}"
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return sink.getvalue()


def gh_text(job="deploy"):
    lines = [line for _, lines in STEPS.values() for line in lines]
    mark = "\ufeff"
    return "".join(f"{job}\tUNKNOWN STEP\t{'' if n else mark}{line}\n" for n, line in enumerate(lines))
