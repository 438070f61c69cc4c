// Texts that callers of the name service's API write: names, mailboxes, patterns, page tokens.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mcns/api/authz.h"
#include "mcns/api/fields.h"
#include "mcns/api/watch_filter.h"

namespace {

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mcns;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t middle = input.find('\n');
  const std::string_view first = input.substr(0, middle);
  const std::string_view second =
      middle == std::string_view::npos ? std::string_view() : input.substr(middle + 1);
  (void)api::matches_glob(first, second);
  if (const auto mailbox = api::mailbox_name(first, "x")) {
    // What is printed of a mailbox means the same mailbox.
    const auto again = api::mailbox_name(api::mailbox_text(*mailbox), "x");
    check(again.has_value() && *again == *mailbox);
  }
  const auto zone = api::absolute_name(second, "x");
  if (!zone) {
    return 0;
  }
  (void)api::relative_name_warning(Type::kMx, first, *zone);
  const auto name = api::name_in_zone(first, *zone, "x");
  if (!name) {
    return 0;
  }
  check(name->is_within(*zone));
  const api::Claim claim{*zone, *name, Type::kA, api::Verb::kAdd};
  if (api::owns(api::Standing::kSystem, first, claim)) {
    // Only what is one label is the name of an account that owns something.
    check(first.find('.') == std::string_view::npos && name->label_count() > zone->label_count());
  }
  if (api::check_pattern(first)) {
    (void)api::matches_pattern(first, *name, *zone);
  }
  return 0;
}
