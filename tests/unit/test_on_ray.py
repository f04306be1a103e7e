"""Runs as tasks of Ray are the runs of this process, whatever is killed meanwhile.

Skipped without Ray: `pip install ray`. The test with kills is slow: `pytest -m slow tests/unit/test_on_ray.py`.
"""

import os
import random
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import contents

from paribus import locks, on_ray
from paribus.errors import LockedError, MachineError, Problem, StudyError
from paribus.jobs import Job, Unwatched, Worker
from paribus.store import Store

ROOT = Path(__file__).parents[2]
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (pip install ray)")
# As `paribus run --on ray` sets it for itself: Ray on 127.0.0.1 only. Ray's workers are to have the same priority.
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}
STUDY = """
title: kills
seeds: {seeds}
baseline:
  data: {{use: folder, root: pictures}}
  model: {{use: small_cnn, width: 4, depth: 2}}
  input: {{size: 16, crop_fraction: 1}}
  augment: [horizontal_flip]
  optimizer: {{use: sgd, lr: 0.01}}
  epochs: {epochs}
  batch_size: 8
arms: {{hot: {{optimizer.lr: 0.05}}}}
"""


def study(home, seeds, epochs):
    rng = np.random.default_rng(0)
    for split, n in (("train", 12), ("val", 6)):
        for label, name in enumerate(("dark", "bright")):
            folder = home / "pictures" / split / name
            folder.mkdir(parents=True)
            for i in range(n):
                Image.fromarray((rng.integers(0, 200, (16, 16, 3)) + 20 * label).astype(np.uint8)).save(
                    folder / f"{i}.png"
                )
    path = home / "kills.yaml"
    path.write_text(STUDY.format(seeds=seeds, epochs=epochs))
    return path


def begun(path, out, *options):
    """`paribus run` on one thread, in a process of its own."""
    command = [sys.executable, "-m", "paribus.cli", "run", path, "--out", out, "--pictures", "none", "--threads", "1"]
    environment = os.environ | ALONE | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*map(str, command), *options], cwd=path.parent, env=environment, stderr=subprocess.PIPE, text=True
    )


def told(process):
    """What it says until it ends well."""
    said = process.communicate(timeout=1200)[1]
    assert process.returncode == 0, said
    return said


def test_other_addresses_and_a_missing_ray_are_refused(monkeypatch):
    for on in ("slurm", "ray://", "http://host"):
        with pytest.raises(StudyError, match="expected ray or ray://HOST:PORT"), on_ray.connected(on, 1, 0, print):
            pass
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MachineError, match=r"RAY_MISSING.*pip install 'paribus\[ray\]'"):
        on_ray._imported(local=False)


def test_a_run_that_another_process_trains_is_waited_for(tmp_path, monkeypatch):
    """A worker of a driver that was killed may live on for a moment."""
    store, trained = Store(tmp_path), []
    worker = Worker({}, store, Unwatched())
    monkeypatch.setattr(Worker, "_train", lambda self, job, left: trained.append(job))
    job = Job(type("Run", (), {"id": "0" * 20, "seed": 0})(), None, {}, "arm")
    monkeypatch.setattr(on_ray, "WAIT_FOR_LOCK", 0.3)
    with store.writing(job.run.id):
        with pytest.raises(LockedError):
            worker.train(job, 1)
        assert [problem.code for problem in on_ray._when_free(worker, job, 1)] == ["LOCKED"]
    assert on_ray._when_free(worker, job, 1) == [] and trained == [job]
    assert list(tmp_path.iterdir()) == []  # the locks are gone


def test_what_another_process_writes_is_not_tidied_away(tmp_path):
    store, run_id = Store(tmp_path), "0" * 20
    (tmp_path / f"{run_id}.final").mkdir()
    (tmp_path / f"{'1' * 20}.lock").write_text("of a process that was killed")
    with store.writing(run_id):
        store.tidy()
        assert (tmp_path / f"{run_id}.final").exists()
    store.tidy()
    assert list(tmp_path.iterdir()) == []
    with locks.lock(tmp_path), pytest.raises(LockedError), locks.lock(tmp_path):
        pass


def test_a_run_is_begun_again_while_it_gets_further(tmp_path, monkeypatch):
    reached = iter([(1, 0), (2, 0), (2, 0), (2, 0), (2, 0)])
    monkeypatch.setattr(on_ray, "_reached", lambda partial: next(reached))
    tasks = object.__new__(on_ray._Tasks)
    tasks.worker, tasks.reached, tasks.strikes = Worker({}, Store(tmp_path), Unwatched()), {}, {}
    job = Job(type("Run", (), {"id": "0" * 20, "seed": 3})(), None, {}, "arm")
    answers = [tasks._lost(job, RuntimeError()) for _ in range(5)]
    assert answers[:4] == [None] * 4
    assert isinstance(answers[4], Problem) and answers[4].code == "WORKER_DIED" and answers[4].where == "arm, seed 3"
    assert len(tasks.worker.watcher.notes) == 4


PORTS = """
import os
import psutil
from paribus import on_ray

with on_ray.connected("ray", 1, 0.0, print) as cluster:
    children = psutil.Process(os.getpid()).children(recursive=True)
    ours = [psutil.Process(os.getpid()), *children]
    heard = {c.laddr.ip for p in ours for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    print("LISTEN", sorted(heard))
    print("FITS", cluster.fits(), on_ray.Cluster(10**6).fits(), on_ray.Cluster(1, 1e3).fits())
"""


@needs_ray
def test_on_this_machine_the_bytes_are_the_same(tmp_path):
    path = study(tmp_path, seeds=1, epochs=2)
    told(begun(path, tmp_path / "here"))
    told(begun(path, tmp_path / "ray", "--on", "ray"))
    assert contents(tmp_path / "ray" / "runs") == contents(tmp_path / "here" / "runs") != {}


@needs_ray
@pytest.mark.slow
def test_ray_listens_on_the_loopback_interface_only():
    pytest.importorskip("psutil")
    environment = os.environ | ALONE | {"PYTHONPATH": str(ROOT)}
    environment.pop("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER")  # the product sets it itself
    found = subprocess.run([sys.executable, "-c", PORTS], env=environment, capture_output=True, text=True, check=True)
    lines = dict(line.split(" ", 1) for line in found.stdout.splitlines() if line.startswith(("LISTEN", "FITS")))
    assert lines["LISTEN"] in ("['127.0.0.1']", "['127.0.0.1', '::ffff:127.0.0.1']", "['::ffff:127.0.0.1']")
    assert lines["FITS"] == "True False False"


@needs_ray
@pytest.mark.slow
def test_nodes_and_drivers_are_killed_and_nothing_is_lost_nor_trained_twice(tmp_path):
    """Two nodes of one core; at random moments after a run was finished a node or the driver is killed, for real."""
    os.environ.update(ALONE)
    from ray.cluster_utils import Cluster

    path, seeds = study(tmp_path, seeds=10, epochs=30), random.Random(0)
    told(begun(path, tmp_path / "here"))
    quiet = {"include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **quiet})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    on = f"ray://{cluster.address}"
    out, finished, kills = tmp_path / "cluster", {}, []

    def more_finished():
        known = len(finished)
        finished.update(
            {
                d: d.stat().st_mtime_ns
                for d in out.glob("runs/*/DONE.json")
                if d.parent.suffix == "" and d not in finished
            }
        )
        return len(finished) > known

    try:
        driver = begun(path, out, "--on", on)
        while driver.poll() is None:
            time.sleep(0.1)
            if len(kills) == 6 or not more_finished():
                continue
            time.sleep(seeds.uniform(0, 1))
            kills.append(("node", "driver")[len(kills) % 2])
            if kills[-1] == "node":
                cluster.remove_node(nodes.pop(seeds.randrange(2)), allow_graceful=False)
                nodes.append(cluster.add_node(num_cpus=1))
            else:
                driver.send_signal(signal.SIGKILL)
                driver.communicate()
                driver = begun(path, out, "--on", on)
        told(driver)
    finally:
        cluster.shutdown()
    assert kills == ["node", "driver"] * 3
    assert contents(out / "runs") == contents(tmp_path / "here" / "runs") != {}
    assert {done: done.stat().st_mtime_ns for done in finished} == finished  # none was trained again
    assert {p.suffix for p in (out / "runs").iterdir()} == {""}  # nothing half made is left
