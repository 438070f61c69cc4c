#include "mcns/zonefile/lexer.h"

#include <algorithm>

#include "dsl/result/text.h"

namespace mcns::zonefile {

bool Lexer::next(Entry& entry) {
  while (at_ < text_.size()) {
    entry.words.clear();
    entry.has_owner = !is_blank(text_[at_]);
    entry.begin = at_;
    entry.line = line_;
    entry.fault = nullptr;
    read(entry);
    entry.end = at_;
    take_line_end();
    if (!entry.words.empty() || entry.fault != nullptr) {
      return true;
    }
  }
  return false;
}

// Up to the end of the line that ends it.
void Lexer::read(Entry& entry) {
  std::size_t opened_at = 0;
  bool is_open = false;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (is_blank(c)) {
      ++at_;
    } else if (c == '\n') {
      if (!is_open) {
        return;
      }
      take_line_end();
    } else if (c == ';') {
      skip_line();
    } else if (c == '(' || c == ')') {
      if ((c == '(') == is_open) {
        return refuse(entry, is_open ? "a parenthesis inside of another" : "nothing is open here",
                      at_);
      }
      is_open = !is_open;
      opened_at = at_++;
    } else {
      const TokenScan scan = scan_token(text_, at_, TokenEnd::kZonefile);
      at_ = scan.end;
      if (scan.fault != nullptr) {
        return refuse(entry, scan.fault, scan.end);
      }
      entry.words.push_back(scan.token);
    }
  }
  if (is_open) {
    refuse(entry, "a parenthesis is not closed", opened_at);
  }
}

void Lexer::refuse(Entry& entry, const char* fault, std::size_t at) {
  entry.words.clear();
  entry.fault = fault;
  entry.fault_at = at;
  skip_line();
}

void Lexer::skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }

void Lexer::take_line_end() {
  if (at_ < text_.size()) {
    ++at_;
    ++line_;
  }
}

std::string position_text(std::string_view text, const Entry& entry, std::size_t at) {
  const std::string_view before = text.substr(entry.begin, at - entry.begin);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n') + 1;  // 0 when there is none
  return dsl::text("{}:{}", entry.line + lines, before.size() - line_begin + 1);
}

}  // namespace mcns::zonefile
