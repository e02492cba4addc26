"""The `isocenter` command: one file in `commands/` is one verb; expected failures print what, where and what to try."""

from __future__ import annotations

import importlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from isocenter.core.errors import Exit, IsocenterError

OTHER_NAMES = {"--format": ("--to",), "--name": ("--as",), "--output": ("--as", "--out"), "--out": ("--as",), "--strategy": ("--by",), "--encoder": ("--with",), "--filter": ("--where",), "--number": ("--budget",)}
"""What people call an option -> what it is called here."""
COMMANDS = Path(__file__).parent / "commands"


class Verbs(click.Group):
    """Finds verbs as files, so that `--help` and every command load only what they need."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(path.stem.replace("_", "-") for path in COMMANDS.glob("*.py") if not path.stem.startswith("_"))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        stem = name.replace("-", "_")
        if not (COMMANDS / f"{stem}.py").exists() or name.startswith("_"):
            return None
        command: click.Command = importlib.import_module(f"isocenter.cli.commands.{stem}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from isocenter.core.near_names import advice

            ctx.fail(f"no command {args[0]!r}; {advice(args[0], self.list_commands(ctx), 'see isocenter --help')}")
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("isocenter"), prog_name="isocenter")
def cli() -> None:
    """Build training corpora from public medical imaging datasets."""


def main(argv: list[str] | None = None) -> None:
    """Run the command line and leave the process with one of the exit statuses 0, 1, 2, 3."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        result = cli.main(args=arguments, prog_name="isocenter", standalone_mode=False)
        sys.exit(int(result) if isinstance(result, int) else Exit.DONE)
    except IsocenterError as error:
        _report(error, as_json="--json" in arguments)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption) and error.ctx is not None:
            known = {name for parameter in error.ctx.command.params for name in parameter.opts}
            if ours := sorted(known.intersection(OTHER_NAMES.get(error.option_name, ()))):
                error = click.NoSuchOption(error.option_name, f"no option {error.option_name}; did you mean {' or '.join(ours)}?", ctx=error.ctx)
        error.show()
        sys.exit(Exit.USAGE)
    except click.exceptions.Abort:
        click.echo("stopped; the same command continues where it was cut", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.DONE)
    except OSError as error:
        from isocenter.cli.system_errors import told

        if (failure := told(error)) is None:
            raise
        _report(failure, as_json="--json" in arguments)
        sys.exit(failure.exit_code)


def _report(error: IsocenterError, *, as_json: bool) -> None:
    click.echo(f"error: {error}", err=True)
    if as_json:
        body: dict[str, Any] = {"error": {"what": error.what, "where": error.where, "try": error.hint, "kind": type(error).__name__}}
        click.echo(json.dumps(body, ensure_ascii=False))
