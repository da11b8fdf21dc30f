/*
 * Makes every system call from argv[1] to argv[2], each in a process of its own, with arguments that
 * do nothing, and prints "ABI NUMBER ANSWER": ok, the errno, or the signal that ended the process.
 * ABI: 64 (syscall), 32 (int 0x80), x32 (syscall with its bit).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32 0x40000000L

static long call64(long number) {
  long result;
  register long r10 __asm__("r10") = -1, r8 __asm__("r8") = -1, r9 __asm__("r9") = -1;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(-1L), "S"(-1L), "d"(-1L), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static long call32(long number) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(-1), "c"(-1), "d"(-1), "S"(-1), "D"(-1)
                   : "r8", "r9", "r10", "r11", "memory");
  return (int)result;
}

static void probe(const char *abi, long number) {
  int answers[2], status;
  if (pipe(answers) != 0) exit(1);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    pid_t self = getpid();
    long result = abi[0] == '3' ? call32(number) : call64(abi[0] == 'x' ? number | X32 : number);
    if (getpid() != self) _exit(0); /* it was a fork */
    int error = result < 0 && result > -4096 ? (int)-result : 0;
    ssize_t written = write(answers[1], &error, sizeof error);
    _exit(written == sizeof error ? 0 : 1);
  }
  close(answers[1]);
  int error = 0;
  /* pause(2) and its like wait for ever. */
  struct pollfd polled = {answers[0], POLLIN, 0};
  if (poll(&polled, 1, 300) == 0) kill(child, SIGKILL);
  ssize_t got = read(answers[0], &error, sizeof error);
  close(answers[0]);
  waitpid(child, &status, 0);
  if (got != sizeof error)
    printf("%s %ld %s %d\n", abi, number, WIFSIGNALED(status) ? "signal" : "exit",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  else if (error == 0)
    printf("%s %ld ok\n", abi, number);
  else
    printf("%s %ld %s\n", abi, number, strerrorname_np(error) ? strerrorname_np(error) : "E?");
}

int main(int count, char **arguments) {
  const char *abis[] = {"64", "32", "x32"};
  if (count != 3) return 2;
  for (int abi = 0; abi < 3; ++abi)
    for (long number = atol(arguments[1]); number <= atol(arguments[2]); ++number)
      probe(abis[abi], number);
  return 0;
}
