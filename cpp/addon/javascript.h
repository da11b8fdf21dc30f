// napi.h, included nowhere else: all files must see it alike.
#pragma once

// An exception that JavaScript can't take any more, since its worker is being terminated, would end
// the process.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS

#include <napi.h>
