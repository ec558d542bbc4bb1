# SPDX-License-Identifier: Apache-2.0
"""Sends frames over a veth pair and takes them in on the other side, a few at a time: were they altered, lost, reordered,
and how long did they take? Both ends are sockets of this one process, so times are of one clock.

    pingpong.py SENDER_NAMESPACE DEVICE RECEIVER_NAMESPACE DEVICE COUNT WINDOW < frames in hexadecimal, one a line

Frames go round and round until COUNT were sent, each with a sequence number behind it: a trailer, as Ethernet's padding is,
of which neither IP nor ctga takes notice.
"""
import ctypes, json, os, socket, struct, sys, time

libc = ctypes.CDLL(None, use_errno=True)
SOL_PACKET, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 23, 3


def open_in(namespace, device):
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(fd, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), f"enter {namespace}")
    os.close(fd)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    s.bind((device, 0))
    return s


sender_namespace, sender_device, receiver_namespace, receiver_device, count, window = sys.argv[1:7]
count, window = int(count), int(window)
frames = [bytes.fromhex(line) for line in sys.stdin if line.strip()]
tx, rx = open_in(sender_namespace, sender_device), open_in(receiver_namespace, receiver_device)
rx.settimeout(2)
known = {frame[:12] for frame in frames}  # addresses: the namespaces talk a little by themselves

lost = altered = reordered = 0
times = []
begin = time.perf_counter_ns()
sequence = 0
while sequence < count:
    batch = []
    for i in range(min(window, count - sequence)):
        frame = frames[(sequence + i) % len(frames)]
        batch.append(frame + struct.pack("!Q", sequence + i))
    start = time.perf_counter_ns()
    for frame in batch:
        tx.send(frame)
    got = []
    while len(got) < len(batch):
        try:
            frame = rx.recv(65536)
        except socket.timeout:
            break
        if frame[:12] in known:
            got.append(frame)
    times.append((time.perf_counter_ns() - start) // len(batch))
    if got != batch:
        there = set(got)
        lost += sum(frame not in there for frame in batch)
        altered += sum(frame not in set(batch) for frame in got)
        reordered += sorted(got) == sorted(batch)
    sequence += len(batch)
seconds = (time.perf_counter_ns() - begin) / 1e9
times.sort()
at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
print(json.dumps({
    "sent": count, "lost": lost, "altered": altered, "reordered": reordered, "perSecond": round(count / seconds),
    "p50": at(0.5), "p90": at(0.9), "p99": at(0.99),
}))
