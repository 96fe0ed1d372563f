-- Policies of every kind
SELECT add_continuous_aggregate_policy('conditions_hourly',
  start_offset => interval '3 days', end_offset => interval '1 hour', schedule_interval => interval '20 minutes');

SELECT add_continuous_aggregate_policy('conditions_daily',
  start_offset => interval '1 month', end_offset => NULL, schedule_interval => interval '1 day',
  initial_start => timestamptz '2026-03-01 02:30+00', timezone => 'Europe/Stockholm');

SELECT add_continuous_aggregate_policy('events_hourly',
  start_offset => 864000, end_offset => 3600, schedule_interval => interval '2 hours');

SELECT add_compression_policy('conditions', compress_after => interval '14 days', schedule_interval => interval '6 hours');

SELECT add_compression_policy('conditions_hourly', compress_after => interval '60 days');

SELECT add_retention_policy('fill_levels', drop_after => interval '10 years');

SELECT add_retention_policy('events', drop_after => bigint '315360000', schedule_interval => interval '1 week');

SELECT add_reorder_policy('fill_levels', 'fill_levels_key');

-- Actions of the user's own, one of them not scheduled
SELECT add_job('count_events', interval '1 hour 30 minutes', config => '{"limit": 10, "note": "it''s ours"}',
  initial_start => timestamptz '2026-02-01 00:15+00', timezone => 'UTC');

SELECT alter_job(
  add_job('count_events', interval '1 day', fixed_schedule => false),
  scheduled => false, max_runtime => interval '10 minutes', max_retries => 3, retry_period => interval '2 minutes');
