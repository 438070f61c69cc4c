// SHA-256 of bytes that come in pieces.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace dsl {

// Confined to its owner.
class Sha256 {
 public:
  Sha256();

  void add(std::span<const std::byte> bytes);
  // Lower-case hex. Ends the object's use.
  std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Of the whole, as lower-case hex.
std::string sha256_hex(std::string_view text);

}  // namespace dsl
