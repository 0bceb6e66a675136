"""Every command explains itself, with an example that it would accept."""

import re
import shlex

import click
import pytest

from forensics.cli.main import COMMANDS, forensics

DESIGNED = {
    "ingest": {"--repo", "--since", "--until", "--workflow", "--logs", "--api-url", "--from", "--rules", "--case"},
    "detect": {"--only", "--format", "--fail-on", "--queries", "--settings", "--case"},
    "explain": {"--format", "--settings", "--case"},
    "audit": {"--workflows", "--only", "--format", "--fail-on", "--settings"},
    "report": {"-o", "--finding", "--from", "--to", "--settings", "--case"},
    "sql": {"-f", "--format", "-o", "--list", "--saved", "--schema", "--case"},
    "status": {"--format", "--case"},
    "verify": {"--case"},
    "detectors": {"--check"},
    "rules": {"--check", "--try"},
    "synth": {"-o", "--seed"},
    "demo": {"-o"},
}


def command(name: str) -> click.Command:
    with forensics.make_context("forensics", ["--debug"], resilient_parsing=True) as context:
        found = forensics.get_command(context, name)
    assert found
    return found


def help_of(name: str) -> str:
    found = command(name)
    return found.get_help(click.Context(found, info_name=f"forensics {name}", max_content_width=100))


def test_the_commands_are_those_of_the_design() -> None:
    assert set(COMMANDS) == set(DESIGNED)


@pytest.mark.parametrize("name", COMMANDS)
def test_it_has_the_options_of_the_design(name: str) -> None:
    offered = {option for parameter in command(name).params for option in parameter.opts}
    assert DESIGNED[name] <= offered


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    options = [parameter for parameter in command(name).params if isinstance(parameter, click.Option)]
    dumb = [option.name for option in options if not option.help and not isinstance(option.type, click.Choice)]
    assert dumb == []


@pytest.mark.parametrize("name", COMMANDS)
def test_its_examples_parse(name: str) -> None:
    text = help_of(name)
    assert re.search(r"^ *Examples?:$", text, re.MULTILINE)
    examples = re.findall(rf"forensics (?:--debug )?{name}\b.*", text.partition("Example")[2])
    assert examples
    for example in examples:
        words = shlex.split(re.split(r" \|\|? | > |\)\"", example)[0])
        arguments = words[words.index(name) + 1 :]
        # What an option's type says about the file system is not the point here.
        arguments = [
            "." if word.endswith("/") and {"--check", "--rules"} & set(arguments) else word for word in arguments
        ]
        command(name).make_context(name, arguments).close()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_shows_a_whole_sentence(name: str) -> None:
    assert command(name).get_short_help_str(limit=60).endswith(".")
    assert not command(name).get_short_help_str(limit=60).endswith("...")
