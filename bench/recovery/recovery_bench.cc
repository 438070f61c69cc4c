// recovery_bench init|create|verify|restore FOLDER: a unit's whole backup, verification and
// restore, each as a process of its own. FOLDER holds srv/unit; keys, target and what is restored
// go there.
#include <cstdio>
#include <string>

#include "mcp/recovery/backup.h"
#include "mcp/recovery/restore.h"

namespace {

using namespace mcp::recovery;
using dsl::Code;
using dsl::fail;

class Bench {
 public:
  explicit Bench(const std::string& folder) : folder_(folder) {
    settings_.domain = "example.net";
    settings_.node = "bench";
    settings_.tool = "bench";
    settings_.directory = folder + "/recovery";
    settings_.targets = {folder + "/target"};
  }

  Result<void> run(const std::string& what) {
    if (what == "init") {
      return init();
    }
    if (what == "create") {
      return create();
    }
    return what == "verify"    ? verify()
           : what == "restore" ? restore()
                               : fail(Code::kInvalidArgument, "no such command: {}", what);
  }

 private:
  Result<void> init() {
    MC_TRY(env_.files().make_directories(folder_ + "/target", 0700));
    MC_ASSIGN(const auto recipient, make_identity(env_, folder_ + "/identity.txt", nullptr));
    return KeyStore(env_, settings_.directory).add_recipient(recipient, "");
  }

  Result<void> create() {
    CreateRequest request;
    request.units.push_back({.name = "unit", .root = folder_ + "/srv/unit"});
    MC_ASSIGN(const auto backup, Backup::open(env_, settings_));
    MC_ASSIGN(const Created created, backup->create(request, [](const auto&, const auto&) {}));
    return created.point.extent == Extent::kWhole ? Result<void>()
                                                  : fail(Code::kDataLoss, "the point is partial");
  }

  Result<ReadKeys> keys() {
    ReadKeys keys;
    MC_ASSIGN(keys.identities, read_identities(env_, folder_ + "/identity.txt", {}));
    MC_ASSIGN(keys.signers, KeyStore(env_, settings_.directory).public_keys());
    return keys;
  }

  Result<FoundPoint> newest() {
    MC_ASSIGN(const auto target, open_target(env_, settings_.targets.front(), {}));
    MC_ASSIGN(const std::vector<FoundPoint> points, points_of(*target));
    if (points.empty()) {
      return fail(Code::kNotFound, "no point");
    }
    return points.front();
  }

  Result<void> verify() {
    MC_ASSIGN(const ReadKeys keys, this->keys());
    MC_ASSIGN(const FoundPoint point, newest());
    MC_ASSIGN(const auto backup, Backup::open(env_, settings_));
    const auto verified = backup->verify(settings_.targets.front(), point, keys, false,
                                         [](const auto&, const auto&) {});
    return verified.error ? tl::unexpected(*verified.error) : Result<void>();
  }

  Result<void> restore() {
    MC_ASSIGN(const ReadKeys keys, this->keys());
    MC_ASSIGN(const FoundPoint point, newest());
    const std::string target = folder_ + "/target/";
    const PointSource source{point.seal, target + archive_name(point.id, point.seal),
                             target + signature_name(point.id, point.seal)};
    MC_ASSIGN(Manifest manifest,
              read_manifest(env_, point.seal, target + manifest_name(point.id, point.seal),
                            source.signature, keys));
    MC_ASSIGN(const RestorePlan plan,
              plan_restore(env_, {.to = folder_ + "/out"}, std::move(manifest)));
    return carry_out(env_, plan, source, keys, [](const auto&, auto) {});
  }

  dsl::env::Env& env_ = dsl::env::system_env();
  const std::string folder_;
  Settings settings_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: recovery_bench init|create|verify|restore FOLDER\n");
    return 2;
  }
  if (const Result<void> done = Bench(argv[2]).run(argv[1]); !done) {
    std::fprintf(stderr, "%s\n", done.error().render().c_str());
    return 1;
  }
  return 0;
}
