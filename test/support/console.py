"""Listens on the AF_UNIX stream socket PATH for a terminal's master; prints "listening", then as JSON what
came, then what is written to the terminal, until its other side is closed."""
import array, fcntl, json, os, socket, struct, sys, termios

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listening", flush=True)
connection = listener.accept()[0]
data, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(64))
fds = array.array("i")
for _, _, payload in ancillary:
    fds.frombytes(payload)
rest = connection.recv(1)
size = struct.unpack("HHHH", fcntl.ioctl(fds[0], termios.TIOCGWINSZ, bytes(8)))
name = os.readlink(f"/proc/self/fd/{fds[0]}")
# Only a master knows the number of its other side.
number = struct.unpack("I", fcntl.ioctl(fds[0], 0x80045430, bytes(4)))[0]
print(json.dumps({"count": len(fds), "bytes": len(data), "rest": len(rest), "name": name, "number": number, "size": size[:2]}), flush=True)
while True:
    try:
        output = os.read(fds[0], 65536)
    except OSError:
        break
    if not output:
        break
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
