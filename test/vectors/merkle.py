#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes merkle.json: consistency and inclusion proofs of small trees, and each with one fault.

A second implementation, straight from RFC 9162, Sections 2.1.1 to 2.1.4: trees are made by its
recursive definitions, proofs are checked by its two verification algorithms. The eight leaves of the
first tree, and the roots of its sizes, are those with which Certificate Transparency has been tested
from the beginning (google/certificate-transparency, merkletree/merkle_tree_test.cc); they are typed
in below and compared. Run it in this folder; it prints the file.
"""
import json, sys
from base64 import b64encode
from hashlib import sha256

LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"]


def leaf_hash(data): return sha256(b"\0" + data).digest()
def node(left, right): return sha256(b"\1" + left + right).digest()
def split(n): return 1 << ((n - 1).bit_length() - 1)


def root(leaves):
    if len(leaves) == 1: return leaf_hash(leaves[0])
    k = split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def path(m, leaves):
    if len(leaves) == 1: return []
    k = split(len(leaves))
    if m < k: return path(m, leaves[:k]) + [root(leaves[k:])]
    return path(m - k, leaves[k:]) + [root(leaves[:k])]


def proof(m, leaves, whole=True):
    if m == len(leaves): return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if m <= k: return proof(m, leaves[:k], whole) + [root(leaves[k:])]
    return proof(m - k, leaves[k:], False) + [root(leaves[:k])]


def includes(index, size, leaf, hashes, wanted):
    if index >= size: return False
    fn, sn, r = index, size - 1, leaf
    for p in hashes:
        if sn == 0: return False
        if fn & 1 or fn == sn:
            r = node(p, r)
            if not fn & 1:
                while fn and not fn & 1: fn, sn = fn >> 1, sn >> 1
        else: r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == wanted


def consistent(m, n, first, second, hashes):
    if not hashes: return False
    if m & (m - 1) == 0: hashes = [first] + hashes
    fn, sn = m - 1, n - 1
    while fn & 1: fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]
    for c in hashes[1:]:
        if sn == 0: return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            if not fn & 1:
                while fn and not fn & 1: fn, sn = fn >> 1, sn >> 1
        else: sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first and sr == second


def flipped(data): return bytes([data[0] ^ 1]) + data[1:]
def text(data): return b64encode(data).decode()


def faults(hashes):
    yield "whole", hashes
    if hashes:
        yield "without its first hash", hashes[1:]
        yield "without its last hash", hashes[:-1]
        yield "one bit of its first hash flipped", [flipped(hashes[0])] + hashes[1:]
        yield "one bit of its last hash flipped", hashes[:-1] + [flipped(hashes[-1])]
    yield "one hash more", hashes + [bytes(32)]
    if len(set(hashes)) > 1: yield "turned around", hashes[::-1]


def main():
    trees = [root(LEAVES[:n]) for n in range(1, 9)]
    assert [each.hex() for each in trees] == ROOTS
    leaves = LEAVES + [n.to_bytes(2, "big") for n in range(256, 256 + 62)]
    consistency, inclusion = [], []
    pairs = [(m, n) for n in range(2, 9) for m in range(1, n)] + [(1, 70), (33, 70), (64, 70), (64, 65), (69, 70)]
    for m, n in pairs:
        first, second = root(leaves[:m]), root(leaves[:n])
        cases = [(what, first, second, hashes) for what, hashes in faults(proof(m, leaves[:n]))]
        whole = cases[0][3]
        cases += [("roots swapped", second, first, whole), ("another first root", flipped(first), second, whole),
                  ("another second root", first, flipped(second), whole)]
        for what, a, b, hashes in cases:
            valid = consistent(m, n, a, b, hashes)
            assert valid == (what == "whole"), (m, n, what)
            if n > 8 or what == "whole" or (m, n) in ((1, 8), (3, 7), (4, 8), (6, 8)):
                consistency.append(dict(what=what, size1=m, size2=n, root1=text(a), root2=text(b),
                                        proof=[text(h) for h in hashes], valid=valid))
    for index, n in [(i, n) for n in range(1, 9) for i in range(n)] + [(0, 70), (63, 70), (64, 70), (69, 70)]:
        leaf, tree = leaf_hash(leaves[index]), root(leaves[:n])
        cases = [(what, leaf, tree, hashes) for what, hashes in faults(path(index, leaves[:n]))]
        whole = cases[0][3]
        cases += [("another leaf", flipped(leaf), tree, whole), ("another root", leaf, flipped(tree), whole)]
        for what, l, r, hashes in cases:
            valid = includes(index, n, l, hashes, r)
            assert valid == (what == "whole"), (index, n, what)
            if n > 8 or what == "whole" or (index, n) in ((0, 8), (5, 8), (6, 7)):
                inclusion.append(dict(what=what, leaf_index=index, tree_size=n, leaf_hash=text(l), root=text(r),
                                      proof=[text(h) for h in hashes], valid=valid))
    json.dump(dict(consistency=consistency, inclusion=inclusion), sys.stdout, indent=1)
    print()


main()
