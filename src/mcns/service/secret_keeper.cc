#include "mcns/service/secret_keeper.h"

#include <utility>
#include <vector>

#include <pthread.h>

#include "dsl/log/log.h"
#include "mcns/store/cookie_table.h"

namespace mcns {
namespace {

using dsl::Result;
using dsl::db::Transaction;
using store::CookieSecret;

const dsl::log::Logger logger("cookies");

constexpr std::chrono::hours kLifetime{24};
constexpr std::chrono::minutes kLook{10};  // at the database

// One from the future is as good as none: the clock went back, and would wait for it.
bool is_due(const std::vector<CookieSecret>& secrets, dsl::env::WallTime now) {
  if (secrets.empty()) {
    return true;
  }
  const auto age = now - secrets.front().created_at;
  return age >= kLifetime || age <= -kLifetime;
}

}  // namespace

SecretKeeper::SecretKeeper(dsl::env::Env& env, dsl::db::Database& database,
                           cookie::SharedSecrets& shared)
    : env_(env), database_(database), shared_(shared) {
  // Only read: a write may wait for a mirror, and names must not.
  const auto secrets = database_.read([](Transaction& tx) { return store::cookie_secrets(tx); });
  if (!secrets) {
    logger.failure(dsl::log::Level::kWarn, "cookies of this process alone", secrets.error());
  }
  if (secrets && !secrets->empty()) {
    publish(*secrets);
  } else {
    publish_own();
  }
  thread_ = std::thread([this] { loop(); });
}

SecretKeeper::~SecretKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Result<void> SecretKeeper::turn() {
  MC_ASSIGN(std::vector<CookieSecret> secrets,
            database_.read([](Transaction& tx) { return store::cookie_secrets(tx); }));
  const dsl::env::WallTime now = env_.clock().now();
  if (is_due(secrets, now)) {
    CookieSecret added{fresh(), now};
    MC_TRY(database_.write([&](Transaction& tx) { return store::add_cookie_secret(tx, added); }));
    secrets.insert(secrets.begin(), std::move(added));
  }
  publish(secrets);
  return {};
}

void SecretKeeper::publish(const std::vector<CookieSecret>& secrets) {
  shared_.publish(secrets.front().secret, secrets.at(secrets.size() > 1 ? 1 : 0).secret);
}

void SecretKeeper::publish_own() {
  const dsl::Secret own = fresh();
  shared_.publish(own, own);
}

dsl::Secret SecretKeeper::fresh() {
  dsl::Secret out = dsl::Secret::zeroed(cookie::kSecretSize);
  env_.random().fill(out.expose_mutable());
  return out;
}

void SecretKeeper::loop() {
  (void)::pthread_setname_np(::pthread_self(), "cookies");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    if (const Result<void> done = turn(); !done) {
      logger.failure(dsl::log::Level::kWarn, "the secret of cookies stays as it is", done.error());
    }
    lock.lock();
    const dsl::env::MonoTime next = env_.clock().mono_now() + kLook;
    while (!stopping_ && env_.clock().wait_until(wake_, lock, next)) {
    }
  }
}

}  // namespace mcns
