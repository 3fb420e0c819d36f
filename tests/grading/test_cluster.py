"""Grading on a Dask cluster."""

import json
import os
import signal
import subprocess
import sys
import time

from grading import sandbox

import distributed
from handins import CNN, LINE, command, hand_ins


def test_a_cluster_that_loses_a_worker(tmp_path):
    """A real scheduler and two workers on loopback; one is killed in the middle of a run."""
    file, path = tmp_path / "scheduler.json", tmp_path / "r.json"
    texts = {f"{number}": f"import time\ntime.sleep(1)\n{LINE}" for number in range(4)}
    base = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard", "--scheduler-file", file]
    work = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", file, "--no-nanny",
            "--no-dashboard", "--nthreads", "2", "--host", "127.0.0.1", "--local-directory", tmp_path]
    processes = [subprocess.Popen(line, stderr=subprocess.DEVNULL, start_new_session=True)
                 for line in (base, work, work)]
    try:
        deadline = time.monotonic() + 60
        while not file.exists() or not file.stat().st_size:
            assert time.monotonic() < deadline, "there is no scheduler"
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        with distributed.Client(address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        with subprocess.Popen(command(hand_ins(tmp_path, texts), "--dask", address, "--json", path, runs=2),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None and (not path.exists() or path.read_text().count('"errors"') < 2):
                time.sleep(0.1)
            os.killpg(processes[1].pid, signal.SIGKILL)
            start, left = time.monotonic(), 12 - path.read_text().count('"errors"')
            output, progress = process.communicate(timeout=200)
        # The worker that is left has two threads, but takes one run at a time, of a second each; one may be under way.
        assert time.monotonic() - start > left - 2
        assert process.returncode == 1, output + progress
        entries = json.loads(path.read_text())["submissions"]
        jobs = [job for scripts in entries.values() for job in scripts[CNN]["jobs"].values()]
        assert len(jobs) == 12 and all(job["errors"] == [5.0] and 1 <= job["seconds"] < 15 for job in jobs)
        assert all(job["walled"] for job in jobs) == (not sandbox.walls())
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
