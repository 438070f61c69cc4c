#!/usr/bin/python3
"""Asks a REST listener over TLS from several threads, a connection a request, until it is gone.

usage: rest_load.py HOST PORT CA_FILE PATH

A request counts as accepted once its handshake is done. Prints {"answered": N, "failed": [...]}.
"""
import http.client
import json
import ssl
import sys
import threading

THREADS, STATUS_OK = 8, 200


def ask(host, port, context, path, counts):
    while True:
        connection = http.client.HTTPSConnection(host, port, context=context, timeout=20)
        try:
            connection.connect()
        except OSError:
            return  # nobody accepts any more
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            reply.read()
            if reply.status == STATUS_OK:
                counts["answered"] += 1
            else:
                counts["failed"].append(f"status {reply.status}")
        except (OSError, http.client.HTTPException) as error:
            counts["failed"].append(repr(error))
        finally:
            connection.close()


def main():
    host, port, ca_file, path = sys.argv[1:]
    context = ssl.create_default_context(cafile=ca_file)
    counts = {"answered": 0, "failed": []}
    threads = [threading.Thread(target=ask, args=(host, int(port), context, path, counts))
               for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(counts))


main()
