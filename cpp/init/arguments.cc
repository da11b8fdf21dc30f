#include "arguments.h"

#include <sys/mman.h>

#include "../core/syscall.h"

namespace tsrunc {

Vector::Vector(const StringList& list) {
  const size_t size = (size_t{list.size()} + 2) * sizeof(const char*);
  const long pages =
      sys(SYS_mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
  if (pages < 0 && pages > -4096) return;
  items_ = reinterpret_cast<const char**>(pages);
  list.each([this](const char* text) { items_[count_++] = text; });
}

void Vector::append(const char* text) { items_[count_++] = text; }


}  // namespace tsrunc
