#include "mcp/model/document.h"

#include <algorithm>

#include "dsl/result/text.h"

namespace mcp::model {

using dsl::text;

namespace {

constexpr std::size_t kLineMax = 100;

constexpr std::string_view kPage =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\n"
    "<style>body{max-width:60rem;margin:2rem auto;padding:0 1rem;font-family:sans-serif}"
    "pre{background:#f2f2f2;padding:.6rem;overflow-x:auto}table{border-collapse:collapse}"
    "td,th{border:1px solid #bbb;padding:.2rem .5rem;text-align:left;vertical-align:top}"
    "</style></head><body>\n";

std::string escaped(std::string_view words) {
  std::string out;
  for (const char c : words) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Escaped, with code between backticks; an odd one stays as it is.
std::string inline_html(std::string_view words) {
  std::string out;
  while (!words.empty()) {
    const std::size_t open = words.find('`');
    const std::size_t close = open == std::string_view::npos ? open : words.find('`', open + 1);
    if (close == std::string_view::npos) {
      return out + escaped(words);
    }
    out += escaped(words.substr(0, open));
    out += "<code>" + escaped(words.substr(open + 1, close - open - 1)) + "</code>";
    words.remove_prefix(close + 1);
  }
  return out;
}

// One cell of a Markdown table.
std::string cell(std::string_view words) {
  std::string out;
  for (const char c : words) {
    out += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  }
  return out;
}

std::string without_ticks(std::string words) {
  std::erase(words, '`');
  return words;
}

std::string filled(const std::string& words) {
  std::string out;
  std::size_t column = 0;
  std::size_t at = 0;
  while (at < words.size()) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    const std::size_t size = end - at;
    if (column > 0 && column + 1 + size > kLineMax) {
      out += '\n';
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += words.substr(at, size);
    column += size;
    at = end + 1;
  }
  return out;
}

std::string indented(const std::string& lines) {
  std::string out = "    ";
  for (const char c : lines) {
    out += c;
    out += c == '\n' ? "    " : "";
  }
  return out;
}

}  // namespace

void Document::heading(int level, std::string words) {
  blocks_.push_back({.kind = Kind::kHeading, .level = level, .text = std::move(words)});
}
void Document::paragraph(std::string words) {
  blocks_.push_back({.kind = Kind::kParagraph, .text = std::move(words)});
}
void Document::commands(std::string lines) {
  blocks_.push_back({.kind = Kind::kCommands, .text = std::move(lines)});
}
void Document::example(std::string lines) {
  blocks_.push_back({.kind = Kind::kExample, .text = std::move(lines)});
}
void Document::table(std::vector<std::string> columns, std::vector<std::vector<std::string>> rows) {
  blocks_.push_back({.kind = Kind::kTable, .columns = std::move(columns), .rows = std::move(rows)});
}

std::string Document::markdown_table(const Block& block) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string out = "|";
    for (const std::string& each : cells) {
      out += " " + cell(each) + " |";
    }
    return out + "\n";
  };
  std::string out = line(block.columns) + "|";
  for (std::size_t i = 0; i < block.columns.size(); ++i) {
    out += "---|";
  }
  out += "\n";
  for (const auto& row : block.rows) {
    out += line(row);
  }
  return out;
}

std::string Document::html_table(const Block& block) {
  std::string out = "<table>\n<tr>";
  for (const std::string& column : block.columns) {
    out += "<th>" + inline_html(column) + "</th>";
  }
  for (const auto& row : block.rows) {
    out += "</tr>\n<tr>";
    for (const std::string& each : row) {
      out += "<td>" + inline_html(each) + "</td>";
    }
  }
  return out + "</tr>\n</table>\n";
}

// Long cells would make columns that no terminal shows: a row is a paragraph of its own.
std::string Document::plain_table(const Block& block) {
  std::string out;
  for (const auto& row : block.rows) {
    for (std::size_t i = 0; i < row.size() && i < block.columns.size(); ++i) {
      if (!row[i].empty()) {
        out += text("{}{}: {}\n", i == 0 ? "- " : "  ", block.columns[i], without_ticks(row[i]));
      }
    }
  }
  return out;
}

std::string Document::markdown() const {
  std::string out;
  for (const Block& block : blocks_) {
    out += out.empty() ? "" : "\n";
    switch (block.kind) {
      case Kind::kHeading:
        out += std::string(static_cast<std::size_t>(block.level), '#') + " " + block.text + "\n";
        break;
      case Kind::kParagraph:
        out += filled(block.text) + "\n";
        break;
      case Kind::kCommands:
        out += "```sh\n" + block.text + "\n```\n";
        break;
      case Kind::kExample:
        out += "```text\n" + block.text + "\n```\n";
        break;
      case Kind::kTable:
        out += markdown_table(block);
        break;
    }
  }
  return out;
}

std::string Document::html() const {
  const bool titled = !blocks_.empty() && blocks_.front().kind == Kind::kHeading;
  std::string out = text(kPage, titled ? escaped(blocks_.front().text) : std::string());
  for (const Block& block : blocks_) {
    switch (block.kind) {
      case Kind::kHeading:
        out += text("<h{}>{}</h{}>\n", block.level, inline_html(block.text), block.level);
        break;
      case Kind::kParagraph:
        out += "<p>" + inline_html(block.text) + "</p>\n";
        break;
      case Kind::kCommands:
      case Kind::kExample:
        out += "<pre>" + escaped(block.text) + "</pre>\n";
        break;
      case Kind::kTable:
        out += html_table(block);
        break;
    }
  }
  return out + "</body></html>\n";
}

std::string Document::plain() const {
  std::string out;
  for (const Block& block : blocks_) {
    out += out.empty() ? "" : "\n";
    switch (block.kind) {
      case Kind::kHeading:
        out +=
            block.text + "\n" + std::string(block.text.size(), block.level == 1 ? '=' : '-') + "\n";
        break;
      case Kind::kParagraph:
        out += filled(without_ticks(block.text)) + "\n";
        break;
      case Kind::kCommands:
      case Kind::kExample:
        out += indented(block.text) + "\n";
        break;
      case Kind::kTable:
        out += plain_table(block);
        break;
    }
  }
  return out;
}

}  // namespace mcp::model
