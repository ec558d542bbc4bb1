#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The paper's topology in mininet: a client, a switch, a server, a controller and a challenger.

    client ---- [port 0] s1 [port 1] ---- server      s1: simple_switch with ctga's program
                        [port 2]            |
                           |                |
                      controller         challenger   on a link of its own, off the path

The server runs a CT log that can show two trees, and answers DNS queries for its tree heads. The
controller is this machine: what the switch copies arrives at s1-copies. It needs Debian's mininet,
p4lang's simple_switch, microsocks, and ctga on PATH. It ends what it started, so that no `mn -c`
is needed afterwards.

    sudo /usr/bin/python3 p4/mininet/topology.py [FILE OF COMMANDS]
"""
import os
import signal
import subprocess
import sys
import time

from mininet.cli import CLI
from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import Switch

HERE = os.path.dirname(os.path.realpath(__file__))
PROGRAM = os.path.join(HERE, "..", "bmv2", "ctga.json")
STATE = os.environ.get("CTGA_MININET", "/var/lib/ctga/mininet")

# The addresses at which the lab's log answers (src/lab/network.ts), and its name.
DNS, API, NAME = "198.18.3.2", "198.18.5.1", "log.ctga.test"
CLIENT, CHALLENGER = "198.18.3.1", "198.18.5.2"


class SimpleSwitch(Switch):
    """simple_switch with its first interfaces as ports 0, 1, ... and one more for copies."""

    def __init__(self, name, thrift_port=9090, **parameters):
        super().__init__(name, **parameters)
        self.thrift_port = thrift_port
        self.copies = (f"{name}-cpu", f"{name}-copies")
        self.process = None

    def start(self, controllers):
        cpu, copies = self.copies
        self.cmd(f"ip link add {cpu} mtu 9000 type veth peer name {copies} mtu 9000")
        for name in self.copies:
            self.cmd(f"sysctl -qw net.ipv6.conf.{name}.disable_ipv6=1; ip link set {name} up")
        ports = [str(interface) for interface in self.intfList() if interface.name != "lo"] + [cpu]
        arguments = ["simple_switch", "--log-level", "error"]
        arguments += ["--thrift-port", str(self.thrift_port)]
        for port, name in enumerate(ports):
            # The kernel must not merge frames: they would leave as other frames than came in.
            self.cmd(f"ethtool -K {name} gro off lro off")
            arguments += ["-i", f"{port}@{name}"]
        self.process = subprocess.Popen(
            arguments + [PROGRAM], stdout=subprocess.DEVNULL, start_new_session=True
        )

    def stop(self, deleteIntfs=True):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
        self.cmd(f"ip link delete {self.copies[0]}")
        super().stop(deleteIntfs)


def build():
    net = Mininet(controller=None, switch=SimpleSwitch)
    switch = net.addSwitch("s1")
    client = net.addHost("client", ip=f"{CLIENT}/24")
    server = net.addHost("server", ip=f"{DNS}/24")
    challenger = net.addHost("challenger", ip=None)
    net.addLink(client, switch)
    net.addLink(server, switch)
    net.addLink(
        server, challenger, params1={"ip": f"{API}/24"}, params2={"ip": f"{CHALLENGER}/24"}
    )
    net.start()
    for host in (client, server):
        # A veth leaves checksums to a device, of which there is none here: the switch would send
        # them on unfinished.
        host.cmd(f"ethtool -K {host.defaultIntf()} tx off")
    return net


def start_log(server):
    log = server.popen(["ctga", "lab", "log", "--state-dir", STATE])
    while f"{STATE}/log-list.json" not in log.stdout.readline().decode():
        if log.poll() is not None:
            sys.exit(f"the log did not start: {log.stderr.read().decode()}")
    return log


def start_proxy(challenger):
    # A host of mininet has a mount namespace of its own, so this hides no other /etc/hosts.
    names = os.path.join(STATE, "services", "hosts")
    with open(names, "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 localhost\n{API} {NAME}\n")
    challenger.cmd(f"mount --bind {names} /etc/hosts")
    return challenger.popen(["microsocks", "-i", "127.0.0.1", "-p", "9050"])


def main():
    setLogLevel("output")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    net = build()
    started = []
    try:
        started.append(start_log(net["server"]))
        started.append(start_proxy(net["challenger"]))
        time.sleep(0.5)
        print(f"The log {NAME} answers at {DNS}. Its log list: {STATE}/log-list.json", flush=True)
        CLI(net, script=sys.argv[1] if len(sys.argv) > 1 else None)
    finally:
        for process in started:
            process.terminate()
            process.wait()
        net.stop()


if __name__ == "__main__":
    main()
