#include "mcp/recovery/point_reader.h"

#include <algorithm>
#include <optional>

#include "dsl/archive/zstd_stream.h"
#include "dsl/hash/sha256.h"
#include "mcp/recovery/pipeline.h"
#include "mcp/recovery/sealing.h"
#include "mcp/recovery/trusted_comment.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::archive::MinisignSignature;
using dsl::archive::Source;
using dsl::archive::TarEntry;
using dsl::archive::TarKind;
using dsl::archive::TarReader;
using dsl::archive::ZstdReader;

namespace {

constexpr std::size_t kSignatureBytesMax = 4096;

// A file from its beginning to its end; what passes is hashed as its signature has it.
class FileSource {
 public:
  static Result<FileSource> open(dsl::env::Env& env, const std::string& path) {
    MC_ASSIGN(auto file, env.files().open(path, dsl::env::OpenMode::kRead));
    return FileSource(std::move(file));
  }

  Result<std::size_t> read(std::span<std::byte> out) {
    MC_ASSIGN(const std::size_t count, file_->read_at(offset_, out));
    digest_.add(out.first(count));
    offset_ += count;
    return count;
  }
  // Reads what is left.
  Result<dsl::archive::MinisignHash> finish() {
    std::vector<std::byte> piece(kPieceBytes);
    while (true) {
      MC_ASSIGN(const std::size_t count, read(piece));
      if (count == 0) {
        return digest_.finish();
      }
    }
  }

 private:
  explicit FileSource(std::unique_ptr<dsl::env::File> file) : file_(std::move(file)) {}

  std::unique_ptr<dsl::env::File> file_;
  std::uint64_t offset_ = 0;
  dsl::archive::MinisignDigest digest_;
};

Result<std::string> read_text(const Source& source, std::size_t bytes_max) {
  std::string out;
  std::vector<std::byte> piece(kPieceBytes);
  while (true) {
    MC_ASSIGN(const std::size_t count, source(piece));
    if (count == 0) {
      return out;
    }
    if (out.size() + count > bytes_max) {
      return fail(Code::kDataLoss, "the manifest has more than {} bytes", bytes_max);
    }
    out.append(reinterpret_cast<const char*>(piece.data()), count);
  }
}

Result<MinisignSignature> read_signature(dsl::env::Env& env, const std::string& path) {
  Result<std::string> text = path.empty() ? fail(Code::kNotFound, "there is no signature file")
                                          : env.files().read_file(path, kSignatureBytesMax);
  if (!text) {
    return fail(Code::kPermissionDenied, "the point is not signed: {}", text.error().message())
        .id(kNotSigned)
        .hint("only a point whose signature is there is restored; look for it on another target");
  }
  // The one line that no signature covers is always the same.
  if (!text->starts_with("untrusted comment: " + std::string(kUntrustedComment) + "\n")) {
    return fail(Code::kDataLoss, "{} was changed", path);
  }
  Result<MinisignSignature> signature = MinisignSignature::parse(*text);
  if (!signature) {
    return fail(Code::kDataLoss, "{} is damaged: {}", path, signature.error().message());
  }
  return signature;
}

// What came out of the archive so far, and whether the manifest says the same.
class Ledger {
 public:
  void add(TarEntry entry, std::string sha256) {
    FileRecord record;
    record.entry = std::move(entry);
    record.sha256 = std::move(sha256);
    seen_.push_back(std::move(record));
  }

  Result<void> compare(const Manifest& manifest) const {
    if (seen_.size() != manifest.files.size()) {
      return fail(Code::kDataLoss, "the manifest names {} files and {} are there",
                  manifest.files.size(), seen_.size());
    }
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const FileRecord& have = seen_[i];
      const FileRecord& want = manifest.files[i];
      if (have.entry.path != want.entry.path || !same(have, want)) {
        return fail(Code::kDataLoss, "{} is not what the manifest says of {}", have.entry.path,
                    want.entry.path);
      }
    }
    return {};
  }

 private:
  static bool same(const FileRecord& have, const FileRecord& want) {
    const TarEntry& a = have.entry;
    const TarEntry& b = want.entry;
    return a.kind == b.kind && a.mode == b.mode && a.uid == b.uid && a.gid == b.gid &&
           a.link == b.link && a.mtime_ns == b.mtime_ns && a.xattrs == b.xattrs &&
           (a.kind != TarKind::kFile ||
            (a.size_bytes == b.size_bytes && have.sha256 == want.sha256));
  }

  std::vector<FileRecord> seen_;
};

// Passes one entry on, and hashes its content whether or not it is wanted.
Result<void> pass_on(TarReader& tar, TarEntry entry, const OnEntry& on_entry, Ledger& ledger) {
  dsl::Sha256 hash;
  const Source content = [&](std::span<std::byte> out) -> Result<std::size_t> {
    MC_ASSIGN(const std::size_t count, tar.read(out));
    hash.add(out.first(count));
    return count;
  };
  MC_TRY(on_entry(entry, content));
  std::string sha256;
  if (entry.kind == TarKind::kFile) {
    std::vector<std::byte> piece(kPieceBytes);
    while (true) {
      MC_ASSIGN(const std::size_t count, content(piece));
      if (count == 0) {
        break;
      }
    }
    sha256 = hash.finish();
  }
  ledger.add(std::move(entry), std::move(sha256));
  return {};
}

Result<std::string> read_entries(TarReader& tar, const OnEntry& on_entry, Ledger& ledger) {
  std::optional<std::string> manifest;
  while (true) {
    MC_ASSIGN(std::optional<TarEntry> entry, tar.next());
    if (!entry) {
      break;
    }
    if (manifest) {
      return fail(Code::kDataLoss, "{} comes after the manifest", entry->path);
    }
    if (entry->path == kManifestPath) {
      MC_ASSIGN(manifest, read_text([&](auto out) { return tar.read(out); }, kManifestBytesMax));
    } else {
      MC_TRY(pass_on(tar, std::move(*entry), on_entry, ledger));
    }
  }
  if (!manifest) {
    return fail(Code::kDataLoss, "the point has no manifest: it is incomplete")
        .hint("take another point: mcp-agent backup list");
  }
  return std::move(*manifest);
}

// The signature is of this archive, by one of those who may.
Result<void> check_signature(const ReadKeys& keys, const MinisignSignature& signature,
                             const dsl::archive::MinisignHash& digest) {
  for (const dsl::archive::MinisignPublicKey& signer : keys.signers) {
    Result<void> verified = dsl::archive::minisign_verify(signer, digest, signature);
    if (verified || verified.error().code() != Code::kWrongKey) {
      return verified;
    }
  }
  return fail(Code::kPermissionDenied, "the point is signed by another key")
      .id(kNotSigned)
      .hint("--signer names the public key it has to be signed by");
}

Result<Manifest> parse_signed(const std::string& json,
                              const std::optional<TrustedComment>& comment) {
  MC_ASSIGN(Manifest manifest, parse_manifest(json));
  if (comment &&
      (comment->id != manifest.id || comment->sequence != manifest.sequence ||
       comment->extent != manifest.extent() || comment->manifest_sha256 != dsl::sha256_hex(json))) {
    return fail(Code::kDataLoss, "the signature is of another manifest than the one that is there");
  }
  return manifest;
}

}  // namespace

Result<Manifest> read_point(dsl::env::Env& env, const PointSource& source, const ReadKeys& keys,
                            const OnEntry& on_entry) {
  std::optional<MinisignSignature> signature;
  std::optional<TrustedComment> comment;
  if (!keys.signers.empty()) {
    MC_ASSIGN(signature, read_signature(env, source.signature));
    MC_ASSIGN(comment, parse_trusted_comment(signature->trusted_comment));
  }
  MC_ASSIGN(FileSource file, FileSource::open(env, source.archive));
  MC_ASSIGN(Source opened, open_sealed(
                               source.seal, [&](auto out) { return file.read(out); }, keys));
  std::optional<ReadAhead> ahead(std::in_place, std::move(opened));
  ZstdReader zstd([&](auto out) { return ahead->read(out); });
  TarReader tar([&](auto out) { return zstd.read(out); });
  Ledger ledger;
  MC_ASSIGN(const std::string json, read_entries(tar, on_entry, ledger));
  // What follows the archive's end within the encryption, and after it.
  std::vector<std::byte> rest(kPieceBytes);
  while (true) {
    MC_ASSIGN(const std::size_t count, zstd.read(rest));
    if (count == 0) {
      break;
    }
  }
  ahead.reset();  // nobody else reads the file any more
  MC_ASSIGN(const auto digest, file.finish());
  if (signature) {
    MC_TRY(check_signature(keys, *signature, digest));
  }
  MC_ASSIGN(Manifest manifest, parse_signed(json, comment));
  MC_TRY(ledger.compare(manifest));
  return manifest;
}

Result<Manifest> read_manifest(dsl::env::Env& env, Seal seal, const std::string& path,
                               const std::string& signature, const ReadKeys& keys) {
  std::optional<TrustedComment> comment;
  if (!keys.signers.empty()) {
    MC_ASSIGN(const MinisignSignature parsed, read_signature(env, signature));
    MC_ASSIGN(comment, parse_trusted_comment(parsed.trusted_comment));
  }
  MC_ASSIGN(FileSource file, FileSource::open(env, path));
  MC_ASSIGN(Source opened, open_sealed(
                               seal, [&](auto out) { return file.read(out); }, keys));
  ZstdReader zstd(std::move(opened));
  MC_ASSIGN(const std::string json,
            read_text([&](auto out) { return zstd.read(out); }, kManifestBytesMax));
  return parse_signed(json, comment);
}

}  // namespace mcp::recovery
