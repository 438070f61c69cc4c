#include "mcp/recovery/point_writer.h"

#include <algorithm>

#include "dsl/archive/zstd_stream.h"
#include "dsl/hash/sha256.h"
#include "mcp/recovery/file_sink.h"
#include "mcp/recovery/pipeline.h"
#include "mcp/recovery/sealing.h"
#include "mcp/recovery/trusted_comment.h"

namespace mcp::recovery {

using dsl::archive::TarEntry;
using dsl::archive::TarWriter;
using dsl::archive::ZstdWriter;

namespace {

constexpr std::uint32_t kManifestMode = 0600;

// tar to zstd to encryption to a file. The parts hold on to each other, so it stays where it is.
class SealedPoint final : public PointWriter {
 public:
  SealedPoint(dsl::env::Env& env, std::string directory, std::string id, PointKeys keys)
      : env_(env),
        directory_(std::move(directory)),
        id_(std::move(id)),
        keys_(std::move(keys)),
        seal_(keys_.passphrase == nullptr ? Seal::kAge : Seal::kOpenPgp) {}

  Result<void> open() {
    MC_ASSIGN(file_, FileSink::create(env_, path(archive_name(id_, seal_)) + ".partial"));
    MC_ASSIGN(sealer_,
              Sealer::begin(env_, keys_, [this](auto bytes) { return file_->write(bytes); }));
    MC_ASSIGN(ZstdWriter zstd,
              ZstdWriter::begin([this](auto bytes) { return sealer_->write(bytes); }));
    zstd_.emplace(std::move(zstd));
    behind_.emplace([this](auto bytes) { return pack(bytes); }, [this] { return end_frame(); });
    MC_ASSIGN(TarWriter tar,
              TarWriter::begin([this](auto bytes) { return behind_->write(bytes); }));
    tar_.emplace(std::move(tar));
    return {};
  }

  Result<void> add(const TarEntry& entry) override { return tar_->add(entry); }
  Result<void> write(std::span<const std::byte> bytes) override { return tar_->write(bytes); }
  Result<void> end_unit() override { return behind_->mark(); }

  Result<std::vector<StoredFile>> finish(Manifest& manifest) override {
    manifest.ended_ms = env_.clock().now().time_since_epoch().count();
    MC_ASSIGN(const std::string json, to_json(manifest));
    MC_TRY(end_unit());
    MC_TRY(tar_->add({.path = std::string(kManifestPath),
                      .mode = kManifestMode,
                      .mtime_ns = manifest.ended_ms * 1'000'000,
                      .size_bytes = json.size()}));
    MC_TRY(tar_->write(std::as_bytes(std::span(json))));
    MC_TRY(tar_->finish());
    MC_TRY(behind_->finish());
    MC_TRY(zstd_->finish());
    MC_TRY(sealer_->finish());
    MC_TRY(file_->sync());
    MC_ASSIGN(const std::unique_ptr<FileSink> listing, write_manifest(json));
    MC_ASSIGN(const std::unique_ptr<FileSink> signature, sign(manifest, json));
    return put_in_place(*listing, *signature);
  }

 private:
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  // On the other thread, as `pack`.
  Result<void> end_frame() {
    in_frame_ = 0;
    return zstd_->end_frame();
  }

  Result<void> pack(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto piece =
          bytes.first(std::min<std::uint64_t>(bytes.size(), kFrameBytes - in_frame_));
      MC_TRY(zstd_->write(piece));
      in_frame_ += piece.size();
      bytes = bytes.subspan(piece.size());
      if (in_frame_ == kFrameBytes) {
        MC_TRY(end_frame());
      }
    }
    return {};
  }

  Result<std::unique_ptr<FileSink>> write_manifest(const std::string& json) {
    MC_ASSIGN(auto sink, FileSink::create(env_, path(manifest_name(id_, seal_)) + ".partial"));
    MC_ASSIGN(const auto sealer,
              Sealer::begin(env_, keys_, [&](auto bytes) { return sink->write(bytes); }));
    MC_ASSIGN(ZstdWriter zstd, ZstdWriter::begin([&](auto bytes) { return sealer->write(bytes); }));
    MC_TRY(zstd.write(std::as_bytes(std::span(json))));
    MC_TRY(zstd.finish());
    MC_TRY(sealer->finish());
    MC_TRY(sink->sync());
    return sink;
  }

  Result<std::unique_ptr<FileSink>> sign(const Manifest& manifest, const std::string& json) {
    const TrustedComment comment{.id = id_,
                                 .extent = manifest.extent(),
                                 .sequence = manifest.sequence,
                                 .manifest_sha256 = dsl::sha256_hex(json),
                                 .previous = manifest.previous};
    MC_ASSIGN(const std::string text,
              keys_.signing->sign(file_->digest(), comment.to_text(), kUntrustedComment));
    MC_ASSIGN(auto sink, FileSink::create(env_, path(signature_name(id_, seal_)) + ".partial"));
    MC_TRY(sink->write(std::as_bytes(std::span(text))));
    MC_TRY(sink->sync());
    return sink;
  }

  Result<std::vector<StoredFile>> put_in_place(FileSink& listing, FileSink& signature) {
    const auto keep = [this](FileSink& sink, const std::string& name) -> Result<StoredFile> {
      MC_TRY(sink.keep_as(path(name)));
      return StoredFile{name, sink.size(), sink.digest()};
    };
    std::vector<StoredFile> stored;
    MC_ASSIGN(StoredFile of_manifest, keep(listing, manifest_name(id_, seal_)));
    MC_ASSIGN(StoredFile of_signature, keep(signature, signature_name(id_, seal_)));
    MC_TRY(env_.files().sync_directory(directory_));
    MC_ASSIGN(StoredFile of_archive, keep(*file_, archive_name(id_, seal_)));
    MC_TRY(env_.files().sync_directory(directory_));
    stored.push_back(std::move(of_archive));
    stored.push_back(std::move(of_manifest));
    stored.push_back(std::move(of_signature));
    return stored;
  }

  dsl::env::Env& env_;
  const std::string directory_;
  const std::string id_;
  const PointKeys keys_;
  const Seal seal_;
  std::unique_ptr<FileSink> file_;
  std::unique_ptr<Sealer> sealer_;
  std::optional<ZstdWriter> zstd_;
  std::uint64_t in_frame_ = 0;         // plaintext of the present one
  std::optional<WriteBehind> behind_;  // uses all of the above
  std::optional<TarWriter> tar_;
};

}  // namespace

Result<std::unique_ptr<PointWriter>> PointWriter::begin(dsl::env::Env& env,
                                                        const std::string& directory,
                                                        const std::string& id, PointKeys keys) {
  auto point = std::make_unique<SealedPoint>(env, directory, id, std::move(keys));
  MC_TRY(point->open());
  return point;
}

}  // namespace mcp::recovery
