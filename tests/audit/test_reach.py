"""What a job does to the world, as its file says it, and what only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.audit.reach import find_acts, load_reaches
from forensics.audit.script import split_commands
from forensics.workflow.document import Environment, Job, Place, Scalar, Step


def scalar(text: object) -> Scalar:
    return Scalar(text, Place(10, 14))  # type: ignore[arg-type]


def acts(*steps: Step, environment: str | None = None) -> list[tuple[str, str | None]]:
    named = Environment(scalar(environment), Place(3, 5)) if environment else None
    return [(act.verb, act.target) for act in find_acts(Job("job", Place(2, 3), steps=steps, environment=named))]


def run(script: str) -> list[tuple[str, str | None]]:
    return acts(Step(Place(9, 9), run=scalar(script)))


def use(name: str, **inputs: object) -> list[tuple[str, str | None]]:
    given = {key: scalar(value) for key, value in inputs.items()}
    return acts(Step(Place(9, 9), uses=scalar(f"{name}@v1"), inputs=given))


@pytest.mark.parametrize(
    ("script", "done"),
    [
        ("git push", [("push", "git:@")]),
        ("git push origin HEAD", [("push", "git:@")]),
        ("git push origin main", [("push", "git:main")]),
        ('git push -f origin "HEAD:refs/heads/gh-pages"', [("push", "git:gh-pages")]),
        ('git push origin "HEAD:refs/heads/$BRANCH"', [("push", None)]),
        ("git push other main", [("push", None)]),
        ("git -C site push origin main", [("push", "git:main")]),
        ("git push origin --tags", [("tag", None)]),
        ("git push origin v1.2.3", [("tag", None)]),
        ('git tag "$TAG" && git push origin "$TAG"', [("tag", None)]),
        ("git clone https://git.example/o/r && cd r && git push origin main", [("push", None)]),
        ("git checkout -b topic && git push", [("push", None)]),
        ("npm publish --access public", [("publish", "npm")]),
        ("pnpm -r publish", [("publish", "npm")]),
        ("yarn npm publish", [("publish", "npm")]),
        ("python -m twine upload dist/*", [("publish", "pypi:")]),
        ("uv publish", [("publish", "pypi:")]),
        ("cargo publish -p cart", [("publish", "crates")]),
        ("docker push registry.example/shop:latest", [("image", "docker:registry.example/shop:latest")]),
        ("docker push registry.example/shop:$TAG", [("image", None)]),
        ("docker buildx build --push -t a:b .", [("image", None)]),
        ("gh release create v1.0.0 --generate-notes", [("release", "release:v1.0.0")]),
        ("npx semantic-release", [("release", None)]),
        ("terraform -chdir=infra apply -auto-approve", [("apply", None)]),
        ("helm upgrade --install shop ./chart -n prod", [("deploy", "helm:shop")]),
        ("kubectl -n prod apply -f k8s", [("deploy", None)]),
        ("aws s3 sync ./site s3://shop-site --delete", [("deploy", "s3:shop-site")]),
        ("gh workflow run ship.yml --ref main", [("dispatch", "workflow:ship.yml")]),
        ("gh issue comment 1 --body x", [("issue", None)]),
        ("sudo -E FOO=1 git push origin main", [("push", "git:main")]),
        ("if ! git push origin main; then exit 1; fi", [("push", "git:main")]),
        ("cargo \\\n  publish", [("publish", "crates")]),
        ("echo done; (cd x && cargo publish)", [("publish", "crates")]),
        ("V=$(cat v) cargo publish", [("publish", "crates")]),
    ],
)
def test_a_command_is_known(script: str, done: list[tuple[str, str | None]]) -> None:
    assert run(script) == done


@pytest.mark.parametrize(
    "script",
    [
        "git push --dry-run",
        "npm publish --dry-run",
        "cargo publish --dry-run",
        "terraform plan",
        "helm upgrade shop ./chart --dry-run",
        "kubectl get pods",
        "aws s3 cp s3://shop/x ./x",
        "# git push",
        "make  # then git push",
        'echo "git push && npm publish"',
        "echo 'cargo publish'",
        "cat > notes <<EOF\ncargo publish\nEOF\nmake",
        "cat > notes <<-'END'\n\tgit push\n\tEND\nmake",
        "npm run publish-check",
        "git config push.default simple",
        "docker build -t a:b .",
        "gh release view v1.0.0",
        "./gradlew publishToMavenLocal",
        "goreleaser release --snapshot",
        "gh pr merge --auto --squash 12",
    ],
)
def test_what_only_looks_like_it(script: str) -> None:
    assert run(script) == []


def test_actions_and_their_inputs() -> None:
    assert use("actions/deploy-pages") == [("deploy", "pages")]
    assert use("Docker/Build-Push-Action", push=True, tags="a:b") == [("image", "docker:a:b")]
    assert use("docker/build-push-action", push="${{ inputs.push }}") == [("image", None)]
    assert use("docker/build-push-action") == use("docker/build-push-action", push=False) == []
    assert use("peaceiris/actions-gh-pages") == [("deploy", "git:gh-pages")]
    assert use("peaceiris/actions-gh-pages", publish_branch="site") == [("deploy", "git:site")]
    assert use("katyo/publish-crates", **{"dry-run": "true"}) == []
    assert use("goreleaser/goreleaser-action", args="release --clean") == [("release", None)]
    assert use("goreleaser/goreleaser-action", args="build --snapshot") == []
    assert use("changesets/action", publish="npm run ship") == [("publish", None)]
    assert use("changesets/action") == [("propose", None)]
    assert use("actions/checkout") == use("./local") == []
    script = "const { data } = await github.rest.repos.createRelease({owner})"
    assert use("actions/github-script", script=script) == [("release", None)]


def test_an_environment_stands_for_a_deploy_if_its_name_does() -> None:
    assert acts(environment="Production") == [("deploy", "environment:production")]
    assert acts(environment="${{ inputs.where }}") == [("deploy", None)]
    assert acts(environment="secrets") == []


def test_lines_of_a_block_are_counted_from_its_mark() -> None:
    script = scalar("make\n\n# then\ncargo \\\n  publish\ngit push\n")
    found = find_acts(Job("job", Place(2, 3), steps=(Step(Place(9, 9), run=script),)))
    assert [(act.what, act.place.line) for act in found] == [("cargo publish", 14), ("git push", 16)]


def test_every_entry_has_a_verb_that_is_told() -> None:
    reaches = load_reaches()
    entries = [*reaches.actions, *reaches.commands, *reaches.scripts]
    assert {entry.verb for entry in entries} <= set(reaches.verbs)


@given(st.text(alphabet=st.sampled_from("'\"\\\n#<EOF|&;()`$ {}gitpush"), max_size=80))
def test_any_script_is_taken_apart(script: str) -> None:
    lines = script.count("\n")
    assert all(0 <= line <= lines and command.strip() for line, command in split_commands(script))
