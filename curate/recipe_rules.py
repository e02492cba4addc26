"""What may stand in a recipe: the content of its TOML file goes in, everything that is wrong with it comes out, each with what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from isocenter.core.errors import BadInput, IsocenterError
from isocenter.core.forms import FLAG, NAMES, TEXT, TEXTS, WHOLE, Form, are_texts, is_number, is_text, table_of
from isocenter.core.forms import complaints as keys
from isocenter.curate.budget import read_budget
from isocenter.curate.constraints import parse_limit
from isocenter.curate.shares import shares_of
from isocenter.harmonize.doubt import read_doubt
from isocenter.registry.licenses import Use


def _is_budget(value: Any) -> bool:
    if is_text(value):
        return bool(value.strip().endswith("%")) and tried(read_budget, value) is None
    return is_number(value) and value > 0


RATIO = Form("table of side = number", "{ train = 0.8, val = 0.1, test = 0.1 }",
             lambda value: table_of(is_number)(value) and min(value.values(), default=-1) >= 0 and sum(value.values()) > 0)
BUDGET = Form('number above 0, or share such as "10%"', "1000", _is_budget)
PUT = Form("table of side = values", '{ test = ["Hospital A"] }', table_of(lambda one: isinstance(one, (str, int, float)) or are_texts(one)))
SPACING = Form("number of millimetres or list of three", "[1, 1, 3]", lambda value: is_number(value) or (isinstance(value, list) and len(value) in (1, 3) and all(map(is_number, value))))
DOUBT = Form("policy or table of term = policy", '"zeros"', lambda value: isinstance(value, str) or table_of(is_text)(value))

STAGES: dict[str, dict[str, Form]] = {
    "geometry": {"preset": TEXT, "spacing": SPACING, "orientation": TEXT},
    "merge": {"where": TEXT, "space": TEXT, "uncertain": DOUBT, "settle": NAMES},
    "dedup": {"near": FLAG},
    "split": {"ratio": RATIO, "by": TEXT, "stratify": TEXTS, "keep": TEXT, "put": PUT, "allow_published_test": TEXTS, "column": NAMES},
    "select": {"by": TEXT, "budget": BUDGET, "encoder": TEXT, "on": TEXT, "spend": TEXT, "limits": TEXTS, "only_license": TEXTS, "include": TEXT, "exclude": TEXT,
               "column": NAMES},
    "export": {"to": TEXT, "accept_leakage": FLAG, "against": TEXTS, "identifying": TEXT, "keep_dates": FLAG, "skip_unfit": FLAG, "by_annotation": FLAG, "regions": FLAG, "conceal_names": FLAG},
}
TOP = {"name": TEXT, "use": TEXT, "seed": WHOLE, "description": TEXT}
DATASET = {"name": TEXT, "root": TEXT, "dataset": TEXT, "layout": TEXT, "license": TEXT, "terms": NAMES}


def complaints(body: Mapping[str, Any]) -> list[IsocenterError]:
    """Everything that the content of a recipe cannot mean: unknown keys, values of another form, sides and budgets that are none, datasets named twice."""
    found: list[IsocenterError] = list(keys(body, TOP, "the recipe", sections=("dataset", *STAGES)))
    found += _datasets(body.get("dataset", []))
    for stage, forms in STAGES.items():
        if not isinstance(section := body.get(stage, {}), dict):
            found.append(BadInput(f"{stage} = {section!r} is no section", hint=f"[{stage}] on a line of its own, its keys below"))
            continue
        found += keys(section, forms, f"[{stage}]")
    if body.get("use", "local") not in get_args(Use):
        found.append(BadInput(f"use = {body['use']!r}", hint="local, share or commercial"))
    select = body.get("select")
    if isinstance(select, dict):
        if "budget" not in select:
            found.append(BadInput("[select] lacks a budget", hint="budget = 1000"))
        elif BUDGET.fits(select["budget"]) and select.get("spend", "samples") == "samples" and not read_budget(select["budget"]).of(100) >= 1:
            found.append(BadInput(f"[select]: a budget of {select['budget']} samples selects nothing", hint="budget = 1000"))
        elif is_text(select["budget"]) and BUDGET.fits(select["budget"]) and select.get("spend", "samples") != "samples":
            found.append(BadInput(f"[select]: a budget of {select['budget']} counts samples, not {select['spend']}", hint="budget = 2_000_000_000"))
        if are_texts(limits := select.get("limits", [])):
            found += [error for text in limits if (error := tried(parse_limit, text)) is not None]
    split = body.get("split")
    if isinstance(split, dict) and RATIO.fits(ratio := split.get("ratio")) and (error := tried(shares_of, ratio)) is not None:
        found.append(type(error)(f"[split]: {error.what}", hint=error.hint))
    merge = body.get("merge")
    if isinstance(merge, dict) and DOUBT.fits(merge.get("uncertain", "keep")) and (error := tried(read_doubt, merge.get("uncertain"))) is not None:
        found.append(error)
    return found


def sound(body: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a recipe without what `complaints` finds fault with, so that the rest can be looked at too; each dataset by its first table."""
    kept = _fitting(body, TOP) | {stage: _fitting(body[stage], forms) for stage, forms in STAGES.items() if isinstance(body.get(stage), dict)}
    if are_texts(limits := kept.get("select", {}).get("limits")):
        kept["select"]["limits"] = [text for text in limits if tried(parse_limit, text) is None]
    rules = body.get("dataset")
    whole = [_fitting(rule, DATASET) for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    return kept | {"dataset": list({rule["name"]: rule for rule in reversed(whole) if {"name", "root"} <= rule.keys()}.values())[::-1]}


def _fitting(section: Mapping[str, Any], forms: Mapping[str, Form]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key in forms and forms[key].fits(value)}


def tried(function: Callable[..., object], *arguments: Any) -> IsocenterError | None:
    """What a call refuses; None when it does not."""
    try:
        function(*arguments)
    except IsocenterError as error:
        return error
    return None


def refuse(found: Sequence[IsocenterError], path: Path) -> None:
    """Raises the one complaint, or BadInput that lists them all, with the recipe as its place; nothing when there is none."""
    if len(found) == 1:
        found[0].where = found[0].where or str(path)
        raise found[0]
    if found:
        told = [f"{error.what}{f' ({error.hint})' if error.hint else ''}" for error in found]
        raise BadInput(f"{len(told)} things in this recipe cannot be carried out:\n         " + "\n         ".join(told), where=str(path))


def _datasets(rules: Any) -> Iterator[IsocenterError]:
    if isinstance(rules, dict):
        yield BadInput("[dataset] stands for one table, a recipe has a list of them", hint="[[dataset]] with two brackets, once for each dataset")
        return
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        yield BadInput("dataset is no list of tables", hint="[[dataset]] with name and root, once for each dataset")
        return
    if not rules:
        yield BadInput("the recipe names no dataset", hint="[[dataset]] with name and root")
    for number, rule in enumerate(rules):
        yield from keys(rule, DATASET, f"dataset[{number}]")
        yield from (BadInput(f"dataset[{number}] lacks {key!r}") for key in ("name", "root") if key not in rule)
    names = [rule["name"] for rule in rules if isinstance(rule.get("name"), str)]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        yield BadInput(f"dataset {', '.join(doubled)} is named twice")
