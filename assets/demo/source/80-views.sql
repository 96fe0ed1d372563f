-- Views on continuous aggregates, a view on a view, a plain materialized view, a function
CREATE VIEW site_temperatures AS
SELECT s.site_id, d.day, avg(d.temperature) AS temperature
  FROM conditions_daily AS d JOIN sensors AS s USING (sensor_id)
 GROUP BY s.site_id, d.day;

CREATE VIEW hot_days AS
SELECT site_id, count(*) AS days FROM site_temperatures WHERE temperature > 17 GROUP BY site_id;

COMMENT ON VIEW hot_days IS 'Days above 17 °C';

CREATE MATERIALIZED VIEW warmest AS
SELECT sensor_id, max(temperature) AS temperature FROM conditions_hourly GROUP BY sensor_id WITH DATA;

CREATE UNIQUE INDEX warmest_sensor_id_idx ON warmest (sensor_id);

CREATE FUNCTION readings_of(wanted int) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT sum(readings) FROM public.conditions_daily WHERE sensor_id = wanted
$$;

-- Grants
GRANT SELECT ON conditions, conditions_hourly, hot_days TO reporting;

GRANT SELECT (site_id, name) ON sites TO PUBLIC;

GRANT SELECT, INSERT ON "Plant Ops"."Meter ""Readings"" °C" TO reporting WITH GRANT OPTION;

GRANT USAGE ON SEQUENCE ticket_seq TO reporting;

-- Statistics for the planner
ANALYZE;
