// Carries out the operations of a Program, one `run` for each. Files beside this one hold them by
// subject. Everything here happens in a process of one thread that no one else can see into.
#pragma once

#include <sys/stat.h>

#include "../core/channel.h"
#include "../core/operations.h"
#include "../core/result.h"
#include "../core/text.h"
#include "arguments.h"

namespace tsrunc {

class Executor {
 public:
  Executor(Channel channel, UniqueFd given)
      : channel_(static_cast<Channel&&>(channel)), given_(static_cast<UniqueFd&&>(given)) {}
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /** Who hears of a failure. */
  [[nodiscard]] const Channel& channel() const { return channel_; }
  [[nodiscard]] Status malformed() const { return Error{0, "", "", "the Program is malformed"}; }

  // namespaces.cc
  Status run(const operations::JoinCgroups& op);
  Status run(const operations::OpenCgroup& op);
  Status run(const operations::EnterCgroup& op);
  Status run(const operations::JoinNamespaces& op);
  Status run(const operations::JoinProcess& op);
  Status run(const operations::AwaitCgroup& op);
  Status run(const operations::CreateUserNamespace& op);
  Status run(const operations::BecomeRoot& op);
  Status run(const operations::OpenTimeOffsets& op);
  Status run(const operations::CreateTimeNamespace& op);
  Status run(const operations::Clone& op);
  Status run(const operations::NewSession& op);
  Status run(const operations::JoinSessionKeyring& op);
  Status run(const operations::SetHostname& op);
  Status run(const operations::SetDomainname& op);
  Status run(const operations::AwaitNetDevices& op);
  Status run(const operations::LoopbackUp& op);

  // id_maps.cc
  Status run(const operations::MakeUserNamespace& op);
  Status run(const operations::OpenNamespace& op);

  // proc.cc
  Status run(const operations::OpenProc& op);
  Status run(const operations::SetOomScoreAdj& op);
  Status run(const operations::WriteSysctl& op);
  Status run(const operations::WriteAttribute& op);

  // root.cc
  Status run(const operations::EnterRootfs& op);
  Status run(const operations::SetMountPropagation& op);
  Status run(const operations::OpenRoot& op);
  Status run(const operations::TakeRootOf& op);
  Status run(const operations::AdoptRoot& op);
  Status run(const operations::ChangeRoot& op);
  Status run(const operations::SetRootPropagation& op);

  // mounts.cc
  Status run(const operations::OpenSource& op);
  Status run(const operations::OpenFileSystem& op);
  Status run(const operations::Mount& op);
  Status run(const operations::BindMount& op);
  Status run(const operations::Remount& op);

  // masks.cc
  Status run(const operations::MaskPath& op);
  Status run(const operations::ReadonlyPath& op);

  // nodes.cc
  Status run(const operations::MakeNode& op);
  Status run(const operations::OpenNode& op);
  Status run(const operations::BindNode& op);
  Status run(const operations::Symlink& op);

  // console.cc
  Status run(const operations::OpenConsole& op);

  // hooks.cc
  Status run(const operations::AwaitHooks& op);
  Status run(const operations::RunHook& op);
  Status run(const operations::AwaitStart& op);

  // credentials.cc
  Status run(const operations::SetDumpable& op);
  Status run(const operations::RaiseRlimit& op);
  Status run(const operations::SetRlimit& op);
  Status run(const operations::SetSoftLimit& op);
  Status run(const operations::SetUmask& op);
  Status run(const operations::SetNoNewPrivileges& op);
  Status run(const operations::SetBoundingSet& op);
  Status run(const operations::SetUser& op);
  Status run(const operations::SetCapabilities& op);

  // scheduling.cc
  Status run(const operations::SetAffinity& op);
  Status run(const operations::SetMemoryPolicy& op);
  Status run(const operations::SetPersonality& op);
  Status run(const operations::SetNice& op);
  Status run(const operations::SetScheduler& op);
  Status run(const operations::SetIoPriority& op);

  // exec.cc
  Status run(const operations::MakeWorkingDirectory& op);
  Status run(const operations::ChangeDirectory& op);
  Status run(const operations::FindExecutable& op);
  Status run(const operations::FindHome& op);
  Status run(const operations::PrepareExec& op);
  Status run(const operations::AnnounceExec& op);
  Status run(const operations::Exec& op);

  // seccomp.cc
  Status run(const operations::LoadSeccomp& op);

 private:
  Status take_null_device();
  Status change_root_pivot();
  Status change_root_move();
  Status mount_by_path(const operations::Mount& op, int target, bool existed);
  struct Cover;
  Status put_cover(Cover& cover, int target, const char* path);
  Result<UniqueFd> bound_tree(const operations::BindMount& op);
  /** The tree that `slot` holds, taken out of it, or a new clone of `source`. */
  Result<UniqueFd> source_tree(uint32_t slot, const char* source, bool recursive);
  Result<UniqueFd*> slot_of(uint32_t slot, const char* what);
  Status accept_start();
  /** Refuses a namespace that is the runtime's own or process 1's. */
  Status require_foreign(uint32_t type, int file, const char* path);

  static constexpr uint32_t kSlots = 1024;

  /** A mount that hides paths. */
  struct Cover {
    UniqueFd mount;
    bool attached = false;
  };

  Channel channel_;
  /** Where `start` connects to, or the pidfd of the process that is joined. */
  UniqueFd given_;
  /** The runtime's /proc. */
  UniqueFd proc_;
  /** The container's root; everything in root is resolved from it. */
  UniqueFd root_;
  /** The host's /dev/null, for files. */
  Cover null_;
  /** An empty read-only tmpfs for directories, once one is needed. */
  Cover empty_;
  /** The state for the hooks' standard input. */
  UniqueFd state_;
  /** What was opened in the runtime's namespaces: mounts, and user namespaces for their maps. */
  UniqueFd sources_[kSlots];
  /** Which of the mounts have mapped ids. */
  bool is_mapped_[kSlots] = {};
  /** HOME=…, where it was looked up. */
  PathText home_;
  UniqueFd time_offsets_;
  /** The file of the cgroup that is joined late. */
  UniqueFd cgroup_;
  bool directory_changed_ = false;
  /** The program's, from prepareExec on. */
  Vector args_;
  Vector env_;
};

}  // namespace tsrunc
