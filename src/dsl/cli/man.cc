#include "dsl/cli/man.h"

#include <algorithm>
#include <array>

#include "dsl/cli/help.h"
#include "dsl/cli/names.h"

namespace dsl::cli {

namespace {

constexpr std::string_view kBold = "\\fB";
constexpr std::string_view kItalic = "\\fI";
constexpr std::string_view kRoman = "\\fR";

// Words that roff sets as they are: no escapes, no ligature of hyphens.
std::string escaped(std::string_view words) {
  std::string out;
  for (const char c : words) {
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";  // else a hyphen, which cannot be copied into a shell
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '^':
        out += "\\(ha";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// A line that begins like a request of roff is none.
std::string as_line(const std::string& line) {
  return (line.starts_with('.') || line.starts_with('\'') ? "\\&" + line : line) + "\n";
}

std::string in_font(std::string_view font, std::string_view words) {
  return std::string(font) + escaped(words) + std::string(kRoman);
}

// Prose of one line; what stands between backticks is bold.
std::string prose(std::string_view line) {
  std::string out;
  bool bold = false;
  while (!line.empty()) {
    const std::size_t tick = std::min(line.find('`'), line.size());
    out += escaped(line.substr(0, tick));
    if (tick < line.size() && (bold || line.find('`', tick + 1) != std::string_view::npos)) {
      bold = !bold;
      out += bold ? kBold : kRoman;
    } else if (tick < line.size()) {
      out += '`';
    }
    line.remove_prefix(std::min(tick + 1, line.size()));
  }
  return as_line(out);
}

// Lines of a description that belong together: prose, or set as they are.
struct Block {
  bool literal = false;
  std::vector<std::string_view> lines;
};

// An empty line parts blocks; a line that begins with a space stays as it is, as in --help.
std::vector<Block> blocks_of(std::string_view text) {
  std::vector<Block> blocks;
  bool parted = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const bool literal = line.starts_with(' ');
    if (line.empty()) {
      parted = true;
    } else {
      if (parted || blocks.back().literal != literal) {
        blocks.push_back({literal, {}});
      }
      blocks.back().lines.push_back(line);
      parted = false;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return blocks;
}

std::string paragraphs(std::string_view text) {
  std::string out;
  for (const Block& block : blocks_of(text)) {
    out += out.empty() ? "" : ".PP\n";
    out += block.literal ? ".nf\n" : "";
    for (const std::string_view line : block.lines) {
      // A line of its own in --help is one here.
      out += block.literal || line == block.lines.front() ? "" : ".br\n";
      out += block.literal ? as_line(escaped(line)) : prose(line);
    }
    out += block.literal ? ".fi\n" : "";
  }
  return out;
}

std::string section(std::string_view title, const std::string& body) {
  return body.empty() ? std::string() : ".SH " + std::string(title) + "\n" + body;
}

std::string tagged(const std::string& tag, std::string_view help) {
  return ".TP\n" + as_line(tag) + (help.empty() ? std::string("\\&\n") : prose(help));
}

std::string option_tag(const Option& option) {
  if (is_positional(option)) {
    return in_font(kItalic, option.name);
  }
  std::string tag;
  for (const std::string& name : spellings(option)) {
    tag += (tag.empty() ? "" : ", ") + in_font(kBold, name);
  }
  const std::string value = value_name(option);
  return value.empty() ? tag : tag + " " + in_font(kItalic, value);
}

std::string options(const Command& command, bool positional) {
  std::string out;
  for (const Option& option : command.options) {
    if (is_positional(option) == positional) {
      out += tagged(option_tag(option), option_help(option));
    }
  }
  return out;
}

// With underscores, as `mcp agent` is not `mcp-agent`; `man mcp boot` finds mcp_boot(1), too.
std::string page_name(const std::vector<const Command*>& path) {
  std::string name = path_text(path);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

std::string reference_to(const std::vector<const Command*>& path) {
  return in_font(kBold, page_name(path)) + "(1)";
}

std::string sub_commands(std::vector<const Command*> path) {
  std::string out;
  for (const Command& sub : path.back()->commands) {
    if (!sub.hidden) {
      path.push_back(&sub);
      out += tagged(reference_to(path), sub.summary);
      path.pop_back();
    }
  }
  return out;
}

std::string exit_codes() {
  constexpr std::array<std::pair<int, std::string_view>, 16> kCodes{{
      {kExitOk, "Done."},
      {kExitFailed, "Failed."},
      {kExitUsage, "Wrong usage or configuration."},
      {kExitNotFound, "Not found."},
      {kExitDenied, "Not authenticated, or denied."},
      {kExitUnreachable, "Unreachable, or timed out."},
      {kExitConflict, "Conflict, busy, a precondition does not hold, or sealed."},
      {kExitPartial, "Partly done."},
      {kExitChangesNeeded, "Changes are needed."},
      {kExitNotRecoverable, "Not recoverable."},
      {kExitPreflight, "A check before the work failed."},
      {kExitRefused, "Refused for safety."},
      {kExitDamaged, "Damaged or incomplete data."},
      {kExitWrongKey, "Wrong key or passphrase."},
      {kExitNoSpace, "No space left."},
      {kExitInterrupted, "Interrupted."},
  }};
  std::string out;
  for (const auto& [code, meaning] : kCodes) {
    out += tagged(in_font(kBold, std::to_string(code)), meaning);
  }
  return out;
}

std::string examples(const Command& command) {
  std::string out;
  for (const std::string& example : command.examples) {
    out += as_line(escaped(example));
  }
  return out.empty() ? out : ".nf\n" + out + ".fi\n";
}

// Of a command: the command above it, and the program.
std::string see_also(std::vector<const Command*> path) {
  std::string out;
  while (path.size() > 1) {
    path.pop_back();
    out += (out.empty() ? "" : ", ") + reference_to(path);
  }
  return out.empty() ? out : as_line(out);
}

Result<void> walk(
    std::vector<const Command*>& path,
    const std::function<Result<void>(const std::vector<const Command*>& path)>& visit) {
  MC_TRY(visit(path));
  for (const Command& sub : path.back()->commands) {
    if (!sub.hidden) {
      path.push_back(&sub);
      MC_TRY(walk(path, visit));
      path.pop_back();
    }
  }
  return {};
}

}  // namespace

std::string man_page(const std::vector<const Command*>& path, const BuildInfo& build) {
  const Command& command = *path.back();
  const bool is_program = path.size() == 1;
  std::string title = page_name(path);
  std::transform(title.begin(), title.end(), title.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });

  std::string out = text(".TH {} 1 \"{}\" \"{} {}\" \"Metacircular\"\n", escaped(title),
                         build.date.substr(0, 10), path.front()->name, escaped(build.version));
  out += section("NAME", as_line(escaped(page_name(path)) + " \\- " + escaped(command.summary)));
  const std::string name = path_text(path);
  out += section("SYNOPSIS",
                 in_font(kBold, name) + escaped(usage_line(path).substr(name.size())) + "\n");
  out += section("DESCRIPTION", command.description.empty() ? prose(command.summary)
                                                            : paragraphs(command.description));
  out += section("COMMANDS", sub_commands(path));
  out += section("ARGUMENTS", options(command, true));
  out += section("OPTIONS", options(command, false));
  if (is_program) {
    out += section("EXIT STATUS", exit_codes());
  } else {
    out += section("GLOBAL OPTIONS", "The options of " + reference_to({path.front()}) +
                                         " are accepted by every command.\n");
  }
  out += section("EXAMPLES", examples(command));
  out += section("SEE ALSO", see_also(path));
  return out;
}

std::string man_file(const std::vector<const Command*>& path) { return page_name(path) + ".1"; }

Result<void> each_command(
    const Command& program,
    const std::function<Result<void>(const std::vector<const Command*>& path)>& visit) {
  std::vector<const Command*> path{&program};
  return walk(path, visit);
}

}  // namespace dsl::cli
