// Reading the host's small text files, and putting findings into words.
#include <algorithm>
#include <sstream>

#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

namespace {

std::string trimmed(std::string_view line) {
  const std::size_t from = line.find_first_not_of(" \t\r");
  if (from == std::string_view::npos) {
    return "";
  }
  return std::string(line.substr(from, line.find_last_not_of(" \t\r") - from + 1));
}

DoctorFinding finding_of(const char* severity, std::string finding, std::string consequence,
                         std::string fix) {
  return {.id = "",
          .severity = severity,
          .finding = std::move(finding),
          .consequence = std::move(consequence),
          .fix = std::move(fix),
          .code = ""};
}

}  // namespace

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

std::vector<std::string> split_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ':') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::vector<std::string> words_of(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(word);
  }
  return words;
}

std::vector<Assignment> assignments_of(const std::string& text) {
  std::vector<Assignment> found;
  std::string section;
  std::size_t number = 0;
  for (const std::string& raw : lines_of(text)) {
    ++number;
    const std::string line = trimmed(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') {
      continue;
    }
    if (line.front() == '[' && line.back() == ']') {
      section = line.substr(1, line.size() - 2);
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) {
      found.push_back({number, section, trimmed(std::string_view(line).substr(0, equals)),
                       trimmed(std::string_view(line).substr(equals + 1))});
    }
  }
  return found;
}

std::string joined(const std::vector<std::string>& items, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < items.size() && i < most; ++i) {
    out += (i == 0 ? "" : ", ") + items[i];
  }
  return items.size() <= most ? out : out + dsl::text(" and {} more", items.size() - most);
}

DoctorFinding good(std::string finding) { return finding_of("ok", std::move(finding), "", ""); }

DoctorFinding skipped(std::string why) { return finding_of("skip", std::move(why), "", ""); }

DoctorFinding bad(const char* severity, std::string finding, std::string consequence,
                  std::string fix) {
  return finding_of(severity, std::move(finding), std::move(consequence), std::move(fix));
}

}  // namespace mcp::agent
