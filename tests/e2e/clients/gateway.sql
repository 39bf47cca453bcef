-- values and NULLs
SELECT * FROM facts ORDER BY id;
SELECT id, name FROM facts WHERE name IS NULL OR note IS NOT NULL ORDER BY id DESC LIMIT 7;
SELECT count(*), count(note), count(DISTINCT name), count(DISTINCT ok) FROM facts;
SELECT id, coalesce(note, '-'), nullif(id % 3, 0), coalesce(small, big, 0) FROM facts ORDER BY 1;
SELECT id, price IS NULL, ok IS TRUE, ok IS NOT TRUE, ok IS FALSE, NOT ok, ok IS UNKNOWN FROM facts ORDER BY id;
SELECT id, greatest(small, 5, id), least(price, 3.5), id IS DISTINCT FROM small FROM facts ORDER BY id;
-- numbers
SELECT id, id / 7, id % 7, -id, big + id, big * 2 - small, price * 3, price + 1.5, price - id FROM facts ORDER BY id;
SELECT id, price / 3, price / 0.7, 100 / price, big / 1.5 FROM facts WHERE price > 0 ORDER BY id;
SELECT sum(id), sum(small), sum(big), sum(price), avg(id), avg(price), avg(rate), avg(big), min(price), max(share) FROM facts;
SELECT id, rate * 2, rate / 3, rate + price, rate + id, share * 2 FROM facts WHERE rate IS NOT NULL ORDER BY id;
SELECT id, share = 1.25, share < 2.1, share > id, rate = 1.5, price = 2.50, price > 3 FROM facts ORDER BY id;
SELECT id, abs(price), floor(price), ceil(price), round(price, 1), round(price), sign(id - 3), abs(rate) FROM facts ORDER BY id;
SELECT id, price::int, price::numeric(12,1), id::bigint, small::double precision, id::text AS t, ok::int FROM facts WHERE id < 65 ORDER BY 1;
SELECT 1, 2.50, 1e3, 12345678901, 9223372036854775808, true, NULL, 'text', -7 / 2, -7 % 3, 7 / 2.0, 10 / 4 * 4 FROM facts WHERE id = 1;
SELECT id FROM facts WHERE price BETWEEN 5 AND 7.5 AND id NOT IN (4, 6) OR price = ANY ('{10,12.5}'::numeric[]) ORDER BY id;
SELECT id, rate > 5, rate < 5, rate = rate, rate <> share, share >= rate, rate BETWEEN 1 AND 5, nullif(rate, 'NaN') FROM facts ORDER BY rate, share DESC, id;
SELECT max(rate), min(rate), max(share), count(DISTINCT share) FROM facts;
-- strings
SELECT id, upper(name), lower(note), length(note), note || '|' || id, name || note FROM facts ORDER BY id;
SELECT id, trim(note), btrim(note, 'x'), ltrim(note), rtrim(note) || '|' FROM facts ORDER BY id;
SELECT id, substring(name from 2 for 3), substr(name, 4) AS s, left(name, 2), right(name, 3), position('e' in name) FROM facts ORDER BY id;
SELECT id, replace(name, 'a', 'bb'), split_part(name, ' ', 2), split_part(name, ' ', 9), reverse(name), md5(name) FROM facts ORDER BY id;
SELECT id, concat(name, '-', note), concat_ws('/', name, note, id), lpad(name, 8, '*'), rpad(name, 3), starts_with(name, 'name') FROM facts ORDER BY id;
SELECT id FROM facts WHERE name LIKE 'name _' OR name LIKE '100\% %' OR name ILIKE '%QUOTE%' ORDER BY id;
SELECT id, name NOT LIKE 'name 3', name LIKE '%\_', note LIKE '' FROM facts ORDER BY id;
SELECT name, min(note), max(note), string_agg(id::text, ',' ORDER BY id DESC) FROM facts GROUP BY name ORDER BY name;
SELECT id, code, code = 'a', code || '|', code < 'bb' FROM facts ORDER BY code, id;
SELECT DISTINCT note FROM facts ORDER BY note DESC;
-- times
SELECT id, day + 1, day - 1, day - date '2026-01-01', day > '2026-02-10', day + interval '1 month' FROM facts ORDER BY id;
SELECT id, seen + interval '2 days', seen - interval '90 minutes', seen < '2026-02-01 12:00', seen::date, day::timestamp FROM facts ORDER BY id;
SELECT id, extract(year from day), extract(month from seen), extract(dow from day), extract(doy from day), extract(week from day), extract(isodow from day), extract(hour from seen), date_part('day', day) AS d FROM facts ORDER BY id;
SELECT date_trunc('month', seen) AS month, count(*), max(day) FROM facts GROUP BY month ORDER BY month;
SELECT id, zoned, zoned > '2026-03-29 03:00:00+00', date_trunc('day', zoned), extract(hour from zoned), zoned::date, zoned::timestamp, seen::timestamptz, zoned > seen, zoned < day FROM facts ORDER BY id;
SELECT id, extract(epoch from seen), extract(quarter from day), day::text FROM facts ORDER BY id;
-- grouping
SELECT ok, count(*), sum(price), avg(price), min(day), max(seen), bool_and(id > 3), bool_or(id > 60) FROM facts GROUP BY ok ORDER BY ok;
SELECT ok, code, sum(id) FROM facts GROUP BY ROLLUP (ok, code) ORDER BY 1, 2, 3;
SELECT name, ok, sum(id), grouping(name) FROM facts GROUP BY GROUPING SETS ((name), (ok), ()) ORDER BY 1 NULLS FIRST, 2, 3;
SELECT id % 3 AS rest, avg(id), avg(price) FILTER (WHERE ok) FROM facts GROUP BY rest HAVING count(*) > 3 ORDER BY rest;
SELECT array_agg(id ORDER BY id DESC), array_agg(DISTINCT ok ORDER BY ok) FROM facts WHERE id < 9;
SELECT stddev(rate), var_pop(rate), corr(rate, share::double precision) FROM facts WHERE id < 5;
-- windows, common table expressions, set operations, subqueries, joins
SELECT id, row_number() OVER (ORDER BY name DESC, id), rank() OVER w, dense_rank() OVER w, sum(id) OVER (PARTITION BY ok ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM facts WINDOW w AS (ORDER BY name) ORDER BY id;
SELECT id, lag(id) OVER o, lead(price, 2, 0) OVER o, first_value(name) OVER o, ntile(4) OVER o, avg(id) OVER (PARTITION BY ok) FROM facts WINDOW o AS (ORDER BY id) ORDER BY id;
WITH big AS (SELECT name, sum(price) AS total FROM facts GROUP BY name), few (name) AS (SELECT DISTINCT name FROM facts WHERE id < 4) SELECT * FROM big JOIN few USING (name) ORDER BY name;
SELECT id FROM facts WHERE id < 4 UNION SELECT small FROM facts WHERE id < 3 UNION ALL SELECT 7 ORDER BY id;
SELECT name FROM facts WHERE id < 30 EXCEPT SELECT name FROM facts WHERE id < 4 ORDER BY 1;
SELECT a.id, b.id FROM facts a LEFT JOIN facts b ON b.id = a.id + 60 WHERE a.id < 7 ORDER BY 1, 2;
SELECT a.id FROM facts a WHERE EXISTS (SELECT FROM facts b WHERE b.id = a.id + 1 AND b.ok) AND a.id IN (SELECT small FROM facts) ORDER BY 1;
SELECT id, (SELECT max(b.id) FROM facts b WHERE b.name = a.name) FROM facts a WHERE price > (SELECT avg(price) FROM facts) / 1000 ORDER BY 1;
SELECT v.n, f.id FROM (VALUES (1, 'one'), (2, 'two'), (99, NULL)) AS v (k, n) LEFT JOIN facts f ON f.id = v.k ORDER BY v.k;
SELECT x.id, l.n FROM facts x CROSS JOIN LATERAL (SELECT x.id * 2 AS n) l WHERE x.id < 4 ORDER BY 1;
SELECT CASE id % 3 WHEN 0 THEN 'zero' WHEN 1 THEN name ELSE NULL END, CASE WHEN ok THEN price ELSE id END FROM facts ORDER BY 2, 1;
SELECT id FROM facts ORDER BY ok DESC, note, id OFFSET 3 LIMIT 4;
SELECT current_user, id FROM facts WHERE name = 'name 1' AND current_date > day - 100000 ORDER BY id LIMIT 1;
-- what tools put into their statements: percentiles, regular expressions, formats, bins; arrays, names of columns
SELECT id, trunc(price), trunc(rate), trunc(share), trunc(id), trunc(price, 1), trunc(-price, 0), trunc(price, -1), trunc(id / 7.0, 2), floor(share), ceil(share) FROM facts WHERE id < 60 ORDER BY id;
SELECT id, CAST(trunc(extract(year FROM day)) AS integer), trunc(extract(epoch FROM seen)) FROM facts WHERE id < 9 ORDER BY id;
SELECT id, name ~ '^name [1-3]$', name ~* 'NAME', name !~ '\d', name !~* 'ä', note ~ 'x{2,}', note ~ '(^| )x', name ~ '[''%]', note ~ '^$', name ~ 'e.+1' FROM facts ORDER BY id;
SELECT id, regexp_replace(name, '[0-9]+', '<\&>'), regexp_replace(name, '([a-z])([0-9 ])', '\2\1', 'g'), regexp_replace(note, 'x', '', 'g'), regexp_replace(name, 'A', '$1\\', 'i'), regexp_replace(name, '^n', '0') FROM facts ORDER BY id;
SELECT id, substring(name from '[0-9]'), substring(name from 'm(.) '), substring(note, '^x+') FROM facts ORDER BY id;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price), percentile_disc(0.25) WITHIN GROUP (ORDER BY price), percentile_cont(0.9) WITHIN GROUP (ORDER BY id DESC), percentile_disc(0) WITHIN GROUP (ORDER BY name), percentile_cont(ARRAY[0.1, 0.33]) WITHIN GROUP (ORDER BY id), percentile_disc(1) WITHIN GROUP (ORDER BY rate), percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) FILTER (WHERE id < 30) FROM facts;
SELECT name, percentile_cont(0.75) WITHIN GROUP (ORDER BY share), percentile_disc(0.5) WITHIN GROUP (ORDER BY day) FROM facts WHERE id < 64 GROUP BY name ORDER BY name;
SELECT id, to_char(seen, 'YYYY-MM-DD HH24:MI:SS.MS'), to_char(day, 'Day, DD FMMonth YYYY'), to_char(seen, 'Dy DY dy Mon MON mon FMDay'), to_char(zoned, 'HH12:MI am FMHH24 Q DDD D ID IW IYYY YY'), to_char(day, '"day" FMDD "of" FMMM') FROM facts ORDER BY id;
SELECT id, to_date(day::text, 'YYYY-MM-DD'), to_timestamp(to_char(seen, 'YYYYMMDD HH24MISS.MS'), 'YYYYMMDD HH24MISS.MS'), to_timestamp(id * 1.5), to_timestamp(rate * 1e8), to_timestamp(id) FROM facts WHERE id < 61 ORDER BY id;
SELECT id, date_bin('15 minutes', seen, '2026-02-01'), date_bin('2 days', zoned, timestamptz '2026-04-01 00:00:00+00'), date_bin(interval '1 hour 30 minutes', seen, timestamp '2030-01-01 00:10:00') FROM facts WHERE id < 61 ORDER BY id;
SELECT id, width_bucket(price, 0, 30, 7), width_bucket(rate, 0.0, 5, 3), width_bucket(id, 1, 60, 10), width_bucket(price, 40.5, 1.25, 6), width_bucket(rate, 5, 1, 4), width_bucket(share, 1, 10, 9) FROM facts WHERE id < 64 ORDER BY id;
SELECT id FROM facts WHERE id = ANY (SELECT small FROM facts) AND 'x' <> ALL (ARRAY[name, note]) ORDER BY id;
SELECT a.n, 2 = ANY (a.ids), 3 < ALL (a.ids), a.n = ANY (a.names) FROM (SELECT id % 3 AS k, min(name) AS n, array_agg(id ORDER BY id) AS ids, array_agg(name ORDER BY id) AS names FROM facts WHERE id < 20 GROUP BY id % 3) a ORDER BY a.k;
SELECT current_user, session_user, user, now() > '2020-01-01', substr(name, 2), char_length(name), ceiling(price), variance(rate) FROM facts WHERE id = 1 GROUP BY name, price;
SELECT stddev(id), variance(price), stddev_pop(big), var_pop(small), stddev_samp(price) FILTER (WHERE ok), var_samp(id) FILTER (WHERE id < 0), stddev(price * 3) FROM facts;
SELECT name, stddev(price), var_pop(price), stddev_pop(id), variance(big) FROM facts GROUP BY name ORDER BY name;
