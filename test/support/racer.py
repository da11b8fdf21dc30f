"""Swaps two paths with each other as fast as it can, renameat2(RENAME_EXCHANGE), until its stdin ends.
Then it says how often it did. argv[1:3]: the paths."""

import ctypes, os, select, sys

libc = ctypes.CDLL(None, use_errno=True)
one, other = (os.fsencode(path) for path in sys.argv[1:3])
AT_FDCWD, EXCHANGE = -100, 2

swaps = 0
print("racing", flush=True)
while not select.select([0], [], [], 0)[0]:
    for _ in range(200):
        if libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, EXCHANGE) == 0:
            swaps += 1
print(swaps, flush=True)
