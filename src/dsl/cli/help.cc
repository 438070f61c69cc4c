#include "dsl/cli/help.h"

#include <algorithm>

#include "dsl/cli/names.h"
#include "dsl/cli/width.h"

namespace dsl::cli {

namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kHelpColumnMax = 30;  // a longer left side has its help on the next line

struct Entry {
  std::string left;
  std::string help;
};

// Words of one line of text in lines of at most `width` columns.
void wrap_line(std::string_view text, std::size_t width, std::vector<std::string>& lines) {
  std::string line;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, space);
    if (!line.empty() && visible_width(line) + 1 + visible_width(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    line += line.empty() ? "" : " ";
    line += word;
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  lines.push_back(std::move(line));
}

// Each line of `text` wrapped; one that begins with a space stays as it is.
std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (true) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(' ')) {
      lines.emplace_back(line);
    } else {
      wrap_line(line, width, lines);
    }
    if (line.size() == text.size()) {
      return lines;
    }
    text.remove_prefix(line.size() + 1);
  }
}

std::string indented(const std::vector<std::string>& lines, std::size_t columns) {
  std::string out;
  for (const std::string& line : lines) {
    out += line.empty() ? "" : std::string(columns, ' ') + line;
    out += '\n';
  }
  return out;
}

std::string section(const Globals& globals, std::string_view title,
                    const std::vector<Entry>& entries) {
  if (entries.empty()) {
    return {};
  }
  std::size_t column = 0;
  for (const Entry& entry : entries) {
    const std::size_t width = visible_width(entry.left) + 4;
    column = width <= kHelpColumnMax ? std::max(column, width) : column;
  }
  column = std::max<std::size_t>(column, 12);

  std::string out = "\n" + paint(globals, Paint::kBold, title) + "\n";
  for (const Entry& entry : entries) {
    const std::size_t width = visible_width(entry.left) + 2;
    const std::string help = indented(wrap(entry.help, kWidth - column), column);
    out += "  " + entry.left;
    if (entry.help.empty()) {
      out += '\n';
    } else {
      out += width + 2 <= column ? help.substr(width) : "\n" + help;
    }
  }
  return out;
}

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) {
    out += out.empty() ? std::string_view() : separator;
    out += word;
  }
  return out;
}

Entry option_entry(const Option& option) {
  if (is_positional(option)) {
    return {option.name, option_help(option)};
  }
  // Long names line up under each other, with or without a short one.
  const std::vector<std::string> names = spellings(option);
  std::string left = names.front().starts_with("--") ? "    " : "";
  left += joined(names, ", ");
  const std::string value = value_name(option);
  return {value.empty() ? left : left + " " + value, option_help(option)};
}

std::vector<Entry> option_entries(const Command& command, bool positional) {
  std::vector<Entry> entries;
  for (const Option& option : command.options) {
    if (is_positional(option) == positional) {
      entries.push_back(option_entry(option));
    }
  }
  return entries;
}

std::string global_section(const std::vector<const Command*>& path, const Globals& globals) {
  std::string names;
  for (const Option& option : path.front()->options) {
    names += names.empty() ? "" : ", ";
    names += spellings(option).back();
  }
  return "\n" + paint(globals, Paint::kBold, "Global options") + "\n" +
         indented(wrap(text("{} (see `{} --help`)", names, path.front()->name), kWidth - 2), 2);
}

}  // namespace

std::string usage_line(const std::vector<const Command*>& path) {
  std::string out = path_text(path);
  if (!path.back()->commands.empty()) {
    return out + (path.back()->run ? " [COMMAND] [OPTIONS]" : " COMMAND [OPTIONS]");
  }
  bool has_options = false;
  std::string positionals;
  std::string required;
  for (const Option& option : path.back()->options) {
    const std::string dots = is_list(option) ? "..." : "";
    if (is_positional(option)) {
      positionals += option.required ? " " + option.name + dots : " [" + option.name + dots + "]";
    } else if (option.required) {
      required += " " + spellings(option).back() + " " + value_name(option);
    } else {
      has_options = true;
    }
  }
  if (path.back()->rest != nullptr) {
    return out + " [ARGUMENT...]";
  }
  return out + (has_options ? " [OPTIONS]" : "") + required + positionals;
}

std::string option_help(const Option& option) {
  std::string out = option.help;
  if (!option.one_of.empty()) {
    out += text("{}[{}]", out.empty() ? "" : " ", joined(option.one_of, ", "));
  }
  if (option.required && !is_positional(option)) {
    out += out.empty() ? "(required)" : " (required)";
  }
  return out;
}

std::string path_text(const std::vector<const Command*>& path) {
  std::string out;
  for (const Command* command : path) {
    out += out.empty() ? "" : " ";
    out += command->name;
  }
  return out;
}

std::string help_page(const std::vector<const Command*>& path, const Globals& globals) {
  const Command& command = *path.back();
  const bool is_program = path.size() == 1;

  std::string out = indented(wrap(command.summary, kWidth), 0);
  out += "\n" + paint(globals, Paint::kBold, "Usage") + "\n  " + usage_line(path) + "\n";
  if (!command.description.empty()) {
    out += "\n" + indented(wrap(command.description, kWidth), 0);
  }
  std::vector<Entry> commands;
  for (const Command& sub : command.commands) {
    if (!sub.hidden) {
      commands.push_back({sub.name, sub.summary});
    }
  }
  out += section(globals, "Commands", commands);
  out += section(globals, "Arguments", option_entries(command, true));
  out += section(globals, "Options", option_entries(command, false));
  if (!command.examples.empty()) {
    out += "\n" + paint(globals, Paint::kBold, "Examples") + "\n";
    out += indented(command.examples, 2);
  }
  if (!is_program) {
    out += global_section(path, globals);
  }
  if (!command.commands.empty()) {
    out += text("\n`{} COMMAND --help` tells more about a command.\n", path_text(path));
  }
  return out;
}

}  // namespace dsl::cli
