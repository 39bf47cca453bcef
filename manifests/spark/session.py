"""Runs in a pod of the Spark image for `bdc spark sql` and `bdc spark shell`: Spark Connect's own client, beside the cluster.

    session.py shell    a terminal with Python, where `spark` is a session; ends after four hours in which nothing was typed or printed
    session.py script   the same for a program on stdin: a line with its length in bytes, then the program
    session.py sql      statements on stdin, one JSON object a line: {"sql": TEXT}; {"cancel": true} stops the one that runs,
                        {"end": true} or the end of stdin the session

Who attaches to a container sees what is printed from then on, and nothing of what was printed before (containerd's
internal/cri/io/container_io.go adds a stream to those that run; Kubernetes promises no more). So nothing is printed before somebody
is known to be there: a terminal has been given its size, or a first line, which is empty, has come to stdin.

Answers of `sql`, one JSON object a line: {"ready": DATABASE}; for a statement {"columns": [[NAME, TYPE, TYPE AS JSON], ...]}, any number
of {"rows": [...]}, and {"done": DATABASE} or {"error": MESSAGE, "condition": NAME, "sqlstate": CODE}. Values as JSON, exactly: decimals
are text, binaries base64, structs arrays, maps arrays of pairs; times and what else JSON doesn't know is text, as Spark writes it.
"""

import base64
import fcntl
import importlib.util
import itertools
import json
import os
import queue
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import traceback
from pathlib import Path

BATCH_ROWS = 500
# PySpark's own shell; an error is told once, by Python, and without the server's stack.
STARTUP = """
import logging
logging.getLogger("SQLQueryContextLogger").disabled = True
exec(compile(open({shell!r}).read(), {shell!r}, "exec"))
spark.conf.set("spark.sql.connect.serverStacktrace.enabled", "false")
"""
ATTACH_SECONDS = 300
IDLE_SECONDS = 4 * 3600


def shell():
    until = time.monotonic() + ATTACH_SECONDS
    while struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))[1] == 0:
        if time.monotonic() > until:
            return "nobody has attached"
        time.sleep(0.02)
    package = importlib.util.find_spec("pyspark").submodule_search_locations[0]
    startup = Path.home() / ".startup.py"
    startup.write_text(STARTUP.format(shell=f"{package}/shell.py"))
    os.environ["PYTHONSTARTUP"] = str(startup)
    python = subprocess.Popen(["python3", "-q"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is Python's
    threading.Thread(target=hang_up, args=(python,), daemon=True).start()
    code = python.wait()
    return code if code >= 0 else 128 - code


def hang_up(python):
    """A terminal does not tell its process that whoever opened it was killed."""
    while True:
        time.sleep(60)
        times = os.fstat(0)
        if time.time() - max(times.st_atime, times.st_mtime) > IDLE_SECONDS:
            print("\r\nended: nothing was typed or printed for four hours", flush=True)
            python.send_signal(signal.SIGHUP)


def greeted():
    """Wait for who attaches; whether anybody has."""
    return sys.stdin.buffer.readline() != b""


def script():
    if not greeted():
        return 0
    source = sys.stdin.buffer
    text = source.read(int(source.readline()))
    scope = {"__name__": "__main__", "spark": session()}
    try:
        exec(compile(text, "<stdin>", "exec"), scope)
    except Exception as error:
        traceback.print_exception(error.with_traceback(error.__traceback__.tb_next))  # without this frame
        return 1
    finally:
        scope["spark"].stop()
    return 0


def session():
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate()


def sql():
    # What libraries print goes to stderr; only answers go to stdout.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**what):
        answers.write(json.dumps(what, ensure_ascii=False) + "\n")
        answers.flush()

    import pyspark.sql.connect.session  # noqa: F401, takes a second, and is silent

    if not greeted():
        return 0
    spark = session()
    answer(ready=spark.catalog.currentDatabase())
    statements = queue.Queue()
    threading.Thread(target=listen, args=(spark, statements), daemon=True).start()
    database = spark.catalog.currentDatabase()
    while (statement := statements.get()) is not None:
        try:
            run(spark, statement, answer)
            if statement.split(None, 1)[0].lower() in ("use", "set", "drop"):
                database = spark.catalog.currentDatabase()
        except Exception as error:
            answer(error=str(error), **explained(error))
        else:
            answer(done=database)
    spark.stop()
    return 0


def listen(spark, statements):
    for line in sys.stdin:
        request = json.loads(line)
        if "sql" in request:
            statements.put(request["sql"])
        elif "cancel" in request:
            spark.interruptAll()
        else:
            break
    else:
        spark.interruptAll()  # nobody waits for what runs
    statements.put(None)


def run(spark, statement, answer):
    frame = spark.sql(statement)
    fields = frame.schema.fields
    columns = [[field.name, field.dataType.simpleString(), field.dataType.jsonValue()] for field in fields]
    if not fields:
        answer(columns=columns)
        return
    encoders = [encoder(field.dataType) for field in fields]
    if None in encoders:
        frame = frame.toDF(*(f"c{place}" for place in range(len(fields))))
        frame = frame.select([frame[f"c{at}"] if each else frame[f"c{at}"].cast("string") for at, each in enumerate(encoders)])
    encoders = [each or same for each in encoders]
    found = frame.toLocalIterator()
    rows = list(itertools.islice(found, BATCH_ROWS))  # what is wrong with the statement shows here, before there are columns
    answer(columns=columns)
    while rows:
        answer(rows=[[None if value is None else encode(value) for encode, value in zip(encoders, row, strict=True)] for row in rows])
        rows = list(itertools.islice(found, BATCH_ROWS))


def explained(error):
    found = {}
    for key, name in (("condition", "getCondition"), ("sqlstate", "getSqlState")):
        ask = getattr(error, name, None)
        found[key] = (ask() if ask else None) or None
    return found


def same(value):
    return value


def encoder(kind, nested=False):
    """How values of a type are written; None for what Spark itself shall write as text."""
    from pyspark.sql import types

    if isinstance(kind, (types.BooleanType, types.IntegralType, types.FloatType, types.DoubleType, types.StringType, types.NullType)):
        return same
    if isinstance(kind, types.DecimalType):
        return str
    if isinstance(kind, types.BinaryType):
        return lambda value: base64.b64encode(value).decode()
    if isinstance(kind, types.ArrayType):
        one = optional(kind.elementType)
        return lambda value: [one(item) for item in value]
    if isinstance(kind, types.MapType):
        key, item = optional(kind.keyType), optional(kind.valueType)
        return lambda value: [[key(k), item(v)] for k, v in value.items()]
    if isinstance(kind, types.StructType):
        fields = [optional(field.dataType) for field in kind.fields]
        return lambda value: [one(item) for one, item in zip(fields, value, strict=True)]
    return str if nested else None


def optional(kind):
    encode = encoder(kind, nested=True)
    return lambda value: None if value is None else encode(value)


sys.exit({"shell": shell, "script": script, "sql": sql}[sys.argv[1]]())
