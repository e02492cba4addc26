"""The questions put to every verb and subcommand: it prints one object with --json, and what writes can be asked without writing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.workspace import Workspace
from isocenter.curate.demo import prepare

READERS = {"catalog audit", "compare", "leakage", "plan", "plugins", "related", "search", "show", "similar", "sql", "status", "verify"}
"""Verbs that leave nothing behind but a ledger entry, or the plan's scan of what was adopted."""
NAMED_OUTPUT = {"evaluate", "explain", "retrieve"}
"""Verbs that read, and write only the files that an option of theirs names."""


def _verbs(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _verbs(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


VERBS = dict(_verbs(cli))


@pytest.fixture(params=sorted(VERBS))
def verb(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def options(verb: str) -> set[str]:
    return {name for parameter in VERBS[verb].params for name in parameter.opts}


def test_prints_one_object_when_asked(verb: str) -> None:
    assert "--json" in options(verb)


def test_writes_nothing_when_asked_or_is_known_to_write_nothing_of_its_own(verb: str) -> None:
    expected = verb not in READERS | NAMED_OUTPUT
    assert ("--dry-run" in options(verb)) == expected, "a verb that writes takes --dry-run; one that does not is listed above, with the reason"


def test_leaves_a_cohort_by_the_name_that_as_gives(verb: str) -> None:
    if "--as" in options(verb) and verb != "catalog audit":
        assert "--dry-run" in options(verb)


def test_says_what_each_option_does(verb: str) -> None:
    silent = [parameter.name for parameter in VERBS[verb].params if isinstance(parameter, click.Option) and not parameter.help]
    assert silent == []


def test_a_dry_build_and_a_dry_start_leave_no_trace(tmp_path: Path) -> None:
    recipe, _ = prepare(Workspace.create(tmp_path / "demo"))
    text = recipe.read_text()
    head, _, rest = text.partition('[[dataset]]\nname = "pydicom"')
    recipe.write_text(head + "[merge]" + rest.partition("[merge]")[2])
    before = sorted(tmp_path.rglob("*"))
    done = CliRunner().invoke(cli, ["build", str(recipe), "--dry-run", "-w", str(tmp_path / "w")])
    assert done.exception is None or done.exit_code == 0, done.output
    assert "cohorts/demo.selected.parquet" in done.output
    assert done.output.count("to make") == 7
    assert CliRunner().invoke(cli, ["init", str(tmp_path / "new"), "--dry-run"]).exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before
