"""The words of Terraform 1.9: init, plan, apply, an apply that is killed, and the lock that it leaves."""

from __future__ import annotations

from forensics.synth.scene import BOLD, GREEN, RED, RESET, STATE, Scene

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
    lines = ["Acquiring state lock. This may take a few moments...", *_refresh(scene)]
    if scene.step.mode == "no-changes":
        verdict = (
            f"{RESET}{BOLD}{GREEN}No changes.{RESET}{BOLD} Your infrastructure matches the configuration.{RESET}"
        )
        return [*lines, "", verdict, "Releasing state lock. This may take a few moments..."]
    return [
        *lines,
        *_changes(scene),
        "",
        "Saved the plan to: tfplan",
        "Releasing state lock. This may take a few moments...",
    ]


def tell_apply(scene: Scene) -> list[str]:
    """``terraform apply``; a cancelled one is killed while it holds the lock."""
    lines = ["Acquiring state lock. This may take a few moments...", *_refresh(scene), *_changes(scene)]
    add, change = int(scene.fact("add")), int(scene.fact("change"))
    made: list[str] = []
    for place, (kind, name, prefix) in enumerate(_RESOURCES[: add + change]):
        creating = place < add
        verb, noun = ("Creating", "Creation") if creating else ("Modifying", "Modifications")
        address = f"{kind}.{name}"
        seconds = 4 + 9 * place
        made.append(f"{RESET}{BOLD}{address}: {verb}...{RESET}{RESET}")
        if seconds > 10:
            made.append(f"{RESET}{BOLD}{address}: Still {verb.lower()}... [10s elapsed]{RESET}{RESET}")
        made.append(f"{RESET}{BOLD}{address}: {noun} complete after {seconds}s [id={prefix}-0{scene.hex(8)}]{RESET}")
    if scene.step.mode == "killed":
        return [*lines, *made[:-1], *_killed()]
    return [
        *lines,
        *made,
        "Releasing state lock. This may take a few moments...",
        f"{RESET}{BOLD}{GREEN}",
        f"Apply complete! Resources: {add} added, {change} changed, 0 destroyed.{RESET}",
    ]


def _killed() -> list[str]:
    """SIGINT, and SIGTERM seven and a half seconds later: Terraform leaves its lock behind."""
    return [
        "",
        f"{BOLD}Interrupt received.",
        "Please wait for Terraform to exit or data loss may occur.",
        f"Gracefully shutting down...{RESET}",
        "",
        "Stopping operation...",
        "",
        "Two interrupts received. Exiting immediately. Note that data loss may have occurred.",
    ]


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
    return [*lines, "", f"{BOLD}Plan:{RESET} {add} to add, {change} to change, 0 to destroy.{RESET}"]


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
    head = "Acquiring state lock. This may take a few moments..."
    return [head, f"{RED}╷{RESET}", *(bar + line for line in said), f"{RED}╵{RESET}{RESET}"]
