#include "environment.h"

namespace tsrunc {
namespace {

/**
 * A list of what goes on, since what must not has no end: NODE_OPTIONS and NODE_PATH run the
 * caller's code, so do LD_PRELOAD and OPENSSL_CONF; NODE_EXTRA_CA_CERTS doubles a start's time;
 * npm_config_* leads to another addon. Names with a '=' are meant whole, others are beginnings.
 */
constexpr const char* kGoesOn[] = {
    // For helpers (newuidmap, ps) and for where the state lies.
    "PATH=", "HOME=", "USER=", "LOGNAME=", "XDG_RUNTIME_DIR=",
    // Socket activation and notification of a service: they are for the container.
    "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES=", "NOTIFY_SOCKET=", "DBUS_",
    // How texts for people look.
    "TERM=", "NO_COLOR=", "LANG=", "LC_", "TZ=", "COLUMNS=", "TSRUNC_"};

bool goes_on(const char* entry) {
  if (starts_with(entry, kOpenFiles)) return false;
  for (const char* beginning : kGoesOn) {
    if (starts_with(entry, beginning)) return true;
  }
  return false;
}

}  // namespace

const char* variable(char* const* environment, const char* name) {
  for (; *environment != nullptr; ++environment) {
    if (starts_with(*environment, name)) return *environment + length(name);
  }
  return nullptr;
}

void clean_environment(char* const* callers, const char* limit, const char** kept) {
  for (; *callers != nullptr; ++callers) {
    if (goes_on(*callers)) *kept++ = *callers;
  }
  if (*limit != 0) *kept++ = limit;
  *kept = nullptr;
}

}  // namespace tsrunc
