"""The words of Terraform 1.9: init, plan, apply, an apply that is killed, and the lock that it leaves."""

from __future__ import annotations

from forensics.synth.scene import BOLD, GREEN, RED, RESET, STATE, Scene, Timed, at_once

_ACQUIRING = "Acquiring state lock. This may take a few moments..."
_RELEASING = "Releasing state lock. This may take a few moments..."
_RESOURCES = (
    ("aws_subnet", "sessions", "subnet"),
    ("aws_db_parameter_group", "orders", "orders-pg"),
    ("aws_security_group_rule", "reports", "sgrule"),
    ("aws_db_instance", "orders_replica", "db"),
    ("aws_s3_bucket_policy", "images", "acme-images"),
)


def tell_init(scene: Scene) -> list[str]:
    """``terraform init``."""
    return [
        f"{RESET}{BOLD}Initializing the backend...{RESET}",
        f'{GREEN}Successfully configured the backend "s3"!{RESET}',
        f"{RESET}{BOLD}Initializing provider plugins...{RESET}",
        "- Reusing previous version of hashicorp/aws from the dependency lock file",
        "- Installing hashicorp/aws v5.76.0...",
        "- Installed hashicorp/aws v5.76.0 (signed by HashiCorp)",
        "",
        f"{RESET}{BOLD}{GREEN}Terraform has been successfully initialized!{RESET}",
    ]


def tell_plan(scene: Scene) -> list[str]:
    """``terraform plan``: changes, no changes, or a state that is locked."""
    if scene.step.mode == "locked":
        return _lock_error(scene)
    lines = [_ACQUIRING, *_refresh(scene)]
    if scene.step.mode == "no-changes" or scene.fact("add") == scene.fact("change") == "0":
        verdict = (
            f"{RESET}{BOLD}{GREEN}No changes.{RESET}{BOLD} Your infrastructure matches the configuration.{RESET}"
        )
        return [*lines, "", verdict, _RELEASING]
    return [
        *lines,
        *_changes(scene),
        "",
        "Saved the plan to: tfplan",
        _RELEASING,
    ]


def tell_apply(scene: Scene) -> list[str]:
    """``terraform apply``; a cancelled one is killed while it holds the lock."""
    lines = [Timed(_ACQUIRING, 1.3), *_refresh(scene), *_changes(scene)]
    if scene.step.mode == "killed":
        return [*lines, *_making(scene, until=27.0), *_killed()]
    add, change = scene.fact("add"), scene.fact("change")
    return [
        *lines,
        *_making(scene, until=600.0),
        Timed(_RELEASING, 0.4),
        Timed(f"{RESET}{BOLD}{GREEN}", 0.2),
        Timed(f"Apply complete! Resources: {add} added, {change} changed, 0 destroyed.{RESET}", 0.00005),
    ]


def _making(scene: Scene, until: float) -> list[str]:
    """Resources are made side by side, each longer than the one before; told are the first ``until`` seconds."""
    add, change = int(scene.fact("add")), int(scene.fact("change"))
    told: list[tuple[float, str]] = []
    for place, (kind, name, prefix) in enumerate(_RESOURCES[: add + change]):
        creating = place < add
        verb, noun = ("Creating", "Creation") if creating else ("Modifying", "Modifications")
        address, number = f"{kind}.{name}", f"id={prefix}-0{scene.hex(8)}"
        begins, lasts = 0.1 * place, 4 + 9 * place
        told.append((begins, f"{address}: {verb}..." + ("" if creating else f" [{number}]")))
        for elapsed in range(10, lasts, 10):
            known = "" if creating else f"{number}, "
            told.append((begins + elapsed, f"{address}: Still {verb.lower()}... [{known}{elapsed}s elapsed]"))
        told.append((begins + lasts, f"{address}: {noun} complete after {lasts}s [{number}]"))
    lines: list[str] = []
    clock = 0.0
    for moment, text in sorted(told):
        if moment <= until:
            lines.append(Timed(f"{RESET}{BOLD}{text}{RESET}{RESET}", moment - clock))
            clock = moment
    return lines


def _killed() -> list[str]:
    """SIGINT, and SIGTERM seven and a half seconds later: Terraform leaves its lock behind."""
    asked = (
        f"{BOLD}Interrupt received.",
        "Please wait for Terraform to exit or data loss may occur.",
        f"Gracefully shutting down...{RESET}",
        "",
        "Stopping operation...",
        "",
    )
    killed = "Two interrupts received. Exiting immediately. Note that data loss may have occurred."
    return [Timed("", 1.6), *at_once(asked), Timed(killed, 7.5)]


def _refresh(scene: Scene) -> list[str]:
    rng = scene.rng
    names = [f"{kind}.{name}_{number}" for kind, name, _ in _RESOURCES for number in range(1, 4)]
    return [
        f"{RESET}{BOLD}{name}: Refreshing state... [id={scene.hex(12)}]{RESET}"
        for name in rng.sample(names, 11) * scene.scale
    ]


def _changes(scene: Scene) -> list[str]:
    add, change = int(scene.fact("add")), int(scene.fact("change"))
    lines = [
        "",
        "Terraform used the selected providers to generate the following execution",
        "plan. Resource actions are indicated with the following symbols:",
        f"  {GREEN}+{RESET} create{RESET}",
        "",
        "Terraform will perform the following actions:",
    ]
    for place, (kind, name, _) in enumerate(_RESOURCES[: add + change]):
        verb = "created" if place < add else "updated in-place"
        lines += [
            "",
            f"{BOLD}  # {kind}.{name}{RESET} will be {verb}{RESET}",
            f'{RESET}  {GREEN}+{RESET}{RESET} resource "{kind}" "{name}" {{',
            f"      {GREEN}+{RESET}{RESET} id = (known after apply)",
            "    }",
        ]
    lines += ["", f"{BOLD}Plan:{RESET} {add} to add, {change} to change, 0 to destroy.{RESET}"]
    return at_once(lines)


def _lock_error(scene: Scene) -> list[str]:
    bar = f"{RED}│{RESET} {RESET}"
    said = [
        f"{BOLD}{RED}Error: {RESET}{RESET}{BOLD}Error acquiring the state lock{RESET}",
        "",
        "Error message: ConditionalCheckFailedException: The conditional request failed",
        "Lock Info:",
        f"  ID:        {scene.fact('lock_id')}",
        f"  Path:      {STATE}",
        "  Operation: OperationTypeApply",
        f"  Who:       {scene.fact('lock_who')}",
        "  Version:   1.9.8",
        f"  Created:   {scene.fact('lock_created')}",
        "  Info:      ",
        "",
        "",
        "Terraform acquires a state lock to protect the state from being written",
        "by multiple users at the same time. Please resolve the issue above and try",
        'again. For most commands, you can disable locking with the "-lock=false"',
        "flag, but this is not recommended.",
    ]
    box = (f"{RED}╷{RESET}", *(bar + line for line in said), f"{RED}╵{RESET}{RESET}")
    return [_ACQUIRING, "", *at_once(box)]
