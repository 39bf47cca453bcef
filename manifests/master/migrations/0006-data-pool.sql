-- The data pool, as every Big Data Cluster had it: tables of the lake that external tables make and remove.
INSERT INTO polybase.sources (name, location) VALUES ('SqlDataPool', 'sqldatapool://controller-svc/default') ON CONFLICT DO NOTHING;
