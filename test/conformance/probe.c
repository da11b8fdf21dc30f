/* What a busybox shell can't see or do: each subcommand one thing. Static, so that it runs in any root file system. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/** struct sched_attr of sched_getattr(2), which older C libraries don't declare. */
struct attributes {
  unsigned size, policy;
  unsigned long long flags;
  int nice;
  unsigned priority;
  unsigned long long runtime, deadline, period;
  unsigned util_min, util_max;
};

/* probe sched PID: policy flags nice priority runtime deadline period */
static int sched(int argc, char** argv) {
  struct attributes a = {0};
  if (syscall(SYS_sched_getattr, argc > 2 ? atoi(argv[2]) : 0, &a, sizeof a, 0) < 0) {
    perror("sched_getattr");
    return 1;
  }
  printf("%u %llu %d %u %llu %llu %llu\n", a.policy, a.flags, a.nice, a.priority, a.runtime,
         a.deadline, a.period);
  return 0;
}

/* probe mempolicy: the mode with its flags, and the nodes as a mask */
static int mempolicy(void) {
  int mode = 0;
  unsigned long mask[16] = {0};
  if (syscall(SYS_get_mempolicy, &mode, mask, sizeof mask * 8, 0, 0) < 0) {
    perror("get_mempolicy");
    return 1;
  }
  printf("%d %lu\n", mode, mask[0]);
  return 0;
}

/* probe ioprio PID: class and level */
static int ioprio(int argc, char** argv) {
  const long value = syscall(SYS_ioprio_get, 1, argc > 2 ? atoi(argv[2]) : 0);
  printf("%ld %ld\n", value >> 13, value & 8191);
  return 0;
}

/* probe clocks: CLOCK_MONOTONIC and CLOCK_BOOTTIME in nanoseconds */
static int clocks(void) {
  struct timespec monotonic, boot;
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  clock_gettime(CLOCK_BOOTTIME, &boot);
  printf("%lld %lld\n", monotonic.tv_sec * 1000000000LL + monotonic.tv_nsec,
         boot.tv_sec * 1000000000LL + boot.tv_nsec);
  return 0;
}

/* probe syscall NAME [ARG…]: 0, or the error's number */
static int call(int argc, char** argv) {
  static const struct {
    const char* name;
    long number;
  } known[] = {{"getppid", SYS_getppid},   {"getpriority", SYS_getpriority},
               {"lseek", SYS_lseek},       {"personality", SYS_personality},
               {"socket", SYS_socket},     {"sched_yield", SYS_sched_yield},
               {"mkdirat", SYS_mkdirat}};
  unsigned long long args[4] = {0};
  for (int i = 0; i < 4 && i + 3 < argc; ++i) args[i] = strtoull(argv[i + 3], 0, 0);
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    if (argc < 3 || strcmp(known[i].name, argv[2]) != 0) continue;
    const long result = syscall(known[i].number, args[0], args[1], args[2], args[3]);
    printf("%d\n", result < 0 ? errno : 0);
    return 0;
  }
  return 2;
}

/* probe alloc MEGABYTES: touches as much memory */
static int alloc(char** argv) {
  const size_t size = strtoull(argv[2], 0, 0) << 20;
  char* memory =
      mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  for (size_t i = 0; i < size; i += 4096) memory[i] = 1;
  puts("allocated");
  return 0;
}

static int listen_at(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server, (struct sockaddr*)&address, sizeof address) < 0 || listen(server, 4) < 0) {
    perror(path);
    exit(1);
  }
  puts("ready");
  fflush(stdout);
  return server;
}

/** One message; its first descriptor goes to *fd, their number to *count. */
static ssize_t receive(int connection, char* data, size_t size, int* fd, int* count) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(8 * sizeof(int))];
  } control;
  struct iovec part = {data, size};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  const ssize_t length = recvmsg(connection, &message, 0);
  for (struct cmsghdr* each = CMSG_FIRSTHDR(&message); length >= 0 && each != 0;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    *count += (int)((each->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fd, CMSG_DATA(each), sizeof(int));
  }
  return length;
}

/* probe console SOCKET: takes a terminal's master and prints what comes out of it */
static int console(char** argv) {
  const int connection = accept(listen_at(argv[2]), 0, 0);
  char data[4096];
  int master = -1, count = 0;
  receive(connection, data, sizeof data, &master, &count);
  if (count != 1) return 1;
  for (ssize_t got; (got = read(master, data, sizeof data)) > 0;)
    if (write(1, data, got) < 0) return 1;
  return 0;
}

/* probe agent SOCKET ERRNO: prints the container process state and how it came, answers its system calls with ERRNO */
static int agent(char** argv) {
  const int connection = accept(listen_at(argv[2]), 0, 0);
  static char data[65536];
  int fd = -1, first = 0, later = 0, unused;
  size_t length = 0;
  ssize_t got = receive(connection, data, sizeof data - 1, &fd, &first);
  while (got > 0) {
    length += got;
    got = receive(connection, data + length, sizeof data - 1 - length, &unused, &later);
  }
  for (size_t i = 0; i < length; ++i)
    if (data[i] == '\n') data[i] = ' ';
  printf("{\"fds\":%d,\"later\":%d,\"closed\":%s,\"payload\":%.*s}\n", first, later,
         got == 0 ? "true" : "false", (int)length, data);
  fflush(stdout);
  if (fd < 0) return 1;
  for (;;) {
    struct seccomp_notif request = {0};
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) {
      if (errno == EINTR) continue;
      return 0;
    }
    struct seccomp_notif_resp answer = {.id = request.id, .error = -atoi(argv[3])};
    ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "sched") == 0) return sched(argc, argv);
  if (strcmp(what, "mempolicy") == 0) return mempolicy();
  if (strcmp(what, "ioprio") == 0) return ioprio(argc, argv);
  if (strcmp(what, "clocks") == 0) return clocks();
  if (strcmp(what, "syscall") == 0) return call(argc, argv);
  if (strcmp(what, "alloc") == 0 && argc > 2) return alloc(argv);
  if (strcmp(what, "console") == 0 && argc > 2) return console(argv);
  if (strcmp(what, "agent") == 0 && argc > 3) return agent(argv);
  fprintf(stderr, "probe: no such thing: %s\n", what);
  return 2;
}
