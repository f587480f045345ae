"""A peer's side of the conversation with run.mjs, for Python: a request per line on stdin, an answer per line on stdout (JSON).
Knows neither jobs' mathematics nor timing policy. Next: numpy_peer.py and torch_peer.py bring the jobs; serve.mjs is the same in JavaScript."""
import json
import resource
import sys
import time

import numpy as np


class Data:
    """The arrays and constants that jobs.mjs wrote: the same for every peer."""

    def __init__(self, folder):
        self.folder = folder
        with open(f"{folder}/manifest.json") as f:
            self.manifest = json.load(f)

    def array(self, name):
        entry = self.manifest["arrays"][name]
        return np.fromfile(f"{self.folder}/{name}.bin", dtype=entry["dtype"]).reshape(entry["shape"])

    def job(self, name):
        """A form of a job ("J6 in place") has the constants of the job."""
        return self.manifest["jobs"][name.split(" ")[0]]


class Running:
    def __init__(self, job):
        self.job = job
        self.step = 0

    def run(self, n):
        times, values, processor = [], [], time.process_time()
        for _ in range(n):
            start = time.perf_counter()
            value = self.job.step(self.step)
            times.append((time.perf_counter() - start) * 1000)
            values.append(value)
            self.step += 1
        return {"times": times, "values": values, "processor": (time.process_time() - processor) * 1000}


def serve(hello, jobs, folder):
    """`jobs`: name -> constructor of (data, constants, draw) with `step(i)` (a cost or None) and `state()` (arrays). Raised errors go to the other side."""
    data, running = Data(folder), None
    print(json.dumps({**hello, "jobs": list(jobs)}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "open":
                running = None
                running = Running(jobs[request["job"]](data, data.job(request["job"]), request["draw"]))
                answer = {}
            elif request["do"] == "run":
                answer = running.run(request["n"])
            elif request["do"] == "memory":
                answer = {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
            else:
                np.concatenate([np.asarray(a, dtype="float32").ravel() for a in running.job.state()]).tofile(request["file"])
                answer = {}
        except Exception as error:  # The harness prints it in this peer's row and goes on with the others.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
