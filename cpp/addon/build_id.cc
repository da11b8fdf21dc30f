#include "build_id.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>

namespace tsrunc::addon {
namespace {

/** An object that is certainly in this addon and in no other. */
const char kHere = 0;

bool has_segment_around(const dl_phdr_info& object, uintptr_t address) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    const uintptr_t start = object.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= start && address < start + segment.p_memsz)
      return true;
  }
  return false;
}

std::string find_note(const uint8_t* at, const uint8_t* end) {
  constexpr auto padded = [](size_t size) { return (size + 3) / 4 * 4; };
  while (at + sizeof(ElfW(Nhdr)) <= end) {
    const auto& note = *reinterpret_cast<const ElfW(Nhdr)*>(at);
    const uint8_t* name = at + sizeof note;
    const uint8_t* content = name + padded(note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
      std::string text;
      for (uint32_t i = 0; i < note.n_descsz; ++i) {
        text += "0123456789abcdef"[content[i] >> 4];
        text += "0123456789abcdef"[content[i] & 15];
      }
      return text;
    }
    at = content + padded(note.n_descsz);
  }
  return {};
}

int visit(dl_phdr_info* object, size_t, void* data) {
  if (!has_segment_around(*object, reinterpret_cast<uintptr_t>(&kHere))) return 0;
  auto& result = *static_cast<std::string*>(data);
  for (int i = 0; i < object->dlpi_phnum && result.empty(); ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* start = reinterpret_cast<const uint8_t*>(object->dlpi_addr + segment.p_vaddr);
    result = find_note(start, start + segment.p_memsz);
  }
  return 1;
}

}  // namespace

std::string build_id() {
  std::string result;
  dl_iterate_phdr(visit, &result);
  return result;
}

}  // namespace tsrunc::addon
