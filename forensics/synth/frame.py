"""What the runner and the well-known actions print around the steps' own words."""

from __future__ import annotations

from hashlib import sha1

from forensics.synth.scene import CYAN, IMAGE, RESET, Scene, at_once, cache_key
from forensics.synth.tellers import TELLERS
from forensics.synth.template import COMPLETE_STEP, SETUP_STEP, StepTemplate

_ACTION_SHAS = {
    "actions/checkout@v4": "5d1c0e7f4b3a29688776655443322110ffeeddcc",
    "actions/setup-node@v4": "6e2d1f804c4b3a79988776655443322110ffeedd",
    "actions/upload-pages-artifact@v3": "7f3e20915d5c4b8aa99887766554433221100ffe",
    "actions/deploy-pages@v4": "804f31a26e6d5c9bbaa99887766554433221100f",
    "docker/setup-buildx-action@v3": "915042b37f7e6dacccbbaa998877665544332211",
    "docker/login-action@v3": "a26153c4808f7ebdddccbbaa9988776655443322",
    "docker/build-push-action@v6": "b37264d59190803ceeddccbbaa99887766554433",
    "hashicorp/setup-terraform@v3": "c48375e6a2a1914dffeeddccbbaa998877665544",
    "softprops/action-gh-release@v2": "d59486f7b3b2a25e00ffeeddccbbaa9988776655",
}

_TOKEN_SCOPES = {
    "contents": "Contents",
    "deployments": "Deployments",
    "packages": "Packages",
    "pages": "Pages",
}

_IMAGE_HEADER = (
    "##[group]Runner Image Provisioner",
    "Hosted Compute Agent",
    "Version: 20261022.511",
    "##[endgroup]",
    "##[group]Operating System",
    "Ubuntu",
    "24.04.4",
    "LTS",
    "##[endgroup]",
    "##[group]Runner Image",
    "Image: ubuntu-24.04",
    "Version: 20261026.201.1",
    "Included Software: https://github.com/actions/runner-images/blob/ubuntu24/20261026.201/images/ubuntu/Ubuntu2404-Readme.md",
    "Image Release: https://github.com/actions/runner-images/releases/tag/ubuntu24%2F20261026.201",
    "##[endgroup]",
)


def tell_header(scene: Scene) -> list[str]:
    """The ``##[group]Run …`` block: the echo of a script in cyan, or an action's inputs."""
    template = scene.step_template
    if template is None or scene.step.name.startswith("Post "):
        return []
    if template.script is not None:
        first, *_ = lines = scene.fill(template.script).splitlines()
        shown = [f"##[group]Run {first}", *(f"{CYAN}{line}{RESET}" for line in lines), "shell: /usr/bin/bash -e {0}"]
    else:
        inputs = [f"  {name}: {scene.fill(value)}" for name, value in _inputs(scene, template)]
        shown = [f"##[group]Run {template.uses}", *(["with:", *inputs] if inputs else [])]
    env = [f"  {name}: {scene.fill(value)}" for name, value in template.env]
    return [*shown, *(["env:", *env] if env else []), "##[endgroup]"]


def tell_body(scene: Scene) -> list[str]:
    """What stands between the header and the end of the step."""
    name = scene.step.name
    if scene.step.said is not None:
        return [line for _, line in scene.step.said]
    if name == SETUP_STEP:
        return _tell_setup(scene)
    if name == COMPLETE_STEP:
        warnings = [note.message for note in scene.job.annotations if note.level == "warning"]
        return ["Cleaning up orphan processes", *(f"##[warning]{warning}" for warning in warnings)]
    if name.startswith("Post "):
        return _tell_post(scene)
    if name in TELLERS:
        return _so_far(scene, TELLERS[name](scene))
    template = scene.step_template
    action = (template.uses or "").partition("@")[0] if template else ""
    return _so_far(scene, _ACTIONS[action](scene))


def tell_end(scene: Scene) -> list[str]:
    """The runner's last word on a step that did not go well."""
    match scene.step.conclusion, scene.step.mode:
        case "cancelled", _:
            return ["##[error]The operation was canceled."]
        case "failure", _:
            return ["##[error]Process completed with exit code 1."]
        case _:
            return []


def tell_system(scene: Scene) -> list[str]:
    """``system.txt``: where the job is defined and how it got its runner; newest first, as GitHub has it."""
    runner = scene.job.runner
    kind = "hosted runner" if runner is None or runner.hosted else "self-hosted runner"
    name = runner.name if runner else ""
    return [
        f"Job is about to start running on the {kind}: {name}",
        f"Job is waiting for a {kind} to come online.",
        f"Requested labels: {', '.join(scene.job_template.labels)}",
        f"Job defined at: {scene.history.repository}/.github/workflows/{scene.run.workflow}@{scene.ref}",
        "Waiting for a runner to pick up this job...",
    ]


def _so_far(scene: Scene, lines: list[str]) -> list[str]:
    """What a step had said when the cancel hit it; a killed apply tells its own end."""
    if scene.step.conclusion != "cancelled" or scene.step.mode:
        return lines
    template = scene.step_template
    usual = template.pace[0] if template else 1.0
    lasted = (scene.step.completed_at - scene.step.started_at).total_seconds()
    return lines[: max(1, int(len(lines) * min(0.9, lasted / usual)))]


def _inputs(scene: Scene, template: StepTemplate) -> list[tuple[str, str]]:
    if template.uses is None or not template.uses.startswith("actions/checkout"):
        return list(template.inputs)
    usual = {"repository": scene.history.repository, "token": "***", "ssh-strict": "true", "clean": "true"}
    return [*({"fetch-depth": "1"} | dict(template.inputs)).items(), *usual.items()]


def _tell_setup(scene: Scene) -> list[str]:
    runner, template = scene.job.runner, scene.job_template
    if runner is None or runner.hosted:
        machine = list(_IMAGE_HEADER)
    else:
        machine = [f"Runner name: '{runner.name}'", "Runner group name: 'Default'", f"Machine name: '{runner.name}'"]
    actions = sorted({step.uses for step in template.steps if step.uses})
    start = (
        "Current runner version: '2.330.0'",
        *machine,
        "##[group]GITHUB_TOKEN Permissions",
        *_permissions(scene),
        "##[endgroup]",
        "Secret source: Actions",
        "Prepare workflow directory",
    )
    return [
        *at_once(start),
        "Prepare all required actions",
        "Getting action download info",
        *(f"Download action repository '{action}' (SHA:{_action_sha(action)})" for action in actions),
        f"Complete job name: {scene.job.name}",
    ]


def _action_sha(action: str) -> str:
    made_up = sha1(action.encode(), usedforsecurity=False).hexdigest()
    return _ACTION_SHAS.get(action, made_up)


def _permissions(scene: Scene) -> list[str]:
    granted = dict(scene.permissions)
    lines = [f"{shown}: {granted[scope]}" for scope, shown in _TOKEN_SCOPES.items() if scope in granted]
    return sorted([*lines, "Metadata: read"])


def _tell_checkout(scene: Scene) -> list[str]:
    deep = dict(scene.step_template.inputs).get("fetch-depth") == "0" if scene.step_template else False
    git, place, sha = "[command]/usr/bin/git", scene.workspace, scene.sha
    lines = [
        f"Syncing repository: {scene.history.repository}",
        "##[group]Getting Git version info",
        f"Working directory is '{place}'",
        f"{git} version",
        "git version 2.52.0",
        "##[endgroup]",
        f"Deleting the contents of '{place}'",
        "##[group]Initializing the repository",
        f"{git} init {place}",
        f"Initialized empty Git repository in {place}/.git/",
        f"{git} remote add origin {scene.url}",
        "##[endgroup]",
        "##[group]Setting up auth",
        f"{git} config --local http.https://github.com/.extraheader AUTHORIZATION: basic ***",
        "##[endgroup]",
        "##[group]Fetching the repository",
        *_fetch(scene, git, deep=deep),
        "##[endgroup]",
        "##[group]Determining the checkout info",
        "##[endgroup]",
        f"{git} sparse-checkout disable",
        "##[group]Checking out the ref",
    ]
    if scene.ref.startswith("refs/pull/"):
        remote = scene.ref.replace("refs/pull/", "refs/remotes/pull/")
        head, base = scene.run.commit.sha, scene.fact("base_sha")
        lines += [
            f"{git} checkout --progress --force {remote}",
            f"Note: switching to '{remote}'.",
            "",
            "You are in 'detached HEAD' state. You can look around, make experimental",
            "changes and commit them, and you can discard any commits you make in this",
            "state without impacting any branches by switching back to a branch.",
            "",
            f"HEAD is now at {sha[:7]} Merge {head} into {base}",
        ]
    elif scene.ref.startswith("refs/tags/"):
        lines += [
            f"{git} checkout --progress --force {scene.ref}",
            f"HEAD is now at {sha[:7]} {scene.run.commit.subject}",
        ]
    else:
        branch = scene.run.commit.branch
        lines += [
            f"{git} checkout --progress --force -B {branch} refs/remotes/origin/{branch}",
            f"Switched to a new branch '{branch}'",
            f"branch '{branch}' set up to track 'origin/{branch}'.",
        ]
    return [*lines, "##[endgroup]", f"{git} log -1 --format=%H", sha]


def _fetch(scene: Scene, git: str, *, deep: bool) -> list[str]:
    """A deep fetch lists tags in the same words as a push does, below ``From`` and not below ``To``."""
    if scene.ref.startswith("refs/pull/"):
        local = scene.ref.replace("refs/pull/", "pull/")
        target = f"+{scene.sha}:refs/remotes/{local}"
        fetched = [f" * [new ref]         {scene.sha} -> {local}"]
    elif deep:
        target = "+refs/heads/*:refs/remotes/origin/* +refs/tags/*:refs/tags/*"
        tags = [f"v1.{minor}.0" for minor in (7, 8, 9)] + [f"v{scene.fact('previous', '2.0.0')}"]
        fetched = [" * [new branch]      main       -> origin/main"]
        fetched += [f" * [new tag]         {tag:<10} -> {tag}" for tag in tags]
    else:
        local = scene.ref.replace("refs/heads/", "refs/remotes/origin/")
        target = f"+{scene.sha}:{local}"
        fetched = [
            f" * [new ref]         {scene.sha} -> {local.removeprefix('refs/remotes/').removeprefix('refs/tags/')}"
        ]
    options = "--prune --no-recurse-submodules" if deep else "--no-tags --prune --no-recurse-submodules --depth=1"
    return [f"{git} -c protocol.version=2 fetch {options} origin {target}", f"From {scene.url}", *fetched]


def _tell_node(scene: Scene) -> list[str]:
    version = dict(scene.job_template.matrix).get("node", "22")
    found = {"20": "20.18.1", "22": "22.12.0"}[version]
    return [
        f"Found in cache @ /opt/hostedtoolcache/node/{found}/x64",
        "##[group]Environment details",
        f"node: v{found}",
        "npm: 10.9.0",
        "##[endgroup]",
        "[command]/opt/hostedtoolcache/node/bin/npm config get cache",
        "/home/runner/.npm",
        f"Cache hit for: {cache_key(scene.run)}",
        f"Cache restored from key: {cache_key(scene.run)}",
    ]


def _tell_buildx_setup(scene: Scene) -> list[str]:
    return [
        "##[group]Docker info",
        "[command]/usr/bin/docker version",
        "Client: Docker Engine - Community",
        " Version:           28.0.4",
        "##[endgroup]",
        "##[group]Creating a new builder instance",
        f"[command]/usr/bin/docker buildx create --name builder-{scene.hex(12)} --driver docker-container --use",
        "##[endgroup]",
        "##[group]Booting builder",
        "#1 [internal] booting buildkit",
        "#1 DONE 3.1s",
        "##[endgroup]",
    ]


def _tell_login(scene: Scene) -> list[str]:
    return ["Logging into ghcr.io...", "Login Succeeded!"]


def _tell_terraform_setup(scene: Scene) -> list[str]:
    return ["[command]/usr/bin/unzip -o -q terraform.zip"]


def _tell_post(scene: Scene) -> list[str]:
    lines = ["Post job cleanup."]
    if "actions/checkout" in scene.step.name:
        git = "[command]/usr/bin/git"
        lines += [
            f"{git} version",
            "git version 2.52.0",
            f"{git} config --local --unset-all http.https://github.com/.extraheader",
        ]
    elif "setup-node" in scene.step.name:
        lines.append(f"Cache hit occurred on the primary key {cache_key(scene.run)}, not saving cache.")
    elif "login" in scene.step.name:
        lines.append(f"Logging out of ghcr.io ({IMAGE})...")
    return lines


_ACTIONS = {
    "actions/checkout": _tell_checkout,
    "actions/setup-node": _tell_node,
    "docker/setup-buildx-action": _tell_buildx_setup,
    "docker/login-action": _tell_login,
    "hashicorp/setup-terraform": _tell_terraform_setup,
}
