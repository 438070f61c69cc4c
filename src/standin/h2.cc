// HTTP/2 by nghttp2's memory interface: the same pages, and grpc.health.v1.Health/Check.
#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "standin/session.h"

namespace standin {
namespace {

constexpr std::uint32_t kStreamsMax = 32;

struct Field {
  std::string_view name;
  std::string_view value;
};

// nghttp2 copies names and values before it returns from a submit.
std::vector<nghttp2_nv> fields_of(std::initializer_list<Field> fields) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  std::vector<nghttp2_nv> out;
  for (const auto& [name, value] : fields) {
    out.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return out;
}

struct Stream {
  std::string method;
  std::string path;
  bool grpc = false;
  std::string body;  // of the answer
  std::size_t sent = 0;
};

class H2Session : public Session {
 public:
  explicit H2Session(const Health& health) : health_(health) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(session);

    const nghttp2_settings_entry settings{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamsMax};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &settings, 1);
  }

  bool feed(std::string_view in, std::string& out) override {
    const auto taken = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const std::uint8_t*>(in.data()), in.size());
    for (;;) {  // after an error too: it is a GOAWAY that waits
      const std::uint8_t* data = nullptr;
      const auto size = nghttp2_session_mem_send(session_.get(), &data);
      if (size <= 0) {
        break;
      }
      out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    return taken >= 0 && (nghttp2_session_want_read(session_.get()) != 0 ||
                          nghttp2_session_want_write(session_.get()) != 0);
  }

 private:
  struct Delete {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  static H2Session& self(void* user) { return *static_cast<H2Session*>(user); }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string_view text(reinterpret_cast<const char*>(value), value_size);
    Stream& stream = self(user).streams_[frame->hd.stream_id];
    if (key == ":method") {
      stream.method = text;
    } else if (key == ":path") {
      stream.path = text;
    } else if (key == "content-type") {
      stream.grpc = text.starts_with("application/grpc");
    }
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    const bool request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      self(user).answer(frame->hd.stream_id);
    }
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
    self(user).streams_.erase(id);
    return 0;
  }

  static ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer,
                           std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                           void*) {
    Stream& stream = *static_cast<Stream*>(source->ptr);
    const auto count = std::min(size, stream.body.size() - stream.sent);
    std::memcpy(buffer, stream.body.data() + stream.sent, count);
    stream.sent += count;
    if (stream.sent == stream.body.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (stream.grpc) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto trailer = fields_of({{"grpc-status", "0"}});
        nghttp2_submit_trailer(session, id, trailer.data(), trailer.size());
      }
    }
    return static_cast<ssize_t>(count);
  }

  void answer(std::int32_t id) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) {
      return;
    }
    Stream& stream = found->second;
    if (stream.grpc) {
      answer_grpc(id, stream);
      return;
    }
    const Page page = page_for(health_, stream.method, stream.path);
    const std::string status = std::to_string(page.status);
    const std::string length = std::to_string(page.body.size());
    stream.body = stream.method == "HEAD" ? "" : page.body;
    submit(id, stream,
           fields_of({{":status", status},
                      {"content-type", page.content_type},
                      {"content-length", length}}));
  }

  // The service named in the request does not matter: one process, one health.
  void answer_grpc(std::int32_t id, Stream& stream) {
    if (stream.path != "/grpc.health.v1.Health/Check") {
      stream.grpc = false;  // a reply of trailers only: no body, no second status
      submit(id, stream,
             fields_of({{":status", "200"},
                        {"content-type", "application/grpc"},
                        {"grpc-status", "12"},
                        {"grpc-message", "this is a stand-in: it has Health/Check only"}}));
      return;
    }
    // Not compressed, two bytes, field 1: SERVING is 1, NOT_SERVING is 2.
    stream.body = std::string("\0\0\0\0\2\x08", 6) + (health_.failing() ? '\2' : '\1');
    submit(id, stream, fields_of({{":status", "200"}, {"content-type", "application/grpc"}}));
  }

  void submit(std::int32_t id, Stream& stream, const std::vector<nghttp2_nv>& fields) {
    const nghttp2_data_provider body{{.ptr = &stream}, read_body};
    nghttp2_submit_response(session_.get(), id, fields.data(), fields.size(),
                            stream.body.empty() ? nullptr : &body);
  }

  const Health& health_;
  std::map<std::int32_t, Stream> streams_;  // at most kStreamsMax open ones; stable addresses
  std::unique_ptr<nghttp2_session, Delete> session_;
};

}  // namespace

std::unique_ptr<Session> make_h2_session(const Health& health) {
  return std::make_unique<H2Session>(health);
}

}  // namespace standin
