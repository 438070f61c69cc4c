#include "dsl/cli/width.h"

#include <algorithm>

#include <sys/ioctl.h>
#include <unistd.h>

#include "dsl/cli/cli.h"

namespace dsl::cli {

namespace {

// Bytes of the colour code or the code point at the front of `text`.
struct Glyph {
  std::size_t bytes;
  std::size_t columns;
};

Glyph first_glyph(std::string_view text) {
  if (text.starts_with("\x1b[")) {
    const std::size_t end = text.find('m');
    return {end == std::string_view::npos ? text.size() : end + 1, 0};
  }
  std::size_t bytes = 1;
  while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) {
    ++bytes;
  }
  return {bytes, 1};
}

}  // namespace

std::size_t visible_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    width += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return width;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (visible_width(text) <= width) {
    return std::string(text);
  }
  std::string out;
  bool cut = false;
  for (std::size_t used = 0; !text.empty();) {
    const Glyph glyph = first_glyph(text);
    if (glyph.columns == 0) {
      out += text.substr(0, glyph.bytes);  // the code that switches the colour off comes last
    } else if (!cut && used + 1 < width) {
      out += text.substr(0, glyph.bytes);
      ++used;
    } else if (!cut) {
      out += width > 0 ? "…" : "";
      cut = true;
    }
    text.remove_prefix(glyph.bytes);
  }
  return out;
}

std::size_t terminal_width() {
  if (!stdout_is_terminal()) {
    return 0;
  }
  constexpr std::size_t kUsual = 80;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return kUsual;
  }
  return size.ws_col;
}

}  // namespace dsl::cli
