"""The words of install, lint, test and build tools: much output, no effect."""

from __future__ import annotations

from datetime import timedelta

from forensics.synth.scene import GREEN, MODULES, RED, RESET, Scene, Timed

_CASES = (
    "adds a line",
    "keeps the order of lines",
    "rejects a negative amount",
    "rounds half to even",
    "retries once on a timeout",
    "returns 404 for an unknown id",
    "survives an empty basket",
    "uses the cached value",
)


def tell_install(scene: Scene) -> list[str]:
    """``npm ci``."""
    rng = scene.rng
    packages = 1180 + rng.randrange(20)
    old = ("inflight@1.0.6", "glob@7.2.3", "rimraf@3.0.2", "abab@2.0.6")
    lines = [f"npm warn deprecated {name}: This package is no longer supported" for name in rng.sample(old, 2)]
    return [
        *lines,
        "",
        f"added {packages} packages, and audited {packages + 1} packages in {rng.randrange(9, 19)}s",
        "",
        f"{rng.randrange(150, 240)} packages are looking for funding",
        "  run `npm fund` for details",
        "",
        "found 0 vulnerabilities",
    ]


def tell_lint(scene: Scene) -> list[str]:
    """ESLint, with two findings when it fails."""
    lines = [*_npm_banner("lint", "eslint . --max-warnings 0")]
    if scene.step.mode == "problems":
        lines += [
            f"{scene.workspace}/apps/web/src/basket/total.ts",
            "  41:9   error  'rest' is assigned a value but never used  no-unused-vars",
            "  58:17  error  Unexpected any. Specify a different type  no-explicit-any",
            "",
            "✖ 2 problems (2 errors, 0 warnings)",
            "",
        ]
    return lines


def tell_tests(scene: Scene) -> list[str]:
    """A verbose unit test run."""
    rng = scene.rng
    lines = [*_npm_banner("test", "vitest run --reporter=verbose"), f" RUN  v2.1.8 {scene.workspace}", ""]
    count = 44 * scene.scale
    for _ in range(count):
        place = rng.choice(MODULES)
        lines.append(
            f" {GREEN}✓{RESET} packages/{place}/test/{place}.test.ts > {place} > {rng.choice(_CASES)}"
            f" {rng.randrange(1, 240)}ms"
        )
    return [*lines, "", f" Test Files  {count // 6} passed ({count // 6})", f"      Tests  {count} passed ({count})"]


def tell_integration(scene: Scene) -> list[str]:
    """Integration tests: green, flaky, or hanging on a lock."""
    rng = scene.rng
    lines = [
        " Network storefront-test_default  Created",
        " Container storefront-test-db-1  Started",
        " Container storefront-test-db-1  Healthy",
        *_npm_banner("test:integration", "vitest run --config test/integration.config.ts"),
    ]
    lines += [
        f" {GREEN}✓{RESET} test/integration/{rng.choice(MODULES)}.test.ts ({rng.randrange(2, 9)} tests)"
        for _ in range(30 * scene.scale)
    ]
    match scene.step.mode:
        case "hung":
            # The tests themselves take the first two minutes or so.
            waited = scene.step.completed_at - scene.step.started_at - timedelta(seconds=140)
            lines += [
                Timed(f"orders-worker: waiting for lock on relation orders ({30 * n} s)", 30)
                for n in range(1, int(waited / timedelta(seconds=30)) + 1)
            ]
        case "flaky":
            return [
                *lines,
                f" {RED}❯{RESET} test/integration/payments.test.ts (7 tests | 1 failed)",
                "   × payments > retries once on a timeout",
                "     → expected 200 to be 504 // Object.is equality",
                "",
                " Test Files  1 failed | 30 passed (31)",
            ]
    return [*lines, "", " Test Files  31 passed (31)", f"   Duration  {rng.randrange(90, 140)}.{rng.randrange(99)}s"]


def tell_build(scene: Scene) -> list[str]:
    """A bundler."""
    rng = scene.rng
    lines = [*_npm_banner("build", "vite build"), "vite v6.0.3 building for production...", "transforming..."]
    for _ in range(18 * scene.scale):
        kilobytes = f"{rng.uniform(0.4, 260):.2f} kB"
        lines.append(f"dist/assets/{rng.choice(MODULES)}-{scene.hex(8)}.js  {kilobytes:>10} │ gzip: {kilobytes}")
    return [*lines, f"✓ built in {rng.uniform(12, 34):.2f}s"]


def tell_coverage(scene: Scene) -> list[str]:
    """A coverage table."""
    rng = scene.rng
    rule = "-" * 20 + "|---------|----------|---------|---------|"
    rows = [
        f" {name:<19}|   {rng.uniform(71, 99):.2f} |    {rng.uniform(61, 95):.2f} |   {rng.uniform(70, 99):.2f} |"
        for name in MODULES
    ]
    head = f"{'File':<20}| % Stmts | % Branch | % Funcs | % Lines |"
    return [*_npm_banner("coverage", "vitest run --coverage"), *tell_tests(scene)[4:], rule, head, rule, *rows, rule]


def tell_site(scene: Scene) -> list[str]:
    """A documentation build."""
    pages = [f"  docs/{name}/index.html" for name in MODULES * scene.scale]
    return [*_npm_banner("docs:build", "vitepress build docs"), *pages, "build complete in 21.4s."]


def _npm_banner(script: str, command: str) -> list[str]:
    return ["", f"> @acme/storefront@0.0.0 {script}", f"> {command}", ""]
