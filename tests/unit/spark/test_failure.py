"""Causes found in logs as Spark 4.2 and Python 3.13 write them."""

from __future__ import annotations

from typing import Any

import pytest

from bdc.spark.following.failure import explain
from tests.unit.spark.conftest import pod

EXITED = pod(state={"terminated": {"exitCode": 1, "reason": "Error"}}, phase="Failed")

PYTHON = """\
hello
Traceback (most recent call last):
  File "/tmp/spark-2f0c/etl.py", line 41, in <module>
    main()
  File "/tmp/spark-2f0c/etl.py", line 12, in main
    print(1 // 0)
          ~~^^~~
ZeroDivisionError: integer division or modulo by zero
10:00:12 WARN ShutdownHookManager: something
"""

UDF = """\
10:00:10 WARN TaskSetManager: Lost task 0.0 in stage 2.0 (TID 3) (10.244.0.8 executor 1): org.apache.spark.api.python.PythonException: \
Traceback (most recent call last):
  File "/opt/spark/work-dir/pyspark.zip/pyspark/worker.py", line 1990, in main
    process()
  File "/tmp/spark-2f0c/etl.py", line 9, in halve
ZeroDivisionError: division by zero

10:00:11 ERROR TaskSetManager: Task 0 in stage 2.0 failed 4 times; aborting job
Traceback (most recent call last):
  File "/tmp/spark-2f0c/etl.py", line 15, in <module>
    frame.count()
  File "/usr/local/lib/python3.13/dist-packages/pyspark/sql/classic/dataframe.py", line 430, in count
    return int(self._jdf.count())
  File "/usr/local/lib/python3.13/dist-packages/pyspark/errors/exceptions/captured.py", line 269, in deco
    raise converted from None
pyspark.errors.exceptions.captured.PythonException:\x20
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/opt/spark/work-dir/pyspark.zip/pyspark/worker.py", line 1990, in main
    process()
  File "/tmp/spark-2f0c/etl.py", line 9, in halve
    return x / 0
ZeroDivisionError: division by zero
"""

ANALYSIS = """\
Traceback (most recent call last):
  File "/tmp/spark-2f0c/flights.py", line 22, in <module>
    spark.table("demo.nothing").show()
  File "/usr/local/lib/python3.13/dist-packages/pyspark/errors/exceptions/captured.py", line 269, in deco
    raise converted from None
pyspark.errors.exceptions.captured.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `demo`.`nothing` cannot be found.
To tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS. SQLSTATE: 42P01
"""

PY4J = """\
Traceback (most recent call last):
  File "/tmp/spark-2f0c/etl.py", line 7, in <module>
    frame.write.save("/data/out")
  File "/usr/local/lib/python3.13/dist-packages/py4j/protocol.py", line 327, in get_return_value
    raise Py4JJavaError(
py4j.protocol.Py4JJavaError: An error occurred while calling o55.save.
: org.apache.spark.SparkException: Job aborted.
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.jobAbortedError(QueryExecutionErrors.scala:638)
Caused by: java.io.IOException: wrapped
\tat a.b.C.d(C.java:1)
Caused by: org.apache.hadoop.security.AccessControlException: Permission denied: user=bdc, access=WRITE, inode="/":hdfs:hdfs:drwxr-xr-x
\tat org.apache.hadoop.hdfs.server.namenode.FSPermissionChecker.check(FSPermissionChecker.java:506)
\t... 12 more
"""

JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: cannot start
\tat org.example.Main.main(Main.java:5)
Caused by: java.sql.SQLException: no suitable driver
\t... 1 more
"""

NO_FILE = """\
Exception in thread "main" java.io.FileNotFoundException: File does not exist: hdfs://bdc/apps/missing.py
\tat org.apache.hadoop.hdfs.DistributedFileSystem$29.doCall(DistributedFileSystem.java:1831)
"""

LOST = """\
10:00:10 ERROR TaskSchedulerImpl: Lost executor 1
Exception in thread "main" org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, \
most recent failure: Lost task 0.3 in stage 1.0 (TID 7) (10.244.0.9 executor 4): ExecutorLostFailure (executor 4 exited caused by \
one of the running tasks) Reason: The executor with id 4 exited with exit code 137(SIGKILL, possible container OOM).
"""


def lines(text: str) -> list[str]:
    return text.splitlines()


@pytest.mark.parametrize(
    ("log", "what", "where"),
    [
        (PYTHON, "ZeroDivisionError: integer division or modulo by zero", "etl.py:12"),
        (UDF, "ZeroDivisionError: division by zero", "etl.py:9"),
        (ANALYSIS, "AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `demo`.`nothing` cannot be found.", "flights.py:22"),
        (PY4J, 'AccessControlException: Permission denied: user=bdc, access=WRITE, inode="/":hdfs:hdfs:drwxr-xr-x', "etl.py:7"),
        (JAVA, "SQLException: no suitable driver", None),
        (NO_FILE, "no such file: hdfs://bdc/apps/missing.py", None),
        ("Error: Failed to load class org.example.Main.\n", "no such class: org.example.Main", None),
        ("Exception in thread \"main\" java.lang.ClassNotFoundException: org.x.Y\n", "no such class: org.x.Y", None),
        ("python3: can't open file '/tmp/x/etl.py': [Errno 2] No such file or directory\n", "no such file: /tmp/x/etl.py", None),
    ],
)  # fmt: skip
def test_causes_in_logs(log: str, what: str, where: str | None) -> None:
    cause = explain(lines(log), EXITED)
    assert (cause.what, cause.where) == (what, where)


def test_a_missing_module_has_a_remedy() -> None:
    log = "Traceback (most recent call last):\n  File \"/tmp/a/etl.py\", line 1, in <module>\nModuleNotFoundError: No module named 'lib'\n"
    cause = explain(lines(log), EXITED)
    assert cause.what == "no such Python module: lib"
    assert "--py-files" in str(cause.hint)


def test_permission_has_a_remedy() -> None:
    assert "bdc hdfs ch" in str(explain(lines(PY4J), EXITED).hint)


def test_a_lost_executor() -> None:
    cause = explain(lines(LOST), EXITED)
    assert cause.what.startswith("executor 4 was lost: The executor with id 4 exited with exit code 137")
    assert "--executor-memory" in str(cause.hint)


def test_oom_of_the_driver_comes_before_its_log() -> None:
    killed = pod(state={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})
    cause = explain(lines(PYTHON), killed)
    assert cause.what == "the driver was killed because it used more than its 896Mi of memory"
    assert "--driver-memory" in str(cause.hint)


def test_oom_of_an_executor_is_said_only_when_kubernetes_says_so() -> None:
    executor: dict[str, Any] = {
        "metadata": {"labels": {"spark-exec-id": "4"}},
        "spec": {"containers": [{"name": "spark-kubernetes-executor", "resources": {"limits": {"memory": "896Mi"}}}]},
        "status": {
            "phase": "Succeeded",
            "containerStatuses": [{"name": "spark-kubernetes-executor", "state": {"terminated": {"exitCode": 0, "reason": "OOMKilled"}}}],
        },
    }
    assert explain(lines(LOST), EXITED, [executor]).what == "executor 4 was killed because it used more than its 896Mi of memory"


@pytest.mark.parametrize(
    ("broken", "said", "hint"),
    [
        (
            pod(
                conditions=[
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "message": "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available.",
                    }
                ]
            ),
            "no node takes the driver: 0/3 nodes are available: 3 Insufficient memory",
            "--driver-memory",
        ),
        (
            pod(state={"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "bdc.local/spark:abc"'}}),
            'the image bdc.local/spark:abc can\'t be pulled: Back-off pulling image "bdc.local/spark:abc"',
            "bdc doctor",
        ),
        (
            pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
            "the driver's pod was removed from its node: The node was low on resource: memory.",
            "again",
        ),
        (
            pod(state={"waiting": {"reason": "CreateContainerConfigError", "message": 'configmap "spark-conf" not found'}}),
            "the driver's container can't start: configmap \"spark-conf\" not found",
            "bdc doctor",
        ),
    ],
)
def test_causes_in_pods(broken: dict[str, Any], said: str, hint: str) -> None:
    cause = explain([], broken)
    assert cause.what == said
    assert hint in str(cause.hint)


def test_a_heap_that_is_full_has_a_remedy() -> None:
    cause = explain(["Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space"], EXITED)  # fmt: skip
    assert cause.what == "OutOfMemoryError: Java heap space"
    assert "--driver-memory" in str(cause.hint)


def test_the_bare_exit_code_is_the_last_resort() -> None:
    assert explain(["so long", ""], EXITED).what == "the driver ended with exit code 1; its last line: so long"
    assert explain([], EXITED).what == "the driver ended with exit code 1 and printed nothing"
    assert explain([], pod(state={"terminated": {"exitCode": 143}})).what == "the driver was ended by signal 15"
    assert "pod is gone" in explain([], None).what
