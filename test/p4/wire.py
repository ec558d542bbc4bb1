# SPDX-License-Identifier: Apache-2.0
"""Sends frames, one a line in hexadecimal, on the first interface, and tells what came in on the others meanwhile:
for each frame a line with the frames of the second, a comma, and those of the third, divided by blanks."""
import select
import socket
import struct
import sys

SOL_PACKET = 263
PACKET_AUXDATA = 8
ALL = 3
OUTGOING = 4
TAG_VALID = 0x10
TAG_BYTES_AT = 12


def open_at(interface: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    opened.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    opened.bind((interface, 0))
    opened.setblocking(False)
    return opened


def received(at: socket.socket) -> "list[str]":
    """What is there already. The kernel tells the outermost tag beside the frame, in struct tpacket_auxdata."""
    frames = []
    while True:
        try:
            frame, beside, _, (_, _, kind, *_) = at.recvmsg(65536, 256)
        except BlockingIOError:
            return frames
        for _, what, data in beside:
            status, _, _, _, _, tci, protocol = struct.unpack("=IIIHHHH", data)
            if what == PACKET_AUXDATA and status & TAG_VALID:
                tag = struct.pack("!HH", protocol, tci)
                frame = frame[:TAG_BYTES_AT] + tag + frame[TAG_BYTES_AT:]
        if kind != OUTGOING:
            frames.append(frame.hex())


near, far, copies = (open_at(interface) for interface in sys.argv[1:])
for line in sys.stdin:
    near.send(bytes.fromhex(line))
    # veth hands a frame on in a softirq, so it is there at once, or else it never comes.
    select.select([far], [], [], 10)
    print(" ".join(received(far)), " ".join(received(copies)), sep=",")
