"""Workers are deaf to Ctrl-C: the command answers it once, and nothing of them stays behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import time
from isocenter.core.workers import processes

def slow(number):
    time.sleep(30 if number > 3 else 0)
    return number

if __name__ == "__main__":
    try:
        with processes(2, preload={preload}) as pool:
            for number in pool.map(slow, range(8)):
                print(number, flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="process groups and signals of POSIX")
@pytest.mark.parametrize("preload", [None, []])
def test_an_interrupt_of_the_whole_group_is_answered_by_the_command_alone_and_at_once(tmp_path: Path, preload: list[str] | None) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(preload=preload))
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    for _ in range(4):
        process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=20)  # ends only when every worker has let go of the pipes
    assert (out, errors, process.returncode) == ("stopped\n", "", 0)
