#pragma once

#include <stdint.h>

namespace tsrunc {

/** A device number as the kernel has it in st_rdev and mknod: makedev of libc, which init doesn't have. */
constexpr uint64_t device_number(uint32_t major, uint32_t minor) {
  return (uint64_t{major} & 0xfffff000) << 32 | (uint64_t{major} & 0xfff) << 8 |
         (uint64_t{minor} & 0xffffff00) << 12 | (uint64_t{minor} & 0xff);
}

}  // namespace tsrunc
