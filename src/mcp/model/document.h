// A page for people: headings, paragraphs, commands, tables. Written once, rendered as Markdown,
// HTML or plain text. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mcp::model {

// In paragraphs and cells `words between backticks` are code.
class Document {
 public:
  void heading(int level, std::string text);
  void paragraph(std::string text);
  // Lines for a shell: in Markdown a block ```sh, so that a script can find them.
  void commands(std::string lines);
  // Lines to read, or for another shell than the page is about.
  void example(std::string lines);
  void table(std::vector<std::string> columns, std::vector<std::vector<std::string>> rows);

  std::string markdown() const;
  std::string html() const;  // one file, nothing fetched
  std::string plain() const;

 private:
  enum class Kind { kHeading, kParagraph, kCommands, kExample, kTable };
  struct Block {
    Kind kind = Kind::kParagraph;
    int level = 0;
    std::string text;
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
  };
  static std::string markdown_table(const Block& block);
  static std::string html_table(const Block& block);
  static std::string plain_table(const Block& block);

  std::vector<Block> blocks_;
};

}  // namespace mcp::model
