#include <mutex>

#include "dsl/log/log.h"
#include "dsl/tls/server_context.h"
#include "dsl/tls/watch.h"

namespace dsl::tls {

namespace {

using Material = ServerCredentials::Material;

const log::Logger logger("tls");

constexpr std::size_t kFileBytesMax = 4u << 20;

// One state of the files, whole: what is in use is swapped as one.
struct Loaded {
  std::shared_ptr<const Material> material;
  std::vector<Certificate> leaves;
  Context context;
};

Result<Material> read_material(env::Env& env, const ServerOptions& options) {
  Material material;
  for (const PairFiles& files : options.pairs) {
    MC_ASSIGN(std::string cert, env.files().read_file(files.cert, kFileBytesMax));
    MC_ASSIGN(std::string key, env.files().read_file(files.key, kFileBytesMax));
    material.pairs.push_back({std::move(cert), Secret::from(key)});
    wipe(std::as_writable_bytes(std::span(key)));
  }
  if (!options.client_ca.empty()) {
    MC_ASSIGN(material.client_ca_pem, env.files().read_file(options.client_ca, kFileBytesMax));
  }
  material.client_required = options.client_required;
  return material;
}

bool same(const Material& a, const Material& b) {
  return a.client_ca_pem == b.client_ca_pem &&
         std::equal(a.pairs.begin(), a.pairs.end(), b.pairs.begin(), b.pairs.end(),
                    [](const ServerCredentials::Pair& left, const ServerCredentials::Pair& right) {
                      return left.cert_pem == right.cert_pem && left.key_pem.equals(right.key_pem);
                    });
}

Result<Loaded> load(env::Env& env, const ServerOptions& options, Material material) {
  Loaded loaded;
  std::vector<LoadedPair> pairs;
  for (std::size_t i = 0; i < material.pairs.size(); ++i) {
    const auto key = material.pairs[i].key_pem.expose();
    const std::string_view key_pem(reinterpret_cast<const char*>(key.data()), key.size());
    auto pair = with_context(read_pair(material.pairs[i].cert_pem, key_pem, env.clock().now()),
                             options.pairs[i].cert);
    MC_ASSIGN(LoadedPair fitting, std::move(pair));
    loaded.leaves.push_back(describe(*fitting.chain.front()));
    pairs.push_back(std::move(fitting));
  }
  if (!material.client_ca_pem.empty()) {
    MC_TRY(with_context(parse_certificates(material.client_ca_pem), options.client_ca));
  }
  MC_ASSIGN(
      loaded.context,
      server_context(env, pairs, {options.alpn, material.client_ca_pem, material.client_required}));
  loaded.material = std::make_shared<const Material>(std::move(material));
  return loaded;
}

class WatchedCredentials final : public ServerCredentials {
 public:
  WatchedCredentials(env::Env& env, ServerOptions options, Loaded loaded,
                     std::unique_ptr<Watch> watch)
      : env_(env),
        options_(std::move(options)),
        in_use_(std::move(loaded)),
        loaded_(env.clock().now()),
        watch_(std::move(watch)) {
    watch_->start([this] { look(); });
  }

  Context current() const override {
    const std::lock_guard lock(mutex_);
    return in_use_.context;
  }
  std::shared_ptr<const Material> material() const override {
    const std::lock_guard lock(mutex_);
    return in_use_.material;
  }
  Status status() const override {
    const std::lock_guard lock(mutex_);
    return {in_use_.leaves, loaded_, error_};
  }
  void on_change(std::function<void()> changed) override {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(changed));
  }
  Result<bool> reload() override;

 private:
  Result<bool> try_reload();
  void look();  // on the watching thread

  env::Env& env_;
  const ServerOptions options_;
  std::mutex reload_mutex_;  // one reload at a time; taken before mutex_
  mutable std::mutex mutex_;
  Loaded in_use_;  // guarded by mutex_, as all below but the watch
  env::WallTime loaded_;
  std::string error_;
  bool untold_ = false;  // a change that no listener was told yet
  std::vector<std::function<void()>> listeners_;
  std::unique_ptr<Watch> watch_;  // last: its thread uses all of the above
};

Result<bool> WatchedCredentials::try_reload() {
  MC_ASSIGN(Material material, read_material(env_, options_));
  if (same(material, *this->material())) {
    return false;
  }
  MC_ASSIGN(Loaded loaded, load(env_, options_, std::move(material)));
  const std::lock_guard lock(mutex_);
  in_use_ = std::move(loaded);
  loaded_ = env_.clock().now();
  untold_ = true;
  return true;
}

Result<bool> WatchedCredentials::reload() {
  const std::lock_guard one_at_a_time(reload_mutex_);
  Result<bool> changed = try_reload();
  const std::string error = changed ? std::string() : changed.error().message();
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = error != error_;
    error_ = error;
  }
  if (!changed && news) {
    logger.failure(log::Level::kWarn, "certificates not taken; the old ones go on",
                   changed.error());
  }
  if (changed && *changed) {
    for (const Certificate& leaf : status().leaves) {
      logger.info("certificate in use", {{"subject", leaf.subject},
                                         {"serial", leaf.serial},
                                         {"until", env::format_time(leaf.not_after)}});
    }
    watch_->poke();  // listeners are told over there
  }
  return changed;
}

void WatchedCredentials::look() {
  (void)reload();  // logged, and kept for `status`
  std::vector<std::function<void()>> listeners;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(untold_, false)) {
      return;
    }
    listeners = listeners_;
  }
  for (const auto& changed : listeners) {
    changed();
  }
}

std::vector<std::string> watched_paths(const ServerOptions& options) {
  std::vector<std::string> paths;
  for (const PairFiles& files : options.pairs) {
    paths.push_back(files.cert);
    paths.push_back(files.key);
  }
  if (!options.client_ca.empty()) {
    paths.push_back(options.client_ca);
  }
  return paths;
}

// At the start of a service bad files are a matter of configuration, whatever is wrong with them.
template <class T>
Result<T> as_configuration(Result<T> result) {
  if (result || result.error().code() == Code::kInvalidArgument) {
    return result;
  }
  Error error(Code::kInvalidArgument, result.error().message());
  error.set_hint(result.error().hint());
  return tl::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<ServerCredentials>> ServerCredentials::open(env::Env& env,
                                                                   ServerOptions options) {
  if (options.pairs.empty()) {
    return fail(Code::kInvalidArgument, "TLS without a certificate")
        .hint("set the certificate and the key");
  }
  if (options.client_required && options.client_ca.empty()) {
    return fail(Code::kInvalidArgument, "client certificates are required, but no CA is named")
        .hint("set the file of the CA that issues them");
  }
  // Watched before they are read, so that no change falls between.
  MC_ASSIGN(std::unique_ptr<Watch> watch, Watch::open(watched_paths(options)));
  MC_ASSIGN(Material material, as_configuration(read_material(env, options)));
  MC_ASSIGN(Loaded loaded, as_configuration(load(env, options, std::move(material))));
  return std::make_unique<WatchedCredentials>(env, std::move(options), std::move(loaded),
                                              std::move(watch));
}

}  // namespace dsl::tls
