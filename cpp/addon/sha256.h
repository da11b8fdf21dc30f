// SHA-256 (FIPS 180-4). Node's own costs 6 ms to load, more than compiling a small filter.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tsrunc::addon {

std::array<uint8_t, 32> sha256(std::span<const uint8_t> data);

}  // namespace tsrunc::addon
