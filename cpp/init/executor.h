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
  Executor(Channel channel, UniqueFd listener)
      : channel_(static_cast<Channel&&>(channel)), listener_(static_cast<UniqueFd&&>(listener)) {}
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /** Who hears of a failure. */
  [[nodiscard]] const Channel& channel() const { return channel_; }
  [[nodiscard]] Status malformed() const { return Error{0, "", "", "the Program is malformed"}; }

  // namespaces.cc
  Status run(const operations::JoinCgroups& op);
  Status run(const operations::JoinNamespaces& op);
  Status run(const operations::CreateUserNamespace& op);
  Status run(const operations::BecomeRoot& op);
  Status run(const operations::Clone& op);
  Status run(const operations::NewSession& op);
  Status run(const operations::JoinSessionKeyring& op);
  Status run(const operations::SetHostname& op);
  Status run(const operations::SetDomainname& op);
  Status run(const operations::LoopbackUp& op);

  // proc.cc
  Status run(const operations::OpenProc& op);
  Status run(const operations::SetOomScoreAdj& op);
  Status run(const operations::WriteSysctl& op);

  // root.cc
  Status run(const operations::EnterRootfs& op);
  Status run(const operations::SetMountPropagation& op);
  Status run(const operations::OpenRoot& op);
  Status run(const operations::ChangeRoot& op);
  Status run(const operations::SetRootPropagation& op);

  // mounts.cc
  Status run(const operations::OpenSource& op);
  Status run(const operations::Mount& op);
  Status run(const operations::BindMount& op);
  Status run(const operations::Remount& op);

  // masks.cc
  Status run(const operations::MaskPath& op);
  Status run(const operations::ReadonlyPath& op);

  // nodes.cc
  Status run(const operations::MakeNode& op);
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
  Status run(const operations::SetUmask& op);
  Status run(const operations::SetNoNewPrivileges& op);
  Status run(const operations::SetBoundingSet& op);
  Status run(const operations::SetUser& op);
  Status run(const operations::SetCapabilities& op);

  // exec.cc
  Status run(const operations::MakeWorkingDirectory& op);
  Status run(const operations::ChangeDirectory& op);
  Status run(const operations::FindExecutable& op);
  Status run(const operations::PrepareExec& op);
  Status run(const operations::AnnounceExec& op);
  Status run(const operations::Exec& op);

  // seccomp.cc
  Status run(const operations::LoadSeccomp& op);

 private:
  Status take_null_device();
  Status change_root_pivot();
  Status change_root_move();
  Status mount_long_options(const operations::Mount& op, int target);
  struct Cover;
  Status put_cover(Cover& cover, int target, const char* path);
  /** The tree that `slot` holds, taken out of it, or a new clone of `source`. */
  Result<UniqueFd> source_tree(uint32_t slot, const char* source, bool recursive);
  Status accept_start();

  static constexpr uint32_t kSlots = 1024;

  /** A mount that hides paths. */
  struct Cover {
    UniqueFd mount;
    bool attached = false;
  };

  Channel channel_;
  /** Where `start` connects to. */
  UniqueFd listener_;
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
  UniqueFd sources_[kSlots];
  bool directory_changed_ = false;
  /** The program's, from prepareExec on. */
  Vector args_;
  Vector env_;
};

}  // namespace tsrunc
