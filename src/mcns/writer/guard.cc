#include "mcns/writer/guard.h"

#include "mcns/store/record_table.h"

namespace mcns::writer {

dsl::Result<void> check_guard(Work& work, const GuardOptions& options) {
  Draft& draft = *work.drafts.front();
  if (draft.kind != Draft::Kind::kChanged) {
    return {};
  }
  std::uint64_t removed = 0;
  for (const auto& [key, name] : draft.names()) {
    removed += !name.before.empty() && name.after.empty() ? 1U : 0U;
  }
  if (draft.replacement) {
    removed = draft.replacement->names_removed();
  }
  if (removed == 0 || removed < options.names_min) {
    return {};
  }
  MC_ASSIGN(const std::uint64_t names, store::count_names(work.tx, draft.zone));
  if (removed * 100 <= names * static_cast<std::uint64_t>(options.shrink_percent_max)) {
    return {};
  }
  return dsl::fail(dsl::Code::kFailedPrecondition,
                   "guard: this would remove {} of the {} names of {}, which is more than {} %",
                   removed, names, draft.zone.origin.text(), options.shrink_percent_max)
      .hint(
          "nothing was changed; look at it with --dry-run, and repeat it with --force if it is "
          "meant");
}

}  // namespace mcns::writer
