"""A cohort through a real Slurm on this machine, with jobs killed and the node drained: every scan once, and the same.

    python Testing/bids/slurm_cohort.py [--through array|slurm|cluster] [--subjects 200] [--tasks 20] [--kill 0.05]

Through the array script, or through Snakemake with its profile "slurm" or "cluster" (Grid Engine's qsub, which is a
script of three lines here). Needs root and Debian's slurmctld, slurmd and munge (apt-get install slurmctld slurmd
munge), and Snakemake with its plugin on the PATH. It starts them with a configuration of its own and ends them. The
network is replaced by a stand-in; files, locks, logs, pages and Slurm are real. It takes minutes, so it is no test.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY))

from Testing.bids.bids_dataset import add_scan, make_dataset  # noqa: E402

CONFIGURATION = """\
ClusterName=charmssr
SlurmctldHost={host}
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdSpoolDir={folder}/slurmd
StateSaveLocation={folder}/state
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={port}
SlurmdPort={node_port}
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,defer
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobRequeue=1
MinJobAge=3600
KillWait=2
RequeueExit=4,137
NodeName={host} CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""

QSUB = """\
#!/bin/bash
# qsub -cwd -V -pe smp CORES -l h_vmem=... -l h_rt=... SCRIPT, by Slurm
for script; do :; done
exec sbatch --parsable --cpus-per-task="$5" --mem="${7#h_vmem=}" --time="${9#h_rt=}" --output=/dev/null "$script"
"""


def _memory_mb():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 * 9 // 10


class Slurm:
    """Daemons of our own, in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        host = subprocess.run(["hostname", "-s"], capture_output=True, text=True, check=True).stdout.strip()
        self.host = host
        text = CONFIGURATION.format(
            folder=folder,
            host=host,
            cores=len(os.sched_getaffinity(0)),
            memory=_memory_mb(),
            port=16817,
            node_port=16818,
        )
        (folder / "slurm.conf").write_text(text)
        # Snakemake's plugin takes every variable SLURM_* away from its jobs, so srun looks at the usual place.
        place = Path("/etc/slurm/slurm.conf")
        if place.is_symlink() or not place.exists():
            place.parent.mkdir(exist_ok=True)
            place.unlink(missing_ok=True)
            place.symlink_to(folder / "slurm.conf")
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}

    def __enter__(self):
        for name in ("slurmd", "state"):
            (self.folder / name).mkdir(exist_ok=True)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        options = [f"--{name}-file={self.folder}/munge.{name}" for name in ("pid", "log", "seed")]
        self._start(["munged", "-F", "--force", f"--key-file={key}", f"--socket={self.folder}/munge.socket", *options])
        while not (self.folder / "munge.socket").exists():
            time.sleep(0.1)
        self._start(["slurmctld", "-D", "-c", "-f", str(self.folder / "slurm.conf")])
        self._start(["slurmd", "-D", "-f", str(self.folder / "slurm.conf")])
        for _ in range(300):
            if self.run("sinfo", "-h", "-o", "%T", check=False).strip() == "idle":
                return self
            time.sleep(0.2)
        raise SystemExit(f"Slurm does not start; see {self.folder}/slurmctld.log and slurmd.log.")

    def __exit__(self, *exception):
        self.run("scancel", "--user", "root", check=False)
        time.sleep(3)
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait()

    def _start(self, command):
        with open(self.folder / f"{command[0]}.out", "w") as stream:
            self.processes.append(subprocess.Popen(command, env=self.environment, stdout=stream, stderr=stream))

    def run(self, *command, check=True):
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        if check and done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def states(self):
        """Dict of job -> state; each task of an array is a job."""
        lines = self.run("squeue", "-h", "-a", "-r", "-t", "all", "-o", "%A %T", check=False).splitlines()
        return {int(job): state for job, state in map(str.split, lines)}

    def submit(self, dataset, output, tasks, seconds):
        """Submit workflow/slurm_array.sh."""
        self.environment["CHARMSSR"] = f"{sys.executable} {HERE / 'stand_in.py'}"
        self.environment["STAND_IN_SECONDS"] = str(seconds)
        self.environment["PYTHONPATH"] = str(REPOSITORY)
        script = [str(REPOSITORY / "workflow" / "slurm_array.sh"), str(dataset), str(output)]
        logs = ["--output", f"{self.folder}/task-%a.out"]
        sizes = ["--cpus-per-task=1", "--mem=0", "--time=60"]
        self.run("sbatch", "--parsable", f"--array=1-{tasks}", *sizes, *logs, *script)

    def by_snakemake(self, dataset, output, tasks, seconds, profile):
        """Start ``charmssr bids --engine snakemake``; returns the process."""
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "qsub").write_text(QSUB)
        (programs / "qsub").chmod(0o755)
        self.environment["PATH"] = f"{programs}{os.pathsep}{self.environment['PATH']}"
        self.environment["STAND_IN_SECONDS"] = str(seconds)
        self.environment["PYTHONPATH"] = str(REPOSITORY)
        command = [sys.executable, str(HERE / "stand_in.py"), "bids", str(dataset), str(output), "participant"]
        command += ["--skip-bids-validation", "--engine", "snakemake", "--profile", profile, "--parts", str(tasks)]
        with open(self.folder / "snakemake.out", "w") as stream:
            return subprocess.Popen(
                [*command, "--n-cpus", "1", "--mem-mb", "1000"], env=self.environment, stdout=stream, stderr=stream
            )


def kill_at_once(job):
    """kill -9 for the App's process of a job; the configuration has Slurm requeue what ends so. Whether it ran."""
    wanted, found = f"SLURM_JOB_ID={job}".encode(), False
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            app = b"stand_in.py\0bids" in command and b"snakemake" not in command
            if app and wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
                found = True
        except OSError:
            continue
    return found


def disturb(slurm, tasks, share, drain_after, workflow=None):
    """Kill running jobs at random until all is done; drain the node once and requeue what runs on it.

    Args:
        workflow: Snakemake's process, which tries failed jobs again itself; without one we requeue them.
    """
    chance = random.Random(0)
    left, killed, drained = max(1, round(share * tasks)), [], False
    while True:
        states = slurm.states()
        for job in sorted(job for job, state in states.items() if state == "RUNNING"):
            if left and chance.random() < 0.1 and kill_at_once(job):
                killed.append(job)
                left -= 1
        ended = [job for job, state in states.items() if state == "COMPLETED"]
        if not drained and len(ended) >= drain_after:
            slurm.run("scontrol", "update", f"NodeName={slurm.host}", "State=DRAIN", "Reason=test")
            for job, state in slurm.states().items():
                if state == "RUNNING":
                    slurm.run("scontrol", "requeue", str(job), check=False)
                    killed.append(job)
            time.sleep(5)
            slurm.run("scontrol", "update", f"NodeName={slurm.host}", "State=RESUME")
            drained = True
        if workflow is not None:
            if workflow.poll() is not None:
                return killed
        else:
            for job, state in states.items():
                if state in ("FAILED", "CANCELLED", "NODE_FAIL"):
                    slurm.run("scontrol", "requeue", str(job), check=False)
            if len(ended) == len(states) > 0 and drained:
                return killed
        time.sleep(0.5)


def hashes(output):
    """SHA-256 of every volume by its path."""
    found = sorted(output.glob("sub-*/anat/*.nii.gz"))
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--through", choices=("array", "slurm", "cluster"), default="array")
    parser.add_argument("--subjects", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--kill", type=float, default=0.05, help="share of the tasks that are killed")
    parser.add_argument("--seconds", type=float, default=0.2, help="that the stand-in takes per scan")
    parser.add_argument("--folder", type=Path, help="for everything; a temporary one by default")
    arguments = parser.parse_args()
    missing = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise SystemExit(
            f"Needs root and {', '.join(missing) or 'nothing else'} (apt-get install slurmctld slurmd munge)."
        )
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="charmssr-slurm-"))
    folder.mkdir(parents=True, exist_ok=True)
    dataset = make_dataset(folder / "dataset")
    for number in range(3, arguments.subjects + 1):
        add_scan(dataset, f"sub-{number:03d}_T1w", number)
    scans = len(list(dataset.glob("sub-*/anat/*.nii.gz")))
    undisturbed, output = folder / "undisturbed", folder / "out"
    command = [sys.executable, str(HERE / "stand_in.py"), "bids", str(dataset), str(undisturbed), "participant"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([*command, "--skip-bids-validation"], check=True, env=environment, stderr=subprocess.DEVNULL)
    with Slurm(folder) as slurm:
        started = time.monotonic()
        begin = (dataset, output, arguments.tasks, arguments.seconds)
        workflow = None if arguments.through == "array" else slurm.by_snakemake(*begin, arguments.through)
        if workflow is None:
            slurm.submit(*begin)
        killed = disturb(slurm, arguments.tasks, arguments.kill, arguments.tasks // 2, workflow)
        seconds = time.monotonic() - started
    logs = [path.read_text(encoding="utf-8") for path in output.glob("logs/sub-*/*.log")]
    told = {
        "through": arguments.through,
        "exit status": workflow.returncode if workflow is not None else None,
        "scans": scans,
        "tasks": arguments.tasks,
        "tasks killed or requeued": len(killed),
        "scans begun twice": sum(text.count(" started") > 1 for text in logs),
        "finished exactly once": sum(text.count(" done ") == 1 for text in logs),
        "finished more than once": sum(text.count(" done ") > 1 for text in logs),
        "volumes as in the undisturbed run": hashes(output) == hashes(undisturbed),
        "half-written files left": len(list(output.glob("sub-*/anat/.*"))),
        "locks left": len(list(output.glob(".charmssr/locks/*/*"))),
        "seconds": round(seconds, 1),
    }
    print(json.dumps(told, indent=2))
    good = told["finished exactly once"] == scans and told["volumes as in the undisturbed run"]
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
