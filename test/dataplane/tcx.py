# SPDX-License-Identifier: Apache-2.0
"""Other people's programs at TC ingress, by tcx links (Linux 6.6).

`tcx.py INTERFACE VERDICT before|after` puts a program before or after all that are there. It returns
the verdict (TCX_NEXT is -1, TCX_PASS 0, TCX_DROP 2). Says "attached", and takes the program off when
its input ends. `tcx.py INTERFACE` prints the IDs of all programs there, in the order in which they run.
"""

import ctypes
import os
import platform
import socket
import struct
import sys

NR_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
PROG_LOAD, PROG_QUERY, LINK_CREATE = 5, 16, 28
SCHED_CLS, TCX_INGRESS = 3, 46
FLAGS = {"before": 1 << 3, "after": 1 << 4}
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    data = ctypes.create_string_buffer(attributes, len(attributes))
    result = libc.syscall(NR_BPF, command, data, len(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result, data.raw


interface = socket.if_nametoindex(sys.argv[1])
if len(sys.argv) == 2:
    ids = (ctypes.c_uint32 * 64)()
    query = struct.pack("<IIIIQII", interface, TCX_INGRESS, 0, 0, ctypes.addressof(ids), 64, 0)
    count = struct.unpack("<IIIIQII", bpf(PROG_QUERY, query)[1][:32])[5]
    print(*ids[:count])
else:
    verdict, where = sys.argv[2:]
    # r0 = verdict; exit
    code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, int(verdict), 0x95, 0, 0, 0))
    license_ = ctypes.create_string_buffer(b"GPL")
    pointers = ctypes.addressof(code), ctypes.addressof(license_)
    program, _ = bpf(PROG_LOAD, struct.pack("<IIQQIIQII16s", SCHED_CLS, 2, *pointers, 0, 0, 0, 0, 0, b"somebody"))
    link, _ = bpf(LINK_CREATE, struct.pack("<IIII", program, interface, TCX_INGRESS, FLAGS[where]))
    print("attached", flush=True)
    sys.stdin.read()
