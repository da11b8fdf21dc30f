# How programs without a libc are built, for binding.gyp; CMakeLists.txt has the same flags.
{
  'defines': ['TSRUNC_FREESTANDING'],
  'cflags!': ['-O3', '-pthread', '-fno-omit-frame-pointer'],
  'cflags': [
    '-Wshadow',
    '-Os',
    '-ffreestanding',
    '-nostdlib',
    '-fno-pie',
    '-fomit-frame-pointer',
    # These need a libc (canary, checked functions, unwinder) or cost space.
    '-U_FORTIFY_SOURCE',
    '-fno-stack-protector',
    '-fno-asynchronous-unwind-tables',
    '-fno-unwind-tables',
    # start.cc defines memcpy and its like by loops, which must stay loops. Clang doesn't know
    # the flag and needs none.
    '<!(${CXX:-c++} -fno-tree-loop-distribute-patterns -E -x c++ /dev/null >/dev/null 2>&1 && echo -fno-tree-loop-distribute-patterns || echo -fno-builtin)',
    '-ffunction-sections',
    '-fdata-sections',
  ],
  'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics'],
  'ldflags!': ['-rdynamic', '-pthread'],
  'ldflags': [
    '-nostdlib',
    '-static',
    '-no-pie',
    '-s',
    '-Wl,--gc-sections',
    '-Wl,--build-id=none',
    '-Wl,-z,noexecstack',
    # Without it each segment is padded to a page of its own: about 8 KiB.
    '-Wl,-z,noseparate-code',
  ],
}
