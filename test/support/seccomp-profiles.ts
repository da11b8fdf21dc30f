/**
 * The default profiles of Docker and containerd, as they are for a container with Docker's default
 * capabilities on x86_64. Facts: moby/profiles 2025, seccomp/default.json; containerd 1.5.
 */
import type { LinuxSeccomp, LinuxSyscall } from '../../ts/spec/types.js';

const words = (text: string): string[] => text.trim().split(/\s+/);

/** What both allow whatever the arguments. */
const everywhere = words(`
  accept accept4 access alarm bind brk capget capset chdir chmod chown chown32 clock_getres
  clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close connect
  copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait
  epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
  fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchown fchown32 fchownat fcntl
  fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs
  fstatfs64 fsync ftruncate ftruncate64 futex futex_time64 futimesat getcpu getcwd getdents getdents64
  getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid
  getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit
  get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid
  getuid32 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl
  io_destroy io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc
  kill lchown lchown32 lgetxattr link linkat listen listxattr llistxattr _llseek lremovexattr lseek
  lsetxattr lstat lstat64 madvise memfd_create mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall
  mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
  mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
  nanosleep newfstatat _newselect open openat openat2 pause pipe pipe2 poll ppoll ppoll_time64 prctl
  pread64 preadv prlimit64 pselect6 pselect6_time64 pwrite64 pwritev read readahead readlink readlinkat
  readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr rename renameat
  renameat2 restart_syscall rmdir rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr
  sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
  sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64
  sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32
  setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid
  setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setuid32
  setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn
  socketcall socketpair splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range
  syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
  timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
  timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat utime utimensat
  utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev arch_prctl modify_ldt chroot`);

/** What Docker's newer profile has beyond that; the last line came after libseccomp 2.5.4. */
const newer = words(`
  adjtimex cachestat clock_adjtime clock_adjtime64 close_range epoll_pwait2 fchmodat2 futex_requeue
  futex_wait futex_waitv futex_wake landlock_add_rule landlock_create_ruleset landlock_restrict_self
  map_shadow_stack memfd_secret name_to_handle_at pidfd_open pidfd_send_signal pkey_alloc pkey_free
  pkey_mprotect preadv2 process_mrelease process_vm_readv process_vm_writev ptrace pwritev2 riscv_hwprobe
  rseq
  getxattrat listmount listxattrat mseal removexattrat setxattrat statmount uretprobe`);

const allow = (names: string[], ...args: LinuxSyscall['args'] & object): LinuxSyscall => ({
  names,
  action: 'SCMP_ACT_ALLOW',
  ...(args.length > 0 ? { args } : {}),
});
const equals = (value: number) => ({ index: 0, value, op: 'SCMP_CMP_EQ' });

/** clone(2) without any namespace's flag. */
const plainClone = allow(['clone'], { index: 0, value: 0x7e020000, op: 'SCMP_CMP_MASKED_EQ' });
const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];

/** Address families: all but AF_ALG-like ones that have no number here, AF_VSOCK among them. */
const families = [
  13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44,
  45,
];

export const dockerProfile: LinuxSeccomp = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  architectures,
  syscalls: [
    allow([...everywhere, ...newer]),
    allow(['socket'], { index: 0, value: 12, op: 'SCMP_CMP_LT' }),
    ...families.map((family) => allow(['socket'], equals(family))),
    ...[0, 8, 0x20000, 0x20008, 0xffffffff].map((persona) =>
      allow(['personality'], equals(persona)),
    ),
    plainClone,
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
  ],
};

export const containerdProfile: LinuxSeccomp = {
  defaultAction: 'SCMP_ACT_ERRNO',
  architectures,
  syscalls: [
    allow([...everywhere, 'socket', 'syslog']),
    ...[0, 8, 0xffffffff].map((persona) => allow(['personality'], equals(persona))),
    plainClone,
  ],
};
