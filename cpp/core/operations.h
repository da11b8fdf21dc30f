// Made by `npm run generate` from ts/plan/operations.ts. Don't edit.
#pragma once

#include "wire.h"

namespace tsrunc::operations {

/** Of the tables that this file was made from; a Program made from others is refused. */
inline constexpr uint32_t kFingerprint = 0x8f758276;

enum class Code : uint8_t {
  SetDumpable = 1,
  OpenProc = 2,
  AwaitCgroup = 3,
  JoinCgroups = 4,
  OpenCgroup = 5,
  SetOomScoreAdj = 6,
  SetAffinity = 7,
  RaiseRlimit = 8,
  EnterRootfs = 9,
  OpenSource = 10,
  OpenFileSystem = 11,
  OpenNode = 12,
  MakeUserNamespace = 13,
  OpenNamespace = 14,
  OpenTimeOffsets = 15,
  JoinNamespaces = 16,
  TakeRootOf = 17,
  JoinProcess = 18,
  CreateUserNamespace = 19,
  BecomeRoot = 20,
  CreateTimeNamespace = 21,
  Clone = 22,
  NewSession = 23,
  JoinSessionKeyring = 24,
  SetHostname = 25,
  SetDomainname = 26,
  AwaitNetDevices = 27,
  LoopbackUp = 28,
  WriteSysctl = 29,
  SetMountPropagation = 30,
  OpenRoot = 31,
  AdoptRoot = 32,
  Mount = 33,
  BindMount = 34,
  MakeNode = 35,
  BindNode = 36,
  Symlink = 37,
  OpenConsole = 38,
  EnterCgroup = 39,
  AwaitHooks = 40,
  RunHook = 41,
  ChangeRoot = 42,
  SetRootPropagation = 43,
  Remount = 44,
  MaskPath = 45,
  ReadonlyPath = 46,
  MakeWorkingDirectory = 47,
  ChangeDirectory = 48,
  FindExecutable = 49,
  SetMemoryPolicy = 50,
  SetPersonality = 51,
  WriteAttribute = 52,
  AwaitStart = 53,
  FindHome = 54,
  SetNice = 55,
  SetScheduler = 56,
  SetIoPriority = 57,
  PrepareExec = 58,
  SetRlimit = 59,
  SetSoftLimit = 60,
  SetUmask = 61,
  SetNoNewPrivileges = 62,
  LoadSeccomp = 63,
  SetBoundingSet = 64,
  SetUser = 65,
  SetCapabilities = 66,
  AnnounceExec = 67,
  Exec = 68,
};

struct SetDumpable {
  bool value{};
};

struct OpenProc {
};

struct AwaitCgroup {
  bool announced{};
};

struct JoinCgroups {
  StringList files{};
};

struct OpenCgroup {
  const char* file{};
};

struct SetOomScoreAdj {
  int32_t value{};
};

struct SetAffinity {
  U32List cpus{};
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
  uint32_t user_namespace{};
  bool map_all{};
};

struct OpenFileSystem {
  uint32_t slot{};
  const char* type{};
  const char* source{};
  StringList options{};
  uint32_t user_namespace{};
  bool map_all{};
};

struct OpenNode {
  uint32_t slot{};
  const char* path{};
  const char* file{};
  uint32_t type{};
  uint32_t major{};
  uint32_t minor{};
  uint32_t mode{};
  uint32_t uid{};
  uint32_t gid{};
};

struct MakeUserNamespace {
  uint32_t slot{};
  const char* uid_map{};
  const char* gid_map{};
};

struct OpenNamespace {
  uint32_t slot{};
  const char* file{};
};

struct OpenTimeOffsets {
};

struct JoinNamespaces {
  U32List types{};
  StringList files{};
  uint32_t foreign{};
};

struct TakeRootOf {
  uint32_t pid{};
};

struct JoinProcess {
  uint32_t flags{};
};

struct CreateUserNamespace {
};

struct BecomeRoot {
  uint32_t uid{};
  uint32_t gid{};
};

struct CreateTimeNamespace {
  const char* offsets{};
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

struct AwaitNetDevices {
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

struct AdoptRoot {
};

struct Mount {
  const char* target{};
  const char* type{};
  const char* source{};
  uint32_t slot{};
  StringList options{};
  uint32_t flags{};
  bool no_symlinks{};
  bool keep_mode{};
  bool keep_owner{};
  bool copy_up{};
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

struct EnterCgroup {
  const char* file{};
  bool new_namespace{};
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
  StringList options{};
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

struct SetMemoryPolicy {
  uint32_t mode{};
  U32List nodes{};
};

struct SetPersonality {
  uint32_t persona{};
};

struct WriteAttribute {
  const char* attribute{};
  const char* value{};
};

struct AwaitStart {
  bool listen{};
};

struct FindHome {
  uint32_t uid{};
};

struct SetNice {
  int32_t value{};
};

struct SetScheduler {
  uint32_t policy{};
  uint64_t flags{};
  int32_t nice{};
  uint32_t priority{};
  uint64_t runtime{};
  uint64_t deadline{};
  uint64_t period{};
};

struct SetIoPriority {
  uint32_t priority{};
};

struct PrepareExec {
  StringList args{};
  StringList env{};
  uint32_t preserve{};
};

struct SetRlimit {
  uint32_t resource{};
  uint64_t soft{};
  uint64_t hard{};
};

struct SetSoftLimit {
  uint32_t resource{};
  uint64_t soft{};
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
    case Code::AwaitCgroup: {
      AwaitCgroup op;
      reader.read(op.announced);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::JoinCgroups: {
      JoinCgroups op;
      reader.read(op.files);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::OpenCgroup: {
      OpenCgroup op;
      reader.read(op.file);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetOomScoreAdj: {
      SetOomScoreAdj op;
      reader.read(op.value);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetAffinity: {
      SetAffinity op;
      reader.read(op.cpus);
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
      reader.read(op.user_namespace);
      reader.read(op.map_all);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::OpenFileSystem: {
      OpenFileSystem op;
      reader.read(op.slot);
      reader.read(op.type);
      reader.read(op.source);
      reader.read(op.options);
      reader.read(op.user_namespace);
      reader.read(op.map_all);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::OpenNode: {
      OpenNode op;
      reader.read(op.slot);
      reader.read(op.path);
      reader.read(op.file);
      reader.read(op.type);
      reader.read(op.major);
      reader.read(op.minor);
      reader.read(op.mode);
      reader.read(op.uid);
      reader.read(op.gid);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::MakeUserNamespace: {
      MakeUserNamespace op;
      reader.read(op.slot);
      reader.read(op.uid_map);
      reader.read(op.gid_map);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::OpenNamespace: {
      OpenNamespace op;
      reader.read(op.slot);
      reader.read(op.file);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::OpenTimeOffsets: {
      OpenTimeOffsets op;
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::JoinNamespaces: {
      JoinNamespaces op;
      reader.read(op.types);
      reader.read(op.files);
      reader.read(op.foreign);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::TakeRootOf: {
      TakeRootOf op;
      reader.read(op.pid);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::JoinProcess: {
      JoinProcess op;
      reader.read(op.flags);
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
    case Code::CreateTimeNamespace: {
      CreateTimeNamespace op;
      reader.read(op.offsets);
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
    case Code::AwaitNetDevices: {
      AwaitNetDevices op;
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
    case Code::AdoptRoot: {
      AdoptRoot op;
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::Mount: {
      Mount op;
      reader.read(op.target);
      reader.read(op.type);
      reader.read(op.source);
      reader.read(op.slot);
      reader.read(op.options);
      reader.read(op.flags);
      reader.read(op.no_symlinks);
      reader.read(op.keep_mode);
      reader.read(op.keep_owner);
      reader.read(op.copy_up);
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
    case Code::EnterCgroup: {
      EnterCgroup op;
      reader.read(op.file);
      reader.read(op.new_namespace);
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
      reader.read(op.options);
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
    case Code::SetMemoryPolicy: {
      SetMemoryPolicy op;
      reader.read(op.mode);
      reader.read(op.nodes);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetPersonality: {
      SetPersonality op;
      reader.read(op.persona);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::WriteAttribute: {
      WriteAttribute op;
      reader.read(op.attribute);
      reader.read(op.value);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::AwaitStart: {
      AwaitStart op;
      reader.read(op.listen);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::FindHome: {
      FindHome op;
      reader.read(op.uid);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetNice: {
      SetNice op;
      reader.read(op.value);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetScheduler: {
      SetScheduler op;
      reader.read(op.policy);
      reader.read(op.flags);
      reader.read(op.nice);
      reader.read(op.priority);
      reader.read(op.runtime);
      reader.read(op.deadline);
      reader.read(op.period);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::SetIoPriority: {
      SetIoPriority op;
      reader.read(op.priority);
      if (!reader.at_end()) return malformed();
      return executor.run(op);
    }
    case Code::PrepareExec: {
      PrepareExec op;
      reader.read(op.args);
      reader.read(op.env);
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
    case Code::SetSoftLimit: {
      SetSoftLimit op;
      reader.read(op.resource);
      reader.read(op.soft);
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
  CgroupDue = 2,
  Cloned = 3,
  NetDevicesDue = 4,
  Console = 5,
  HooksDue = 6,
  Created = 7,
  Executing = 8,
  Listener = 9,
  Failed = 10,
};

enum class Reply : uint8_t {
  Proceed = 1,
  Commit = 2,
  Start = 3,
};

}  // namespace tsrunc
