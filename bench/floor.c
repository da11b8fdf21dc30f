// floor FOLDER CGROUP: the kernel's share of running /bin/true in a container, and nothing else:
// new namespaces, the default mounts, pivot_root, a cgroup in each v1 hierarchy, exec, and all
// undone. FOLDER is the root file system; CGROUP a name below each hierarchy of /sys/fs/cgroup. No
// hierarchy, no cgroup: called without CGROUP it measures the rest.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 32

static char cgroups[MOST][256];
static int count;

static void must(int ok, const char* what) {
  if (ok) return;
  perror(what);
  _exit(1);
}

static void make_cgroups(const char* name) {
  DIR* folder = opendir("/sys/fs/cgroup");
  must(folder != NULL, "/sys/fs/cgroup");
  for (struct dirent* entry; (entry = readdir(folder)) != NULL && count < MOST;) {
    if (entry->d_name[0] == '.' || entry->d_type != DT_DIR) continue;
    snprintf(cgroups[count], sizeof cgroups[count], "/sys/fs/cgroup/%.60s/%.100s", entry->d_name,
             name);
    must(mkdir(cgroups[count], 0755) == 0, cgroups[count]);
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
  mkdir(target, 0755);
  must(mount(type, target, type, flags, data) == 0, target);
}

static void container(const char* root) {
  const unsigned long safe = MS_NOSUID | MS_NOEXEC | MS_NODEV;
  join_cgroups();
  must(unshare(CLONE_NEWCGROUP) == 0, "unshare");
  must(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0, "propagation");
  must(mount(root, root, NULL, MS_BIND | MS_REC, NULL) == 0 && chdir(root) == 0, root);
  mount_on("proc", "proc", 0, NULL);
  mount_on("tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  mount_on("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  mount_on("tmpfs", "dev/shm", safe, "mode=1777,size=65536k");
  mount_on("mqueue", "dev/mqueue", safe, NULL);
  mount_on("sysfs", "sys", safe | MS_RDONLY, NULL);
  static const struct {
    const char* path;
    unsigned minor;
  } nodes[] = {
      {"dev/null", 3}, {"dev/zero", 5}, {"dev/full", 7}, {"dev/random", 8}, {"dev/urandom", 9}};
  for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; ++i) {
    must(mknod(nodes[i].path, S_IFCHR | 0666, makedev(1, nodes[i].minor)) == 0, nodes[i].path);
  }
  must(syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0, "pivot_root");
  must(chdir("/") == 0 && mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0, "/");
  execl("/bin/true", "true", NULL);
  must(0, "/bin/true");
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (argc > 2) make_cgroups(argv[2]);
  // The cgroup namespace comes after the join, or its root would be the caller's cgroup.
  struct clone_args args = {
      .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
      .exit_signal = SIGCHLD};
  const long pid = syscall(SYS_clone3, &args, sizeof args);
  must(pid >= 0, "clone3");
  if (pid == 0) container(argv[1]);
  int status = 0;
  must(waitpid((pid_t)pid, &status, 0) == pid, "waitpid");
  for (int i = 0; i < count; ++i) must(rmdir(cgroups[i]) == 0, cgroups[i]);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
