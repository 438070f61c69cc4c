// Changes of a zone as such.
#pragma once

#include "mcns/writer/work.h"

namespace mcns::writer {

// Its fields become those of `row`.
dsl::Result<void> plan_update(Work& work, const store::ZoneRow& row,
                              std::optional<std::uint32_t> if_serial);
dsl::Result<void> plan_delete(Work& work, const Name& origin);

}  // namespace mcns::writer
