#include "dsl/config/nearest.h"

#include <algorithm>
#include <vector>

namespace dsl::config {

namespace {

// Insertions, deletions, replacements and swaps of neighbours, each once per place.
std::size_t alignment_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);  // row i - 2
  std::vector<std::size_t> above(b.size() + 1);   // row i - 1
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    above[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string> known) {
  constexpr std::size_t kWordMax = 256;  // the distance costs the product of both lengths
  if (word.size() > kWordMax) {
    return {};
  }

  std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::string found;
  for (const std::string& candidate : known) {
    if (candidate.size() > kWordMax) {
      continue;
    }
    const std::size_t distance = alignment_distance(word, candidate);
    const bool nothing_in_common = distance >= std::max(word.size(), candidate.size());
    if (distance < best && (!nothing_in_common || distance == 0)) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

}  // namespace dsl::config
