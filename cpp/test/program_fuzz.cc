// A fuzz target for libFuzzer: any bytes as a Program. Whatever they are, decoding them must
// neither read past their end nor hand an operation on whose arguments aren't all there.
// test/unit/native/fuzz.test.ts runs it.
#include <stddef.h>
#include <stdint.h>

#include "../core/operations.h"
#include "../core/result.h"

namespace {

using namespace tsrunc;

/** Reads each argument to its end, as init's would. */
class Toucher {
 public:
  [[nodiscard]] Status malformed() const { return Error{0, "", "", "malformed"}; }

  Status run(const operations::Exec& op) {
    touch(op.name);
    touch(op.search);
    return {};
  }
  Status run(const operations::PrepareExec& op) {
    touch(op.args);
    touch(op.env);
    return {};
  }
  Status run(const operations::JoinNamespaces& op) {
    touch(op.types);
    touch(op.files);
    return {};
  }
  Status run(const operations::Mount& op) {
    touch(op.target);
    touch(op.type);
    touch(op.source);
    touch(op.options);
    touch(op.propagation);
    return {};
  }
  Status run(const operations::LoadSeccomp& op) {
    for (uint32_t i = 0; i < op.filter.size; ++i) sum_ = sum_ + op.filter.data[i];
    return {};
  }
  template <typename Operation>
  Status run(const Operation&) {
    return {};
  }

 private:
  void touch(const char* text) { sum_ = sum_ + __builtin_strlen(text); }
  void touch(const StringList& list) {
    list.each([this](const char* text) { touch(text); });
  }
  void touch(const U32List& list) {
    for (uint32_t i = 0; i < list.size(); ++i) sum_ = sum_ + list[i];
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
    Reader arguments = reader.slice(length);
    if (reader.failed()) break;
    if (!operations::dispatch(code, arguments, toucher).ok()) break;
  }
  return 0;
}
