// A fuzz target for libFuzzer: any bytes as orders of a resident host to the launcher
// (test/unit/native/fuzz.test.ts). Reading them must stay inside them.
#include <stddef.h>
#include <stdint.h>

#include "../core/result.h"
#include "../launcher/messages.h"

namespace {

using namespace tsrunc;

/** Reads each field to its end, as the launcher would. */
class Toucher {
 public:
  [[nodiscard]] Status malformed() const { return Error{0, "", "", "malformed"}; }

  Status follow(const messages::Took& order) { return touch(order.undo); }
  Status follow(const messages::Running& order) { return touch(order.finish); }
  Status follow(const messages::Write& order) { return touch(order.text); }
  Status follow(const messages::Spawn& order) {
    for (uint32_t i = 0; i < order.callers.size(); ++i) sum_ = sum_ + order.callers[i];
    return touch(order.args);
  }
  template <typename Order>
  Status follow(const Order&) {
    return {};
  }

 private:
  Status touch(const char* text) {
    sum_ = sum_ + __builtin_strlen(text);
    return {};
  }
  Status touch(const StringList& list) {
    list.each([this](const char* text) { (void)touch(text); });
    return {};
  }
  /** Keeps the reads from being optimised away. */
  volatile size_t sum_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader reader(data, size);
  Toucher toucher;
  while (!reader.failed() && !reader.at_end()) {
    uint8_t code = 0;
    uint32_t length = 0;
    reader.read(code);
    reader.read(length);
    Reader order = reader.slice(length);
    if (reader.failed()) break;
    if (!messages::dispatch(code, order, toucher).ok()) break;
  }
  return 0;
}
