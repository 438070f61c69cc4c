// From drafts to rows: records, journal, serial.
#pragma once

#include "mcns/writer/work.h"

namespace mcns::writer {

// Writes every draft that differs from what is there, and gives each such zone its next serial.
// The outcome is that of the zone that was asked for. With `dry_run` nothing is written and the
// outcome says what would be.
dsl::Result<Outcome> save(Work& work, bool dry_run);

}  // namespace mcns::writer
