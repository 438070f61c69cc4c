// What a draft changes, as history and IXFR will tell it.
#pragma once

#include <cstdint>
#include <vector>

#include "mcns/writer/work.h"

namespace mcns::writer {

// All but records that are new: deletions first, and what only got another TTL (it goes and comes).
// `with_soa`: the SOA too.
std::vector<store::ChangeRow> changes_before_additions(const Work& work, Draft& draft,
                                                       bool with_soa);
// Records that are new, with their own numbers.
std::vector<store::ChangeRow> additions(const Work& work, Draft& draft);

// Gives the changes their numbers and appends them.
dsl::Result<void> journal(Work& work, const Draft& draft, std::vector<store::ChangeRow>& changes);
// Appends `added`, which are the records of the zone with numbers above `above`.
dsl::Result<void> journal_additions(Work& work, const Draft& draft,
                                    const std::vector<store::ChangeRow>& added, std::int64_t above);
// The journal of the zone has `rows` more: the oldest go beyond `rows_max`.
dsl::Result<void> trim_journal(Work& work, Draft& draft, std::uint64_t rows,
                               std::uint64_t rows_max);

}  // namespace mcns::writer
