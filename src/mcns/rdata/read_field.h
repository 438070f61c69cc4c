// One field of rdata from words.
#pragma once

#include <span>
#include <string>

#include "mcns/rdata/fields.h"
#include "mcns/rdata/token.h"

namespace mcns {

// Hands out the words of rdata one after the other. Confined to its owner.
class WordReader {
 public:
  WordReader(std::span<const Token> words, const Name& origin) : words_(words), origin_(origin) {}

  bool at_end() const { return next_ == words_.size(); }
  const Token& take() {
    last_ = next_;
    return words_[next_++];
  }
  // All that are left, as one without the blanks between them.
  std::string take_joined();
  // Those that read(words, index) takes: it moves the index behind them, or to the word at fault.
  template <class Read>
  auto take_with(Read&& read) {
    auto outcome = read(words_, next_);
    last_ = next_;
    return outcome;
  }
  // The index of the word that was looked at last; their count when one was missing.
  std::size_t last() const { return last_; }
  void missing() { last_ = words_.size(); }

  const Name& origin() const { return origin_; }

 private:
  std::span<const Token> words_;
  std::size_t next_ = 0;
  std::size_t last_ = 0;
  const Name& origin_;
};

// The wire form of `field`. kInvalidArgument names the field and what is allowed.
dsl::Result<Bytes> read_field(const Field& field, WordReader& words);

}  // namespace mcns
