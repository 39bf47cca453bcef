#!/usr/bin/env bash
# The heap that Trino's TPC-H generator (io.trino.tpch, behind the connector tpch) needs, at a ten-thousandth of the smallest scale.
#
# One would guess: the generator makes rows as they are asked for, so that tpch.tiny is a table to try a small server with.
# What happens: its first row of lineitem makes the whole pool of words that comments are cut from, one array of 300 MiB, whatever the scale,
# and also where no comment is asked for. It stays.
# Why it matters: a Trino with a heap of less than 1 GiB spends its time collecting garbage, or ends, by a query of 60,000 rows.
# Needs: Maven, and Java 17 or newer.
set -euo pipefail
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cd "$there"
for artifact in io.trino.tpch:tpch:1.2 com.google.guava:guava:33.4.8-jre com.google.guava:failureaccess:1.0.3; do
  mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy "-Dartifact=$artifact" -DoutputDirectory=jars
done
cat > Pool.java <<'END'
import io.trino.tpch.LineItemGenerator;

public class Pool {
    static long mebibytes() {
        System.gc();
        return (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 20;
    }

    public static void main(String[] arguments) {
        long before = mebibytes();
        var rows = new LineItemGenerator(0.0001, 1, 1).iterator();
        int count = 0;
        while (rows.hasNext()) {
            rows.next();
            count++;
        }
        long taken = mebibytes() - before;
        System.out.println("io.trino.tpch 1.2, scale 0.0001: " + count + " rows of lineitem, and " + taken + " MiB that stay in the heap");
        if (count != 586 || taken < 295 || taken > 310) {
            System.err.println("changed: what the generator keeps");
            System.exit(1);
        }
    }
}
END
java -Xmx1g -cp 'jars/*' Pool.java
