// Device limits of cgroup v2: an eBPF program on the cgroup decides.
#include <linux/bpf.h>

#include <array>
#include <cerrno>
#include <cstring>
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
/** What our programs are called, so that an update finds them among those of others. */
constexpr char kName[BPF_OBJ_NAME_LEN] = "tsrunc_devices";
/** The kernel takes so many for a cgroup (BPF_CGROUP_MAX_PROGS). */
constexpr size_t kMostPrograms = 64;

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return sys(SYS_bpf, command, &attributes, sizeof attributes);
}

/** The verifier gives up with EAGAIN when a signal has come meanwhile, for which it may be called again at once. */
long load_program(bpf_attr& attributes) {
  constexpr int kMostTries = 1000;
  long fd = -EAGAIN;
  for (int tries = 0; fd == -EAGAIN && tries < kMostTries; ++tries)
    fd = bpf(BPF_PROG_LOAD, attributes);
  return fd;
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
  std::memcpy(attributes.prog_name, kName, sizeof kName);
  const long fd = load_program(attributes);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));

  std::vector<char> log(65536);
  attributes.log_buf = reinterpret_cast<uint64_t>(log.data());
  attributes.log_size = static_cast<uint32_t>(log.size());
  attributes.log_level = 1;
  const long again = load_program(attributes);
  if (again >= 0) return UniqueFd(static_cast<int>(again));
  throw system_error(env, fd, "bpf", {}, last_verdict(log.data()));
}

bool is_ours(int program) {
  bpf_prog_info facts{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<uint32_t>(program);
  attributes.info.info_len = sizeof facts;
  attributes.info.info = reinterpret_cast<uint64_t>(&facts);
  return bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0 &&
         std::strncmp(facts.name, kName, sizeof kName) == 0;
}

/** Those of our programs that the cgroup itself has: one, unless something was killed halfway. */
std::vector<UniqueFd> own_programs(Napi::Env env, int cgroup) {
  std::array<uint32_t, kMostPrograms> ids{};
  bpf_attr query{};
  query.query.target_fd = static_cast<uint32_t>(cgroup);
  query.query.attach_type = BPF_CGROUP_DEVICE;
  query.query.prog_ids = reinterpret_cast<uint64_t>(ids.data());
  query.query.prog_cnt = ids.size();
  checked(env, bpf(BPF_PROG_QUERY, query), "bpf");

  std::vector<UniqueFd> ours;
  for (uint32_t at = 0; at < query.query.prog_cnt; at++) {
    bpf_attr attributes{};
    attributes.prog_id = ids.at(at);
    const long fd = bpf(BPF_PROG_GET_FD_BY_ID, attributes);
    // It was detached meanwhile.
    if (fd == -ENOENT) continue;
    UniqueFd program(static_cast<int>(checked(env, fd, "bpf")));
    if (is_ours(program.get())) ours.push_back(std::move(program));
  }
  return ours;
}

/** @param replaced a program to put it in the place of, or -1 */
long attach(int cgroup, int program, int replaced) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program);
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (replaced >= 0) {
    attributes.attach_flags |= BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<uint32_t>(replaced);
  }
  return bpf(BPF_PROG_ATTACH, attributes);
}

long detach(int cgroup, int program) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program);
  attributes.attach_type = BPF_CGROUP_DEVICE;
  return bpf(BPF_PROG_DETACH, attributes);
}

}  // namespace

/** Attaches a program in the place of an earlier one of ours. At no moment is the cgroup without
 * one. */
void attach_device_program(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int cgroup = to_fd(info[0]);
  const auto instructions = to_bytes(info[1]);
  if (instructions.empty() || instructions.size() % kInstructionSize != 0) {
    throw argument_error(env, "an eBPF program must have a positive multiple of 8 bytes");
  }
  const UniqueFd program = load(env, instructions);
  std::vector<UniqueFd> earlier = own_programs(env, cgroup);
  if (!earlier.empty()) {
    const long result = attach(cgroup, program.get(), earlier.back().get());
    if (result == 0) earlier.pop_back();
    // Linux before 5.6 can't replace. Until the old ones are gone, all have to agree.
    else if (result != -EINVAL)
      checked(env, result, "bpf");
    else
      checked(env, attach(cgroup, program.get(), -1), "bpf");
  } else {
    checked(env, attach(cgroup, program.get(), -1), "bpf");
  }
  // The cgroup keeps the program from here on.
  for (const UniqueFd& each : earlier) checked(env, detach(cgroup, each.get()), "bpf");
}

}  // namespace tsrunc::addon
