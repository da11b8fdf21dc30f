// init: carries out one Program. Started by the addon from a sealed memfd with the descriptors that
// become the container's (0, 1, 2 and preserved ones) and, from the number in argv[1] on, its own:
// the socket to the parent, the Program and, when a later `start` is to come, a listening socket, or, to
// join a container, a pidfd of its first process.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <new>

#include "executor.h"
#include "resolve.h"

namespace tsrunc {
namespace {

constexpr uint32_t kMagic = 0x50525354;  // "TSRP"

Result<Bytes> map_program(int fd) {
  struct stat status = TRY(status_of(fd, "Program"));
  const auto size = static_cast<size_t>(status.st_size);
  const long address = sys(SYS_mmap, nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0L);
  TRY(check(address, "mmap", "Program"));
  return Bytes{reinterpret_cast<const uint8_t*>(address), static_cast<uint32_t>(size)};
}

/** Runs the operations in order; `index` and `code` say which one an error comes from. */
Status execute(Bytes program, Executor& executor, uint32_t& index, uint8_t& code) {
  Reader reader(program.data, program.size);
  uint32_t magic = 0;
  uint32_t fingerprint = 0;
  uint32_t count = 0;
  reader.read(magic);
  reader.read(fingerprint);
  reader.read(count);
  if (magic != kMagic || fingerprint != operations::kFingerprint) {
    return Error{
        0, "", "",
        "the addon and the JavaScript of tsrunc are of different builds: build both again"};
  }
  for (index = 0; index < count; ++index) {
    uint32_t size = 0;
    reader.read(code);
    reader.read(size);
    Reader arguments = reader.slice(size);
    if (reader.failed()) return executor.malformed();
    TRY(operations::dispatch(code, arguments, executor));
  }
  return executor.malformed();  // A Program ends with `exec`, which doesn't come back.
}

int run(const char* first_fd) {
  uint32_t first = 0;
  if (!parse_u32(first_fd, first) || first > 1 << 20) return 1;
  const int base = static_cast<int>(first);
  for (int fd = base; fd < base + 2; ++fd) sys(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
  // Without a third this number is free, and somebody else's soon.
  const bool given = sys(SYS_fcntl, base + 2, F_SETFD, FD_CLOEXEC) >= 0;
  // Lives as long as the process: never destroyed, since there is no libc that would call destructors at exit.
  alignas(Executor) static unsigned char storage[sizeof(Executor)];
  auto& executor = *new (storage) Executor(Channel{UniqueFd(base)}, UniqueFd(given ? base + 2 : -1));
  uint32_t index = 0;
  uint8_t code = 0;
  const auto program = [&]() -> Status {
    UniqueFd file(base + 1);
    const Bytes bytes = TRY(map_program(file.get()));
    file.reset();
    return execute(bytes, executor, index, code);
  }();
  // EPIPE is the parent's death: whoever would hear of it is gone.
  (void)executor.channel().send_failed(index, code, program.error());
  return 1;
}

}  // namespace
}  // namespace tsrunc

#if defined(TSRUNC_FREESTANDING)
extern "C" int tsrunc_main(int argc, char** argv) {
#else
int main(int argc, char** argv) {
#endif
  return argc == 2 ? tsrunc::run(argv[1]) : 1;
}
