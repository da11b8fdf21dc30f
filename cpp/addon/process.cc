// What a process asks of itself and of the kernel: settings, its end, the time, the kernel's version.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include <cstdio>
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

void exit_now(const Napi::CallbackInfo& info) {
  sys(SYS_exit_group, to_integer(info[0], "an exit code", 0, 255));
}

Napi::Value utc_time(const Napi::CallbackInfo& info) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char seconds[32];
  strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[48];
  snprintf(text, sizeof text, "%s.%03ldZ", seconds, now.tv_nsec / 1'000'000);
  return Napi::String::New(info.Env(), text);
}

Napi::Value kernel_release(const Napi::CallbackInfo& info) {
  utsname names{};
  checked(info.Env(), sys(SYS_uname, &names), "uname");
  return Napi::String::New(info.Env(), names.release);
}

}  // namespace tsrunc::addon
