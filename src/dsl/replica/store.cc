#include "dsl/replica/store.h"

#include <span>

namespace dsl::replica {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;

}  // namespace

Result<std::uint64_t> copy_object(Store& from, Store& to, const std::string& name) {
  MC_ASSIGN(const archive::Source source, from.get(name));
  MC_ASSIGN(const auto upload, to.put(name));
  std::vector<std::byte> piece(kPieceBytes);
  std::uint64_t size_bytes = 0;
  while (true) {
    MC_ASSIGN(const std::size_t size, source(piece));
    if (size == 0) {
      break;
    }
    MC_TRY(upload->write(std::span(piece).first(size)));
    size_bytes += size;
  }
  MC_TRY(upload->commit());
  return size_bytes;
}

Result<std::string> read_object(Store& store, const std::string& name, std::size_t bytes_max) {
  MC_ASSIGN(const archive::Source source, store.get(name));
  std::string content;
  std::vector<std::byte> piece(kPieceBytes);
  while (true) {
    MC_ASSIGN(const std::size_t size, source(piece));
    if (size == 0) {
      return content;
    }
    if (size > bytes_max - content.size()) {
      return fail(Code::kTooLarge, "{}/{} has more than {} bytes", store.place(), name, bytes_max);
    }
    content.append(reinterpret_cast<const char*>(piece.data()), size);
  }
}

Result<void> write_object(Store& store, const std::string& name, std::string_view content) {
  MC_ASSIGN(const auto upload, store.put(name));
  MC_TRY(upload->write(std::as_bytes(std::span(content))));
  return upload->commit();
}

}  // namespace dsl::replica
