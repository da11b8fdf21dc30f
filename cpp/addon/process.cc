// Settings of processes.
#include <sys/prctl.h>
#include <sys/resource.h>

#include <limits>

#include "../core/syscall.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"

namespace tsrunc::addon {

void set_subreaper(const Napi::CallbackInfo& info) {
  const long on = info[0].ToBoolean().Value() ? 1 : 0;
  checked(info.Env(), sys(SYS_prctl, PR_SET_CHILD_SUBREAPER, on), "prctl");
}

Napi::Value get_resource_limit(const Napi::CallbackInfo& info) {
  const int64_t pid = to_integer(info[0], "a pid", 1, std::numeric_limits<int>::max());
  struct {
    uint64_t soft;
    uint64_t hard;
  } limit{};
  checked(info.Env(), sys(SYS_prlimit64, pid, to_u32(info[1], "a resource"), nullptr, &limit),
          "prlimit64");
  Napi::Object result = Napi::Object::New(info.Env());
  result["soft"] = Napi::BigInt::New(info.Env(), limit.soft);
  result["hard"] = Napi::BigInt::New(info.Env(), limit.hard);
  return result;
}

}  // namespace tsrunc::addon
