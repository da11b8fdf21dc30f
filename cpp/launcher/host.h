// The call by way of the resident host (`tsrunc host`, ts/resident), which is warm where Node would
// have to start.
#pragma once

#include "../core/text.h"

namespace tsrunc {

/** One call of the command. The lists end with a nullptr. */
struct Call {
  /** The package's folder. */
  const char* root;
  const char* const* args;
  /** The environment as the command gets it, and as it was. */
  const char* const* environment;
  char* const* callers;
};

/** Whether it may be the host's own start, which must not wait for itself where a service manager
 * listens for it already. */
bool is_host(const Call& call);

/** Carries the command line out by a Node of this process's own. */
using Cold = void (*)(const Call& call);

/**
 * Has the host of this user carry the call out, and ends. Comes back when the call is to be made
 * without one: there is none, it is not of this very build or not in our namespaces, or it
 * declines. Then nothing was done yet.
 */
void ask_host(const Call& call, Cold cold);

}  // namespace tsrunc
