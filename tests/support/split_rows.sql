-- What only the source has; a blank line ends a statement.
INSERT INTO plain SELECT g, CASE WHEN g % 7 = 0 THEN NULL ELSE E'tab\tnew\nline \\ ' || g END, '2024-01-01'::timestamptz + g * interval '1 minute', g / 7.0, CASE WHEN g % 50 = 0 THEN 'NaN' ELSE sqrt(g) END, decode(repeat(lpad(to_hex(g % 256), 2, '0'), 20), 'hex'), jsonb_build_object('n', g, 'u', 'ä€') FROM generate_series(1, 5000) g

INSERT INTO kinds SELECT g, 'it''s high', ARRAY['low', NULL]::mood[], (g, 'a,"b', 'low')::place, ARRAY[(g, NULL, NULL)::place], 'plain'::regclass, ARRAY['int4'::regtype, 'mood'::regtype], g, g * interval '1 day 2.5 s', int4range(g, g + 5), 'x', 'näme', B'10101', B'101', '10.0.0.1/8', '00000000-0000-0000-0000-000000000001', '$.a[*] ? (@ > 1)', ARRAY[[1, 2], [3, g]], 'ab', 12.34 FROM generate_series(1, 100) g

INSERT INTO generated (w, h) SELECT g, g + 1 FROM generate_series(1, 500) g

INSERT INTO all_generated SELECT FROM generate_series(1, 5)

INSERT INTO nothing SELECT FROM generate_series(1, 12)

INSERT INTO base SELECT g, 'base' FROM generate_series(1, 20) g

INSERT INTO derived SELECT g, 'derived', g FROM generate_series(21, 50) g

INSERT INTO parts SELECT g, date '2023-01-01' + g FROM generate_series(1, 1000) g

INSERT INTO cache SELECT 'k' || g, '\x00ff' FROM generate_series(1, 200) g

INSERT INTO files SELECT 'file ' || g, lo_from_bytea(0, decode(repeat(lpad(to_hex(g), 2, '0'), CASE g WHEN 7 THEN 2500000 ELSE g * 100 END), 'hex')) FROM generate_series(0, 20) g

INSERT INTO "Odd Schema"."select ""x"" %s :y ünï" VALUES (1, '\.', '%s'), (2, NULL, ''), (3, '\N', E'\\')

INSERT INTO metrics SELECT t, d, d + extract(epoch FROM t)::bigint % 1000, CASE WHEN d % 3 = 0 THEN 'n' || d END FROM generate_series('2024-03-01 00:00+00'::timestamptz, '2024-03-11 00:00+00', '5 minutes') t, generate_series(1, 4) d

INSERT INTO spread ("Time", dev, n) SELECT g, 'd' || g % 11, g FROM generate_series(0, 9999) g

INSERT INTO docs SELECT jsonb_build_object('at', 1706745600 + g * 86400, 'v', g) FROM generate_series(1, 100) g

INSERT INTO days SELECT date '2024-01-01' + g % 100, g FROM generate_series(1, 2000) g

SELECT count(compress_chunk(c)) FROM show_chunks('metrics', older_than => '2024-03-05 00:00+00'::timestamptz) c

INSERT INTO metrics SELECT '2024-03-02 00:00:30+00', d, d FROM generate_series(1, 4) d

SELECT set_chunk_time_interval('days', interval '3 days')

INSERT INTO days SELECT date '2024-06-01' + g % 20, g FROM generate_series(1, 200) g
