// OpenPGP (RFC 4880) under a passphrase, by stream: for sites that must use gpg. All else uses age.
//
// What `gpg --symmetric` writes is read here, and the other way round.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "dsl/archive/stream.h"
#include "dsl/env/random.h"
#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

namespace dsl::archive {

// The longest passphrase, as gpg has it.
constexpr std::size_t kOpenPgpPassphraseMax = 255;

struct OpenPgpWriteOptions {
  bool armor = false;  // as text, a third longer
  // Bytes that are hashed to stretch the passphrase, which the format rounds up; within 1024 and
  // 65011712, the most that it has a number for. About a tenth of a second, for the writer and for
  // each reader.
  std::size_t s2k_bytes = 65'011'712;
  // Gives the salt, then what the content begins with; not kept. The system's when there is none.
  env::Random* random = nullptr;
};

// Encrypts a stream in constant memory, a few parts of 64 KiB: AES-256, with a modification
// detection code (SEIPD version 1), the key from iterated and salted SHA-256, not compressed.
//
// `finish` completes the file; one that lacks it is refused by every reader. After an error it
// takes nothing more (kFailedPrecondition). Confined to its owner.
class OpenPgpWriter {
 public:
  // kInvalidArgument for a passphrase that is empty, longer than kOpenPgpPassphraseMax, or more
  // than a line: gpg would not take it.
  static Result<OpenPgpWriter> begin(const Secret& passphrase, Sink sink,
                                     const OpenPgpWriteOptions& options = {});
  ~OpenPgpWriter();
  OpenPgpWriter(OpenPgpWriter&&) noexcept;
  OpenPgpWriter& operator=(OpenPgpWriter&&) noexcept;

  Result<void> write(std::span<const std::byte> plain);
  Result<void> finish();

 private:
  struct State;
  explicit OpenPgpWriter(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Decrypts a stream in constant memory: AES with a modification detection code, armored or not,
// compressed with zip or zlib, or not. Whose signature is inside is not asked.
//
// WHAT IT GIVES OUT IS NOT AUTHENTICATED until the end has come without an error: the modification
// detection code is the last thing in the file. A caller must not act on what it read, nor leave it
// where others take it for true, before `read` has returned 0.
//
// Errors: kWrongKey when the passphrase does not open the file; kDataLoss for what is damaged, cut,
// not encrypted, followed by something, or has no modification detection; kUnimplemented for other
// ciphers and compressions; those of the source as they come. Errors repeat. The format has two
// bytes to tell a wrong passphrase by: one of 65536 passes for damage, and damage of the first
// bytes for a wrong one.
//
// Confined to its owner.
class OpenPgpReader {
 public:
  // Reads to the first of the plaintext.
  static Result<OpenPgpReader> open(Source source, const Secret& passphrase);
  ~OpenPgpReader();
  OpenPgpReader(OpenPgpReader&&) noexcept;
  OpenPgpReader& operator=(OpenPgpReader&&) noexcept;

  // Bytes put at the start of `out`, 0 at the end: a Source.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  struct State;
  explicit OpenPgpReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace dsl::archive
