"""A gRPC client that shares no code with dsl: python3-grpcio. peer.py ADDRESS CASE [ARGUMENT]"""

import sys

import grpc

from dsl.rpc import echo_pb2 as pb
from dsl.v1 import common_pb2

PREFIX = "/dsl.rpc.test.EchoService/"


def raw(value):
    return value


def call(channel, method, request, reply=pb.EchoReply, metadata=None, timeout=30):
    stub = channel.unary_unary(PREFIX + method, type(request).SerializeToString, reply.FromString)
    return stub(request, metadata=metadata, timeout=timeout)


def show_error(error):
    detail = common_pb2.ErrorDetail()
    for key, value in error.trailing_metadata() or ():
        if key == "mc-error-bin":
            detail.ParseFromString(value)
    findings = " ".join(f"{f.where}={f.message}" for f in detail.findings)
    print(error.code().name, error.details(), sep="|", end="|")
    print(detail.code, detail.hint, detail.id, findings, detail.request_id, sep="|")


def unary(channel, method="Echo"):
    reply = call(channel, method, pb.EchoRequest(text="hello"),
                 metadata=(("x-request-id", "from-python"),))
    print(reply.text, reply.request_id, reply.via, sep="|")


def many(channel):
    call(channel, "Fail", pb.EchoRequest(text="many"))


def stream(channel, count):
    stub = channel.unary_stream(PREFIX + "Count", pb.CountRequest.SerializeToString,
                                pb.CountReply.FromString)
    expected = 0
    for reply in stub(pb.CountRequest(count=int(count), padding_bytes=100), timeout=60):
        assert reply.number == expected, (reply.number, expected)
        expected += 1
    print(expected)


def back_pressure(channel):
    """Reads one message, then looks how far the server gets while nobody reads."""
    total = 10000
    stub = channel.unary_stream(PREFIX + "Count", pb.CountRequest.SerializeToString,
                                pb.CountReply.FromString)
    replies = iter(stub(pb.CountRequest(count=total, padding_bytes=20000), timeout=60))
    next(replies)
    last = -1
    while True:
        now = call(channel, "Counted", pb.EchoRequest(), reply=pb.CountReply).number
        if now == last:
            break
        last = now
    print("held" if last < total - 1 else "flooded", sum(1 for _ in replies) + 1)


def cancel_unary(channel):
    stub = channel.unary_unary(PREFIX + "Hang", pb.EchoRequest.SerializeToString,
                               pb.EchoReply.FromString)
    future = stub.future(pb.EchoRequest(text="python"))
    while call(channel, "Counted", pb.EchoRequest(), reply=pb.CountReply).hanging == 0:
        pass
    future.cancel()
    print("cancelled" if future.cancelled() else "not cancelled")


def cancel_stream(channel):
    stub = channel.unary_stream(PREFIX + "HangStream", pb.EchoRequest.SerializeToString,
                                pb.EchoReply.FromString)
    replies = stub(pb.EchoRequest(text="python"))
    print(next(replies).text)
    replies.cancel()


def deadline(channel):
    call(channel, "Hang", pb.EchoRequest(), timeout=0.3)


def unknown(channel):
    call(channel, "Nothing", pb.EchoRequest())


def oversize(channel):
    call(channel, "Echo", pb.EchoRequest(text="x" * (5 << 20)))


def malformed(channel):
    stub = channel.unary_unary(PREFIX + "Echo", raw, raw)
    for _ in range(2):
        try:
            stub(b"\x0a\xff\xff", timeout=10)
        except grpc.RpcError as error:
            print(error.code().name, end=" ")
    unary(channel)


def reflection(channel):
    stub = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", raw, raw)
    # list_services = "", then file_containing_symbol = the service
    symbol = b"dsl.rpc.test.EchoService"
    requests = [b"\x3a\x00", b"\x22" + bytes([len(symbol)]) + symbol]
    answers = list(stub(iter(requests), timeout=10))
    print(len(answers), b"dsl.rpc.test.EchoService" in answers[0],
          b"grpc.health.v1.Health" in answers[0], b"dsl/rpc/echo.proto" in answers[1])


def health(channel, service=""):
    stub = channel.unary_unary("/grpc.health.v1.Health/Check", raw, raw)
    name = service.encode()
    request = b"\x0a" + bytes([len(name)]) + name if name else b""
    print(stub(request, timeout=10).hex())


def open_channel(address):
    """HOST:PORT and unix:PATH are plain; tls:CA_FILE:HOST:PORT, with @TOKEN or without."""
    if not address.startswith("tls:"):
        return grpc.insecure_channel(address)
    ca_file, target = address.removeprefix("tls:").split(":", 1)
    target, _, token = target.partition("@")
    with open(ca_file, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    if token:
        credentials = grpc.composite_channel_credentials(
            credentials, grpc.access_token_call_credentials(token))
    return grpc.secure_channel(target, credentials)


def main():
    address, case, *arguments = sys.argv[1:]
    with open_channel(address) as channel:
        try:
            globals()[case](channel, *arguments)
        except grpc.RpcError as error:
            show_error(error)


main()
