// OpenPGP's packets (RFC 4880 section 4), for the .cc files of this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dsl/archive/buffered_source.h"
#include "dsl/result/result.h"

namespace dsl::archive {

// Section 4.3, and what has come since.
enum PgpTag : int {
  kPgpKeyForKey = 1,  // a session key, encrypted to a public key
  kPgpSignature = 2,
  kPgpKeyForPassphrase = 3,  // a session key, encrypted under a passphrase
  kPgpOnePassSignature = 4,
  kPgpCompressed = 8,
  kPgpEncrypted = 9,  // without modification detection
  kPgpMarker = 10,
  kPgpLiteral = 11,
  kPgpProtected = 18,  // encrypted, with modification detection
  kPgpAead = 20,
};

// Bodies longer than this are sent in parts of this size.
constexpr std::size_t kPgpPartBytes = 64 << 10;
constexpr std::byte kPgpPartLength{224 + 16};  // section 4.2.2.4: 2 to the 16th

// As section 4.2.2 writes the length of a body, or of its last part.
std::string pgp_length(std::size_t size);

// What this cannot be, with the words for it.
Failure pgp_damaged(std::string_view what);

// Packets one after the other. Errors: kDataLoss; those of the source as they come.
//
// Confined to its owner.
class PgpPackets {
 public:
  // `input` outlives it.
  explicit PgpPackets(BufferedSource& input) : input_(input) {}

  // The tag of the next packet; nothing at the end. The body of the one before has been read.
  Result<std::optional<int>> next();
  // The body of the present packet: fills `out` unless it ends before.
  Result<std::size_t> read(std::span<std::byte> out);
  // All of a body that has at most `max_bytes`.
  Result<std::string> read_all(std::size_t max_bytes);
  // Passes the body over.
  Result<void> skip();

 private:
  Result<std::uint32_t> number(std::size_t octets);
  Result<void> read_length();  // as the new format has it

  BufferedSource& input_;
  std::uint64_t left_ = 0;     // of the present body, or part of it
  bool parts_follow_ = false;  // after those bytes comes another length
  bool to_the_end_ = false;    // the body ends where the input does
};

}  // namespace dsl::archive
