#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays one update of CTngV3 (github.com/jik18001/CTngV3) and prints, as one line of JSON, how long it took and what its
monitors sent. Its programs have to be built (docs/BENCH.md says how); it runs as root, in a network namespace of its own.

    unshare -n python3 run.py MONITORS LOGGERS MAL CERTIFICATES BINARY UPDATE_WAIT RESPONSE_WAIT VERIFICATION_WAIT GEN
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

MONITORS, LOGGERS, MAL, CERTIFICATES = map(int, sys.argv[1:5])
BINARY, WAITS, GEN = os.path.abspath(sys.argv[5]), sys.argv[6:9], os.path.abspath(sys.argv[9])
MODE, BROADCAST = "erasure encoding algorithm", "minimal bandwidth consumption"
DEADLINE = float(os.environ.get("DEADLINE", "150"))


def loopback():
    """Bytes that went over the namespace's only interface."""
    with open("/proc/net/dev") as lines:
        for line in lines:
            if "lo:" in line:
                return int(line.split()[1])


def cpu(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    directory = tempfile.mkdtemp(prefix="ctngv3-")
    os.mkdir(f"{directory}/def")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    numbers = [str(each) for each in (MONITORS, LOGGERS, MAL)]
    subprocess.run([GEN, *numbers, *WAITS, str(CERTIFICATES), MODE, BROADCAST], cwd=directory, check=True)

    def start(kind, number):
        with open(f"{directory}/{kind}{number}.log", "w") as log:
            command = [BINARY, kind, f"{kind[0]}{number}", "local"]
            return subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)

    def log(number):
        with open(f"{directory}/Monitor{number}.log", errors="replace") as text:
            return text.read()

    numbers = range(1, MONITORS + 1)
    monitors = [start("Monitor", number) for number in numbers]
    loggers = []
    try:
        time.sleep(1 if MONITORS < 16 else 3)
        before, began = loopback(), time.time()
        loggers = [start("Logger", number) for number in range(1, LOGGERS + 1)]
        is_done = False
        while not is_done and time.time() < began + DEADLINE:
            is_done = all(log(number).count("Time elapsed since start: ") >= LOGGERS for number in numbers)
            time.sleep(0.1)
        wall = time.time() - began
        time.sleep(1)
        sent = loopback() - before
        seconds = sum(cpu(each.pid) for each in monitors)
        for each in monitors:
            each.send_signal(signal.SIGTERM)
        for each in monitors:
            each.wait(10)
        requests = sum(int(found) for number in numbers for found in re.findall(r"REQUESTS (\d+)", log(number)))
    finally:
        for each in monitors + loggers:
            if each.poll() is None:
                each.kill()
        shutil.rmtree(directory)
    print(
        json.dumps(
            {
                "n": MONITORS,
                "loggers": LOGGERS,
                "mal": MAL,
                "certs": CERTIFICATES,
                "bin": os.path.basename(BINARY),
                "waits": WAITS,
                "all": is_done,
                "wall": round(wall, 2),
                "bytes_member": sent // MONITORS,
                "requests_member": requests // MONITORS,
                "cpu_member": round(seconds / MONITORS, 2),
            }
        )
    )


main()
