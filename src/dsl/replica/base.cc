#include "dsl/replica/base.h"

#include <set>
#include <span>
#include <vector>

#include "dsl/hash/sha256.h"

namespace dsl::replica {
namespace {

constexpr std::size_t kPieceBytes = 1u << 20;

}  // namespace

std::string digest_of(const Recipients& recipients) {
  std::set<std::string> names;
  for (const archive::AgeRecipient& recipient : recipients) {
    names.insert(recipient.to_text() + "\n");
  }
  Sha256 hash;
  for (const std::string& name : names) {
    hash.add(std::as_bytes(std::span(name)));
  }
  return hash.finish();
}

Result<void> pack_base(env::Env& env, const DatabaseFiles& files, const CopiedBase& copied,
                       const Recipients& recipients, Store& store, NewEpoch& next) {
  next.recipients = digest_of(recipients);
  next.header.database = files.name();
  next.header.epoch = next.epoch.name();
  next.header.page_bytes = copied.page_bytes;
  next.header.length = copied.size_bytes;
  next.header.sha256 = copied.sha256;
  const std::string line = to_line(next.header);
  next.digest = sha256_hex(line);
  MC_ASSIGN(const auto upload, store.put(ObjectName{.epoch = next.epoch}.name()));
  MC_ASSIGN(auto writer, ObjectWriter::begin(
                             env.random(), recipients,
                             [&](std::span<const std::byte> bytes) -> Result<void> {
                               next.stored_bytes += bytes.size();
                               return upload->write(bytes);
                             },
                             line));
  MC_ASSIGN(const auto copy, env.files().open(files.base_copy(), env::OpenMode::kRead));
  std::vector<std::byte> piece(kPieceBytes);
  Sha256 hash;
  for (std::uint64_t offset = 0; offset < copied.size_bytes;) {
    MC_ASSIGN(const std::size_t size, copy->read_at(offset, piece));
    if (size == 0) {
      break;
    }
    hash.add(std::span(piece).first(size));
    MC_TRY(writer.write(std::span(piece).first(size)));
    offset += size;
  }
  if (hash.finish() != copied.sha256) {
    return fail(Code::kDataLoss, "{} does not read as it was written", files.base_copy())
        .hint("check memory and disk of this machine");
  }
  MC_TRY(writer.finish());
  return upload->commit();
}

}  // namespace dsl::replica
