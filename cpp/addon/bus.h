// libsystemd's sd-bus, loaded when it is first needed: nothing is linked, and nothing costs who has no use for it.
#pragma once

#include <cstdint>

namespace tsrunc::addon {

struct Bus;
struct BusMessage;
struct BusSlot;

/** As <systemd/sd-bus.h> has it. */
struct BusError {
  const char* name = nullptr;
  const char* message = nullptr;
  int need_free = 0;
};

/** The functions of <systemd/sd-bus.h> that are used, by their names there without `sd_bus_`. */
struct BusLibrary {
  using Handler = int (*)(BusMessage*, void*, BusError*);

  int (*open_system)(Bus**);
  int (*open_user)(Bus**);
  Bus* (*flush_close_unref)(Bus*);
  int (*message_new_method_call)(Bus*, BusMessage**, const char*, const char*, const char*,
                                 const char*);
  int (*message_open_container)(BusMessage*, char, const char*);
  int (*message_close_container)(BusMessage*);
  int (*message_append_basic)(BusMessage*, char, const void*);
  int (*message_read_basic)(BusMessage*, char, void*);
  int (*message_skip)(BusMessage*, const char*);
  BusMessage* (*message_unref)(BusMessage*);
  int (*call)(Bus*, BusMessage*, uint64_t, BusError*, BusMessage**);
  int (*match_signal)(Bus*, BusSlot**, const char*, const char*, const char*, const char*, Handler,
                      void*);
  BusSlot* (*slot_unref)(BusSlot*);
  int (*process)(Bus*, BusMessage**);
  int (*wait)(Bus*, uint64_t);
  int (*get_property_string)(Bus*, const char*, const char*, const char*, const char*, BusError*,
                             char**);
  void (*error_free)(BusError*);
};

/** nullptr, with dlerror's word for it in `why`, where there is no libsystemd. */
const BusLibrary* bus_library(const char*& why);

}  // namespace tsrunc::addon
