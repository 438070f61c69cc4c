#include "mcns/cookie/jar.h"

#include "dsl/env/env.h"

namespace mcns::cookie {

std::optional<Checked> Jar::check(std::string_view option, const dsl::env::AddressBits& client,
                                  std::int64_t now_ms) {
  if (shared_ == nullptr || !is_well_formed(option) || !shared_->refresh(version_, secrets_)) {
    return std::nullopt;
  }
  if (looked_ms_ != now_ms) {
    looked_ms_ = now_ms;
    const auto wall = dsl::env::system_env().clock().now().time_since_epoch();
    now_s_ =
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(wall).count());
  }
  return cookie::check(secrets_, option, client, now_s_);
}

}  // namespace mcns::cookie
