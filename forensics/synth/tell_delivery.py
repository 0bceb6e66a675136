"""The words of the tools that publish and deploy, in their exact wording.

As npm 10, git 2.52, buildx, kubectl, deploy-pages 4 and action-gh-release 2 print them in public logs.
"""

from __future__ import annotations

from forensics.synth.scene import IMAGE, MODULES, PACKAGE, REGISTRY, Scene, Timed, at_once


def tell_version(scene: Scene) -> list[str]:
    """What the team's own script says."""
    return [f"Latest tag is v{scene.fact('previous')}", f"Next version is {scene.fact('version')}"]


def tell_publish(scene: Scene) -> list[str]:
    """``npm version`` and ``npm publish``; a version that is taken is refused with E403."""
    rng, version = scene.rng, scene.fact("version")
    plain = PACKAGE.lstrip("@").replace("/", "-")
    contents = (
        "npm notice",
        f"npm notice 📦  {PACKAGE}@{version}",
        "npm notice Tarball Contents",
        *(f"npm notice {rng.uniform(0.4, 30):.1f}kB dist/{name}.js" for name in MODULES),
        "npm notice Tarball Details",
        f"npm notice name: {PACKAGE}",
        f"npm notice version: {version}",
        f"npm notice filename: {plain}-{version}.tgz",
        f"npm notice shasum: {scene.hex(40)}",
        "npm notice total files: 41",
        "npm notice",
    )
    publishing = f"npm notice Publishing to {REGISTRY} with tag latest and public access"
    lines = [f"v{version}", "", *at_once(contents), Timed(publishing, 0.02)]
    if scene.step.mode != "already-published":
        return [*lines, f"+ {PACKAGE}@{version}"]
    encoded = PACKAGE.replace("/", "%2f")
    refusal = (
        f"npm error 403 403 Forbidden - PUT {REGISTRY}{encoded}"
        f" - You cannot publish over the previously published versions: {version}.",
        "npm error 403 In most cases, you or one of your dependencies are requesting",
        "npm error 403 a package version that is forbidden by your security policy, or",
        "npm error 403 on a server you do not have access to.",
        "npm error A complete log of this run can be found in: /home/runner/.npm/_logs/debug-0.log",
    )
    return [*lines, "npm error code E403", *at_once(refusal)]


def tell_verify(scene: Scene) -> list[str]:
    """The team's own script; registries answer from several places, not all up to date."""
    version = scene.fact("version")
    if scene.step.mode == "not-visible":
        waits = [f"Version {version} not visible yet, waiting ({n} of 6)" for n in range(1, 7)]
        return [*waits, f"Version {version} is not visible in the registry after 60 s"]
    return [f"Version {version} is visible in the registry"]


def tell_tag(scene: Scene) -> list[str]:
    """``git push origin vX``; git pads the kind of change to seventeen columns."""
    tag = f"v{scene.fact('version')}"
    if scene.step.mode == "tag-exists":
        return [
            f"To {scene.url}",
            f" ! [rejected]        {tag} -> {tag} (already exists)",
            f"error: failed to push some refs to '{scene.url}'",
            "hint: Updates were rejected because the tag already exists in the remote.",
            "##[warning]The tag exists already",
        ]
    return [f"To {scene.url}", f" * [new tag]         {tag} -> {tag}"]


def tell_release(scene: Scene) -> list[str]:
    """softprops/action-gh-release."""
    tag = f"v{scene.fact('version')}"
    begins = [f"👩‍🏭 Creating new GitHub release for tag {tag}..."]
    if scene.step.mode == "found":
        begins = [
            f"Found release {tag} (with id={scene.rng.randrange(10**8, 10**9)})",
            "♻️ Deleting previously uploaded asset storefront-sdk.tgz...",
        ]
    return [
        *begins,
        "⬆️ Uploading storefront-sdk.tgz...",
        f"🎉 Release ready at {scene.url}/releases/tag/{tag}",
    ]


def tell_buildx(scene: Scene) -> list[str]:
    """docker/build-push-action: builds, then pushes each tag, announced at its start and at its end."""
    rng, digest = scene.rng, f"sha256:{scene.fact('digest')}"
    tags = [f"{IMAGE}:production", f"{IMAGE}:sha-{scene.sha}"]
    if scene.step.name == "Build and push release image":
        tags = [f"{IMAGE}:{scene.fact('version')}"]
    lines = [
        "#1 [internal] load build definition from Dockerfile",
        "#1 transferring dockerfile: 1.42kB done",
        "#1 DONE 0.0s",
        "",
        "#2 [auth] library/node:pull token for registry.docker.example",
        "#2 DONE 0.0s",
        "",
        "#7 [builder 4/6] RUN npm ci",
    ]
    if scene.step.mode == "cold-cache":
        lines.insert(3, "#4 importing cache manifest from gha: not found, building every layer")
    clock = 0.0
    for _ in range(26 * scene.scale):
        clock += rng.uniform(0.2, 2.2)
        lines.append(f"#7 {clock:.3f} packages/{rng.choice(MODULES)}: compiled {rng.randrange(12, 90)} files")
    lines += at_once((f"#7 DONE {clock:.1f}s", "", "#19 exporting to image"))
    work = [("exporting layers", rng.uniform(2, 9)), ("pushing layers", rng.uniform(1, 6))]
    work += [(f"pushing manifest for {tag}@{digest}", rng.uniform(0.4, 1.8)) for tag in tags]
    for what, seconds in work:
        lines += [Timed(f"#19 {what}", 0.1), Timed(f"#19 {what} {seconds:.1f}s done", seconds)]
    total = sum(seconds for _, seconds in work)
    return [*lines, *at_once((f"#19 DONE {total:.1f}s", "", "##[group]Digest", digest, "##[endgroup]"))]


def tell_kubectl(scene: Scene) -> list[str]:
    """``kubectl apply``."""
    return [
        "service/storefront unchanged",
        "configmap/storefront-settings unchanged",
        "deployment.apps/storefront configured",
        "horizontalpodautoscaler.autoscaling/storefront unchanged",
    ]


def tell_rollout(scene: Scene) -> list[str]:
    """``kubectl rollout status``."""
    wait = 'Waiting for deployment "storefront" rollout to finish: '
    return [
        *(f"{wait}{done} out of 4 new replicas have been updated..." for done in (1, 2, 3)),
        *(f"{wait}{left} old replicas are pending termination..." for left in (2, 1)),
        'deployment "storefront" successfully rolled out',
    ]


def tell_smoke(scene: Scene) -> list[str]:
    """The team's own script."""
    paths = ("/", "/search?q=tea", "/basket", "/health")
    return [f"GET https://storefront.example{path} 200 {scene.rng.randrange(40, 400)} ms" for path in paths]


def tell_upload(scene: Scene) -> list[str]:
    """actions/upload-artifact inside actions/upload-pages-artifact."""
    number = scene.fact("artifact")
    return [
        "With the provided path, there will be 1 file uploaded",
        "Artifact name is valid!",
        "Root directory input is valid!",
        "Uploading artifact: github-pages.zip",
        "Uploaded bytes 412655",
        f"Artifact github-pages successfully finalized. Artifact ID {number}",
        "Artifact github-pages has been successfully uploaded! Final size is 412655 bytes. Artifact ID is " + number,
        f"Artifact download URL: {scene.url}/actions/runs/{scene.run.run_id}/artifacts/{number}",
    ]


def tell_pages(scene: Scene) -> list[str]:
    """actions/deploy-pages."""
    payload = (
        "{",
        f'\t"artifact_id": {scene.fact("artifact")},',
        f'\t"pages_build_version": "{scene.sha}",',
        '\t"oidc_token": "***"',
        "}",
    )
    return [
        'Fetching artifact metadata for "github-pages" in this workflow run',
        "Found 1 artifact(s)",
        "Creating Pages deployment with payload:",
        *at_once(payload),
        f"Created deployment for {scene.sha}, ID: {scene.sha}",
        "Getting Pages deployment status...",
        "Reported success!",
    ]
