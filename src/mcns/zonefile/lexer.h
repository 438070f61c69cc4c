// The text of a zone file cut into entries, and those into words (RFC 1035 section 5.1).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mcns/rdata/token.h"

namespace mcns::zonefile {

// One line, or several that parentheses make one. `words` refer into the text.
struct Entry {
  std::vector<Token> words;  // empty when there is a fault
  bool has_owner = false;    // it begins with a word, not with a blank
  std::size_t begin = 0;     // in the text
  std::size_t end = 0;
  int line = 1;  // of `begin`, from 1

  const char* fault = nullptr;  // what is wrong with its syntax
  std::size_t fault_at = 0;
};

// Confined to its owner; the text outlives it.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // The next entry that is not empty; false at the end. After a fault reading goes on in the line
  // behind it. `entry` keeps its memory from one to the next.
  bool next(Entry& entry);

 private:
  void read(Entry& entry);
  void refuse(Entry& entry, const char* fault, std::size_t at);
  void skip_line();
  void take_line_end();

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

// "12:5": line and column of `at`, which lies in `entry` or at its end.
std::string position_text(std::string_view text, const Entry& entry, std::size_t at);

}  // namespace mcns::zonefile
