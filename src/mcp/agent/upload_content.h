// What is learned of a file's bytes while they go by, in order.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "dsl/hash/sha256.h"

namespace mcp::agent {

// Confined to its owner.
class UploadContent {
 public:
  // `name` as the file will be called: of a .pem the bytes say whether it is a key.
  explicit UploadContent(const std::string& name);

  void add(std::string_view bytes);
  // Lower-case hex. Ends the object's use but for `mode`.
  std::string sha256() { return hash_.finish(); }
  // The mode that the file gets whose source has `wanted`: 0640 when that is not known, and for a
  // key what is left when nobody but its owner may do anything.
  std::uint32_t mode(std::uint32_t wanted) const;

 private:
  dsl::Sha256 hash_;
  const bool named_key_;
  const bool is_pem_;
  bool saw_key_ = false;
  std::string tail_;  // the end of what was seen, so that a match may lie across two pieces
};

}  // namespace mcp::agent
