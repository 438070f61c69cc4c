// The questions of a load, ready to be sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

class Queries {
 public:
  // A file as dnsperf reads it: "name TYPE" a line. Each becomes a query with EDNS.
  explicit Queries(const std::string& path);

  static Queries one(std::string_view name, std::string_view type) {
    Queries queries;
    queries.add(name, type);
    return queries;
  }

  // The next one, from the beginning again after the last.
  std::string_view next() const {
    const std::string_view query(octets_.data() + offsets_[at_], offsets_[at_ + 1] - offsets_[at_]);
    at_ = at_ + 2 == offsets_.size() ? 0 : at_ + 1;
    return query;
  }

  std::size_t count() const { return offsets_.size() - 1; }

 private:
  Queries() = default;
  void add(std::string_view name, std::string_view type);

  std::vector<char> octets_;
  std::vector<std::size_t> offsets_{0};
  mutable std::size_t at_ = 0;
};

}  // namespace bench
