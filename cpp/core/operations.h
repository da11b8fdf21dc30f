// Made by `npm run generate` from ts/plan/operations.ts. Don't edit.
#pragma once

#include "wire.h"

namespace tsrunc::operations {

/** Of the tables that this file was made from; a Program made from others is refused. */
inline constexpr uint32_t kFingerprint = 0x76d749bb;

enum class Code : uint8_t {
  SetDumpable = 1,
  OpenProc = 2,
  JoinCgroups = 3,
  SetOomScoreAdj = 4,
  RaiseRlimit = 5,
  EnterRootfs = 6,
  OpenSource = 7,
  JoinNamespaces = 8,
  CreateUserNamespace = 9,
  BecomeRoot = 10,
  Clone = 11,
  NewSession = 12,
  JoinSessionKeyring = 13,
  SetHostname = 14,
  SetDomainname = 15,
  LoopbackUp = 16,
  WriteSysctl = 17,
  SetMountPropagation = 18,
  OpenRoot = 19,
  Mount = 20,
  BindMount = 21,
  MakeNode = 22,
  BindNode = 23,
  Symlink = 24,
  OpenConsole = 25,
  AwaitHooks = 26,
  RunHook = 27,
  ChangeRoot = 28,
  SetRootPropagation = 29,
  Remount = 30,
  MaskPath = 31,
  ReadonlyPath = 32,
  MakeWorkingDirectory = 33,
  ChangeDirectory = 34,
  FindExecutable = 35,
  AwaitStart = 36,
  PrepareExec = 37,
  SetRlimit = 38,
  SetUmask = 39,
  SetNoNewPrivileges = 40,
  LoadSeccomp = 41,
  SetBoundingSet = 42,
  SetUser = 43,
  SetCapabilities = 44,
  AnnounceExec = 45,
  Exec = 46,
};

struct SetDumpable {
  bool value{};
};

struct OpenProc {
};

struct JoinCgroups {
  StringList files{};
};

struct SetOomScoreAdj {
  int32_t value{};
};

struct RaiseRlimit {
  uint32_t resource{};
  uint64_t hard{};
};

struct EnterRootfs {
  const char* source{};
};

struct OpenSource {
  uint32_t slot{};
  const char* source{};
  bool recursive{};
};

struct JoinNamespaces {
  U32List types{};
  StringList files{};
};

struct CreateUserNamespace {
};

struct BecomeRoot {
  uint32_t uid{};
  uint32_t gid{};
};

struct Clone {
  uint32_t flags{};
};

struct NewSession {
};

struct JoinSessionKeyring {
  const char* name{};
};

struct SetHostname {
  const char* name{};
};

struct SetDomainname {
  const char* name{};
};

struct LoopbackUp {
};

struct WriteSysctl {
  const char* name{};
  const char* value{};
};

struct SetMountPropagation {
  uint32_t flags{};
};

struct OpenRoot {
  bool mount{};
  bool private_parent{};
  uint32_t propagation{};
};

struct Mount {
  const char* target{};
  const char* type{};
  const char* source{};
  StringList options{};
  bool no_symlinks{};
  uint64_t set{};
  uint64_t clear{};
  uint64_t recursive_set{};
  uint64_t recursive_clear{};
  U32List propagation{};
};

struct BindMount {
  const char* target{};
  const char* source{};
  uint32_t slot{};
  bool recursive{};
  bool no_symlinks{};
  uint64_t set{};
  uint64_t clear{};
  uint64_t recursive_set{};
  uint64_t recursive_clear{};
  U32List propagation{};
};

struct MakeNode {
  const char* path{};
  uint32_t type{};
  uint32_t major{};
  uint32_t minor{};
  uint32_t mode{};
  uint32_t uid{};
  uint32_t gid{};
};

struct BindNode {
  const char* path{};
  const char* source{};
  uint32_t slot{};
  uint32_t type{};
  uint32_t major{};
  uint32_t minor{};
};

struct Symlink {
  const char* path{};
  const char* text{};
  bool replace{};
};

struct OpenConsole {
  uint32_t width{};
  uint32_t height{};
  uint32_t uid{};
  bool bind{};
};

struct AwaitHooks {
};

struct RunHook {
  const char* kind{};
  uint32_t index{};
  const char* file{};
  StringList args{};
  StringList env{};
  uint32_t timeout{};
};

struct ChangeRoot {
  const char* method{};
};

struct SetRootPropagation {
  uint32_t flags{};
};

struct Remount {
  const char* target{};
  uint64_t set{};
  uint64_t clear{};
  uint64_t recursive_set{};
  uint64_t recursive_clear{};
  U32List propagation{};
};

struct MaskPath {
  const char* path{};
};

struct ReadonlyPath {
  const char* path{};
};

struct MakeWorkingDirectory {
  const char* path{};
};

struct ChangeDirectory {
  const char* path{};
  bool retry{};
};

struct FindExecutable {
  const char* name{};
  StringList search{};
};

struct AwaitStart {
  bool listen{};
};

struct PrepareExec {
  StringList args{};
  StringList env{};
  bool set_home{};
  uint32_t home_of{};
  uint32_t preserve{};
};

struct SetRlimit {
  uint32_t resource{};
  uint64_t soft{};
  uint64_t hard{};
};

struct SetUmask {
  uint32_t mask{};
};

struct SetNoNewPrivileges {
};

struct LoadSeccomp {
  uint32_t flags{};
  bool listener{};
  Bytes filter{};
};

struct SetBoundingSet {
  uint64_t keep{};
};

struct SetUser {
  uint32_t uid{};
  uint32_t gid{};
  U32List groups{};
  bool set_groups{};
};

struct SetCapabilities {
  uint64_t effective{};
  uint64_t permitted{};
  uint64_t inheritable{};
  uint64_t ambient{};
};

struct AnnounceExec {
};

struct Exec {
  const char* name{};
  StringList search{};
};

/** Decodes the arguments of one operation and gives them to the executor's `run`. */
template <typename Executor>
auto dispatch(uint8_t code, Reader& reader, Executor& executor) -> decltype(executor.malformed()) {
  const auto malformed = [&] { return executor.malformed(); };
  switch (static_cast<Code>(code)) {
    case Code::SetDumpable: {
      SetDumpable op;
      reader.read(op.value);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::OpenProc: {
      OpenProc op;
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::JoinCgroups: {
      JoinCgroups op;
      reader.read(op.files);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetOomScoreAdj: {
      SetOomScoreAdj op;
      reader.read(op.value);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::RaiseRlimit: {
      RaiseRlimit op;
      reader.read(op.resource);
      reader.read(op.hard);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::EnterRootfs: {
      EnterRootfs op;
      reader.read(op.source);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::OpenSource: {
      OpenSource op;
      reader.read(op.slot);
      reader.read(op.source);
      reader.read(op.recursive);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::JoinNamespaces: {
      JoinNamespaces op;
      reader.read(op.types);
      reader.read(op.files);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::CreateUserNamespace: {
      CreateUserNamespace op;
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::BecomeRoot: {
      BecomeRoot op;
      reader.read(op.uid);
      reader.read(op.gid);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::Clone: {
      Clone op;
      reader.read(op.flags);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::NewSession: {
      NewSession op;
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::JoinSessionKeyring: {
      JoinSessionKeyring op;
      reader.read(op.name);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetHostname: {
      SetHostname op;
      reader.read(op.name);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetDomainname: {
      SetDomainname op;
      reader.read(op.name);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::LoopbackUp: {
      LoopbackUp op;
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::WriteSysctl: {
      WriteSysctl op;
      reader.read(op.name);
      reader.read(op.value);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetMountPropagation: {
      SetMountPropagation op;
      reader.read(op.flags);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::OpenRoot: {
      OpenRoot op;
      reader.read(op.mount);
      reader.read(op.private_parent);
      reader.read(op.propagation);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::Mount: {
      Mount op;
      reader.read(op.target);
      reader.read(op.type);
      reader.read(op.source);
      reader.read(op.options);
      reader.read(op.no_symlinks);
      reader.read(op.set);
      reader.read(op.clear);
      reader.read(op.recursive_set);
      reader.read(op.recursive_clear);
      reader.read(op.propagation);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::BindMount: {
      BindMount op;
      reader.read(op.target);
      reader.read(op.source);
      reader.read(op.slot);
      reader.read(op.recursive);
      reader.read(op.no_symlinks);
      reader.read(op.set);
      reader.read(op.clear);
      reader.read(op.recursive_set);
      reader.read(op.recursive_clear);
      reader.read(op.propagation);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::MakeNode: {
      MakeNode op;
      reader.read(op.path);
      reader.read(op.type);
      reader.read(op.major);
      reader.read(op.minor);
      reader.read(op.mode);
      reader.read(op.uid);
      reader.read(op.gid);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::BindNode: {
      BindNode op;
      reader.read(op.path);
      reader.read(op.source);
      reader.read(op.slot);
      reader.read(op.type);
      reader.read(op.major);
      reader.read(op.minor);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::Symlink: {
      Symlink op;
      reader.read(op.path);
      reader.read(op.text);
      reader.read(op.replace);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::OpenConsole: {
      OpenConsole op;
      reader.read(op.width);
      reader.read(op.height);
      reader.read(op.uid);
      reader.read(op.bind);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::AwaitHooks: {
      AwaitHooks op;
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::RunHook: {
      RunHook op;
      reader.read(op.kind);
      reader.read(op.index);
      reader.read(op.file);
      reader.read(op.args);
      reader.read(op.env);
      reader.read(op.timeout);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::ChangeRoot: {
      ChangeRoot op;
      reader.read(op.method);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetRootPropagation: {
      SetRootPropagation op;
      reader.read(op.flags);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::Remount: {
      Remount op;
      reader.read(op.target);
      reader.read(op.set);
      reader.read(op.clear);
      reader.read(op.recursive_set);
      reader.read(op.recursive_clear);
      reader.read(op.propagation);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::MaskPath: {
      MaskPath op;
      reader.read(op.path);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::ReadonlyPath: {
      ReadonlyPath op;
      reader.read(op.path);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::MakeWorkingDirectory: {
      MakeWorkingDirectory op;
      reader.read(op.path);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::ChangeDirectory: {
      ChangeDirectory op;
      reader.read(op.path);
      reader.read(op.retry);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::FindExecutable: {
      FindExecutable op;
      reader.read(op.name);
      reader.read(op.search);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::AwaitStart: {
      AwaitStart op;
      reader.read(op.listen);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::PrepareExec: {
      PrepareExec op;
      reader.read(op.args);
      reader.read(op.env);
      reader.read(op.set_home);
      reader.read(op.home_of);
      reader.read(op.preserve);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetRlimit: {
      SetRlimit op;
      reader.read(op.resource);
      reader.read(op.soft);
      reader.read(op.hard);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetUmask: {
      SetUmask op;
      reader.read(op.mask);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetNoNewPrivileges: {
      SetNoNewPrivileges op;
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::LoadSeccomp: {
      LoadSeccomp op;
      reader.read(op.flags);
      reader.read(op.listener);
      reader.read(op.filter);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetBoundingSet: {
      SetBoundingSet op;
      reader.read(op.keep);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetUser: {
      SetUser op;
      reader.read(op.uid);
      reader.read(op.gid);
      reader.read(op.groups);
      reader.read(op.set_groups);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetCapabilities: {
      SetCapabilities op;
      reader.read(op.effective);
      reader.read(op.permitted);
      reader.read(op.inheritable);
      reader.read(op.ambient);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::AnnounceExec: {
      AnnounceExec op;
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::Exec: {
      Exec op;
      reader.read(op.name);
      reader.read(op.search);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
  }
  return malformed();
}

}  // namespace tsrunc::operations

namespace tsrunc {

enum class Message : uint8_t {
  NeedIdMaps = 1,
  Cloned = 2,
  Console = 3,
  HooksDue = 4,
  Created = 5,
  Executing = 6,
  Listener = 7,
  Failed = 8,
};

enum class Reply : uint8_t {
  Proceed = 1,
  Commit = 2,
  Start = 3,
};

}  // namespace tsrunc
