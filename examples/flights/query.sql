SELECT a.carrier, a.name, count(*) AS flights, round(avg(CAST(f.arr_delay AS double)), 4) AS mean_delay
FROM lake.demo.flights f
JOIN master.public.airlines a ON a.carrier = f.carrier
GROUP BY a.carrier, a.name
ORDER BY mean_delay DESC
