"""Series-level queries over Imaging Data Commons: ours against `idc-index`, on the same 1.04 million rows.

    python benchmarks/catalog.py                     # makes a throwaway environment with idc-index (about a minute), removes it afterwards
    python benchmarks/catalog.py --peer ENV/bin/python

Needs the distribution idc-index-data here. Each side runs in a fresh process: start, then every query five times; the median counts.
Prints a Markdown table; exits with 1 when a query is less than 100 times faster, answers differ, or ours needs 200 MB or more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

QUERIES = {
    "group by modality": "SELECT Modality, count(*) AS series FROM {table} GROUP BY Modality ORDER BY series DESC, Modality",
    "filtered sum": "SELECT round(sum(series_size_MB)) AS megabytes FROM {table} WHERE Modality = 'CT' AND license_short_name = 'CC BY 4.0'",
    "text search": "SELECT count(*) AS series FROM {table} WHERE SeriesDescription ILIKE '%axial%'",
}
JUDGED = ("group by modality", "filtered sum")
FASTER, MEGABYTES = 100, 200
MEASURE = """
import json, resource, statistics, sys, time
queries, repeats = json.loads(sys.argv[1]), int(sys.argv[2])
started = time.perf_counter()
{open}
opened = time.perf_counter() - started
found = {{}}
for name, sql in queries.items():
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        rows = ask(sql)
        seconds.append(time.perf_counter() - started)
    found[name] = {{"seconds": statistics.median(seconds), "answer": [[str(cell) for cell in row] for row in rows]}}
print(json.dumps({{"open": opened, "queries": found, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
"""
OURS = MEASURE.format(open="""
from isocenter.registry.readonly import reader
context = reader()
connection = context.__enter__()
ask = lambda sql: connection.execute(sql).fetchall()
""")
PEER = MEASURE.format(open="""
from idc_index import IDCClient
client = IDCClient()
ask = lambda sql: client.sql_query(sql).values.tolist()
""")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--peer", type=Path, help="A Python that has idc-index; without it a throwaway environment is made.")
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    ours = measure(Path(sys.executable), OURS, "idc_series", given.repeats)
    with tempfile.TemporaryDirectory() as folder:
        theirs = measure(given.peer or peer(Path(folder)), PEER, "index", given.repeats)
    return report(ours, theirs)


def peer(folder: Path) -> Path:
    """A fresh environment with idc-index; it never touches ours."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "idc-index"], check=True)
    return python


def measure(python: Path, program: str, table: str, repeats: int) -> dict:
    queries = json.dumps({name: sql.format(table=table) for name, sql in QUERIES.items()})
    done = subprocess.run([str(python), "-c", program, queries, str(repeats)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(ours: dict, theirs: dict) -> int:
    print("| | ours | idc-index | times faster |\n|---|---|---|---|")
    print(f"| start | {ours['open']:.2f} s | {theirs['open']:.2f} s | {theirs['open'] / ours['open']:.0f} |")
    failed = ours["megabytes"] >= MEGABYTES
    for name in QUERIES:
        mine, other = ours["queries"][name], theirs["queries"][name]
        ratio = other["seconds"] / mine["seconds"]
        same = [[_plain(cell) for cell in row] for row in mine["answer"]] == [[_plain(cell) for cell in row] for row in other["answer"]]
        print(f"| {name} | {mine['seconds'] * 1000:.1f} ms | {other['seconds']:.2f} s | {ratio:.0f}{'' if same else ' (answers differ)'} |")
        failed |= not same or (name in JUDGED and ratio < FASTER)
    print(f"| memory, peak of the process | {ours['megabytes']:.0f} MB | {theirs['megabytes']:.0f} MB | {theirs['megabytes'] / ours['megabytes']:.0f} |")
    return int(failed)


def _plain(cell: str) -> str:
    return cell.removesuffix(".0")


if __name__ == "__main__":
    sys.exit(main())
