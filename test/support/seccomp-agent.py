"""A seccomp agent: takes notifications on the socket argv[1], answers each as argv[2] says, and
prints one line of JSON for each thing that it hears.

continue: the system call goes on. errno:N: it fails with N. die: the agent ends when it has the
descriptor. keep: it takes the descriptor and never answers. hold: it answers the first process's
notifications with continue and leaves those of later ones waiting."""

import array, fcntl, json, os, select, socket, struct, sys

path, policy = sys.argv[1:3]
# <linux/seccomp.h>
RECV, SEND = 0xC0502100, 0xC0182101
CONTINUE = 1


def say(**what):
    print(json.dumps(what), flush=True)


server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(path)
os.chmod(path, 0o666)
server.listen(8)
say(listening=True)


def accept():
    connection, _ = server.accept()
    data, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(64))
    fds = array.array("i")
    for _, _, content in control:
        fds.frombytes(content[: len(content) // 4 * 4])
    while more := connection.recv(65536):
        data += more
    say(state=json.loads(data), fds=len(fds), closed=True)
    return fds[0]


def answer(listener):
    notification = bytearray(80)
    try:
        fcntl.ioctl(listener, RECV, notification)
    except OSError:
        return
    id, pid, _, number = struct.unpack_from("=QIIi", notification)
    say(syscall=number)
    if policy == "hold" and listener != first:
        return
    error = -int(policy[6:]) if policy.startswith("errno:") else 0
    flags = 0 if error else CONTINUE
    try:
        fcntl.ioctl(listener, SEND, struct.pack("=QqiI", id, 0, error, flags))
    except OSError:
        pass  # The caller was killed meanwhile.


first = None
poll = select.poll()
poll.register(server, select.POLLIN)
while True:
    for fd, events in poll.poll():
        if fd == server.fileno():
            listener = accept()
            first = listener if first is None else first
            if policy == "die":
                sys.exit(0)
            if policy != "keep":
                poll.register(listener, select.POLLIN)
        elif events & select.POLLIN:
            answer(fd)
        else:
            say(over=True)
            poll.unregister(fd)
            os.close(fd)
