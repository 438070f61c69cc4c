// Splitting and quoting of words as POSIX sh does it (XCU section 2.2 and 2.3), without expansion.
#include "mcp/model/shell.h"

#include <algorithm>
#include <iterator>

namespace mcp::model {

namespace {

using dsl::Code;
using dsl::fail;

constexpr std::size_t kTextMax = std::size_t{1} << 20;

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<ShellCommand>> run() {
    while (at_ < text_.size()) {
      MC_TRY(step());
    }
    end_command();
    return std::move(commands_);
  }

 private:
  dsl::Failure refuse(std::string_view what) const {
    return fail(Code::kInvalidArgument, "line {}: {}", line_, what);
  }

  Result<void> step() {
    const char c = text_[at_];
    switch (c) {
      case '\n':
        end_command();
        take();
        return {};
      case ' ':
      case '\t':
      case '\r':
        end_word();
        take();
        return {};
      case ';':
        end_command();
        take();
        return {};
      case '&':
        if (text_.substr(at_, 2) != "&&") {
          return refuse("& needs a shell");
        }
        end_command();
        take();
        take();
        return {};
      case '\'':
        return single_quoted();
      case '"':
        return double_quoted();
      case '\\':
        return escaped();
      case '#':
        if (!in_word_) {
          comment();
          return {};
        }
        break;
      case '~':
        if (!in_word_) {
          return refuse("~ needs a shell; write the path out");
        }
        break;
      case '$':
      case '`':
        return expansion(c);
      case '|':
      case '<':
      case '>':
      case '(':
      case ')':
        return refuse(dsl::text("{} needs a shell", c));
      case '\0':
        return refuse("a NUL byte");
      default:
        break;
    }
    put(take());
    return {};
  }

  dsl::Failure expansion(char c) const {
    return refuse(
        dsl::text("{} is an expansion, which needs a shell; put the value in its place, "
                  "or single quotes around it",
                  c));
  }

  Result<void> single_quoted() {
    const int opened = line_;
    take();
    in_word_ = true;
    while (at_ < text_.size() && text_[at_] != '\'') {
      if (text_[at_] == '\0') {
        return refuse("a NUL byte");
      }
      put(take());
    }
    return close(opened);
  }

  Result<void> double_quoted() {
    const int opened = line_;
    take();
    in_word_ = true;
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = take();
      if (c == '$' || c == '`') {
        return expansion(c);
      }
      if (c == '\0') {
        return refuse("a NUL byte");
      }
      if (c != '\\' || at_ == text_.size()) {
        put(c);
        continue;
      }
      // Inside double quotes a backslash escapes these only, and stays before anything else.
      const char next = take();
      if (next == '\n') {
        continue;
      }
      if (next == '\0') {
        return refuse("a NUL byte");
      }
      if (std::string_view("$`\"\\").find(next) == std::string_view::npos) {
        put('\\');
      }
      put(next);
    }
    return close(opened);
  }

  Result<void> close(int opened) {
    if (at_ == text_.size()) {
      return fail(Code::kInvalidArgument, "line {}: a quote is not closed", opened)
          .hint("the quote that opens there has no partner; an apostrophe in text is written \\'");
    }
    take();
    return {};
  }

  Result<void> escaped() {
    take();
    if (at_ == text_.size()) {
      return refuse("a backslash at the end");
    }
    if (text_[at_] == '\0') {
      return refuse("a NUL byte");
    }
    const char c = take();
    if (c != '\n') {  // a line continuation is nothing at all
      put(c);
    }
    return {};
  }

  void comment() {
    while (at_ < text_.size() && text_[at_] != '\n') {
      ++at_;
    }
  }

  char take() {
    const char c = text_[at_++];
    line_ += c == '\n' ? 1 : 0;
    return c;
  }

  void put(char c) {
    if (command_.words.empty() && !in_word_) {
      command_.line = line_;
    }
    in_word_ = true;
    word_ += c;
  }

  void end_word() {
    if (in_word_) {
      command_.words.push_back(std::move(word_));
    }
    word_.clear();
    in_word_ = false;
  }

  void end_command() {
    end_word();
    if (!command_.words.empty()) {
      commands_.push_back(std::move(command_));
    }
    command_ = {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool in_word_ = false;
  std::string word_;
  ShellCommand command_;
  std::vector<ShellCommand> commands_;
};

}  // namespace

Result<std::vector<ShellCommand>> split_commands(std::string_view text) {
  if (text.size() > kTextMax) {
    return fail(Code::kTooLarge, "{} bytes of shell text; at most {} are read", text.size(),
                kTextMax);
  }
  return Lexer(text).run();
}

Result<std::vector<std::string>> split_shell(std::string_view text) {
  MC_ASSIGN(std::vector<ShellCommand> commands, split_commands(text));
  if (commands.size() > 1) {
    return fail(Code::kInvalidArgument, "line {}: a second command begins", commands[1].line);
  }
  return commands.empty() ? std::vector<std::string>() : std::move(commands.front().words);
}

std::string quote_shell(std::string_view word) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace mcp::model
