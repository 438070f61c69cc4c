// Zone files with their directives and includes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mcns/zonefile/lexer.h"
#include "mcns/zonefile/record_reader.h"
#include "mcns/zonefile/zonefile.h"

namespace mcns::zonefile {

// Confined to its owner.
class Reader {
 public:
  Reader(dsl::env::Env& env, const ZonefileOptions& options, const RecordReader::Use& use)
      : env_(env), options_(options), records_(options.origin, options.default_ttl, use) {}

  void read(std::string_view name, std::string_view text);
  // What is wrong with all that was read.
  dsl::Result<void> outcome(std::string_view name) const;

 private:
  using Words = std::span<const Token>;

  std::optional<Fault> read_directive(const Entry& entry);
  std::optional<Fault> read_origin(Words words);
  std::optional<Fault> read_ttl(Words words);
  std::optional<Fault> read_include(Words words);
  std::optional<Fault> read_generate(Words words, int line);
  dsl::Result<std::string> include_path(const std::string& file);

  bool is_full() const;

  dsl::env::Env& env_;
  const ZonefileOptions& options_;
  RecordReader records_;
  std::vector<dsl::Detail> errors_;
  std::vector<std::string> including_;  // files that are being read, outermost first
};

}  // namespace mcns::zonefile
