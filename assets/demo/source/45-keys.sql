-- Keys, indexes and triggers, after the rows because that is faster
CREATE INDEX conditions_sensor_time_idx ON conditions (sensor_id, "time" DESC);

ALTER TABLE conditions ADD CONSTRAINT conditions_sensor_id_fkey FOREIGN KEY (sensor_id) REFERENCES sensors;

ALTER TABLE fill_levels ADD CONSTRAINT fill_levels_key UNIQUE (sensor_id, "time");

CREATE TRIGGER round_level BEFORE INSERT OR UPDATE ON fill_levels
  FOR EACH ROW EXECUTE FUNCTION round_level();
