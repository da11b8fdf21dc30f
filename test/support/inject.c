/*
 * inject LOG FOLDER [PROCESS CALL NTH (ERRNO|kill)] -- COMMAND…
 *
 * Runs a command and lets one system call of it fail, or kills its process just before it: the NTH of that name in
 * the PROCESS, where 0 is the command itself and others are numbered as they are forked. Calls of the command count
 * from the moment that it opens FOLDER/dist/cli.cjs: what Node does before that is Node's. Every call that counts
 * goes to LOG as "PROCESS CALL NTH", and what was done as "injected". Ends as the command does; what the command
 * leaves behind goes on untraced.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL(name) {SYS_##name, #name}
static const struct { long number; const char* name; } calls[] = {
    CALL(openat), CALL(openat2), CALL(read), CALL(pread64), CALL(write), CALL(pwrite64), CALL(newfstatat),
    CALL(statfs), CALL(getdents64), CALL(readlink), CALL(readlinkat), CALL(mkdir), CALL(mkdirat), CALL(rmdir),
    CALL(unlink), CALL(unlinkat), CALL(rename), CALL(symlinkat), CALL(mknodat), CALL(fchownat), CALL(fchmodat),
    CALL(fchmod), CALL(chdir), CALL(fchdir), CALL(flock), CALL(ioctl), CALL(mount), CALL(umount2),
    CALL(pivot_root), CALL(open_tree), CALL(move_mount), CALL(mount_setattr), CALL(fsopen), CALL(fsconfig),
    CALL(fsmount), CALL(memfd_create), CALL(socketpair), CALL(socket), CALL(connect), CALL(bind), CALL(listen),
    CALL(accept4), CALL(sendmsg), CALL(recvmsg), CALL(pipe2), CALL(dup3), CALL(clone3), CALL(unshare),
    CALL(setns), CALL(execve), CALL(prctl), CALL(seccomp), CALL(capset), CALL(setgroups), CALL(setresuid),
    CALL(setresgid), CALL(setsid), CALL(sethostname), CALL(setdomainname), CALL(prlimit64), CALL(keyctl),
    CALL(sched_setaffinity), CALL(pidfd_open), CALL(pidfd_send_signal), CALL(kill),
    CALL(close_range), CALL(bpf),
};
#define CALLS (sizeof calls / sizeof calls[0])
#define MOST 64

struct process { pid_t pid; unsigned counts[CALLS]; int counting; };
static struct process processes[MOST];
static int known;

struct thread { pid_t tid; int process; int failing; int entered; };
static struct thread threads[4 * MOST];
static int running;

static struct thread* find(pid_t tid) {
  for (int i = 0; i < running; ++i)
    if (threads[i].tid == tid) return &threads[i];
  return NULL;
}

static pid_t group_of(pid_t tid) {
  char path[64], line[256];
  pid_t group = tid;
  snprintf(path, sizeof path, "/proc/%d/status", tid);
  FILE* file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "Tgid:\t%d", &group) == 1) break;
  if (file) fclose(file);
  return group;
}

static struct thread* add(pid_t tid) {
  struct thread* thread = find(tid);
  if (thread) return thread;
  if (running == 4 * MOST) exit(125);
  thread = &threads[running++];
  const pid_t group = group_of(tid);
  int process = 0;
  while (process < known && processes[process].pid != group) ++process;
  if (process == known) {
    if (known == MOST) exit(125);
    processes[known].pid = group;
    processes[known].counting = known > 0;
    ++known;
  }
  *thread = (struct thread){tid, process, 0, 0};
  return thread;
}

static int opens(pid_t tid, unsigned long address, const char* wanted) {
  char text[4096];
  struct iovec ours = {text, sizeof text}, theirs = {(void*)address, sizeof text};
  ssize_t got = process_vm_readv(tid, &ours, 1, &theirs, 1, 0);
  if (got <= 0) {
    theirs.iov_len = ours.iov_len = 4096 - (address & 4095);
    got = process_vm_readv(tid, &ours, 1, &theirs, 1, 0);
  }
  return got > 0 && strncmp(text, wanted, (size_t)got) == 0;
}

/** What libuv reads and writes besides files are its own wake-ups, without which it aborts. */
static int concerns_file(const struct process* process, long number, unsigned long fd) {
  if (process != processes || (number != SYS_read && number != SYS_write)) return 1;
  char path[64], target[2] = "";
  snprintf(path, sizeof path, "/proc/%d/fd/%lu", process->pid, fd);
  return readlink(path, target, sizeof target) > 0 && target[0] == '/';
}

/** Its own end is that of a command that hangs. */
static void give_up(int signal) {
  (void)signal;
  kill(processes[0].pid, SIGKILL);
  _exit(124);
}

int main(int argc, char** argv) {
  int at = 1;
  FILE* log = fopen(argv[at++], "we");
  char code[4096];
  snprintf(code, sizeof code, "%s/dist/cli.cjs", argv[at++]);
  int process = -1, error = 0;
  unsigned nth = 0;
  const char* name = "";
  if (strcmp(argv[at], "--") != 0) {
    process = atoi(argv[at]);
    name = argv[at + 1];
    nth = (unsigned)atoi(argv[at + 2]);
    error = strcmp(argv[at + 3], "kill") == 0 ? -1 : atoi(argv[at + 3]);
    at += 4;
  }
  ++at;
  if (!log || at >= argc) return 125;
  const pid_t main_pid = fork();
  if (main_pid == 0) {
    raise(SIGSTOP);
    execv(argv[at], argv + at);
    _exit(125);
  }
  int status;
  waitpid(main_pid, &status, WUNTRACED);
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                       PTRACE_O_TRACEEXEC;
  if (ptrace(PTRACE_SEIZE, main_pid, 0, options) < 0) return 125;
  add(main_pid);
  signal(SIGTERM, give_up);
  kill(main_pid, SIGCONT);
  for (;;) {
    const pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0) return 125;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      struct thread* thread = find(tid);
      if (thread) *thread = threads[--running];
      if (tid != main_pid) continue;
      fclose(log);
      if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
      }
      return WEXITSTATUS(status);
    }
    struct thread* thread = add(tid);
    const int event = status >> 16;
    int signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_STOP) {
      // A group stop is kept; the first stop of a new thread isn't one.
      if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
        ptrace(PTRACE_LISTEN, tid, 0, 0);
        continue;
      }
      signal = 0;
    } else if (event != 0) {
      signal = 0;
    } else if (signal == (SIGTRAP | 0x80)) {
      signal = 0;
      struct __ptrace_syscall_info info = {0};
      ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info);
      struct process* own = &processes[thread->process];
      if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread->failing) {
        struct user_regs_struct registers;
        ptrace(PTRACE_GETREGS, tid, 0, &registers);
        registers.rax = (unsigned long)-(long)error;
        ptrace(PTRACE_SETREGS, tid, 0, &registers);
        thread->failing = 0;
      } else if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        size_t i = 0;
        while (i < CALLS && calls[i].number != (long)info.entry.nr) ++i;
        if (thread->process == 0 && !own->counting && info.entry.nr == SYS_openat &&
            opens(tid, info.entry.args[1], code))
          own->counting = 1;
        // Threads of Node's are Node's.
        if (i < CALLS && own->counting && (thread->process > 0 || tid == own->pid) &&
            concerns_file(own, calls[i].number, info.entry.args[0])) {
          const unsigned count = ++own->counts[i];
          fprintf(log, "%d %s %u\n", thread->process, calls[i].name, count);
          if (thread->process == process && strcmp(calls[i].name, name) == 0 && count == nth) {
            fprintf(log, "injected\n");
            fflush(log);
            if (error < 0) {
              kill(own->pid, SIGKILL);
              continue;
            }
            struct user_regs_struct registers;
            ptrace(PTRACE_GETREGS, tid, 0, &registers);
            registers.orig_rax = (unsigned long)-1;
            ptrace(PTRACE_SETREGS, tid, 0, &registers);
            thread->failing = 1;
          }
        }
      }
    }
    ptrace(PTRACE_SYSCALL, tid, 0, signal);
  }
}
