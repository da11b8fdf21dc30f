"""Stands for a service manager: binds the datagram socket PATH ("@…" is abstract), prints "listening", then a line of
JSON for each message: its lines and how many descriptors came with it. With "hold" it keeps those open until a line comes on stdin."""
import array, json, os, socket, sys

path = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + path[1:] if path[0] == "@" else path)
print("listening", flush=True)
while True:
    data, ancillary, _, _ = listener.recvmsg(65536, socket.CMSG_SPACE(1024))
    fds = array.array("i")
    for _, _, payload in ancillary:
        fds.frombytes(payload)
    print(json.dumps({"lines": data.decode().split("\n"), "fds": len(fds)}), flush=True)
    if fds and "hold" in sys.argv:
        sys.stdin.readline()
    for fd in fds:
        os.close(fd)
