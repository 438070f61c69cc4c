#include "mcp/agent/handlers_file.h"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "dsl/hash/sha256.h"
#include "mcp/agent/handlers_read.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::rpc::CallContext;
using dsl::rpc::Writer;
using files::Op;

namespace {

constexpr std::size_t kPieceBytes = 1u << 20;
constexpr int kFilesInReply = 500;

// At most `wanted` bytes at `offset`; fewer at the end of the file.
Result<std::string> read_piece(int fd, std::int64_t offset, std::size_t wanted,
                               const FilePlace& place) {
  std::string piece(wanted, '\0');
  std::size_t have = 0;
  while (have < wanted) {
    const ssize_t count =
        ::pread(fd, piece.data() + have, wanted - have, offset + static_cast<std::int64_t>(have));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return fail(dsl::env::errno_error(errno, "read", place.text()));
    }
    if (count == 0) {
      break;
    }
    have += static_cast<std::size_t>(count);
  }
  piece.resize(have);
  return piece;
}

Result<std::vector<files::Entry>> read_entries(int fd, const FilePlace& place) {
  std::string bytes;
  while (true) {
    MC_ASSIGN(const std::string piece,
              read_piece(fd, static_cast<std::int64_t>(bytes.size()), kPieceBytes, place));
    if (piece.empty()) {
      break;
    }
    bytes += piece;
  }
  auto entries = files::decode_entries(bytes);
  if (!entries) {
    return fail(Code::kInternal, "the list of {} is not readable", place.text());
  }
  std::sort(entries->begin(), entries->end(),
            [](const files::Entry& a, const files::Entry& b) { return a.name < b.name; });
  return std::move(*entries);
}

Result<void> list(HandlerContext& context, const pb::ListFilesRequest& request,
                  Writer<pb::ListFilesReply>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  ServiceFiles& files = core->files;
  MC_ASSIGN(const FilePlace place, files.place(request.service(), request.path()));
  MC_ASSIGN(const ServiceFiles::Done done, files.perform(place, {.op = Op::kList}));
  pb::ListFilesReply reply;
  if (!done.fd) {
    *reply.add_files() = files.describe(place.at.path, done.answer.info, done.by_helper);
    return writer.write(reply);
  }
  MC_ASSIGN(const std::vector<files::Entry> entries, read_entries(done.fd.get(), place));
  for (const files::Entry& entry : entries) {
    pb::FileState& file = *reply.add_files();
    file = files.describe(entry.name, entry.info, done.by_helper);
    file.set_link(shown_name(entry.link));
    if (reply.files_size() == kFilesInReply) {
      MC_TRY(writer.write(reply));
      reply.clear_files();
    }
  }
  reply.set_cut(done.answer.cut);
  return writer.write(reply);
}

// As the file was found: what is added to it meanwhile is left out, what is taken away is an error.
Result<void> get(HandlerContext& context, CallContext& call, const pb::GetFileRequest& request,
                 Writer<pb::FilePiece>& writer) {
  MC_ASSIGN(Core * core, require_core(context));
  MC_ASSIGN(const FilePlace place, core->files.place(request.service(), request.path()));
  MC_ASSIGN(const ServiceFiles::Done done, core->files.perform(place, {.op = Op::kOpen}));
  MC_TRY(require_file(place, done.answer.info));
  pb::FilePiece piece;
  *piece.mutable_head() = core->files.describe(place.at.path, done.answer.info, done.by_helper);
  MC_TRY(writer.write(piece));
  const auto size = static_cast<std::int64_t>(done.answer.info.size_bytes);
  dsl::Sha256 hash;
  for (std::int64_t at = 0; at < size;) {
    if (call.cancelled() || context.stopping) {
      return fail(Code::kCancelled, "the caller has left, or the agent ends");
    }
    const auto wanted = std::min<std::size_t>(kPieceBytes, static_cast<std::size_t>(size - at));
    MC_ASSIGN(std::string bytes, read_piece(done.fd.get(), at, wanted, place));
    if (bytes.size() < wanted) {
      return fail(Code::kConflict, "{} became shorter while it was read", place.text())
          .id(model::code::kFileChanged)
          .hint("pull it again, when nobody writes to it");
    }
    hash.add(std::as_bytes(std::span(bytes.data(), bytes.size())));
    at += static_cast<std::int64_t>(bytes.size());
    piece.set_data(std::move(bytes));
    MC_TRY(writer.write(piece));
  }
  piece.set_sha256(hash.finish());
  return writer.write(piece);
}

}  // namespace

void add_file_methods(dsl::rpc::MethodTable& table, HandlerContext& context) {
  const std::string service = "mcp.v1.AgentService.";
  table.add_stream<pb::ListFilesRequest, pb::ListFilesReply>(
      service + "ListFiles",
      [&context](CallContext&, const pb::ListFilesRequest& request,
                 Writer<pb::ListFilesReply>& writer) { return list(context, request, writer); });
  table.add_stream<pb::GetFileRequest, pb::FilePiece>(
      service + "GetFile",
      [&context](CallContext& call, const pb::GetFileRequest& request,
                 Writer<pb::FilePiece>& writer) { return get(context, call, request, writer); });
  table.add<pb::BeginPutFileRequest, pb::PutFileState>(
      service + "BeginPutFile",
      [&context](CallContext& call,
                 const pb::BeginPutFileRequest& request) -> Result<pb::PutFileState> {
        MC_ASSIGN(Core * core, require_core(context));
        return core->uploads.begin(call.caller().subject, request);
      });
  table.add<pb::PutFileChunkRequest, pb::PutFileState>(
      service + "PutFileChunk",
      [&context](CallContext& call,
                 const pb::PutFileChunkRequest& request) -> Result<pb::PutFileState> {
        MC_ASSIGN(Core * core, require_core(context));
        return core->uploads.chunk(call.caller().subject, request);
      });
  table.add<pb::FinishPutFileRequest, pb::FileState>(
      service + "FinishPutFile",
      [&context](CallContext& call,
                 const pb::FinishPutFileRequest& request) -> Result<pb::FileState> {
        MC_ASSIGN(Core * core, require_core(context));
        return core->uploads.finish(call.caller().subject, request.upload());
      });
}

}  // namespace mcp::agent
