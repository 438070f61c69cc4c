#include "mcns/rdata/rdata.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

// RFC 952 and RFC 1123 section 2.1.
bool is_host_label(std::string_view label, HostUse use) {
  for (const char c : label) {
    if (!is_letter_or_digit(c) && c != '-' && !(c == '_' && use == HostUse::kOwner)) {
      return false;
    }
  }
  return label.front() != '-' && label.back() != '-';
}

}  // namespace

Result<void> check_hostname(const Name& name, HostUse use) {
  // RFC 4592: the addresses of a wildcard are those of names that will be asked for.
  Name rest = use == HostUse::kOwner && name.is_wildcard() ? name.parent() : name;
  for (; !rest.is_root(); rest = rest.parent()) {
    if (!is_host_label(rest.first_label(), use)) {
      return fail(Code::kInvalidArgument, "{} is not the name of a host", name.text())
          .hint(use == HostUse::kOwner
                    ? "its labels have letters, digits, underscores and, inside, hyphens"
                    : "its labels have letters, digits and, inside, hyphens");
    }
  }
  return {};
}

}  // namespace mcns
