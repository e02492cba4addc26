"""The catalog as JSON: everything that is known of a dataset, or a plan as `isocenter plan --json` prints it."""

from __future__ import annotations

import json
from typing import Any

from isocenter.registry.fusion.plan import FusionPlan

SUFFIX = ".json"


def dataset(entry: dict[str, Any]) -> str:
    """The entry as it is."""
    return json.dumps({key: value for key, value in entry.items() if key != "license_urls"}, indent=1, ensure_ascii=False, default=str) + "\n"


def plan(plan: FusionPlan) -> str:
    """The plan with its counts."""
    return json.dumps(plan.as_json(), indent=1, ensure_ascii=False, default=str) + "\n"
