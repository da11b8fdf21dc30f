// subreaper SECONDS COMMAND…: runs one test file. Whatever the test orphans becomes a child of this
// program, not of a PID 1 that may never reap it: a zombie is gone at once, as on a real machine.
// When the test has ended, processes that are still there are named on stdout and killed.
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr int kTimedOut = 124;
/** What the test has killed or told to end may need a moment, on a machine with a load more. */
constexpr int kGraceSeconds = 30;

struct Child {
  pid_t pid;
  std::string name;
};

std::vector<Child> children_of(pid_t parent) {
  std::vector<Child> found;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return found;
  while (const dirent* entry = readdir(proc)) {
    const pid_t pid = atoi(entry->d_name);
    if (pid <= 0) continue;
    std::ifstream file("/proc/" + std::string(entry->d_name) + "/stat");
    // getline, since an iterator throws where the process ends between the opening and the reading.
    std::string stat;
    std::getline(file, stat, '\0');
    // The name, in parentheses, may hold anything but ends at the last one.
    const size_t open = stat.find('(');
    const size_t close = stat.rfind(')');
    char state = 0;
    int ppid = 0;
    if (close == std::string::npos ||
        sscanf(stat.c_str() + close + 1, " %c %d", &state, &ppid) != 2)
      continue;
    if (ppid == parent && state != 'Z')
      found.push_back({pid, stat.substr(open + 1, close - open - 1)});
  }
  closedir(proc);
  return found;
}

timespec deadline_in(long seconds) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  now.tv_sec += seconds;
  return now;
}

/** Waits for a signal of `set` until the deadline. 0 is the deadline. */
int next_signal(const sigset_t& set, const timespec& deadline) {
  for (;;) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double left =
        std::max(0.0, static_cast<double>(deadline.tv_sec - now.tv_sec) +
                          static_cast<double>(deadline.tv_nsec - now.tv_nsec) / 1e9);
    const auto whole = static_cast<time_t>(left);
    const timespec wait{whole, static_cast<long>((left - static_cast<double>(whole)) * 1e9)};
    const int signal = sigtimedwait(&set, nullptr, &wait);
    if (signal > 0) return signal;
    if (left <= 0) return 0;
  }
}

/** Reaps what has ended. True, with its status, when the test is among it. */
bool reap(pid_t test, int& status) {
  bool ended = false;
  int each = 0;
  for (pid_t pid; (pid = waitpid(-1, &each, WNOHANG)) > 0;) {
    if (pid != test) continue;
    ended = true;
    status = each;
  }
  return ended;
}

/** Kills the orphans, and theirs, until there are none. */
void kill_all() {
  for (;;) {
    for (const Child& child : children_of(getpid())) kill(child.pid, SIGKILL);
    if (waitpid(-1, nullptr, 0) < 0) return;
  }
}

bool report_left() {
  const std::vector<Child> left = children_of(getpid());
  for (const Child& child : left)
    printf("# left behind: process %d (%s)\n", child.pid, child.name.c_str());
  return !left.empty();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t set;
  sigset_t before;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, &before);

  const pid_t test = fork();
  if (test == 0) {
    sigprocmask(SIG_SETMASK, &before, nullptr);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }

  int status = 0;
  const timespec deadline = deadline_in(atol(argv[1]));
  while (!reap(test, status)) {
    if (next_signal(set, deadline) == SIGCHLD) continue;
    printf("# broken off: it took longer than %s s, or was told to end\n", argv[1]);
    fflush(stdout);
    kill_all();
    return kTimedOut;
  }

  const timespec grace = deadline_in(kGraceSeconds);
  while (!children_of(getpid()).empty() && next_signal(set, grace) == SIGCHLD) reap(test, status);
  const bool left = report_left();
  fflush(stdout);
  kill_all();
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : (left ? 1 : 0);
}
