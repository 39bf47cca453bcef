"""Runs a command some times; prints of each run, as JSON, when it began, wall seconds, CPU seconds and the largest resident set in KiB."""

import json
import resource
import subprocess
import sys
import time

count, command = int(sys.argv[1]), sys.argv[2:]
for number in range(count):
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    done = subprocess.run([word.replace("NUMBER", str(number)) for word in command], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode:
        sys.exit("\n".join(line[:600] for line in (done.stdout + done.stderr).splitlines() if not line.startswith("\tat"))[:4000])
    sys.stdout.write(json.dumps({"began": began, "wall": time.time() - began, "cpu": cpu, "peak_kib": after.ru_maxrss}) + "\n")
    sys.stdout.flush()
