#include "mcns/writer/problems.h"

#include <utility>

namespace mcns::writer {

void Problems::add(dsl::Error error, const std::string& where) {
  if (++count_ == 1) {
    if (!where.empty()) {
      error.add_detail(where, error.message());
    } else {
      first_detail_ = dsl::Detail{"", error.message()};
    }
    first_ = std::move(error);
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
