SELECT add_retention_policy('"Odd Jobs"."read ings"', drop_after => INTERVAL '400 days', schedule_interval => INTERVAL '3 days', initial_start => '2024-03-01 02:00+00', timezone => 'Europe/Berlin');
SELECT add_compression_policy('"Odd Jobs"."read ings"', compress_after => INTERVAL '7 days 03:00');
SELECT alter_job(job_id, config => config || '{"maxchunks_to_compress": 3, "verbose_log": true}') FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression';
SELECT add_reorder_policy('"Odd Jobs"."read ings"', 'by Device');
SELECT add_retention_policy('"Odd Jobs".ticks', drop_after => 4000);
SELECT add_continuous_aggregate_policy('"Odd Jobs".hourly', start_offset => INTERVAL '20 days', end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '30 minutes', initial_start => '2024-03-31 00:30+00', timezone => 'Europe/Berlin');
SELECT add_continuous_aggregate_policy('"Odd Jobs".by_ten', start_offset => NULL::int, end_offset => 10, schedule_interval => INTERVAL '1 month');
SELECT add_compression_policy('"Odd Jobs".hourly', compress_after => INTERVAL '30 days');
SELECT add_retention_policy('"Odd Jobs".hourly', drop_after => INTERVAL '5 years');
SELECT add_job('"Odd Jobs"."do It"(int, jsonb)'::regprocedure, INTERVAL '1 month', config => '{"to": ["a b"], "mat_hypertable_id": 7}', initial_start => '2024-01-31 00:00+00', check_config => '"Odd Jobs"."is Fine"(jsonb)'::regprocedure, timezone => 'Asia/Kathmandu');
SELECT add_job('"Odd Jobs"."do It"(int, jsonb)'::regprocedure, INTERVAL '5 minutes', scheduled => false, fixed_schedule => false);
SELECT alter_job(job_id, max_runtime => INTERVAL '10 minutes', max_retries => 7, retry_period => INTERVAL '00:01:30') FROM timescaledb_information.jobs WHERE proc_name = 'do It' AND NOT scheduled
