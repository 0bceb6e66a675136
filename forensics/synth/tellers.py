"""Which step says what."""

from __future__ import annotations

from forensics.synth.scene import Teller
from forensics.synth.tell_checks import (
    tell_build,
    tell_coverage,
    tell_install,
    tell_integration,
    tell_lint,
    tell_site,
    tell_tests,
)
from forensics.synth.tell_delivery import (
    tell_buildx,
    tell_kubectl,
    tell_pages,
    tell_publish,
    tell_release,
    tell_rollout,
    tell_smoke,
    tell_tag,
    tell_upload,
    tell_verify,
    tell_version,
)
from forensics.synth.tell_terraform import tell_apply, tell_init, tell_plan

TELLERS: dict[str, Teller] = {
    "Install dependencies": tell_install,
    "Lint": tell_lint,
    "Unit tests": tell_tests,
    "Integration tests": tell_integration,
    "Build": tell_build,
    "Build package": tell_build,
    "Measure coverage": tell_coverage,
    "Compute next version": tell_version,
    "Build and push release image": tell_buildx,
    "Build and push production image": tell_buildx,
    "Publish package": tell_publish,
    "Push release tag": tell_tag,
    "Verify package": tell_verify,
    "Pack assets": lambda scene: [],
    "Create GitHub release": tell_release,
    "Apply manifests": tell_kubectl,
    "Wait for rollout": tell_rollout,
    "Smoke test": tell_smoke,
    "Build site": tell_site,
    "Upload site": tell_upload,
    "Deploy to GitHub Pages": tell_pages,
    "Terraform init": tell_init,
    "Terraform plan": tell_plan,
    "Terraform apply": tell_apply,
}
"""Step name → what it says; actions without an entry are told by `forensics.synth.frame`."""
