// Looking ahead: of a batch of questions, what their answers lie in is asked of the memory for all
// of them, one access a step, so that they wait for it together and not one after the other.
#pragma once

#include <cstdint>

namespace mcns {

// Each step follows what the one before has brought: a table, the slot in it, what that refers to.
enum class Ahead : std::uint8_t { kTable, kSlot, kEntry };

}  // namespace mcns
