// Device limits of cgroup v2: an eBPF program on the cgroup decides.
#include <linux/bpf.h>

#include <string>
#include <vector>

#include "../core/syscall.h"
#include "../core/unique_fd.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"

namespace tsrunc::addon {
namespace {

constexpr size_t kInstructionSize = 8;

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return sys(SYS_bpf, command, &attributes, sizeof attributes);
}

/** The verifier's verdict comes before its statistics ("processed 12 insns …"). */
std::string last_verdict(const std::string& log) {
  std::string verdict;
  for (size_t at = 0; at < log.size();) {
    const size_t end = std::min(log.find('\n', at), log.size());
    const std::string line = log.substr(at, end - at);
    if (!line.empty() && !line.starts_with("processed ")) verdict = line;
    at = end + 1;
  }
  return verdict;
}

UniqueFd load(Napi::Env env, std::span<const uint8_t> instructions) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.expected_attach_type = BPF_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<uint64_t>(instructions.data());
  attributes.insn_cnt = static_cast<uint32_t>(instructions.size() / kInstructionSize);
  // Only some helper functions ask for the GPL; these programs call none.
  attributes.license = reinterpret_cast<uint64_t>("Apache-2.0");
  const long fd = bpf(BPF_PROG_LOAD, attributes);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));

  std::vector<char> log(65536);
  attributes.log_buf = reinterpret_cast<uint64_t>(log.data());
  attributes.log_size = static_cast<uint32_t>(log.size());
  attributes.log_level = 1;
  const long again = bpf(BPF_PROG_LOAD, attributes);
  if (again >= 0) return UniqueFd(static_cast<int>(again));
  throw system_error(env, fd, "bpf", {}, last_verdict(log.data()));
}

}  // namespace

void attach_device_program(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int cgroup = to_fd(info[0]);
  const auto instructions = to_bytes(info[1]);
  if (instructions.empty() || instructions.size() % kInstructionSize != 0) {
    throw argument_error(env, "an eBPF program must have a positive multiple of 8 bytes");
  }
  const UniqueFd program = load(env, instructions);
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  // The cgroup keeps the program from here on.
  checked(env, bpf(BPF_PROG_ATTACH, attributes), "bpf");
}

}  // namespace tsrunc::addon
