CREATE OR REPLACE FUNCTION predict(model bytea, dep_delay float8, distance float8) RETURNS float8
LANGUAGE plpython3u IMMUTABLE AS $$
import pickle
return pickle.loads(model).predict([[dep_delay, distance]])[0]
$$
