#include "mcns/writer/problems.h"

#include <utility>

namespace mcns::writer {
namespace {

dsl::Error at_place(const dsl::Error& error, const std::string& where) {
  dsl::Error out(error.code(), error.message());
  out.set_id(error.id());
  out.set_hint(error.hint());
  out.add_detail(where, error.message());
  return out;
}

}  // namespace

void Problems::add(dsl::Error error, const std::string& where) {
  if (++count_ == 1) {
    if (where.empty() && error.details().empty()) {
      first_detail_ = dsl::Detail{"", error.message()};
    }
    first_ = where.empty() ? std::move(error) : at_place(error, where);
    return;
  }
  if (first_detail_) {
    first_->add_detail(first_detail_->where, first_detail_->message);
    first_detail_.reset();
  }
  if (count_ <= kMax) {
    first_->add_detail(where, error.message());
  }
}

dsl::Result<void> Problems::verdict() && {
  if (!first_) {
    return {};
  }
  if (count_ > 1) {
    first_->add_context(dsl::text("{} problems, first of them", count_));
  }
  return tl::unexpected(*std::move(first_));
}

}  // namespace mcns::writer
