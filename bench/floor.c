// floor FOLDER [CGROUP FILTER [CLOCK]]: the kernel's share of running /bin/true in a container of Docker's,
// and nothing else: new namespaces, mounts, devices, links, masked and read-only paths, a cgroup in
// each v1 hierarchy with the rules for devices, pivot_root, the filter for system calls, exec, and
// all undone. What bundle-fixtures/docker asks for is written out here, so that nothing is parsed,
// decided or checked. FOLDER is the root file system, whose mount targets exist; CGROUP a name
// below each hierarchy of /sys/fs/cgroup; FILTER a file of the kernel's filter instructions. No
// hierarchy, no cgroup: called with FOLDER alone it measures the rest. What it took without its own
// start and end, in milliseconds, goes to the file CLOCK.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 32

#define SAFE (MS_NOSUID | MS_NOEXEC | MS_NODEV)
#define EACH(list, i) for (unsigned i = 0; i < sizeof list / sizeof *list; ++i)

static char cgroups[MOST][256];
static char names[MOST][64];
static int count;
static struct sock_filter instructions[4096];
static struct sock_fprog filter = {.filter = instructions};

static void must(int ok, const char* what) {
  if (ok) return;
  perror(what);
  _exit(1);
}

static void put(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
  close(fd);
}

static void rule_devices(const char* cgroup) {
  static const char* const allowed[] = {"c *:* m",   "b *:* m",   "c 1:3 rwm",  "c 1:5 rwm",
                                        "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",  "c 5:0 rwm",
                                        "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm"};
  char file[300];
  snprintf(file, sizeof file, "%s/devices.deny", cgroup);
  put(file, "a");
  snprintf(file, sizeof file, "%s/devices.allow", cgroup);
  EACH(allowed, i) put(file, allowed[i]);
}

static void make_cgroups(const char* name) {
  DIR* folder = opendir("/sys/fs/cgroup");
  must(folder != NULL, "/sys/fs/cgroup");
  for (struct dirent* entry; (entry = readdir(folder)) != NULL && count < MOST;) {
    if (entry->d_name[0] == '.' || entry->d_type != DT_DIR) continue;
    snprintf(cgroups[count], sizeof cgroups[count], "/sys/fs/cgroup/%.60s/%.100s", entry->d_name,
             name);
    snprintf(names[count], sizeof names[count], "%.60s", entry->d_name);
    must(mkdir(cgroups[count], 0755) == 0, cgroups[count]);
    if (strcmp(entry->d_name, "devices") == 0) rule_devices(cgroups[count]);
    // A new cpuset is empty, and nothing may join it so.
    for (int i = 0; i < 2 && strcmp(entry->d_name, "cpuset") == 0; ++i) {
      const char* file = i == 0 ? "cpuset.cpus" : "cpuset.mems";
      char from[300], to[300], text[256];
      snprintf(from, sizeof from, "/sys/fs/cgroup/cpuset/%s", file);
      snprintf(to, sizeof to, "%s/%s", cgroups[count], file);
      const int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CLOEXEC);
      const ssize_t size = read(in, text, sizeof text);
      must(size > 0 && write(out, text, (size_t)size) == size, to);
      close(in), close(out);
    }
    ++count;
  }
  closedir(folder);
}

static void join_cgroups(void) {
  for (int i = 0; i < count; ++i) {
    char file[300];
    // `tasks` moves this one thread and needs no lock of the kernel's; `cgroup.procs` does.
    snprintf(file, sizeof file, "%s/tasks", cgroups[i]);
    const int fd = open(file, O_WRONLY | O_CLOEXEC);
    must(fd >= 0 && write(fd, "0", 1) == 1, file);
    close(fd);
  }
}

static void mount_on(const char* type, const char* target, unsigned long flags, const char* data) {
  must(mount(type, target, type, flags, data) == 0, target);
}

static void bind_on(const char* source, const char* target) {
  must(mount(source, target, NULL, MS_BIND | MS_REC, NULL) == 0, target);
}

static void change(const char* target, unsigned long flags) {
  must(mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | flags, NULL) == 0, target);
}

static void mount_cgroups(void) {
  mount_on("tmpfs", "sys/fs/cgroup", SAFE, "mode=755");
  for (int i = 0; i < count; ++i) {
    char target[100];
    snprintf(target, sizeof target, "sys/fs/cgroup/%s", names[i]);
    must(mkdir(target, 0755) == 0, target);
    bind_on(cgroups[i], target);
    change(target, SAFE | MS_RDONLY);
  }
}

static void make_devices(void) {
  static const struct {
    const char* path;
    unsigned major, minor;
  } nodes[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
               {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
  static const char* const links[][2] = {
      {"/proc/self/fd", "dev/fd"},       {"/proc/self/fd/0", "dev/stdin"},
      {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
      {"/proc/kcore", "dev/core"},       {"pts/ptmx", "dev/ptmx"}};
  EACH(nodes, i) {
    const dev_t device = makedev(nodes[i].major, nodes[i].minor);
    must(mknod(nodes[i].path, S_IFCHR | 0666, device) == 0, nodes[i].path);
  }
  EACH(links, i) must(symlink(links[i][0], links[i][1]) == 0, links[i][1]);
}

static void raise_loopback(void) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  must(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0, "lo");
  close(fd);
}

static void restrict_paths(void) {
  static const char* const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                         "/proc/sysrq-trigger"};
  static const char* const masked[] = {
      "/proc/asound",        "/proc/acpi",       "/proc/kcore",       "/proc/keys",
      "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
      "/proc/scsi",          "/sys/firmware"};
  struct stat found;
  EACH(readonly, i) {
    if (stat(readonly[i], &found) != 0) continue;
    bind_on(readonly[i], readonly[i]);
    change(readonly[i], SAFE | MS_RDONLY);
  }
  EACH(masked, i) {
    if (stat(masked[i], &found) != 0) continue;
    if (S_ISDIR(found.st_mode))
      mount_on("tmpfs", masked[i], MS_RDONLY, NULL);
    else
      bind_on("/dev/null", masked[i]);
  }
}

static void container(const char* root) {
  static const char* const files[] = {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"};
  join_cgroups();
  must(sethostname("docker", 6) == 0, "hostname");
  raise_loopback();
  must(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0, "propagation");
  must(mount(root, root, NULL, MS_BIND | MS_REC, NULL) == 0 && chdir(root) == 0, root);
  mount_on("proc", "proc", SAFE, NULL);
  mount_on("tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  must(mkdir("dev/pts", 0755) == 0 && mkdir("dev/mqueue", 0755) == 0 && mkdir("dev/shm", 0755) == 0,
       "dev");
  mount_on("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  mount_on("sysfs", "sys", SAFE | MS_RDONLY, NULL);
  mount_cgroups();
  mount_on("mqueue", "dev/mqueue", SAFE, NULL);
  mount_on("tmpfs", "dev/shm", SAFE, "mode=1777,size=67108864");
  EACH(files, i) bind_on(files[i], files[i] + 1);
  make_devices();
  must(syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0,
       "pivot_root");
  put("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
  put("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
  change("/sys/fs/cgroup", SAFE | MS_RDONLY);
  restrict_paths();
  if (filter.len > 0)
    must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0, "filter");
  execl("/bin/true", "true", NULL);
  must(0, "/bin/true");
}

static void read_filter(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t size = read(fd, instructions, sizeof instructions);
  must(fd >= 0 && size > 0, path);
  filter.len = (unsigned short)((size_t)size / sizeof *instructions);
  close(fd);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (argc > 3) read_filter(argv[3]);
  const double since = now();
  if (argc > 2) make_cgroups(argv[2]);
  struct clone_args args = {
      .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
      .exit_signal = SIGCHLD};
  const long pid = syscall(SYS_clone3, &args, sizeof args);
  must(pid >= 0, "clone3");
  if (pid == 0) container(argv[1]);
  int status = 0;
  must(waitpid((pid_t)pid, &status, 0) == pid, "waitpid");
  for (int i = 0; i < count; ++i) must(rmdir(cgroups[i]) == 0, cgroups[i]);
  if (argc > 4) {
    FILE* clock = fopen(argv[4], "w");
    must(clock != NULL && fprintf(clock, "%.3f", now() - since) > 0 && fclose(clock) == 0, argv[4]);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
