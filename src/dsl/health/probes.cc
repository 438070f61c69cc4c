#include "dsl/health/probes.h"

#include "dsl/service/version.h"

namespace dsl::health {

Probe disk_probe(env::Env& env, std::string path, std::uint64_t free_min) {
  return [&env, path = std::move(path), free_min]() -> Result<void> {
    MC_ASSIGN(const std::uint64_t free, env.files().free_bytes(path));
    if (free < free_min) {
      return fail(Code::kNoSpace, "{} has {} bytes left, fewer than {}", path, free, free_min)
          .hint("make room, or give it a larger disk");
    }
    return {};
  };
}

Probe certificate_probe(env::Env& env, const tls::ServerCredentials& credentials,
                        std::chrono::hours left_min) {
  return [&env, &credentials, left_min]() -> Result<void> {
    const env::WallTime now = env.clock().now();
    for (const tls::Certificate& leaf : credentials.status().leaves) {
      if (now < leaf.not_before) {
        return fail(Code::kFailedPrecondition, "the certificate of {} is valid only from {}",
                    leaf.subject, env::format_time(leaf.not_before));
      }
      if (leaf.not_after - now < left_min) {
        return fail(Code::kFailedPrecondition, "the certificate of {} ends at {}", leaf.subject,
                    env::format_time(leaf.not_after));
      }
    }
    return {};
  };
}

Probe clock_probe(env::Env& env) {
  return [&env]() -> Result<void> {
    // Both are RFC 3339; a commit's date may have another zone, which a day makes up for.
    const std::string day_after = env::format_time(env.clock().now() + std::chrono::hours(24));
    if (day_after < build_info().date) {
      return fail(Code::kFailedPrecondition, "the clock says {}, before this binary was made",
                  env::format_time(env.clock().now()))
          .hint("set the clock, or let NTP do it");
    }
    return {};
  };
}

}  // namespace dsl::health
