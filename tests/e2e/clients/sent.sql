-- Queries of the table {0}, by test_external.py: joins, groups, orders in all forms in which the master sends them.
SELECT a.id, b.name FROM {0} a LEFT JOIN {0} b ON a.id = b.small AND b.id < 9 WHERE a.id < 20
SELECT a.id, b.name FROM {0} a RIGHT JOIN {0} b ON a.id = b.small AND b.id < 9 WHERE b.id < 20
SELECT a.id, b.id FROM (SELECT * FROM {0} WHERE id < 9) a FULL JOIN (SELECT * FROM {0} WHERE id > 5) b ON a.id = b.id
SELECT a.id, b.id, c.id FROM {0} a JOIN {0} b USING (id) JOIN {0} c ON c.id = b.small WHERE a.price > 3
SELECT a.id FROM {0} a WHERE EXISTS (SELECT 1 FROM {0} b WHERE b.small = a.id AND b.ok)
SELECT a.id FROM {0} a WHERE NOT EXISTS (SELECT 1 FROM {0} b WHERE b.small = a.id AND b.ok)
SELECT a.id FROM {0} a WHERE a.id IN (SELECT small FROM {0} WHERE price > 10)
SELECT a.id FROM {0} a WHERE a.id NOT IN (SELECT small FROM {0} WHERE price > 10 AND small IS NOT NULL)
SELECT a FROM {0} a WHERE id = 3
SELECT a, b.id FROM {0} a JOIN {0} b ON a.id = b.id WHERE a.id < 3
SELECT a, b FROM {0} a LEFT JOIN {0} b ON a.id = b.id AND b.id < 2 WHERE a.id < 3
SELECT count(a), count(DISTINCT b.id) FROM {0} a LEFT JOIN {0} b ON a.id = b.id AND b.id < 2
SELECT a.*, b.* FROM {0} a JOIN {0} b ON a.id = b.id AND a.id = 4
SELECT count(*) FROM {0} a, {0} b WHERE a.id < 4 AND b.id < 5
SELECT a.id, (SELECT max(price) FROM {0} b WHERE b.id < a.id) FROM {0} a WHERE a.id < 6
SELECT small, count(*) FROM {0} GROUP BY small HAVING count(*) > 0 AND sum(price) > 20 ORDER BY count(*) DESC, small NULLS FIRST LIMIT 5 OFFSET 2
SELECT a.small, sum(b.price) FROM {0} a JOIN {0} b ON a.id = b.id GROUP BY a.small ORDER BY 2 DESC NULLS LAST LIMIT 4
SELECT DISTINCT ok FROM {0}
SELECT DISTINCT ON (ok) ok, id FROM {0} ORDER BY ok, id
SELECT ok, count(*) FROM {0} GROUP BY ROLLUP (ok)
SELECT id, row_number() OVER (PARTITION BY ok ORDER BY price) FROM {0} WHERE id < 10
SELECT string_agg(name, ',' ORDER BY id DESC) FROM {0} WHERE id < 5
SELECT array_agg(id ORDER BY price DESC NULLS LAST) FROM {0} WHERE id < 5
SELECT count(DISTINCT name), count(DISTINCT ok), sum(DISTINCT small) FROM {0}
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM {0}
SELECT mode() WITHIN GROUP (ORDER BY ok) FROM {0}
SELECT avg(price), stddev(rate), variance(price), corr(rate, share), regr_slope(rate, share) FROM {0} WHERE id < 50
SELECT sum(price) FILTER (WHERE ok), max(note) FILTER (WHERE id < 10) FROM {0}
SELECT bool_and(ok), bool_or(ok), bit_and(id), every(ok) FROM {0} WHERE id < 9
SELECT min(day), max(seen), min(zoned), max(name), min(code), max(mark::text), max(rate), min(share) FROM {0}
SELECT id FROM {0} UNION SELECT small FROM {0} ORDER BY 1 LIMIT 5
SELECT id FROM {0} EXCEPT SELECT small FROM {0}
WITH x AS MATERIALIZED (SELECT * FROM {0} WHERE id < 9) SELECT a.id FROM x a JOIN x b ON a.id = b.small
SELECT name, id FROM {0} ORDER BY name COLLATE "C", id LIMIT 3
SELECT name, id FROM {0} ORDER BY name DESC NULLS LAST, code, id LIMIT 3
SELECT lower(name) AS n, count(*) FROM {0} GROUP BY lower(name) ORDER BY 1
SELECT id FROM {0} ORDER BY rate, id
SELECT id FROM {0} ORDER BY share DESC, id
SELECT 1 FROM {0} WHERE id < 3
SELECT FROM {0} WHERE id < 3
SELECT coalesce(a.name, 'none'), b.id FROM {0} a LEFT JOIN {0} b ON b.id = a.id AND b.ok ORDER BY 2, 1
SELECT a.id FROM {0} a LEFT JOIN {0} b ON b.id = a.small + 100 WHERE b.id IS NULL ORDER BY 1
SELECT x.id, l.m FROM {0} x CROSS JOIN LATERAL (SELECT max(id) AS m FROM {0} y WHERE y.small < x.small) l WHERE x.id < 5
SELECT a.id, b.id FROM {0} a JOIN {0} b ON a.price < b.price AND b.id < 4 WHERE a.id < 9
SELECT a.id, b.id FROM {0} a JOIN {0} b ON a.name = b.name AND a.note IS NOT DISTINCT FROM b.note WHERE a.id < 4
SELECT a.id FROM {0} a JOIN {0} b ON a.name ~ b.code WHERE b.id < 4
SELECT a.id, m.id FROM {0} a LEFT JOIN public.facts m ON m.id = a.id AND m.ok WHERE a.id < 4
SELECT count(*) FROM {0} a JOIN {0} b ON a.id = b.id JOIN {0} c ON c.id = b.id JOIN {0} d ON d.id = c.id LEFT JOIN {0} e ON e.id = d.small
SELECT count(*) FROM ({0} a LEFT JOIN {0} b ON a.id = b.small) JOIN ({0} c LEFT JOIN {0} d ON c.id = d.small) ON a.id = c.id
SELECT id, tableoid::regclass IS NOT NULL FROM {0} WHERE id < 3
