#include "mcns/forward/fake_http2.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include <nghttp2/nghttp2.h>
#include <poll.h>

#include "dsl/result/result.h"

namespace mcns::test {
namespace {

using dsl::net::Io;

constexpr int kLookMs = 10;  // between looks at whether the test is over

struct Exchange {
  HttpRequest request;
  Bytes answer;
  std::size_t sent = 0;
};

class Session {
 public:
  explicit Session(const std::function<std::vector<Sent>(const HttpRequest&)>& handler)
      : handler_(handler) {
    nghttp2_session_callbacks* callbacks = nullptr;
    MC_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0, "there is memory");
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* self) {
          of(self).header(frame->hd.stream_id, view(name, name_size), view(value, value_size));
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                      std::size_t size, void* self) {
          of(self).exchanges_[id].request.body += view(data, size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
              (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            of(self).respond(frame->hd.stream_id);
          }
          return 0;
        });
    MC_ASSERT(nghttp2_session_server_new(&session_, callbacks, this) == 0, "there is memory");
    nghttp2_session_callbacks_del(callbacks);
    (void)nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Session() { nghttp2_session_del(session_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool receive(std::string_view input) {
    return nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(input.data()),
                                    input.size()) >= 0;
  }
  Bytes output() {
    Bytes out;
    const std::uint8_t* data = nullptr;
    ssize_t size = 0;
    while ((size = nghttp2_session_mem_send(session_, &data)) > 0) {
      out += view(data, static_cast<std::size_t>(size));
    }
    return out;
  }
  bool is_to_end() const { return ends_; }

 private:
  static Session& of(void* self) { return *static_cast<Session*>(self); }
  static std::string_view view(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
  }
  static nghttp2_nv line(std::string_view name, std::string_view value) {
    const auto octets = [](std::string_view text) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    return {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
  }

  void header(std::int32_t id, std::string_view name, std::string_view value) {
    HttpRequest& request = exchanges_[id].request;
    const std::map<std::string_view, std::string*> known{{":method", &request.method},
                                                         {":authority", &request.authority},
                                                         {":path", &request.path},
                                                         {"content-type", &request.type}};
    if (const auto found = known.find(name); found != known.end()) {
      *found->second = value;
    }
  }

  void respond(std::int32_t id) {
    Exchange& exchange = exchanges_[id];
    for (const Sent& sent : handler_(exchange.request)) {
      ends_ = ends_ || sent.then_close;
      if (sent.http_goaway) {
        // This request is not looked at, and no later one will be.
        (void)nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, id - 2, NGHTTP2_NO_ERROR, nullptr,
                                    0);
        return;
      }
      if (sent.http_reset != 0) {
        (void)nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, sent.http_reset);
        return;
      }
      if (sent.bytes.empty() && sent.http_status == 200) {
        return;  // silence
      }
      exchange.answer = sent.bytes;
      const std::string status = std::to_string(sent.http_status);
      std::vector<nghttp2_nv> headers{line(":status", status),
                                      line("content-type", sent.http_type)};
      if (!sent.http_age.empty()) {
        headers.push_back(line("age", sent.http_age));
      }
      nghttp2_data_provider body{};
      body.source.ptr = &exchange;
      body.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t room,
                              std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
        Exchange& from = *static_cast<Exchange*>(source->ptr);
        const std::size_t size = std::min(room, from.answer.size() - from.sent);
        std::copy_n(from.answer.data() + from.sent, size, out);
        from.sent += size;
        if (from.sent == from.answer.size()) {
          *flags |= NGHTTP2_DATA_FLAG_EOF;
        }
        return static_cast<ssize_t>(size);
      };
      (void)nghttp2_submit_response(session_, id, headers.data(), headers.size(), &body);
      return;
    }
  }

  const std::function<std::vector<Sent>(const HttpRequest&)>& handler_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Exchange> exchanges_;  // which stay where they are
  bool ends_ = false;
};

bool write_all(dsl::net::Stream& stream, Bytes octets) {
  while (!octets.empty()) {
    const auto put = stream.write(octets);
    if (put.io == Io::kWantWrite) {
      pollfd polled{stream.fd(), POLLOUT, 0};
      (void)::poll(&polled, 1, kLookMs);
      continue;
    }
    if (put.io != Io::kDone) {
      return false;  // the client has gone
    }
    octets.erase(0, put.count);
  }
  return true;
}

}  // namespace

void serve_http2(dsl::net::Stream& stream, const std::atomic<bool>& stopped,
                 const std::function<std::vector<Sent>(const HttpRequest&)>& handler) {
  Session session(handler);
  std::array<char, 65536> buffer;
  while (!stopped) {
    if (!write_all(stream, session.output()) || session.is_to_end()) {
      return;
    }
    const auto got = stream.read(buffer);
    if (got.io == Io::kWantRead) {
      pollfd polled{stream.fd(), POLLIN, 0};
      (void)::poll(&polled, 1, kLookMs);
    } else if (got.io != Io::kDone || !session.receive({buffer.data(), got.count})) {
      return;
    }
  }
}

}  // namespace mcns::test
