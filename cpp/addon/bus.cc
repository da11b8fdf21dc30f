#include "bus.h"

#include <dlfcn.h>

namespace tsrunc::addon {
namespace {

template <typename Function>
bool load(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

struct Loaded {
  BusLibrary functions{};
  const char* why = nullptr;
};

Loaded load_library() {
  Loaded loaded;
  BusLibrary& to = loaded.functions;
  void* const library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  const bool found =
      library != nullptr && load(library, "sd_bus_open_system", to.open_system) &&
      load(library, "sd_bus_open_user", to.open_user) &&
      load(library, "sd_bus_flush_close_unref", to.flush_close_unref) &&
      load(library, "sd_bus_message_new_method_call", to.message_new_method_call) &&
      load(library, "sd_bus_message_open_container", to.message_open_container) &&
      load(library, "sd_bus_message_close_container", to.message_close_container) &&
      load(library, "sd_bus_message_append_basic", to.message_append_basic) &&
      load(library, "sd_bus_message_read_basic", to.message_read_basic) &&
      load(library, "sd_bus_message_skip", to.message_skip) &&
      load(library, "sd_bus_message_unref", to.message_unref) &&
      load(library, "sd_bus_call", to.call) &&
      load(library, "sd_bus_match_signal", to.match_signal) &&
      load(library, "sd_bus_slot_unref", to.slot_unref) &&
      load(library, "sd_bus_process", to.process) && load(library, "sd_bus_wait", to.wait) &&
      load(library, "sd_bus_get_property_string", to.get_property_string) &&
      load(library, "sd_bus_error_free", to.error_free);
  // The library stays: what it has started may outlive a call.
  if (!found) loaded.why = dlerror();
  return loaded;
}

}  // namespace

const BusLibrary* bus_library(const char*& why) {
  static const Loaded loaded = load_library();
  why = loaded.why;
  return loaded.why == nullptr ? &loaded.functions : nullptr;
}

}  // namespace tsrunc::addon
